//! One file that shows a stranger that a log's key signed what cannot be true.
//!
//! `docs/spec/fraud-proofs.md` is the format. Invariant: an accusation that [`FraudProof::check`] accepts holds whoever made
//! the file: all that it rests on is what the key signed, and what anybody can run again.
//!
//! Deliberately absent: who holds the key. A reader compares it with the one that they know.

mod check;
mod make;
mod read;

use std::fmt;

use crate::note::{LogProof, PublicKey, SignedCheckpoint};
use crate::tree::{NotProved, TreeHash};
use crate::{CannotCheck, Hash, NotVerified};

pub use check::examine;
pub use make::NotMade;

/// The first line of the file.
pub const FRAUD_HEADER: &str = "troupe.fraud/v1";
/// The most bytes of a file. It has every entry up to the false one, of about half a KiB each.
pub const MAX_FRAUD_BYTES: usize = 1 << 30;

/// An accusation: the key that signed, and what cannot be true of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FraudProof {
    /// The key of the log.
    pub key: PublicKey,
    /// What it signed.
    pub lie: Lie,
}

/// What a key signed and cannot be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lie {
    /// Two checkpoints of one log and one size, with different roots.
    Roots(Box<[SignedCheckpoint; 2]>),
    /// Two checkpoints of one log that have different leaves at the same place.
    Leaves(Box<[Leaf; 2]>),
    /// A checkpoint of a chain that has a false entry.
    Step(Box<FalseStep>),
}

/// A leaf, and its way to a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its hash in the tree.
    pub hash: TreeHash,
    /// That it is there.
    pub proof: LogProof,
}

/// The beginning of a signed history up to its first false entry, and what it takes to run that one again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FalseStep {
    /// The checkpoint of the chain.
    pub checkpoint: SignedCheckpoint,
    /// That its tree begins with the names of the entries.
    pub consistency: Vec<TreeHash>,
    /// From genesis to the false one: they say which rules were in force, and from where it started.
    pub entries: Vec<Vec<u8>>,
    /// What a replay of the last of them asks for, in any order.
    pub blobs: Vec<Vec<u8>>,
}

/// What an accusation has shown.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The log has two histories of this size.
    Roots {
        /// Which log.
        origin: String,
        /// The size.
        size: u64,
    },
    /// The log has two leaves at this place.
    Leaves {
        /// Which log.
        origin: String,
        /// The place.
        index: u64,
    },
    /// The chain has an entry that is false.
    Step {
        /// Which chain.
        chain: Hash,
        /// Its position.
        seq: u64,
        /// What is wrong with it.
        fault: Box<NotVerified>,
    },
}

/// Why an accusation does not hold.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotShown {
    /// The key did not sign a checkpoint.
    #[error("the checkpoint of `{origin}` is not signed by {key}")]
    Signature {
        /// The log.
        origin: String,
        /// The key.
        key: String,
    },
    /// The two checkpoints are of different logs.
    #[error("the checkpoints are of two logs, `{0}` and `{1}`")]
    Origins(String, String),
    /// The two checkpoints can both be true.
    #[error("the checkpoints can both be true: {0}")]
    NoContradiction(&'static str),
    /// A leaf is not in its tree.
    #[error("a checkpoint does not have its leaf: {0}")]
    NotInTree(NotProved),
    /// The checkpoint is of no chain's log.
    #[error("`{0}` is not the log of a chain")]
    NotAChain(String),
    /// The checkpoint's tree does not begin with these entries.
    #[error("the checkpoint does not begin with these entries: {0}")]
    NotSigned(NotProved),
    /// Another entry than the last one is false.
    #[error("the entry at seq {seq} is wrong already, so the proof must end there: {fault}")]
    Earlier {
        /// Its position.
        seq: u64,
        /// What is wrong with it.
        fault: Box<NotVerified>,
    },
    /// The last entry is true.
    #[error("the entry at seq {0} is as it should be: its replay comes to the same")]
    True(u64),
    /// A blob that nothing asked for.
    #[error("it has a blob that nobody asks for, {0}")]
    Unneeded(Hash),
    /// The entry cannot be run again here. This says nothing about the accusation.
    #[error("could not be checked: {0}")]
    CannotCheck(#[from] CannotCheck),
    /// Under another engine not all of an entry is compared. This says nothing about the accusation.
    #[error(
        "could not be checked: the entry at seq {0} is of another engine than this one, under which fuel is not compared"
    )]
    OtherEngine(u64),
}

impl NotShown {
    /// Whether the accusation is false, rather than not to be checked.
    pub fn is_false(&self) -> bool {
        !matches!(self, Self::CannotCheck(_) | Self::OtherEngine(_))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roots { origin, size } => {
                write!(f, "two histories of `{origin}` with {size} leaves were signed")
            }
            Self::Leaves { origin, index } => {
                write!(f, "two histories of `{origin}` were signed, which differ in leaf {index}")
            }
            Self::Step { seq, .. } => write!(f, "a history was signed whose entry at seq {seq} is false"),
        }
    }
}
