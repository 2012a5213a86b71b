//! What goes wrong: rejections of a batch, and failures of the disk.
//!
//! Deliberately absent: retrying. A failed sync is final until the store is opened again.

use std::io;
use std::path::PathBuf;

use troupe_chain::Hash;

/// Why a commit did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The batch contradicts itself. Nothing was written; the caller has a bug.
    #[error("append {index} of the batch, to chain {chain}, is not valid: {reason}")]
    Invalid {
        /// Its place in the batch, from 0.
        index: usize,
        /// The chain that it names.
        chain: Hash,
        /// What is wrong with it.
        reason: InvalidAppend,
    },
    /// The chain has another head than the append expects. Nothing was written.
    #[error("the head of chain {chain} is {}, not {}", or_none(.found), or_none(.expected))]
    HeadMoved {
        /// The chain.
        chain: Hash,
        /// The head that the append expects.
        expected: Option<Hash>,
        /// The head that the chain has, counting the appends before it in the batch.
        found: Option<Hash>,
    },
    /// The disk is full. Nothing was written, and commits work again once there is space.
    #[error("the disk is full, nothing was written: free some space and try again")]
    Full(#[source] io::Error),
    /// Reading a head failed. Nothing was written.
    #[error("nothing was written, because a head could not be read")]
    Read(#[source] StoreError),
    /// Writing or syncing failed: the batch may be there after a restart or not. The store is halted.
    #[error("the batch may be durable or not: the store takes no more commits until it is opened again")]
    OutcomeUnknown(#[source] io::Error),
    /// The store is halted after an earlier failure. Nothing was written.
    #[error("nothing was written, the store is halted until it is opened again: {0}")]
    Halted(String),
}

/// What is wrong with an append.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAppend {
    /// It has neither an entry, a blob nor a row.
    #[error("it has no entry, no blob and no row")]
    Empty,
    /// It has no entry, and yet expects a head, or brings blobs of a chain that is not begun.
    #[error("it has no entry, and expects a head or brings blobs of a chain that is not begun")]
    NoEntry,
    /// A row's key is empty, or above [`MAX_ROW_KEY_BYTES`](crate::MAX_ROW_KEY_BYTES).
    #[error("a row's key has {found} bytes, not 1 to {limit}")]
    RowKey {
        /// The bytes of the key.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A row's value is above [`MAX_ROW_VALUE_BYTES`](crate::MAX_ROW_VALUE_BYTES).
    #[error("a row's value has {found} bytes, more than the {limit} allowed")]
    RowValue {
        /// The bytes of the value.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// An entry's seq does not follow the one before.
    #[error("an entry has seq {found} where {expected} follows")]
    SeqGap {
        /// The seq that follows the entry before.
        expected: u64,
        /// The seq that the entry has.
        found: u64,
    },
    /// The batch is above [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES).
    #[error("with it the batch has {found} bytes, more than the {limit} allowed")]
    TooLarge {
        /// The bytes so far.
        found: u64,
        /// The limit.
        limit: u64,
    },
}

/// Why a store could not be opened, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{action} {path} failed")]
    Io {
        /// What was tried: "opening", "reading" …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("the store {path} is in use by {holder}: stop it, or choose another data folder")]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// "process 4711", or "another process".
        holder: String,
    },
    /// The path is a file, or a folder with other things in it.
    #[error("{path} is not a store ({reason}): choose an empty folder, or one that a store was made in")]
    NotAStore {
        /// The path.
        path: PathBuf,
        /// What is there.
        reason: String,
    },
    /// A newer version made the store.
    #[error(
        "{path} was written by a newer Troupe (format {found}, this one reads {readable}): use that version"
    )]
    NewerFormat {
        /// The store's folder.
        path: PathBuf,
        /// The format in the folder.
        found: u64,
        /// The newest format that this version reads.
        readable: u64,
    },
    /// Bytes that were durable have changed or are gone.
    #[error(
        "the log is damaged at segment {segment}, byte {offset}: {reason}. \
         Nothing was changed; check the disk and restore the folder from a copy"
    )]
    Corrupt {
        /// The segment's number.
        segment: u32,
        /// The offset of the damaged frame.
        offset: u32,
        /// What is wrong there.
        reason: String,
    },
    /// The index failed. It holds nothing that the log does not.
    #[error("the index failed while {action}: stop the node, remove the folder `index`, and start it again")]
    Index {
        /// What was tried.
        action: &'static str,
        /// What the index said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no room for what is written next.
    #[error("the disk is full: the next part of the log takes {needed} bytes, and {free} are free")]
    Full {
        /// How many bytes are needed.
        needed: u64,
        /// How many there are.
        free: u64,
    },
    /// The store takes no commits.
    #[error("the store is halted until it is opened again: {0}")]
    Halted(String),
}

fn or_none(name: &Option<Hash>) -> String {
    name.map_or_else(|| "none".to_owned(), |name| name.to_string())
}

impl StoreError {
    /// Whether the disk has no room: what was asked for may work later.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Io { source, .. } => is_full(source),
            _ => false,
        }
    }
}

/// Whether the system says that there is no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
