//! What an executor does next about a job, from what is committed and what its run came to.

use troupe_commons::Id;
use troupe_commons::jobs::{Fault, Job, JobResult, Phase};

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use troupe_chain::Hash;
    use troupe_commons::jobs::{Entrant, JobSpec, Slot};

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
