//! Why a keyring does not do what it is asked for.

use std::io;
use std::path::PathBuf;

use super::IdName;
use crate::file::BadKeyFile;

/// Why a keyring does not do what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no such name.
    #[error("there is no key `{name}` in {}", folder.display())]
    NotFound {
        /// The name.
        name: IdName,
        /// The keyring.
        folder: PathBuf,
    },
    /// There is one already.
    #[error("there is a key `{name}` already in {}", folder.display())]
    Exists {
        /// The name.
        name: IdName,
        /// The keyring.
        folder: PathBuf,
    },
    /// Others than its owner may write to the folder, and so put their key in the place of another.
    #[error("{}: others may write to it; `chmod 700` it", .0.display())]
    Writable(PathBuf),
    /// A record cannot be read.
    #[error("{} is no record of a key", .0.display())]
    Record(PathBuf),
    /// The folder or a record cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A key's file does not give its key.
    #[error(transparent)]
    File(#[from] BadKeyFile),
    /// A file holds another key than the record says.
    #[error("{} holds {found}, and the record says {recorded}", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// The key in it.
        found: String,
        /// The key that should be.
        recorded: String,
    },
    /// The key is in a device.
    #[error("the key `{0}` is in a device, not in a file")]
    InDevice(IdName),
    /// A rotation has begun already.
    #[error("`{name}` has a next key already: {next}")]
    Rotating {
        /// The name.
        name: IdName,
        /// The key that is to take the place of the one in force.
        next: String,
    },
    /// No rotation has begun.
    #[error("`{0}` has no next key")]
    NotRotating(IdName),
}
