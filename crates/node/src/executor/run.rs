//! One job, run on a chain of its own, which whoever doubts the receipt replays.
//!
//! Invariant: a job has one chain for each executor, under a name made of both ids, and one entry there for each input. What is
//! there already is not run again; nor is what another executor of the node, who had the job before, has on theirs.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use troupe_chain::{Code, Entry, Fork, Genesis, Hash, Sender, Supervision, Text};
use troupe_commons::Id;
use troupe_commons::jobs::{Fault, Job, JobResult, JobSpec};
use troupe_commons::view::Progress;
use troupe_runtime::{Actor, NewActor, SendError};
use troupe_store::StoreError;

use super::course::{Course, Unclear, state_after};
use super::fit::{self, Beginning, Unfit};
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
    /// Who had it before and did not finish it.
    pub tried: Vec<Id>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// An output or a failure: anybody who replays it comes to the same.
    Came(JobResult),
    /// No outcome, and why: nobody could replay that.
    GaveUp(String, Fault),
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

/// The name of the actor that runs a job. A node may have several executors, at the same time or one after the other.
pub fn name(job: Id, executor: Id) -> String {
    let nonce = nonce(job, executor).to_string();
    format!("job-{}", nonce.get(..32).unwrap_or_default())
}

/// Runs a job, as far as that was not done before, until it is told to stop: then after the input that it is at.
pub fn run(host: &Host, award: &Award, stop: &AtomicBool) -> Ran {
    for _ in 0..MAX_BUSY {
        match try_run(host, award, stop) {
            Ok(result) => return Ran::Came(result),
            Err(Stop::Busy) => std::thread::sleep(BUSY),
            Err(Stop::Later(why)) => return Ran::Later(why),
            Err(Stop::GiveUp(why, fault)) => return Ran::GaveUp(why, fault),
        }
    }
    Ran::Later("the node is busy".to_owned())
}

enum Stop {
    Busy,
    Later(String),
    GiveUp(String, Fault),
}

impl From<Unfit> for Stop {
    fn from(unfit: Unfit) -> Self {
        let why = unfit.to_string();
        if unfit.may_change() { Self::Later(why) } else { Self::GiveUp(why, Fault::Job) }
    }
}

impl From<Unclear> for Stop {
    fn from(unclear: Unclear) -> Self {
        Self::GiveUp(unclear.to_string(), Fault::Executor)
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
            SendError::OutOfTime(_)
            | SendError::TooLarge { .. }
            | SendError::Rejected(_)
            | SendError::CannotBegin(_) => Self::GiveUp(error.to_string(), Fault::Job),
            error => Self::GiveUp(error.to_string(), Fault::Executor),
        }
    }
}

fn try_run(host: &Host, award: &Award, stop: &AtomicBool) -> Result<JobResult, Stop> {
    let spec = &award.spec;
    let actor = find_or_begin(host, award)?;
    let hearing = host.live.hear(award.job, award.executor, actor.id());
    let mut course = course_of(&actor, spec)?;
    loop {
        course.check_inputs(spec)?;
        if let Some(result) = course.result(spec) {
            if let Some(output) = result.output {
                keep_output(host, &actor, output)?;
            }
            return Ok(result);
        }
        if stop.load(Ordering::Acquire) {
            return Err(Stop::Later("the executor is stopping".into()));
        }
        let done = course.done();
        let input = spec.inputs.get(done).ok_or_else(|| Unclear("there is no input left".into()))?;
        hearing.after(actor.view()?.tip.seq);
        match actor.send_blocking(Sender::Http { key: None }, fit::blob(host, *input)?) {
            // What came of it is read from the chain, as after a crash.
            Ok(_) | Err(SendError::Failed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        course = course_of(&actor, spec)?;
        if course.done() == done {
            return Err(Unclear("the run left no entry".into()).into());
        }
    }
}

/// The course of a run whose last chain is an actor's.
fn course_of(actor: &Actor, spec: &JobSpec) -> Result<Course, Stop> {
    let last = actor.view()?.tip.seq;
    Ok(Course::of_store(&**actor.store(), &actor.id(), last, spec)?)
}

/// How far the runs of a job have come on this node.
pub fn progress(host: &Host, id: Id, job: &Job) -> Vec<Progress> {
    let progress = |executor: Id| {
        let actor = host.actors.find(&name(id, executor)).ok()?;
        let course = course_of(&actor, &job.spec).ok()?;
        let (chain, done) = (actor.id().to_string(), course.done() as u64);
        Some(Progress { chain, done, executor: executor.to_string() })
    };
    executors(job).into_iter().filter_map(progress).collect()
}

/// Who has a job, or had it and did not finish it.
pub fn executors(job: &Job) -> Vec<Id> {
    let slots = job.phase.slots().iter().map(|slot| slot.executor);
    let mut executors: Vec<Id> = slots.chain(job.tried.iter().copied()).collect();
    executors.sort();
    executors.dedup();
    executors
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
    let fork = match begun_by_others(host, award) {
        Some(fork) => Some(fork),
        None => begin_from(host, &award.spec)?,
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
    let name = Text::new(name).map_err(|error| Unclear(error.to_string()))?;
    let new = NewActor {
        genesis,
        code: Some(code),
        config: None,
        name: Some(name),
        supervision: Supervision::default(),
    };
    Ok(host.actors.start_blocking(new)?)
}

/// Where to go on of what those have who had the job before: where the most inputs were handled.
fn begun_by_others(host: &Host, award: &Award) -> Option<Fork> {
    let others = award.tried.iter().filter(|executor| **executor != award.executor);
    let forks = others.filter_map(|executor| {
        let actor = host.actors.find(&name(award.job, *executor)).ok()?;
        let course = course_of(&actor, &award.spec).ok()?;
        course.check_inputs(&award.spec).ok()?;
        course.next_fork(&award.spec)
    });
    forks.max_by_key(|(done, _)| *done).map(|(_, fork)| fork)
}

/// Where a job begins that goes on from an earlier run. A state out of a bundle is kept, once the bundle was replayed.
fn begin_from(host: &Host, spec: &JobSpec) -> Result<Option<Fork>, Stop> {
    let Beginning { fork, brought } = fit::beginning(host, spec)?;
    if let (Some(fork), Some(brought)) = (&fork, brought) {
        let state = brought.replayed(&host.machines(), fork).map_err(Unfit::from)?;
        host.actors.store().put_shared(&fork.state, &state)?;
    }
    Ok(fork)
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
        let state = Entry::decode(&bytes).ok().and_then(|entry| state_after(&entry));
        return Ok(state.map(|state| Fork { chain, entry: entry.0, seq, state }));
    }
    Ok(None)
}
