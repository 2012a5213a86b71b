//! The executors of one node: one for each member whose key it was given, and what they show together.
//!
//! Invariant: they share the node and nothing else. Each has its own bids, places, runs and notes, so whatever becomes of one
//! changes nothing about another. What is said of all of them is put together when somebody asks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use troupe_chain::DidKey;
use troupe_commons::members::{self, Status};
use troupe_commons::{Id, State};
use troupe_identity::Signer;

use super::{Executing, ExecutorConfig, Told};
use crate::host::Host;

/// Takes what an executor has to say to whoever runs its node.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What an executor did, for whoever watches a node.
#[derive(Debug)]
pub struct Counts {
    /// The key that it signs with.
    pub did: DidKey,
    /// Bids that were taken.
    pub bids: AtomicU64,
    /// Runs that are under way.
    pub running: AtomicU64,
    /// Runs that came to a result.
    pub ran: AtomicU64,
    /// Receipts that were taken.
    pub receipts: AtomicU64,
    /// Jobs that were given back.
    pub abandoned: AtomicU64,
    /// What it said last of jobs that it does not run, or could not.
    pub told: Arc<Told>,
}

impl Counts {
    pub(super) fn new(did: DidKey) -> Self {
        Self {
            did,
            bids: AtomicU64::default(),
            running: AtomicU64::default(),
            ran: AtomicU64::default(),
            receipts: AtomicU64::default(),
            abandoned: AtomicU64::default(),
            told: Arc::default(),
        }
    }
}

/// The executors of a node at work, until they are dropped.
pub struct Executors(Vec<Executing>);

/// Why the executors of a node did not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// One key would run a job twice, and the commons takes one bid of a member.
    #[error("{0} is there twice, and a member runs a job once")]
    Twice(String),
    /// A thread cannot be started.
    #[error("no thread for {0}: {1}")]
    Thread(String, io::Error),
}

impl Executors {
    /// Puts an executor to work for each key, all of them alike.
    ///
    /// # Errors
    /// [`NotBegun`]; then none of them is at work.
    pub fn begin(
        host: &Host,
        config: &ExecutorConfig,
        signers: Vec<(Box<dyn Signer>, Tell)>,
    ) -> Result<Self, NotBegun> {
        for (n, (signer, _)) in signers.iter().enumerate() {
            if signers[..n].iter().any(|(before, _)| before.did() == signer.did()) {
                return Err(NotBegun::Twice(signer.did().to_string()));
            }
        }
        let begin = |(signer, tell): (Box<dyn Signer>, Tell)| {
            let did = signer.did().to_string();
            Executing::begin(host.clone(), signer, config.clone(), tell)
                .map_err(|error| NotBegun::Thread(did, error))
        };
        signers.into_iter().map(begin).collect::<Result<_, _>>().map(Self)
    }

    /// What they show to whoever watches the node.
    pub fn watched(&self) -> Watched {
        self.0.iter().map(|executing| Arc::clone(executing.counts())).collect()
    }
}

impl Drop for Executors {
    fn drop(&mut self) {
        // All are told before one is waited for.
        self.0.iter().for_each(Executing::stop);
    }
}

/// What the executors of a node show of themselves; nothing of a node without any.
#[derive(Debug, Clone, Default)]
pub struct Watched(Vec<Arc<Counts>>);

impl FromIterator<Arc<Counts>> for Watched {
    fn from_iter<T: IntoIterator<Item = Arc<Counts>>>(counts: T) -> Self {
        Self(counts.into_iter().collect())
    }
}

impl Watched {
    /// Whether the node runs jobs for nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sum of what each of them counts.
    pub fn sum(&self, count: impl Fn(&Counts) -> &AtomicU64) -> u64 {
        self.0.iter().map(|counts| count(counts).load(Ordering::Relaxed)).sum()
    }

    /// Each is told when one of them says something else of a job.
    pub fn notes(&self) -> Vec<watch::Receiver<()>> {
        self.0.iter().map(|counts| counts.told.watch()).collect()
    }

    /// The members for whom the node runs jobs, as far as they are active and their keys are in force.
    pub fn members(&self, state: &State) -> Vec<Id> {
        let active =
            |id: &Id| members::member(state, *id).is_some_and(|member| member.status == Status::Active);
        let member = |counts: &Arc<Counts>| member_of(state, &counts.did).ok();
        self.0.iter().filter_map(member).filter(active).collect()
    }

    /// What they said last of a job, unless that is over: who says it, too, unless all say the same.
    pub fn note(&self, job: Id) -> Option<String> {
        let said = |counts: &Arc<Counts>| Some((counts.did.clone(), counts.told.about(job)?));
        let said: Vec<_> = self.0.iter().filter_map(said).collect();
        let (_, first) = said.first()?;
        if said.len() == self.0.len() && said.iter().all(|(_, what)| what == first) {
            return Some(first.clone());
        }
        let said: Vec<_> = said.iter().map(|(did, what)| format!("{did}: {what}")).collect();
        Some(said.join("; "))
    }
}

/// The member whose key this is now.
///
/// # Errors
/// Why an executor with this key does nothing.
pub(super) fn member_of(state: &State, did: &DidKey) -> Result<Id, String> {
    let text = did.to_string();
    let id = members::of_key(state, &text).ok_or_else(|| format!("{did} is no member of the commons"))?;
    match members::member(state, id) {
        Some(member) if member.did != text => Err(format!("{did} was replaced by {}", member.did)),
        _ => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    use troupe_chain::Hash;
    use troupe_identity::SecretKey;

    use super::*;

    fn counts(n: u8) -> Arc<Counts> {
        Arc::new(Counts::new(SecretKey::from_seed(&[n; 32]).did().clone()))
    }

    #[test]
    fn what_several_say_of_a_job_names_them_unless_all_say_the_same() {
        let job = Id(Hash::of(b"job"));
        let (one, two) = (counts(1), counts(2));
        let watched = Watched(vec![Arc::clone(&one), Arc::clone(&two)]);
        assert_eq!(watched.note(job), None);
        one.told.put(job, "no bid: a");
        assert_eq!(watched.note(job), Some(format!("{}: no bid: a", one.did)));
        two.told.put(job, "no bid: a");
        assert_eq!(watched.note(job).as_deref(), Some("no bid: a"));
        two.told.put(job, "given back: b");
        assert_eq!(watched.note(job), Some(format!("{}: no bid: a; {}: given back: b", one.did, two.did)));
        let alone = Watched(vec![Arc::clone(&two)]);
        assert_eq!(alone.note(job).as_deref(), Some("given back: b"));
    }

    #[test]
    fn what_each_counts_is_summed() {
        let (one, two) = (counts(1), counts(2));
        one.bids.store(3, Ordering::Relaxed);
        two.bids.store(4, Ordering::Relaxed);
        let watched = Watched(vec![one, two]);
        assert_eq!((watched.sum(|counts| &counts.bids), watched.sum(|counts| &counts.ran)), (7, 0));
        assert_eq!(Watched::default().sum(|counts| &counts.bids), 0);
    }
}
