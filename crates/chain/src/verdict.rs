//! What a verification comes to: a report, or why not.
//!
//! The invariant: "could not be checked" is a kind of its own, never "verified" and never "false".

use crate::history::Unreadable;
use crate::link::Broken;
use crate::machine::Abort;
use crate::{Fuel, Gap, Hash, Redaction};

/// What was checked, where everything came out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The chain's id.
    pub chain: Hash,
    /// The name of its last entry.
    pub head: Hash,
    /// The position of its last entry.
    pub seq: u64,
    /// Messages replayed.
    pub messages: u64,
    /// Failures, replayed or taken on trust.
    pub failures: u64,
    /// Failures that depend on an engine that this is not, so that they were not replayed.
    pub on_trust: u64,
    /// Entries whose sender is somebody else's claim: a signature, another chain, a timer.
    pub provenance_not_checked: u64,
    /// The fuel of all replayed transitions that were accepted.
    pub fuel: Fuel,
    /// Entries that were not replayed, since what they need was redacted: they are neither true nor false.
    pub not_replayed: u64,
    /// Which ones and why, at most [`Report::MAX_GAPS`].
    pub gaps: Vec<Gap>,
}

impl Report {
    /// The most gaps that a report lists.
    pub const MAX_GAPS: usize = 1000;

    /// Whether every outcome came out again, or was taken on trust.
    pub fn is_complete(&self) -> bool {
        self.not_replayed == 0
    }
}

impl Report {
    /// Adds what was checked right after this.
    pub fn extend(&mut self, later: &Self) {
        (self.head, self.seq) = (later.head, later.seq);
        self.messages += later.messages;
        self.failures += later.failures;
        self.on_trust += later.on_trust;
        self.provenance_not_checked += later.provenance_not_checked;
        self.fuel.0 = self.fuel.0.saturating_add(later.fuel.0);
        self.not_replayed += later.not_replayed;
        for gap in &later.gaps {
            let is_full = self.gaps.len() >= Self::MAX_GAPS;
            match self.gaps.last_mut().filter(|before| before.last + 1 == gap.first) {
                Some(before) => before.last = gap.last,
                None if is_full => {}
                None => self.gaps.push(gap.clone()),
            }
        }
    }
}

/// Why a history was not verified.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotVerified {
    /// The entries do not form a chain.
    #[error("structure: {0}")]
    Structure(#[from] Broken),
    /// The last entry is not the head that was given.
    #[error(
        "structure: the last entry, at seq {seq}, is {found}, but the head should be {expected}: entries are missing at the end, or the head is another's"
    )]
    Head {
        /// The position of the last entry.
        seq: u64,
        /// The head as given.
        expected: Hash,
        /// The last entry's name.
        found: Hash,
    },
    /// A blob's bytes do not match its name.
    #[error("blobs: at seq {seq}, the bytes found for `{field}` {name} hash to {found}")]
    Blob {
        /// The first entry that names the blob.
        seq: u64,
        /// The field that names it.
        field: &'static str,
        /// Its name.
        name: Hash,
        /// The hash of what was found.
        found: Hash,
    },
    /// A message does not come from where the entry says, as far as the chain itself shows it.
    #[error("origin: at seq {seq}, {what}")]
    Origin {
        /// The entry.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// The replay came to something else.
    #[error(transparent)]
    Diverged(Box<Divergence>),
    /// It could not be checked. This says nothing about the history.
    #[error("could not be checked: {0}")]
    CannotCheck(#[from] CannotCheck),
}

impl NotVerified {
    /// Whether the history is false, rather than not to be checked.
    pub fn is_false(&self) -> bool {
        !matches!(self, Self::CannotCheck(_))
    }

    /// The position at which it went wrong, where there is one.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Structure(broken) => Some(broken.seq),
            Self::Head { seq, .. } | Self::Blob { seq, .. } | Self::Origin { seq, .. } => Some(*seq),
            Self::Diverged(divergence) => Some(divergence.seq),
            Self::CannotCheck(
                CannotCheck::MissingBlob { seq, .. }
                | CannotCheck::Redacted { seq, .. }
                | CannotCheck::Aborted { seq, .. }
                | CannotCheck::OtherEngine { seq, .. },
            ) => Some(*seq),
            Self::CannotCheck(_) => None,
        }
    }
}

/// Why a history could not be checked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CannotCheck {
    /// The source could not be read.
    #[error("the history cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// There is no history.
    #[error("there are no entries")]
    Empty,
    /// A blob that the replay needs is not there.
    #[error("at seq {seq}, the blob of `{field}`, {name}, is missing")]
    MissingBlob {
        /// The entry that names it.
        seq: u64,
        /// The field that names it.
        field: &'static str,
        /// Its name.
        name: Hash,
    },
    /// A blob that the replay needs was redacted, and the replay cannot go on without it.
    #[error("at seq {seq}, the blob of `{field}`, {name}, was {redaction}")]
    Redacted {
        /// The entry that names it.
        seq: u64,
        /// The field that names it.
        field: &'static str,
        /// Its name.
        name: Hash,
        /// What the operator says.
        redaction: Redaction,
    },
    /// There is no machine to replay it with.
    #[error("no machine for this chain: {0}")]
    NoMachine(String),
    /// The replay was aborted.
    #[error("the replay stopped at seq {seq}: {abort}")]
    Aborted {
        /// The entry being replayed.
        seq: u64,
        /// Why.
        abort: Abort,
    },
    /// The chain's engine is another, and this one ran into a limit where that one did not.
    #[error("at seq {seq}, this engine ran into a limit ({limit}) where the chain's engine did not")]
    OtherEngine {
        /// The entry being replayed.
        seq: u64,
        /// The limit.
        limit: crate::FailureCode,
    },
}

/// The first place where the replay came to something else than the chain says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("replay: diverged at seq {seq} in `{field}`: the chain says {says}, the replay got {got}")]
pub struct Divergence {
    /// The position of the entry.
    pub seq: u64,
    /// The field that differs.
    pub field: &'static str,
    /// What the chain says.
    pub says: String,
    /// What the replay got.
    pub got: String,
    /// The bytes that the replay got, where the field names a blob.
    pub got_bytes: Option<Vec<u8>>,
}
