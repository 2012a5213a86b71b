//! How jobs end: paid, taken back, disputed and ruled on, or out of time. Each way settles the job's hold, once.

use super::run::judge;
use super::{Job, JobResult, MAX_TRIES, Phase, Slot, find, finish, wrong_phase};
use crate::Moment;
use crate::canonical::Id;
use crate::mana::{self, Arbiter};
use crate::parameters::{BID_WINDOW, DISPUTE_TIMEOUT};
use crate::refusal::{Code, Refusal, require};
use crate::reputation;
use crate::state::{Mana, Millis, State};

/// Takes back a job that was not awarded.
pub(crate) fn cancel(state: &mut State, now: &Moment, id: Id) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    require(job.submitter == now.by, Code::NotAllowed, "another member submitted the job")?;
    let Phase::Open { .. } = job.phase else { return wrong_phase(&job.phase) };
    refund(state, now.at, id, &mut job, Phase::Cancelled {})
}

/// Pays a receipt at the submitter's word.
pub(crate) fn accept(state: &mut State, now: &Moment, id: Id) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    require(job.submitter == now.by, Code::NotAllowed, "another member submitted the job")?;
    let Phase::Executed { digest, ref slots, .. } = job.phase else { return wrong_phase(&job.phase) };
    let slots = slots.clone();
    pay(state, now.at, id, &mut job, digest, slots)
}

/// Pays a receipt that nobody disputed in time.
pub(crate) fn settle(state: &mut State, at: Millis, id: Id) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    let Phase::Executed { digest, ref slots, until } = job.phase else { return wrong_phase(&job.phase) };
    require(at > until, Code::TooEarly, "the receipt may still be disputed")?;
    let slots = slots.clone();
    pay(state, at, id, &mut job, digest, slots)
}

/// Objects to a receipt: somebody must replay it, and governance rules.
pub(crate) fn dispute(state: &mut State, now: &Moment, id: Id) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    require(job.submitter == now.by, Code::NotAllowed, "another member submitted the job")?;
    let Phase::Executed { ref slots, until, .. } = job.phase else { return wrong_phase(&job.phase) };
    require(now.at <= until, Code::TooLate, "the time to dispute the receipt has passed")?;
    let until = now.at.saturating_add(DISPUTE_TIMEOUT.at(state, now.at));
    job.phase = Phase::Disputed { slots: slots.clone(), until };
    state.put(id, &job);
    Ok(())
}

/// Ends a dispute: whoever came to that result is paid; nobody, and the submitter is refunded, if there is none.
pub(crate) fn rule(state: &mut State, at: Millis, id: Id, right: Option<Id>) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    let Phase::Disputed { slots, .. } = &job.phase else { return wrong_phase(&job.phase) };
    let slots = slots.clone();
    match right {
        Some(digest) => {
            let any = slots.iter().any(|slot| is_right(slot, digest));
            require(any, Code::NotFound, "no executor came to this result")?;
            pay(state, at, id, &mut job, digest, slots)
        }
        None => {
            for slot in slots.iter().filter(|slot| slot.result.is_some()) {
                reputation::lose(state, slot.executor, at);
            }
            refund(state, at, id, &mut job, Phase::Expired {})
        }
    }
}

/// Does what a job's time brings about, in whatever phase it is.
pub(crate) fn expire(state: &mut State, at: Millis, id: Id) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    match &job.phase {
        Phase::Open { .. } => {
            require(at > job.spec.deadline, Code::TooEarly, "the job's deadline has not passed")?;
            refund(state, at, id, &mut job, Phase::Expired {})
        }
        Phase::Assigned { slots } => {
            require(at > job.shown, Code::TooEarly, "receipts are still taken")?;
            let silent = |slot: &&Slot| slot.abandoned.is_none() && slot.result.is_none();
            let silent: Vec<Id> = slots.iter().filter(silent).map(|slot| slot.executor).collect();
            let any = slots.iter().any(|slot| slot.result.is_some());
            for executor in &silent {
                reputation::lose(state, *executor, at);
            }
            if any {
                judge(state, at, &mut job);
            }
            if any || silent.first().is_some_and(|executor| reopen(state, at, &mut job, *executor)) {
                state.put(id, &job);
                return Ok(());
            }
            refund(state, at, id, &mut job, Phase::Expired {})
        }
        Phase::Disputed { until, .. } => {
            require(at > *until, Code::TooEarly, "a ruling is still waited for")?;
            refund(state, at, id, &mut job, Phase::Expired {})
        }
        phase => wrong_phase(phase),
    }
}

/// Takes bids again for a job whose one executor did not finish it, if there is time left and it was not tried too often;
/// whether that is so. What was held stays held.
pub(super) fn reopen(state: &State, at: Millis, job: &mut Job, executor: Id) -> bool {
    let closes = at.saturating_add(BID_WINDOW.at(state, at));
    if job.spec.replicas > 1 || job.tried.len() + 1 >= MAX_TRIES || closes >= job.spec.deadline {
        return false;
    }
    job.tried.push(executor);
    job.closes = closes;
    job.shown = job.spec.deadline;
    job.phase = Phase::Open { bids: Vec::new() };
    true
}

fn is_right(slot: &Slot, digest: Id) -> bool {
    slot.result.as_ref().is_some_and(|result| result.digest() == digest)
}

/// What a slot is paid: its price for the part of the fuel that was used, rounded up.
fn due(job: &Job, slot: &Slot, result: &JobResult) -> Mana {
    let used = u128::from(slot.price) * u128::from(result.fuel);
    // The fuel is within the limit, so this is within the price.
    u64::try_from(used.div_ceil(u128::from(job.spec.fuel().max(1)))).unwrap_or(slot.price)
}

fn pay(
    state: &mut State,
    at: Millis,
    id: Id,
    job: &mut Job,
    digest: Id,
    slots: Vec<Slot>,
) -> Result<(), Refusal> {
    let right = slots.iter().filter(|slot| is_right(slot, digest));
    let payments: Vec<(Id, Mana)> =
        right.filter_map(|slot| Some((slot.executor, due(job, slot, slot.result.as_ref()?)))).collect();
    mana::settle(state, at, id, Arbiter::Job(id), &payments)?;
    for slot in slots.iter().filter(|slot| slot.result.is_some()) {
        if is_right(slot, digest) {
            reputation::gain(state, job.submitter, slot.executor, at);
        } else {
            reputation::lose(state, slot.executor, at);
        }
    }
    let paid = payments.iter().map(|(_, amount)| amount).sum();
    job.phase = Phase::Settled { digest, paid, slots };
    finish(state, id, job);
    Ok(())
}

fn refund(state: &mut State, at: Millis, id: Id, job: &mut Job, to: Phase) -> Result<(), Refusal> {
    mana::void(state, at, id, Arbiter::Job(id))?;
    job.phase = to;
    finish(state, id, job);
    Ok(())
}
