//! What an executor does next about a job, from what is committed and what its run came to.

use troupe_commons::Id;
use troupe_commons::jobs::{Fault, Job, JobResult, Phase, Slot};

use super::run::Ran;

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing now.
    Nothing,
    /// Offer to run it.
    Bid,
    /// Run it.
    Run,
    /// Be bound to this result.
    Commit(JobResult),
    /// Send this result.
    Show(JobResult),
    /// Give it back.
    Abandon(Fault),
}

/// What an executor, a member, does next about a job.
pub fn next(job: &Job, me: Id, now: u64, ran: Option<&Ran>) -> Next {
    match &job.phase {
        Phase::Open { bids } => {
            if job.submitter == me || now >= job.spec.deadline {
                return Next::Nothing;
            }
            // Whoever gave it back leaves it to others.
            if matches!(ran, Some(Ran::GaveUp(..))) {
                return Next::Nothing;
            }
            // The commons awards it by itself.
            if bids.iter().any(|bid| bid.executor == me) { Next::Nothing } else { Next::Bid }
        }
        Phase::Assigned { slots } => {
            let Some(own) = slots.iter().find(|slot| slot.executor == me && slot.abandoned.is_none()) else {
                return Next::Nothing;
            };
            if own.result.is_some() || now > job.shown {
                return Next::Nothing;
            }
            let result = match ran {
                None | Some(Ran::Later(_)) => return Next::Run,
                Some(Ran::Came(result)) => result.clone(),
                Some(Ran::GaveUp(_, fault)) => return Next::Abandon(*fault),
            };
            if job.spec.replicas == 1 {
                return Next::Show(result);
            }
            if own.commitment.is_none() {
                return if now <= job.spec.deadline { Next::Commit(result) } else { Next::Nothing };
            }
            let all = slots.iter().all(|slot| slot.abandoned.is_some() || slot.commitment.is_some());
            if all || now > job.spec.deadline { Next::Show(result) } else { Next::Nothing }
        }
        _ => Next::Nothing,
    }
}

/// How many bids on jobs that wait for more executors take no place.
const MAX_WAITING: usize = 16;

/// How many more jobs an executor has room for, beside those of the live ones that are its own.
///
/// A job of several replicas may never be awarded. Once its bids might have sufficed, and did not, it takes no place: else
/// executors who bid for different jobs would wait for each other.
pub fn room(capacity: usize, live: impl Iterator<Item = Job>, me: Id, now: u64) -> usize {
    let (mut taken, mut waiting) = (0, 0_usize);
    for job in live {
        match &job.phase {
            Phase::Open { bids } if bids.iter().any(|bid| bid.executor == me) => {
                let wants_more = (bids.len() as u64) < job.spec.replicas;
                if now >= job.closes && wants_more { waiting += 1 } else { taken += 1 }
            }
            Phase::Assigned { slots } if slots.iter().any(|slot| is_due(slot, me)) => taken += 1,
            _ => {}
        }
    }
    capacity.saturating_sub(taken + waiting.saturating_sub(MAX_WAITING))
}

/// Whether a result of this executor is waited for.
fn is_due(slot: &Slot, me: Id) -> bool {
    slot.executor == me && slot.abandoned.is_none() && slot.result.is_none()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use troupe_chain::Hash;
    use troupe_commons::jobs::{Entrant, JobSpec};

    use super::*;

    const DEADLINE: u64 = 1000;

    fn id(n: u8) -> Id {
        Id(Hash::from_bytes([n; 32]))
    }

    fn job(replicas: u64, phase: Phase) -> Job {
        let spec = JobSpec {
            bundle: None,
            capabilities: Vec::new(),
            component: id(1),
            deadline: DEADLINE,
            inputs: vec![id(2)],
            limits: BTreeMap::from([("fuel".to_owned(), 7)]),
            price: 1,
            quorum: replicas,
            replicas,
            reputation: None,
            resume: None,
            scope: None,
            term: None,
        };
        let shown = if replicas > 1 { DEADLINE + 100 } else { DEADLINE };
        Job { closes: 10, phase, shown, spec, submitter: id(3), tried: Vec::new() }
    }

    fn slot(executor: u8, committed: bool) -> Slot {
        let commitment = committed.then(|| id(9));
        Slot { abandoned: None, commitment, executor: id(executor), price: 1, result: None }
    }

    fn result() -> JobResult {
        JobResult {
            chain: id(4),
            entry: id(5),
            error: None,
            from: None,
            fuel: 3,
            output: Some(id(6)),
            size: 3,
        }
    }

    fn bids(executors: &[u8]) -> Phase {
        let bid = |n: &u8| Entrant { bid: id(*n), executor: id(*n), price: 1, score: 1 };
        Phase::Open { bids: executors.iter().map(bid).collect() }
    }

    #[test]
    fn a_bid_and_a_run_take_a_place_and_a_job_that_waits_for_others_does_not() {
        let room = |jobs: &[Job], now| room(20, jobs.iter().cloned(), id(7), now);
        let (other, alone, both) = (bids(&[8]), bids(&[7]), bids(&[7, 8]));
        // Bids close at 10.
        for (replicas, phase, now, left) in [
            (1, other, 5, 20),
            (1, alone.clone(), 15, 19),
            (2, alone.clone(), 5, 19),
            (2, alone.clone(), 10, 20),
            (2, both, 10, 19),
            (2, Phase::Assigned { slots: vec![slot(7, true), slot(8, true)] }, 15, 19),
            (2, Phase::Assigned { slots: vec![slot(8, true)] }, 15, 20),
        ] {
            assert_eq!(room(&[job(replicas, phase.clone())], now), left, "{phase:?} of {replicas} at {now}");
        }
        let many = vec![job(2, alone); MAX_WAITING + 3];
        assert_eq!(room(&many, 10), 17);
    }

    #[test]
    fn who_did_not_submit_it_bids_once_and_in_time() {
        let open = |bids| job(1, Phase::Open { bids });
        assert_eq!(next(&open(Vec::new()), id(7), 5, None), Next::Bid);
        assert_eq!(next(&open(Vec::new()), id(3), 5, None), Next::Nothing);
        assert_eq!(next(&open(Vec::new()), id(7), DEADLINE, None), Next::Nothing);
        let bid = Entrant { bid: id(1), executor: id(7), price: 1, score: 1 };
        assert_eq!(next(&open(vec![bid]), id(7), 5, None), Next::Nothing);
    }

    #[test]
    fn an_award_is_run_shown_or_given_back() {
        let assigned = job(1, Phase::Assigned { slots: vec![slot(7, false)] });
        let came = Ran::Came(result());
        assert_eq!(next(&assigned, id(7), 20, None), Next::Run);
        assert_eq!(next(&assigned, id(7), 20, Some(&came)), Next::Show(result()));
        assert_eq!(next(&assigned, id(7), DEADLINE + 1, Some(&came)), Next::Nothing);
        for fault in [Fault::Executor, Fault::Job] {
            let gave_up = Ran::GaveUp(String::new(), fault);
            assert_eq!(next(&assigned, id(7), 20, Some(&gave_up)), Next::Abandon(fault));
            let open = job(1, Phase::Open { bids: Vec::new() });
            assert_eq!(next(&open, id(7), 20, Some(&gave_up)), Next::Nothing);
        }
        assert_eq!(next(&assigned, id(8), 20, Some(&came)), Next::Nothing);
        let done = Slot { result: Some(result()), ..slot(7, false) };
        assert_eq!(next(&job(1, Phase::Assigned { slots: vec![done] }), id(7), 20, None), Next::Nothing);
    }

    #[test]
    fn with_replicas_a_result_is_shown_once_all_are_bound_or_time_is_over() {
        let came = Ran::Came(result());
        let at = |slots, now| next(&job(2, Phase::Assigned { slots }), id(7), now, Some(&came));
        assert_eq!(at(vec![slot(7, false), slot(8, false)], 20), Next::Commit(result()));
        assert_eq!(at(vec![slot(7, true), slot(8, false)], 20), Next::Nothing);
        assert_eq!(at(vec![slot(7, true), slot(8, true)], 20), Next::Show(result()));
        assert_eq!(at(vec![slot(7, true), slot(8, false)], DEADLINE + 1), Next::Show(result()));
        assert_eq!(at(vec![slot(7, false), slot(8, true)], DEADLINE + 1), Next::Nothing);
        assert_eq!(at(vec![slot(7, true), slot(8, true)], DEADLINE + 101), Next::Nothing);
    }
}
