//! The [`Store`] trait and the values that cross it.
//!
//! Deliberately absent: anything about how a store keeps its bytes.

use bytes::Bytes;
use troupe_chain::Hash;

use crate::{CommitError, StoreError};

/// The most bytes that one batch may hold: 512 MiB of entries, blobs and rows. Each entry and each blob is counted
/// with 40 bytes more, each row with 5, each append with 128.
pub const MAX_BATCH_BYTES: u64 = 512 << 20;

/// The most bytes of a row's key; it has at least one.
pub const MAX_ROW_KEY_BYTES: usize = 128;

/// The most bytes of a row's value: 64 KiB.
pub const MAX_ROW_VALUE_BYTES: usize = 64 << 10;

/// The last entry of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The entry's name.
    pub entry: Hash,
    /// Its place in the chain; genesis is 0.
    pub seq: u64,
}

/// An entry to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its name.
    pub name: Hash,
    /// Its place in the chain: one more than the entry before, 0 for genesis.
    pub seq: u64,
    /// Its canonical bytes, kept as they are.
    pub bytes: Bytes,
}

impl NewEntry {
    /// Names `bytes` by hashing them.
    pub fn new(seq: u64, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { name: Hash::of(&bytes), seq, bytes }
    }

    /// Returns the head that a chain has once this is its last entry.
    pub fn head(&self) -> Head {
        Head { entry: self.name, seq: self.seq }
    }
}

/// A row to put or to remove, together with the rest of its append.
///
/// Rows belong to the node, not to a chain. They are what may change: what is due, what a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key, of 1 to [`MAX_ROW_KEY_BYTES`] bytes.
    pub key: Bytes,
    /// Its new value, of at most [`MAX_ROW_VALUE_BYTES`]; `None` removes it. Removing what is not there is fine.
    pub value: Option<Bytes>,
}

impl Row {
    /// Puts a value under a key, whatever is there.
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { key: key.into(), value: Some(value.into()) }
    }

    /// Removes what is under a key.
    pub fn remove(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), value: None }
    }

    /// Returns the bytes of its key and value together.
    pub fn bytes(&self) -> u64 {
        (self.key.len() + self.value.as_ref().map_or(0, Bytes::len)) as u64
    }
}

/// Entries that grow one chain, the blobs that they name, and rows that change with them. All of it is stored or
/// none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The chain's id.
    pub chain: Hash,
    /// The head's name before this append; `None` creates the chain.
    pub expected: Option<Hash>,
    /// Entries in order and without a gap. There may be none if there are rows or blobs: then nothing is expected, and
    /// the chain stays as it is. It must exist if there are blobs.
    pub entries: Vec<NewEntry>,
    /// Blobs by name. One that the chain has already may be repeated; it costs at most its space.
    pub blobs: Vec<(Hash, Bytes)>,
    /// Rows to put or to remove; of several with one key, in an append or a batch, the last one counts.
    pub rows: Vec<Row>,
}

impl Append {
    /// Returns the bytes of its entries, blobs and rows together.
    pub fn payload_bytes(&self) -> u64 {
        let entries = self.entries.iter().map(|entry| entry.bytes.len() as u64).sum::<u64>();
        let blobs = self.blobs.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
        entries + blobs + self.rows.iter().map(Row::bytes).sum::<u64>()
    }
}

/// What an erasure did, and what it left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Copies of blobs that are gone.
    pub copies: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Other chains that have blobs of these names, in order.
    pub elsewhere: Vec<Hash>,
}

/// What a store holds, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of entries, blobs and rows with their framing, without space that is only reserved.
    pub log_bytes: u64,
    /// Bytes reserved ahead of need.
    pub reserved_bytes: u64,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// Bytes of components and configs.
    pub shared_bytes: u64,
}

impl Usage {
    /// Returns everything together.
    pub fn total(&self) -> u64 {
        self.log_bytes + self.reserved_bytes + self.index_bytes + self.shared_bytes
    }
}

/// Keeps chains. Every method may be called from any thread; every method may block on the disk.
pub trait Store: Send + Sync {
    /// Appends every append of the batch, in order, and returns once all of it is durable.
    ///
    /// The whole batch is checked before anything is written, so [`CommitError::HeadMoved`],
    /// [`CommitError::Invalid`] and [`CommitError::Full`] mean that nothing was written. Appends of one batch
    /// may follow each other in one chain: each expects the last entry of the one before. Nothing of a batch is
    /// visible to readers before all of it is durable. A crash within the call leaves the batch's first appends,
    /// any number of them, each whole. An empty batch does nothing.
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError>;

    /// Returns the last durable entry of a chain; `None` if there is no such chain.
    fn head(&self, chain: &Hash) -> Result<Option<Head>, StoreError>;

    /// Lists every chain with its head, ordered by chain id.
    fn chains(&self) -> Result<Vec<(Hash, Head)>, StoreError>;

    /// Returns the bytes of a chain's entry.
    fn entry(&self, chain: &Hash, seq: u64) -> Result<Option<Bytes>, StoreError>;

    /// Returns the seq of a chain's entry that has this name.
    fn find(&self, chain: &Hash, name: &Hash) -> Result<Option<u64>, StoreError>;

    /// Returns a blob that was appended to this chain and not erased since; another chain's are not seen.
    fn blob(&self, chain: &Hash, name: &Hash) -> Result<Option<Bytes>, StoreError>;

    /// Erases blobs of a chain, every copy of them that the store has, durably: it takes time for all that the store
    /// holds. Names that the chain has no blob of are fine. A blob that is appended again later is there again.
    ///
    /// `allow` is asked once nothing can be committed any more, and before anything is changed; if it says no, nothing
    /// is, and `None` is returned. It may read the store, and must not commit.
    ///
    /// # Errors
    /// [`StoreError`]; if bytes may have been overwritten by then, the store is halted, and the next start finishes it.
    fn erase(
        &self,
        chain: &Hash,
        names: &[Hash],
        allow: &dyn Fn() -> bool,
    ) -> Result<Option<Erased>, StoreError>;

    /// Returns a row's value.
    fn row(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// Lists the rows whose key begins with `prefix`, in order of keys, from after the key `after` on, at most
    /// `limit` of them. It takes time for every row that changed lately, so it is for a start and for seldom.
    ///
    /// What it returns was there at one moment; the next call may see a later one.
    fn rows(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError>;

    /// Keeps a blob that belongs to no chain (a component, a config), durable on return. Repeating it is free.
    fn put_shared(&self, name: &Hash, bytes: &[u8]) -> Result<(), StoreError>;

    /// Returns a blob kept by [`Store::put_shared`].
    fn shared(&self, name: &Hash) -> Result<Option<Bytes>, StoreError>;

    /// Returns how many bytes are held.
    fn usage(&self) -> Result<Usage, StoreError>;

    /// Checks that the next commit has a chance: an error says why the store takes none. What is being written or erased
    /// meanwhile is not waited for; a commit may have to.
    fn ready(&self) -> Result<(), StoreError>;
}
