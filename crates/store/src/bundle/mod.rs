//! Chains as files: one CAR file or one folder, which anybody can hand to anybody.
//!
//! The formats are drawn in `docs/spec/chain.md`. Whoever opens a bundle trusts nothing in it: every section and file
//! is checked against its name, and whatever the head does not reach is an error. What an open bundle is, after that,
//! is a [`History`]; whether its outcomes are true is for [`troupe_chain::verify`] to say.
//!
//! Deliberately absent: signatures and checkpoints. A history that was cut short and given another head is a true
//! history, only a shorter one; only somebody who knows the head can tell.

mod car;
mod car_write;
mod error;
mod folder;
mod folder_write;
mod pieces;
mod redactions;
mod source;

use std::fs::File;
use std::path::Path;

use troupe_chain::{Hash, History, Redaction, Unreadable};

pub use car::Car;
pub use car_write::write_car;
pub use error::{BundleError, Fault};
pub use folder::{Dir, Files, Folder, MemoryFiles};
pub use folder_write::write_folder;
pub use pieces::{Piece, check_reach, pieces};
pub use redactions::MAX_REDACTIONS_LENGTH;
pub use source::{FileSource, Source};

/// The largest blob that a bundle holds, in bytes: 256 MiB.
pub const MAX_BLOB_LENGTH: u64 = 256 << 20;

/// The largest number of sections of a CAR file, and of files of a folder: 2^24. Each costs about 100 bytes of memory.
pub const MAX_SECTIONS: usize = 1 << 24;

/// What a bundle was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The chain's id.
    pub chain: Hash,
    /// The name of its last entry.
    pub head: Hash,
    /// How many entries it has.
    pub size: u64,
    /// How many blobs are there.
    pub blobs: u64,
    /// How many blobs entries name that are not there.
    pub missing: u64,
    /// Of how many of these it is said why.
    pub redacted: u64,
}

/// An open bundle, in either form.
#[derive(Debug)]
pub enum Bundle {
    /// One CAR file.
    Car(Car<FileSource>),
    /// One folder.
    Folder(Folder<Dir>),
}

impl Bundle {
    /// Opens a CAR file or a folder, whichever `path` is, and checks everything but the outcomes.
    ///
    /// # Errors
    /// [`BundleError`]; [`BundleError::is_false`] tells what is wrong from what could not be checked.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let cannot = |source| BundleError::Io { what: path.display().to_string(), source };
        if std::fs::metadata(path).map_err(cannot)?.is_dir() {
            return Folder::open(Dir::new(path)).map(Self::Folder);
        }
        let file = File::open(path).and_then(FileSource::new).map_err(cannot)?;
        Car::open(file).map(Self::Car)
    }

    /// What it holds.
    pub fn summary(&self) -> &Summary {
        match self {
            Self::Car(car) => car.summary(),
            Self::Folder(folder) => folder.summary(),
        }
    }
}

impl History for Bundle {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.summary().head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        match self {
            Self::Car(car) => Box::new(car.entries()) as Box<dyn Iterator<Item = _> + '_>,
            Self::Folder(folder) => Box::new(folder.entries()),
        }
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        match self {
            Self::Car(car) => car.blob(name),
            Self::Folder(folder) => folder.blob(name),
        }
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        match self {
            Self::Car(car) => car.redaction(name),
            Self::Folder(folder) => folder.redaction(name),
        }
    }
}
