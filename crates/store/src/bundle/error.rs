//! Why a bundle cannot be opened or written.
//!
//! The invariant: what could not be checked and what is false are never mixed, see [`BundleError::is_false`].

use std::io;
use std::path::PathBuf;

use troupe_chain::{CannotCheck, Hash, NotVerified};

/// A bundle cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read or written.
    #[error("{what}: {source}")]
    Io {
        /// The file.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// It is something else than a bundle.
    #[error("not a bundle: {0}")]
    NotABundle(String),
    /// It is larger than this reader takes.
    #[error("{what} is above the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit, in what `what` is counted in.
        limit: u64,
    },
    /// The folder to write to has something in it.
    #[error("{} is not empty; a bundle needs a folder of its own", .0.display())]
    Occupied(PathBuf),
    /// The bundle is put together wrongly.
    #[error("structure: {0}")]
    Fault(#[from] Fault),
    /// Its entries do not form a chain, or a blob is not what its name says.
    #[error(transparent)]
    Chain(#[from] NotVerified),
}

/// How a bundle is put together wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes at an offset of a CAR file are not a section.
    #[error("at byte {offset}: {what}")]
    Section {
        /// Where the section begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A section stands twice.
    #[error("at byte {offset}: {name} stands here a second time")]
    Repeated {
        /// Where the section begins.
        offset: u64,
        /// Its name.
        name: Hash,
    },
    /// A section is neither the next entry nor a blob that the entry before it is the first to name.
    #[error("{name} is not reached from the head, or not where it belongs, after the entry at seq {seq}")]
    Unreached {
        /// The last entry before it; for a folder the head.
        seq: u64,
        /// Its name.
        name: Hash,
    },
    /// A file or folder that a bundle does not have.
    #[error("`{0}` does not belong in a bundle, or is not a plain file")]
    Stray(String),
    /// What is said of redacted blobs is not as it must be.
    #[error("redactions: {0}")]
    Redactions(String),
    /// The last line of the entries has no end.
    #[error("`entries.ndjson` does not end in a newline: it was cut off")]
    CutOff,
    /// `head.json` says another chain or another size.
    #[error("`head.json` says {field} {says}, but the entries say {found}")]
    Head {
        /// The field.
        field: &'static str,
        /// What it says.
        says: String,
        /// What the entries say.
        found: String,
    },
}

impl BundleError {
    /// Whether the bundle is false, rather than not to be checked.
    pub fn is_false(&self) -> bool {
        match self {
            Self::Fault(_) => true,
            Self::Chain(why) => why.is_false(),
            Self::Io { .. } | Self::NotABundle(_) | Self::TooLarge { .. } | Self::Occupied(_) => false,
        }
    }

    /// The position in the chain at which it went wrong, where there is one.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Fault(Fault::Unreached { seq, .. }) => Some(*seq),
            Self::Chain(why) => why.seq(),
            _ => None,
        }
    }
}

impl From<CannotCheck> for BundleError {
    fn from(why: CannotCheck) -> Self {
        Self::Chain(why.into())
    }
}
