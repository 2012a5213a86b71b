//! A stored chain as a history that can be verified and exported.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Hash, History, Redaction, Unreadable};
use troupe_store::{Head, Store};

use crate::error::chain_of;

/// A chain in a store, from genesis to the head it had when this was made.
#[derive(Clone)]
pub struct StoreHistory {
    store: Arc<dyn Store>,
    chain: Hash,
    head: Head,
}

impl StoreHistory {
    /// Looks a chain up; `None` if the store has no such chain.
    ///
    /// # Errors
    /// [`Unreadable`] if the store failed.
    pub fn new(store: Arc<dyn Store>, chain: Hash) -> Result<Option<Self>, Unreadable> {
        let head = store.head(&chain).map_err(|error| Unreadable(chain_of(&error)))?;
        Ok(head.map(|head| Self { store, chain, head }))
    }

    /// The chain's id.
    pub fn chain(&self) -> Hash {
        self.chain
    }

    /// The position of the head.
    pub fn seq(&self) -> u64 {
        self.head.seq
    }
}

impl History for StoreHistory {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        self.head.entry
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        (0..=self.head.seq).map(|seq| match self.store.entry(&self.chain, seq) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Unreadable(format!("the store has no entry at seq {seq}"))),
            Err(error) => Err(Unreadable(chain_of(&error))),
        })
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        let found = self.store.blob(&self.chain, name).and_then(|blob| match blob {
            Some(blob) => Ok(Some(blob)),
            None => self.store.shared(name),
        });
        found.map_err(|error| Unreadable(chain_of(&error)))
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        crate::redact::redaction_of(&*self.store, &self.chain, name)
            .map_err(|error| Unreadable(chain_of(&error)))
    }
}
