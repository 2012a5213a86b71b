//! What an executor tells its node's operator, each thing once as long as it stays the same; and what it said last of each
//! job, for whoever asks the node about it.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use troupe_commons::Id;

use super::Tell;

/// How many jobs it remembers to have told something of.
const MAX_TOLD: usize = 10_000;

/// What was said last of each job.
#[derive(Debug, Default)]
pub struct Told {
    jobs: Mutex<HashMap<Id, String>>,
    changed: watch::Sender<()>,
}

impl Told {
    /// What was said last of a job, unless that is over.
    pub fn about(&self, job: Id) -> Option<String> {
        self.jobs().get(&job).cloned()
    }

    /// Is told when something else is said of a job.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Id, String>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers; whether it is something else than before.
    pub(super) fn put(&self, job: Id, what: &str) -> bool {
        let mut jobs = self.jobs();
        if jobs.get(&job).is_some_and(|before| before == what) {
            return false;
        }
        if jobs.len() >= MAX_TOLD {
            jobs.clear();
        }
        jobs.insert(job, what.to_owned());
        drop(jobs);
        self.changed.send_replace(());
        true
    }

    fn forget(&self, job: Id) {
        if self.jobs().remove(&job).is_some() {
            self.changed.send_replace(());
        }
    }
}

/// Tells, and remembers.
pub(super) struct Notice {
    tell: Tell,
    last: String,
    told: Arc<Told>,
}

impl Notice {
    pub(super) fn new(tell: Tell, told: Arc<Told>) -> Self {
        Self { tell, last: String::new(), told }
    }

    /// Tells something of the executor as a whole.
    pub(super) fn once(&mut self, what: String) {
        if what != self.last {
            (self.tell)(&what);
            self.last = what;
        }
    }

    /// Tells something of a job.
    pub(super) fn about(&mut self, job: Id, what: impl Display) {
        let what = what.to_string();
        if self.told.put(job, &what) {
            (self.tell)(&format!("job {job}: {what}"));
        }
    }

    /// What was told of a job is so no more.
    pub(super) fn over(&mut self, job: Id) {
        self.told.forget(job);
    }
}
