//! Blobs by their CID: what members give a node for jobs, and anybody takes who may read.
//!
//! Invariant: a blob that is listed is there, whole, and is what its CID says; it stays, since a job may need it. What else
//! the store keeps by hash (configurations, files of actors) is not to be had here.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use troupe_chain::{Cid, Hash, Timestamp};
use troupe_runtime::Clock;
use troupe_store::{Append, CommitError, Row, Store, StoreError};

/// The most bytes of a blob.
pub const MAX_BLOB_BYTES: u64 = 64 << 20;
/// The most blobs that a node keeps here.
pub const MAX_BLOBS: u64 = 100_000;
/// The most bytes that they have together.
pub const MAX_BYTES: u64 = 16 << 30;

/// The letter that the keys of its rows begin with.
const KIND: u8 = b'd';
/// How many rows are read at once.
const PAGE: usize = 1000;

/// The blobs of a node.
pub struct Dag {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// How many there are and how many bytes they have, once somebody asked.
    held: Mutex<Option<Held>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Held {
    blobs: u64,
    bytes: u64,
}

/// A blob as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub cid: Cid,
    /// How many bytes it has.
    pub size: u64,
    /// When it was put first.
    pub at: Timestamp,
}

/// Why a blob was not kept.
#[derive(Debug, thiserror::Error)]
pub enum DagError {
    /// It is too large.
    #[error("a blob has at most {MAX_BLOB_BYTES} bytes")]
    TooLarge,
    /// The node keeps as much as it may.
    #[error("the node keeps {MAX_BLOBS} blobs and {MAX_BYTES} bytes of them at most")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store took no row.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Dag {
    /// The blobs that a store keeps.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, held: Mutex::new(None) }
    }

    /// Keeps a blob, durably. Putting it again is free.
    ///
    /// # Errors
    /// [`DagError`].
    pub fn put(&self, bytes: &[u8]) -> Result<Kept, DagError> {
        let size = bytes.len() as u64;
        if size > MAX_BLOB_BYTES {
            return Err(DagError::TooLarge);
        }
        let name = Hash::of(bytes);
        // Under the lock, so that two who put at once are counted both.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = self.find(&name)? {
            return Ok(kept);
        }
        let count = match *held {
            Some(count) => count,
            None => self.count()?,
        };
        let (blobs, all) = (count.blobs + 1, count.bytes.saturating_add(size));
        if blobs > MAX_BLOBS || all > MAX_BYTES {
            return Err(DagError::Full);
        }
        self.store.put_shared(&name, bytes)?;
        let at = self.clock.now();
        let value = [size.to_be_bytes(), at.0.to_be_bytes()].concat();
        let row = Row { key: key(&name), value: Some(value.into()) };
        let append =
            Append { chain: name, expected: None, entries: Vec::new(), blobs: Vec::new(), rows: vec![row] };
        self.store.commit(&[append])?;
        *held = Some(Held { blobs, bytes: all });
        Ok(Kept { cid: Cid(name), size, at })
    }

    /// What is known of a blob; `None` if it was not put here.
    ///
    /// # Errors
    /// If the store failed.
    pub fn find(&self, name: &Hash) -> Result<Option<Kept>, StoreError> {
        Ok(self.store.row(&key(name))?.and_then(|value| read(*name, &value)))
    }

    /// The bytes of a blob; `None` if it was not put here.
    ///
    /// # Errors
    /// If the store failed.
    pub fn get(&self, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        match self.find(name)? {
            Some(_) => self.store.shared(name),
            None => Ok(None),
        }
    }

    /// Blobs in order of their hashes, from after one on.
    ///
    /// # Errors
    /// If the store failed.
    pub fn list(&self, after: Option<&Hash>, limit: usize) -> Result<Vec<Kept>, StoreError> {
        let after = after.map(key);
        let rows = self.store.rows(&[KIND], after.as_deref(), limit)?;
        Ok(rows.iter().filter_map(|(key, value)| read(name_of(key)?, value)).collect())
    }

    fn count(&self) -> Result<Held, StoreError> {
        let mut held = Held::default();
        let mut after: Option<Hash> = None;
        loop {
            let page = self.list(after.as_ref(), PAGE)?;
            held.blobs += page.len() as u64;
            held.bytes = page.iter().fold(held.bytes, |sum, kept| sum.saturating_add(kept.size));
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.cid.0),
                _ => return Ok(held),
            }
        }
    }
}

fn key(name: &Hash) -> Bytes {
    [&[KIND], name.as_bytes().as_slice()].concat().into()
}

fn name_of(key: &[u8]) -> Option<Hash> {
    Some(Hash::from_bytes(key.get(1..)?.try_into().ok()?))
}

fn read(name: Hash, value: &[u8]) -> Option<Kept> {
    let (size, at) = value.split_first_chunk()?;
    let at = u64::from_be_bytes(at.try_into().ok()?);
    Some(Kept { cid: Cid(name), size: u64::from_be_bytes(*size), at: Timestamp(at) })
}

#[cfg(test)]
mod tests {
    use troupe_runtime::ManualClock;
    use troupe_store::MemoryStore;

    use super::*;

    #[test]
    fn a_blob_is_kept_once_listed_in_order_and_nothing_else_is_to_be_had() {
        let store = Arc::new(MemoryStore::default());
        let clock = Arc::new(ManualClock::default());
        clock.set(Timestamp(1));
        let dag = Dag::new(Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&clock) as Arc<dyn Clock>);
        let first = dag.put(b"one").unwrap();
        clock.set(Timestamp(2));
        assert_eq!((first.cid, first.size, first.at), (Cid(Hash::of(b"one")), 3, Timestamp(1)));
        assert_eq!(dag.put(b"one").unwrap(), first);
        for n in 0..10_u8 {
            dag.put(&[n]).unwrap();
        }
        let all = dag.list(None, 100).unwrap();
        assert!(all.len() == 11 && all.is_sorted_by_key(|kept| kept.cid));
        assert_eq!(dag.list(Some(&all[3].cid.0), 2).unwrap(), all[4..6]);
        assert_eq!(dag.get(&Hash::of(b"one")).unwrap().as_deref(), Some(&b"one"[..]));
        let config = Hash::of(b"config");
        store.put_shared(&config, b"config").unwrap();
        assert_eq!(dag.get(&config).unwrap(), None);
        let again = Dag::new(store, clock).count().unwrap();
        assert_eq!((again.blobs, again.bytes), (11, 13));
    }
}
