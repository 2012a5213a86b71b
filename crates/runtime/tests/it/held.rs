//! A store whose commits can be held, and made to fail.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use troupe_runtime::Actor;
use troupe_store::{Append, CommitError, Store, all_but_commit};

use crate::common::{PATIENCE, send, until};

/// Lets through, or holds, whoever enters.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    closed: bool,
    entered: u64,
}

impl Gate {
    pub(crate) fn enter(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.entered += 1;
        changed.notify_all();
        while state.closed {
            state = changed.wait(state).unwrap();
        }
    }

    pub(crate) fn close(&self) {
        self.0.0.lock().unwrap().closed = true;
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().closed = false;
        self.0.1.notify_all();
    }

    pub(crate) fn entered(&self) -> u64 {
        self.0.0.lock().unwrap().entered
    }

    pub(crate) fn wait_entered(&self, count: u64) {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        let waited = changed.wait_timeout_while(state, PATIENCE, |state| state.entered < count).unwrap();
        assert!(!waited.1.timed_out(), "nobody came to the gate");
    }
}

/// What the next commits come to instead of being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    Full,
    OutcomeUnknown,
    Panics,
}

/// A store behind a gate that every commit passes.
pub(crate) struct HeldStore {
    inner: Arc<dyn Store>,
    pub(crate) gate: Gate,
    /// What each commit held, in bytes.
    pub(crate) sizes: Mutex<Vec<u64>>,
    fails: Mutex<Vec<Fails>>,
    halted: Mutex<bool>,
    slow: Mutex<bool>,
}

impl HeldStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            gate: Gate::default(),
            sizes: Mutex::default(),
            fails: Mutex::default(),
            halted: Mutex::default(),
            slow: Mutex::default(),
        })
    }

    pub(crate) fn in_memory() -> Arc<Self> {
        Self::new(Arc::new(troupe_store::MemoryStore::new()))
    }

    pub(crate) fn dynamic(self: &Arc<Self>) -> Arc<dyn Store> {
        Arc::<Self>::clone(self)
    }

    /// Lets the next commits that come to the store fail, in this order.
    pub(crate) fn fail_next(&self, fails: &[Fails]) {
        *self.fails.lock().unwrap() = fails.to_vec();
    }

    /// Makes commits so slow that the committer's own thread takes over, then fast again.
    pub(crate) fn move_commits_to_a_thread(&self, actor: &Actor) {
        *self.slow.lock().unwrap() = true;
        send(actor, "keep").unwrap();
        *self.slow.lock().unwrap() = false;
    }
}

impl Store for HeldStore {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        self.sizes.lock().unwrap().push(batch.iter().map(Append::payload_bytes).sum());
        self.gate.enter();
        if *self.slow.lock().unwrap() {
            // Long enough to count as slow for the commits after it; nothing is asserted about time.
            let began = Instant::now();
            until(|| began.elapsed() > Duration::from_millis(40));
        }
        if *self.halted.lock().unwrap() {
            return Err(CommitError::Halted("as told".into()));
        }
        let mut fails = self.fails.lock().unwrap();
        match (!fails.is_empty()).then(|| fails.remove(0)) {
            None => {
                drop(fails);
                self.inner.commit(batch)
            }
            Some(Fails::Full) => Err(CommitError::Full(std::io::ErrorKind::StorageFull.into())),
            Some(Fails::OutcomeUnknown) => {
                *self.halted.lock().unwrap() = true;
                Err(CommitError::OutcomeUnknown(std::io::Error::other("as told")))
            }
            Some(Fails::Panics) => {
                drop(fails);
                panic!("the store panics, as it was told")
            }
        }
    }

    all_but_commit!(inner);
}
