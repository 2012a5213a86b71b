//! What executors say of jobs that were awarded to them: receipts, what binds them beforehand, and giving up.
//!
//! With replicas, each executor first commits to a result and shows it only when all have, so that none copies another's.

use serde::{Deserialize, Serialize};

use super::end::reopen;
use super::{Job, JobResult, Phase, Slot, find, finish, wrong_phase};
use crate::Moment;
use crate::canonical::Id;
use crate::mana::{self, Arbiter};
use crate::parameters::{CHALLENGE_WINDOW, DISPUTE_TIMEOUT};
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Millis, State};

/// What keeps an executor from finishing a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The executor itself: another may go on with it.
    Executor,
    /// The job: another would fare no better.
    Job,
}

/// What an executor commits to.
pub fn commitment(executor: Id, job: Id, result: &JobResult, salt: Id) -> Id {
    #[derive(Serialize)]
    struct Committed<'a> {
        executor: Id,
        job: Id,
        result: &'a JobResult,
        salt: Id,
    }
    Id::of(&Committed { executor, job, result, salt })
}

/// The executor's slot of a job that was awarded and not given back.
fn own<'a>(slots: &'a mut [Slot], now: &Moment) -> Result<&'a mut Slot, Refusal> {
    let own = slots.iter_mut().find(|slot| slot.executor == now.by && slot.abandoned.is_none());
    own.ok_or_else(|| Refusal { code: Code::NotAllowed, what: "the job was not awarded to you".into() })
}

/// Binds an executor to a result.
pub(crate) fn commit(state: &mut State, now: &Moment, id: Id, digest: Id) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    let Phase::Assigned { slots } = &mut job.phase else { return wrong_phase(&job.phase) };
    require(now.at <= job.spec.deadline, Code::TooLate, "the job's deadline has passed")?;
    require(job.spec.replicas > 1, Code::Phase, "the job has one executor, who need not commit")?;
    let slot = own(slots, now)?;
    require(slot.commitment.is_none(), Code::Exists, "you have committed to a result")?;
    slot.commitment = Some(digest);
    state.put(id, &job);
    Ok(())
}

/// Takes an executor's result. With the last one that is waited for, it is seen who agrees.
pub(crate) fn receipt(
    state: &mut State,
    now: &Moment,
    id: Id,
    result: &JobResult,
    salt: Option<Id>,
) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    let Phase::Assigned { slots } = &mut job.phase else { return wrong_phase(&job.phase) };
    require(result.fuel <= job.spec.fuel(), Code::Bounds, "no run uses more fuel than its limit")?;
    let one = result.error.is_some() != result.output.is_some();
    require(one, Code::Bounds, "a result has an output or an error")?;
    if job.spec.replicas == 1 {
        require(now.at <= job.shown, Code::TooLate, "the job's deadline or your term has passed")?;
        require(salt.is_none(), Code::Bounds, "there was no commitment, so there is no salt")?;
    } else {
        let all = slots.iter().all(|slot| slot.abandoned.is_some() || slot.commitment.is_some());
        require(all || now.at > job.spec.deadline, Code::TooEarly, "not all executors have committed")?;
        require(now.at <= job.shown, Code::TooLate, "the time to show results has passed")?;
    }
    let replicated = job.spec.replicas > 1;
    let slot = own(slots, now)?;
    require(slot.result.is_none(), Code::Exists, "you have sent a receipt")?;
    if replicated {
        let shown = salt.map(|salt| commitment(now.by, id, result, salt));
        let bound = shown.is_some() && slot.commitment == shown;
        require(bound, Code::NotAllowed, "this is not the result that you committed to")?;
    }
    slot.result = Some(result.clone());
    let done = slots.iter().all(|slot| slot.abandoned.is_some() || slot.result.is_some());
    if done {
        judge(state, now.at, &mut job);
    }
    state.put(id, &job);
    Ok(())
}

/// Sees who agrees: enough of them, and the job is executed; else it is disputed.
pub(super) fn judge(state: &State, at: Millis, job: &mut Job) {
    let Phase::Assigned { slots } = &job.phase else { return };
    let digests: Vec<Id> =
        slots.iter().filter_map(|slot| slot.result.as_ref()).map(JobResult::digest).collect();
    let agree = |digest: &&Id| digests.iter().filter(|other| other == digest).count() as u64;
    // The quorum is more than half, so no two results have it.
    let agreed = digests.iter().find(|digest| agree(digest) >= job.spec.quorum).copied();
    let slots = slots.clone();
    job.phase = match agreed {
        Some(digest) => {
            let until = at.saturating_add(CHALLENGE_WINDOW.at(state, at));
            Phase::Executed { digest, slots, until }
        }
        None => Phase::Disputed { slots, until: at.saturating_add(DISPUTE_TIMEOUT.at(state, at)) },
    };
}

/// Gives an awarded job back, without pay. Another may get it if it is not the job's fault; else, and once too few executors
/// are left, the submitter is refunded.
pub(crate) fn abandon(state: &mut State, now: &Moment, id: Id, fault: Fault) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    let Phase::Assigned { slots } = &mut job.phase else { return wrong_phase(&job.phase) };
    let slot = own(slots, now)?;
    if slot.result.is_some() {
        return refuse(Code::Phase, "you have sent a receipt");
    }
    slot.abandoned = Some(now.at);
    let left = slots.iter().filter(|slot| slot.abandoned.is_none()).count() as u64;
    let done = slots.iter().all(|slot| slot.abandoned.is_some() || slot.result.is_some());
    if left < job.spec.quorum {
        if fault == Fault::Executor && reopen(state, now.at, &mut job, now.by) {
            state.put(id, &job);
            return Ok(());
        }
        mana::void(state, now.at, id, Arbiter::Job(id))?;
        job.phase = Phase::Expired {};
        finish(state, id, &job);
        return Ok(());
    }
    if done {
        judge(state, now.at, &mut job);
    }
    state.put(id, &job);
    Ok(())
}
