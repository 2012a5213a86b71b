//! One run of a core module.

use troupe_abi::{Job, RUN, first_state};
use troupe_chain::{Abort, Accepted, Context, Fuel, Outcome, Rejection, Step};
use wasmtime::{InstancePre, Store};

use crate::WasmComponent;
use crate::host::{Host, Phase};
use crate::line::Line;
use crate::run::{step_of, store_of};
use crate::trap::{Stopped, classify};

/// Begins a job: its state is the configuration.
pub(crate) fn begin(actor: &WasmComponent, config: Option<&[u8]>) -> Step {
    kept(actor, config)
}

/// Carries over a state of other code: as it is.
pub(crate) fn carry_over(actor: &WasmComponent, state: &[u8]) -> Step {
    kept(actor, Some(state))
}

fn kept(actor: &WasmComponent, state: Option<&[u8]>) -> Step {
    let outcome = first_state(state, actor.limits.state);
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
    let outcome = match ran.and_then(|code| conclude(store.data_mut(), code)) {
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

fn conclude(host: &mut Host, returned: i64) -> Result<Accepted, Stopped> {
    let (state, reply) = std::mem::take(&mut host.job).conclude(returned).map_err(Stopped::Failed)?;
    Ok(Accepted { state, reply, effects: std::mem::take(&mut host.effects) })
}
