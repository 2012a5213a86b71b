//! Why a log has no answer.

use troupe_chain::note::BadNote;
use troupe_chain::tree::OutOfTree;
use troupe_store::{CommitError, StoreError};

use crate::Tree;

/// Why a log has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Nothing was signed of this log yet.
    #[error("nothing is signed of {0} yet: its first checkpoint follows within seconds")]
    NotYet(Tree),
    /// The place is not in what was signed.
    #[error("{0} as far as it is signed: what was committed since follows within seconds")]
    OutOfTree(#[from] OutOfTree),
    /// A hash or a leaf that was signed is gone, or is another.
    #[error("{tree} is not as it was signed at size {size}: {what}")]
    Changed {
        /// The log.
        tree: Tree,
        /// The size that was signed.
        size: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A row is not what belongs there.
    #[error("the row {key:?} of {tree} is broken")]
    BrokenRow {
        /// The log.
        tree: Tree,
        /// Which row.
        key: &'static str,
    },
    /// The stored checkpoint cannot be read.
    #[error("the stored checkpoint cannot be read: {0}")]
    BrokenCheckpoint(#[from] BadNote),
    /// A witness has seen more of this log than the store has.
    #[error(
        "the store was set back: {witness} has cosigned {theirs} leaves of this node's log, and the store has {ours}. \
         Nothing more is signed. Bring back the newer store, or begin another log, with another name, by taking node.key away"
    )]
    SetBack {
        /// The witness's name.
        witness: String,
        /// What it cosigned.
        theirs: u64,
        /// What the store has.
        ours: u64,
    },
    /// A witness has seen another history of this log.
    #[error(
        "{witness} has cosigned another history of this node's log: {what}. Nothing more is signed. \
         Bring back the store that it was signed from"
    )]
    Forked {
        /// The witness's name.
        witness: String,
        /// What it says.
        what: String,
    },
    /// Signing has stopped, and begins again with a start at the earliest.
    #[error("{0}")]
    Stopped(String),
    /// No witness has been compared with since the start.
    #[error("no witness could be compared with since the start, so nothing new is signed: {0}")]
    NotCompared(String),
}
