//! What an executor tells its node's operator: each thing once, as long as it stays the same.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use troupe_commons::Id;

/// How many jobs it remembers to have told something of.
const MAX_TOLD: usize = 10_000;

/// Tells, and remembers.
pub(super) struct Notice {
    tell: Arc<dyn Fn(&str) + Send + Sync>,
    last: String,
    jobs: HashMap<Id, String>,
}

impl Notice {
    pub(super) fn new(tell: Arc<dyn Fn(&str) + Send + Sync>) -> Self {
        Self { tell, last: String::new(), jobs: HashMap::new() }
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
        if self.jobs.len() >= MAX_TOLD {
            self.jobs.clear();
        }
        if self.jobs.get(&job) != Some(&what) {
            (self.tell)(&format!("job {job}: {what}"));
            self.jobs.insert(job, what);
        }
    }
}
