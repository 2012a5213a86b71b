//! A store that forgets everything when it is dropped, for tests and volatile nodes.
//!
//! Deliberately absent: durability. Its commits are visible at once and cannot fail but by a bad batch.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use foldhash::fast::RandomState;
use troupe_chain::Hash;

use crate::{Append, CommitError, Erased, Head, Store, StoreError, Usage, batch};

/// Keeps chains in memory only.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// Held while something is committed or erased.
    changing: Mutex<()>,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    chains: BTreeMap<Hash, Chain>,
    rows: BTreeMap<Bytes, Bytes>,
    shared: ByName<Bytes>,
    log_bytes: u64,
    shared_bytes: u64,
}

#[derive(Debug)]
struct Chain {
    head: Head,
    entries: Vec<Bytes>,
    seqs: ByName<u64>,
    blobs: ByName<Bytes>,
}

/// Names are hashes already, so that a quick hasher with a random seed is enough to spread them.
type ByName<T> = HashMap<Hash, T, RandomState>;

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // A panic elsewhere cannot leave the maps half changed in a way that matters: a batch is checked first.
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, append: &Append) {
        self.log_bytes += append.payload_bytes();
        for row in &append.rows {
            match &row.value {
                Some(value) => _ = self.rows.insert(row.key.clone(), value.clone()),
                None => _ = self.rows.remove(&row.key),
            }
        }
        let Some(last) = append.entries.last() else {
            if let Some(chain) = self.chains.get_mut(&append.chain) {
                chain.keep(&append.blobs);
            }
            return;
        };
        let chain = self.chains.entry(append.chain).or_insert_with(|| Chain {
            head: last.head(),
            entries: Vec::new(),
            seqs: ByName::default(),
            blobs: ByName::default(),
        });
        chain.head = last.head();
        for entry in &append.entries {
            chain.entries.push(entry.bytes.clone());
            chain.seqs.insert(entry.name, entry.seq);
        }
        chain.keep(&append.blobs);
    }
}

impl Chain {
    fn keep(&mut self, blobs: &[(Hash, Bytes)]) {
        for (name, bytes) in blobs {
            self.blobs.entry(*name).or_insert_with(|| bytes.clone());
        }
    }
}

impl Store for MemoryStore {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inner = self.write();
        batch::check(batch, |chain| Ok(inner.chains.get(chain).map(|chain| chain.head)))?;
        for append in batch {
            inner.append(append);
        }
        Ok(())
    }

    fn head(&self, chain: &Hash) -> Result<Option<Head>, StoreError> {
        Ok(self.read().chains.get(chain).map(|chain| chain.head))
    }

    fn chains(&self) -> Result<Vec<(Hash, Head)>, StoreError> {
        Ok(self.read().chains.iter().map(|(id, chain)| (*id, chain.head)).collect())
    }

    fn entry(&self, chain: &Hash, seq: u64) -> Result<Option<Bytes>, StoreError> {
        let inner = self.read();
        let entries = inner.chains.get(chain).map(|chain| &chain.entries);
        Ok(entries.and_then(|entries| entries.get(usize::try_from(seq).ok()?)).cloned())
    }

    fn find(&self, chain: &Hash, name: &Hash) -> Result<Option<u64>, StoreError> {
        Ok(self.read().chains.get(chain).and_then(|chain| chain.seqs.get(name)).copied())
    }

    fn blob(&self, chain: &Hash, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read().chains.get(chain).and_then(|chain| chain.blobs.get(name)).cloned())
    }

    fn erase(
        &self,
        chain: &Hash,
        names: &[Hash],
        allow: &dyn Fn() -> bool,
    ) -> Result<Option<Erased>, StoreError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !allow() {
            return Ok(None);
        }
        let mut inner = self.write();
        let has = |chain: &Chain| names.iter().any(|name| chain.blobs.contains_key(name));
        let others = inner.chains.iter().filter(|(id, other)| *id != chain && has(other));
        let elsewhere = others.map(|(id, _)| *id).collect();
        let mut erased = Erased { elsewhere, ..Erased::default() };
        if let Some(chain) = inner.chains.get_mut(chain) {
            for blob in names.iter().filter_map(|name| chain.blobs.remove(name)) {
                erased.copies += 1;
                erased.bytes += blob.len() as u64;
            }
        }
        inner.log_bytes -= erased.bytes;
        Ok(Some(erased))
    }

    fn row(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read().rows.get(key).cloned())
    }

    fn rows(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        let inner = self.read();
        let from = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let rows = inner.rows.range::<[u8], _>((from, Bound::Unbounded));
        let rows = rows.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(rows.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn put_shared(&self, name: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        let mut inner = self.write();
        if inner.shared.insert(*name, Bytes::copy_from_slice(bytes)).is_none() {
            inner.shared_bytes += bytes.len() as u64;
        }
        Ok(())
    }

    fn shared(&self, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read().shared.get(name).cloned())
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        let inner = self.read();
        Ok(Usage { log_bytes: inner.log_bytes, shared_bytes: inner.shared_bytes, ..Usage::default() })
    }

    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
