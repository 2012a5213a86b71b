//! What metrics say of the commons: its mana, its members, its votes, and the commands that came.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use troupe_chain::Hash;
use troupe_commons::jobs::{self, Phase};
use troupe_commons::mana::{self, Owner};
use troupe_commons::members::active_members;
use troupe_commons::{Code, State, governance};

use crate::commons::Committed;
use crate::http::metrics::{counter, gauge, head, line};

/// Commands that came over HTTP, and what was counted in a state.
#[derive(Default)]
pub(in crate::http) struct Counts {
    accepted: AtomicU64,
    refused: [AtomicU64; Code::ALL.len()],
    /// What the records of the last state that was asked about come to: counting is a walk through all of them.
    counted: Mutex<Option<(Hash, Counted)>>,
}

/// How many proposals and jobs are in which stage.
#[derive(Clone, Default)]
struct Counted {
    proposals: BTreeMap<&'static str, u64>,
    ballots: u64,
    jobs: BTreeMap<&'static str, u64>,
    /// Jobs that were submitted, and what has become of them.
    submitted: u64,
    active: u64,
    completed: u64,
    failed: u64,
}

impl Counted {
    fn add(&mut self, phase: &Phase) {
        *self.jobs.entry(phase.name()).or_default() += 1;
        self.submitted += 1;
        match phase {
            live if live.is_live() => self.active += 1,
            Phase::Settled { digest, slots, .. } => {
                let mut results = slots.iter().filter_map(|slot| slot.result.as_ref());
                let agreed = results.find(|result| result.digest() == *digest);
                match agreed.is_some_and(|result| result.error.is_none()) {
                    true => self.completed += 1,
                    false => self.failed += 1,
                }
            }
            Phase::Expired {} => self.failed += 1,
            // Cancelled: it is neither.
            _ => {}
        }
    }
}

impl Counts {
    pub(super) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, code: &str) {
        if let Some(at) = Code::ALL.iter().position(|known| known.as_str() == code) {
            self.refused[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes all of it.
    pub(in crate::http) fn write(&self, text: &mut String, committed: &Committed) {
        let (state, view) = (&committed.state, &committed.view);
        let accepted = self.accepted.load(Ordering::Relaxed);
        counter(
            text,
            "troupe_commons_commands_total",
            "Commands and ticks that were taken over HTTP.",
            accepted,
        );
        let name = "troupe_commons_refused_total";
        head(text, name, "counter", "Commands and ticks that were refused over HTTP, by code.");
        for (code, refused) in Code::ALL.iter().zip(&self.refused) {
            line(text, name, &format!("{{code=\"{}\"}}", code.as_str()), refused.load(Ordering::Relaxed));
        }
        let balance = |owner| mana::account(state, owner, view.tip.at.0).balance;
        gauge(text, "troupe_commons_seq", "The position of the commons' last entry.", view.tip.seq);
        gauge(text, "troupe_commons_members", "Active members.", active_members(state));
        let frozen = u64::from(governance::is_frozen(state));
        gauge(text, "troupe_commons_frozen", "Whether all but voting and keys is frozen.", frozen);
        gauge(text, "troupe_mana_issued", "Mana that was issued in all.", balance(Owner::Issuance));
        gauge(text, "troupe_mana_escrow", "Mana that is held.", balance(Owner::Escrow));
        gauge(text, "troupe_mana_fees", "Mana that was paid to the commons.", balance(Owner::Fees));
        let Counted { proposals, ballots, jobs, submitted, active, completed, failed } = self.counted(state);
        gauge(text, "troupe_commons_ballots", "Ballots on all proposals.", ballots);
        counter(text, "troupe_jobs_submitted_total", "Jobs that were submitted.", submitted);
        gauge(text, "troupe_jobs_active", "Jobs that have not ended.", active);
        counter(text, "troupe_jobs_completed_total", "Jobs that were settled on an output.", completed);
        let help = "Jobs that were settled on a failure, and those that nobody ran in time.";
        counter(text, "troupe_jobs_failed_total", help, failed);
        for (name, help, counted) in [
            ("troupe_commons_proposals", "Proposals by stage.", proposals),
            ("troupe_commons_jobs", "Jobs by phase.", jobs),
        ] {
            head(text, name, "gauge", help);
            for (stage, count) in counted {
                line(text, name, &format!("{{stage=\"{stage}\"}}"), count);
            }
        }
    }

    fn counted(&self, state: &State) -> Counted {
        let root = state.root();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = counted.as_ref().filter(|(known, _)| *known == root) {
            return known.clone();
        }
        let mut found = Counted::default();
        for stage in governance::Stage::NAMES {
            found.proposals.insert(stage, 0);
        }
        for phase in Phase::NAMES {
            found.jobs.insert(phase, 0);
        }
        for (_, proposal) in governance::proposals(state) {
            *found.proposals.entry(proposal.stage.name()).or_default() += 1;
            found.ballots += proposal.tally.values().sum::<u64>();
        }
        for (_, job) in jobs::jobs(state) {
            found.add(&job.phase);
        }
        *counted = Some((root, found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use troupe_commons::Id;
    use troupe_commons::jobs::{JobResult, Slot};

    use super::*;

    fn settled(error: Option<&str>) -> Phase {
        let name = |text: &str| Id(Hash::of(text.as_bytes()));
        let result = JobResult {
            chain: name("chain"),
            entry: name("entry"),
            error: error.map(str::to_owned),
            from: None,
            fuel: 1,
            output: error.is_none().then(|| name("output")),
            size: 3,
        };
        let slot =
            Slot { abandoned: None, commitment: None, executor: name("a"), price: 1, result: Some(result) };
        let digest = slot.result.as_ref().unwrap().digest();
        Phase::Settled { digest, paid: 1, slots: vec![slot] }
    }

    #[test]
    fn a_job_counts_by_what_became_of_it() {
        let mut counted = Counted::default();
        let phases = [
            Phase::Open { bids: Vec::new() },
            settled(None),
            settled(None),
            settled(Some("fuel")),
            Phase::Expired {},
            Phase::Expired {},
            Phase::Cancelled {},
        ];
        phases.iter().for_each(|phase| counted.add(phase));
        assert_eq!((counted.submitted, counted.active), (7, 1));
        assert_eq!((counted.completed, counted.failed), (2, 3));
        assert_eq!(counted.jobs["settled"], 3);
    }
}
