//! A store that keeps results waiting.

use std::sync::{Arc, Condvar, Mutex};

use bytes::Bytes;
use troupe_chain::{Body, Code, Entry, Hash};
use troupe_store::{Append, CommitError, MemoryStore, Store, all_but_commit};

/// A store that takes the results of jobs once it is told to. Everything else waits with the first of them.
pub(crate) struct Gate {
    pub(crate) inner: MemoryStore,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn closed() -> Arc<Self> {
        Arc::new(Self { inner: MemoryStore::new(), is_open: Mutex::new(false), opened: Condvar::new() })
    }

    pub(crate) fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Whether a batch has what came of a message to an actor that runs a component or a core module.
    fn is_result(&self, batch: &[Append]) -> bool {
        let genesis = |chain: &Hash| {
            let bytes = self.inner.entry(chain, 0).unwrap()?;
            Some(Entry::decode(&bytes).unwrap())
        };
        batch.iter().any(|append| {
            let runs_code = genesis(&append.chain).is_some_and(|first| match first.body {
                Body::Genesis(genesis) => matches!(genesis.code, Code::Component(_)),
                _ => false,
            });
            let is_message = |bytes: &Bytes| matches!(Entry::decode(bytes).unwrap().body, Body::Message(_));
            runs_code && append.entries.iter().any(|entry| is_message(&entry.bytes))
        })
    }
}

impl Store for Gate {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        if self.is_result(batch) {
            let is_open = self.is_open.lock().unwrap();
            drop(self.opened.wait_while(is_open, |is_open| !*is_open).unwrap());
        }
        self.inner.commit(batch)
    }

    all_but_commit!(inner);
}
