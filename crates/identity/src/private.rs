//! Files that only their owner reads and writes.
//!
//! Invariant: a file is made with mode 0600 and durable before its name is told; one that others may read is refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than its owner may read it.
    #[error("{} can be read by others (mode {mode:03o}): `chmod 600` it, and think of who has read it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl PrivateFileError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a file, and at most one byte more than `max`.
///
/// # Errors
/// [`PrivateFileError`].
pub fn read(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let failed = |source| PrivateFileError::Io { action: "reading", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = system::mode(&file.metadata().map_err(failed)?);
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::Open { path: path.to_owned(), mode });
    }
    // With room for all of it from the start, so that no copy is left behind when it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(max + 1));
    file.take(max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Writes a new file; one that is there stays as it is, and is an error.
///
/// # Errors
/// [`PrivateFileError::Io`].
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    write_new(path, bytes).and_then(|()| sync_folder_of(path)).map_err(|source| PrivateFileError::Io {
        action: "writing",
        path: path.to_owned(),
        source,
    })
}

/// Writes a file beside its place and moves it there, so that at any instant one of the two is there whole. The bytes of a
/// former file are overwritten; what a file system or a disk keeps of them elsewhere is out of reach.
///
/// # Errors
/// [`PrivateFileError::Io`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    let replaced = || {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".tmp");
        let beside = PathBuf::from(beside);
        absent(std::fs::remove_file(&beside))?;
        let former = absent(OpenOptions::new().write(true).open(path))?;
        write_new(&beside, bytes)?;
        std::fs::rename(&beside, path)?;
        sync_folder_of(path)?;
        former.map_or(Ok(()), overwrite)
    };
    replaced().map_err(|source| PrivateFileError::Io { action: "writing", path: path.to_owned(), source })
}

fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn overwrite(mut file: File) -> io::Result<()> {
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()
}

/// Writes a file that is not there yet, for its owner alone, and syncs it, but not its folder.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = system::for_owner(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
mod system {
    use std::fs::{Metadata, OpenOptions};
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    pub(super) fn for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    pub(super) fn mode(metadata: &Metadata) -> u32 {
        metadata.permissions().mode() & 0o777
    }
}

/// Other systems have no such modes.
#[cfg(not(unix))]
mod system {
    use std::fs::{Metadata, OpenOptions};

    pub(super) fn for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn mode(_: &Metadata) -> u32 {
        0o600
    }
}
