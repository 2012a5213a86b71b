//! One job, run on a chain of its own, which whoever doubts the receipt replays.
//!
//! Invariant: a job has one chain on a node, under a name made of the job's and the executor's ids, and one entry there
//! for its input. What is there already is not run again.

use bytes::Bytes;
use troupe_chain::{Body, Code, Entry, FailureCode, Fork, Genesis, Hash, Sender, Supervision, Text};
use troupe_commons::Id;
use troupe_commons::jobs::{JobResult, JobSpec};
use troupe_runtime::{Actor, NewActor, SendError};
use troupe_store::StoreError;

use super::fit::{self, Unfit};
use crate::host::Host;

/// A job that was awarded.
#[derive(Debug, Clone)]
pub struct Award {
    /// The job.
    pub job: Id,
    /// Who runs it.
    pub executor: Id,
    /// What is to be run.
    pub spec: JobSpec,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// An output or a failure: anybody who replays it comes to the same.
    Came(JobResult),
    /// No outcome, and why: nobody could replay that.
    GaveUp(String),
    /// Not now: the node is stopping, or its disk is full.
    Later(String),
}

/// How often a node that is busy is asked again.
const MAX_BUSY: u32 = 100;
/// How long it is left alone then.
const BUSY: std::time::Duration = std::time::Duration::from_millis(100);

/// The nonce of the chain that an executor runs a job on: it binds the chain to both.
pub fn nonce(job: Id, executor: Id) -> Hash {
    Hash::of(format!("troupe.job-run/v1\n{job}\n{executor}\n").as_bytes())
}

/// The name of the actor that runs a job. A node may have several executors, one after the other.
pub fn name(job: Id, executor: Id) -> String {
    let nonce = nonce(job, executor).to_string();
    format!("job-{}", nonce.get(..32).unwrap_or_default())
}

/// Runs a job, or finds what its run came to before.
pub fn run(host: &Host, award: &Award) -> Ran {
    for _ in 0..MAX_BUSY {
        match try_run(host, award) {
            Ok(result) => return Ran::Came(result),
            Err(Stop::Busy) => std::thread::sleep(BUSY),
            Err(Stop::Later(why)) => return Ran::Later(why),
            Err(Stop::GiveUp(why)) => return Ran::GaveUp(why),
        }
    }
    Ran::Later("the node is busy".to_owned())
}

enum Stop {
    Busy,
    Later(String),
    GiveUp(String),
}

impl From<Unfit> for Stop {
    fn from(unfit: Unfit) -> Self {
        if unfit.may_change() { Self::Later(unfit.to_string()) } else { Self::GiveUp(unfit.to_string()) }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<SendError> for Stop {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Busy(_) => Self::Busy,
            SendError::Stopped
            | SendError::Halted(_)
            | SendError::StoreFull(_)
            | SendError::OutcomeUnknown(_)
            | SendError::Paused
            | SendError::TooMany(_) => Self::Later(error.to_string()),
            error => Self::GiveUp(error.to_string()),
        }
    }
}

fn try_run(host: &Host, award: &Award) -> Result<JobResult, Stop> {
    let actor = find_or_begin(host, award)?;
    if let Some(result) = result_of(&actor)? {
        return Ok(result);
    }
    let input = fit::blob(host, award.spec.input)?;
    match actor.send_blocking(Sender::Http { key: None }, input) {
        // What came of it is read from the chain, as after a crash.
        Ok(_) | Err(SendError::Failed { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let result = result_of(&actor)?.ok_or_else(|| Stop::GiveUp("the run left no entry".into()))?;
    if let Some(output) = result.output {
        keep_output(host, &actor, output)?;
    }
    Ok(result)
}

fn find_or_begin(host: &Host, award: &Award) -> Result<Actor, Stop> {
    let name = name(award.job, award.executor);
    match host.actors.find(&name) {
        Ok(actor) => return Ok(actor),
        Err(SendError::Unknown) => {}
        Err(error) => return Err(error.into()),
    }
    let limits = fit::limits_of(&award.spec)?;
    let (machine, code) = fit::machine(host, &award.spec, &limits)?;
    let fork = match award.spec.resume {
        Some(entry) => Some(find_entry(host, entry)?.ok_or(Unfit::NoEntry(entry))?),
        None => None,
    };
    let genesis = Genesis {
        code: Code::Component(machine.hash()),
        world: machine.world().text(),
        config: None,
        limits: limits.to_entry(),
        engine: host.sandbox.engine().clone(),
        grants: Vec::new(),
        owner: None,
        nonce: nonce(award.job, award.executor),
        fork,
        started_by: None,
    };
    let name = Text::new(name).map_err(|error| Stop::GiveUp(error.to_string()))?;
    let new = NewActor {
        genesis,
        code: Some(code),
        config: None,
        name: Some(name),
        supervision: Supervision::default(),
    };
    Ok(host.actors.start_blocking(new)?)
}

/// What a job's chain says that its run came to; `None` before its input was taken.
fn result_of(actor: &Actor) -> Result<Option<JobResult>, Stop> {
    let view = actor.view()?;
    let bytes = actor.store().entry(&actor.id(), view.tip.seq)?;
    let bytes = bytes.ok_or_else(|| Stop::GiveUp("the last entry of the run is missing".into()))?;
    let entry = Entry::decode(&bytes).map_err(|error| Stop::GiveUp(error.to_string()))?;
    Ok(result(actor.id(), view.tip.entry, &entry))
}

/// What the last entry of a job's chain says that its run came to; `None` before its input was taken.
pub fn result(chain: Hash, name: Hash, last: &Entry) -> Option<JobResult> {
    let (fuel, error, output) = match &last.body {
        Body::Message(message) => (message.fuel, None, Some(message.reply.unwrap_or(Hash::of(b"")))),
        Body::Failure(failure) => (failure.fuel, Some(failure.error), None),
        _ => return None,
    };
    Some(JobResult {
        chain: Id(chain),
        entry: Id(name),
        error: error.map(|error: FailureCode| error.to_string()),
        fuel: fuel.0,
        output: output.map(Id),
        size: last.seq + 1,
    })
}

/// Keeps the output where its submitter finds it by CID.
fn keep_output(host: &Host, actor: &Actor, output: Id) -> Result<(), Stop> {
    let found = actor.store().blob(&actor.id(), &output.0)?;
    let bytes = found.unwrap_or_else(Bytes::new);
    if Hash::of(&bytes) == output.0 {
        // A full node still has it in the job's own chain.
        let _ = host.dag.put(&bytes);
    }
    Ok(())
}

/// Finds an entry by its name in any chain of the node, with the state after it.
pub(super) fn find_entry(host: &Host, entry: Id) -> Result<Option<Fork>, StoreError> {
    let store = host.actors.store();
    for (chain, _) in store.chains()? {
        let Some(seq) = store.find(&chain, &entry.0)? else { continue };
        let Some(bytes) = store.entry(&chain, seq)? else { continue };
        let state = Entry::decode(&bytes).ok().and_then(|entry| match entry.body {
            Body::Init(init) => Some(init.state),
            Body::Message(message) => Some(message.state),
            _ => None,
        });
        return Ok(state.map(|state| Fork { chain, entry: entry.0, seq, state }));
    }
    Ok(None)
}
