//! One run of a core module.

use troupe_chain::{Abort, Accepted, Context, Failed, FailureCode, Fuel, Outcome, Rejection, Step};
use wasmtime::{InstancePre, Store};

use super::RUN;
use crate::WasmComponent;
use crate::abi::job::Job;
use crate::host::{Host, Phase};
use crate::line::Line;
use crate::run::{check_size, refused, step_of, store_of};
use crate::trap::{Stopped, classify};

/// The state of a job that was given no configuration.
const FIRST: &[u8] = b"null";

/// Begins a job: its state is the configuration.
pub(crate) fn begin(actor: &WasmComponent, config: Option<&[u8]>) -> Step {
    kept(actor, config.unwrap_or(FIRST))
}

/// Carries over a state of other code: as it is.
pub(crate) fn carry_over(actor: &WasmComponent, state: &[u8]) -> Step {
    kept(actor, state)
}

fn kept(actor: &WasmComponent, state: &[u8]) -> Step {
    let size = state.len() as u64;
    let outcome = if size > actor.limits.state {
        let detail = format!("{size} bytes, the limit is {}", actor.limits.state);
        Outcome::Failed(Failed { code: FailureCode::TooLargeState, detail })
    } else {
        Outcome::Accepted(Accepted { state: state.to_vec(), reply: None, effects: Vec::new() })
    };
    Step { outcome, fuel: Fuel(0), calls: Vec::new(), log: Vec::new() }
}

/// Runs a module on one message.
///
/// # Errors
/// [`Abort`] if there is no outcome.
pub(crate) fn run(
    actor: &WasmComponent,
    pre: &InstancePre<Host>,
    context: &Context,
    line: Option<Line>,
    message: &[u8],
    state: &[u8],
) -> Result<Step, Abort> {
    let limits = &actor.limits;
    let mut store = store_of(actor, context, line)?;
    if message.len() as u64 > limits.message {
        let reason = format!("the message has {} bytes, the limit is {}", message.len(), limits.message);
        return Ok(step_of(actor, store, Outcome::Rejected(Rejection { reason })));
    }
    store.data_mut().job = Job::new(message, state, limits.reply, limits.state);
    let ran = call(pre, &mut store)
        .map_err(|error| classify(&error, store.data(), actor.sandbox.deadline_ms(limits.time())));
    let outcome = match ran.and_then(|code| conclude(actor, store.data_mut(), code, state)) {
        Ok(accepted) => Outcome::Accepted(accepted),
        Err(Stopped::Failed(failed)) => Outcome::Failed(failed),
        Err(Stopped::Abort(abort)) => return Err(abort),
    };
    Ok(step_of(actor, store, outcome))
}

fn call(pre: &InstancePre<Host>, store: &mut Store<Host>) -> wasmtime::Result<i64> {
    store.data_mut().phase = Phase::Instantiate;
    let instance = pre.instantiate(&mut *store)?;
    let run = instance.get_typed_func::<(), i64>(&mut *store, RUN)?;
    store.data_mut().phase = Phase::Handle;
    run.call(store, ())
}

fn conclude(actor: &WasmComponent, host: &mut Host, code: i64, before: &[u8]) -> Result<Accepted, Stopped> {
    if code < 0 {
        return Err(refused(format!("`{RUN}` returned {code}")));
    }
    let job = std::mem::take(&mut host.job);
    let state = job.next.unwrap_or_else(|| before.to_vec());
    check_size(state.len(), actor.limits.state, FailureCode::TooLargeState)?;
    let reply = (!job.output.is_empty()).then_some(job.output);
    Ok(Accepted { state, reply, effects: std::mem::take(&mut host.effects) })
}
