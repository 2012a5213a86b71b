//! Files that are this user's alone.
//!
//! Invariant: nothing is read through a symbolic link, from a pipe, from another user's file, or from one that others may
//! write to. A file appears whole under its name or not at all.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::TEMPORARY;

/// What others may not do to a file of this user: write to it.
const WRITE: u32 = 0o022;
/// What others may not do to a key: anything.
pub(super) const ANYTHING: u32 = 0o077;

/// Why a file is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It belongs to another user.
    #[error("it belongs to another user")]
    Owner,
    /// Others may do with it what they must not; its permissions.
    #[error("its mode is {0:o}, so that others may use it")]
    Mode(u32),
    /// It is a symbolic link.
    #[error("it is a symbolic link")]
    Link,
    /// It is something else than a file, or than a folder where that is expected.
    #[error("it is neither a file nor a folder of this cache")]
    Kind,
    /// It has a size that no such file has.
    #[error("it has {0} bytes")]
    Size(u64),
    /// Its seal does not fit: it is damaged, of another component, or not written by this user's processes.
    #[error("it is damaged, or was not written by this user's troupe")]
    Seal,
    /// The engine does not take it; why.
    #[error("the engine does not take it: {0}")]
    Engine(String),
    /// The system does not let this user read it; why.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// This system does not say who may write to a file.
    #[error("who may write to it cannot be told on this system")]
    System,
}

/// What was looked for.
pub(super) enum Read<T> {
    Missing,
    Found(T),
}

/// Writes a file for this user alone under a name that it may already have.
///
/// It is not synced: what a crash leaves of it does not fit its seal.
pub(super) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    through_temporary(path, parts, |temporary| fs::rename(temporary, path))
}

/// Writes a file for this user alone, unless there is one under its name.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    through_temporary(path, &[bytes], |temporary| {
        let linked = fs::hard_link(temporary, path);
        fs::remove_file(temporary)?;
        linked
    })
}

/// Writes under another name first, which no other thread or process has.
fn through_temporary(
    path: &Path,
    parts: &[&[u8]],
    finish: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let temporary = path.with_extension(format!("{process}-{count}.{TEMPORARY}"));
    // What a process of the same number left when it died.
    let _ = fs::remove_file(&temporary);
    let written = write_new(&temporary, parts).and_then(|()| finish(&temporary));
    written.inspect_err(|_| _ = fs::remove_file(&temporary))
}

fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))
}

/// Reads a file that nobody else can have written, if it has at most `max` bytes.
pub(super) fn read(path: &Path, max: u64) -> Result<Read<(File, Vec<u8>)>, Distrust> {
    read_denying(path, max, WRITE)
}

/// As [`read`], for others to have none of the rights `denied`.
pub(super) fn read_denying(path: &Path, max: u64, denied: u32) -> Result<Read<(File, Vec<u8>)>, Distrust> {
    let unreadable = |error: io::Error| Distrust::Unreadable(error.to_string());
    let Read::Found(mut file) = open(path)? else { return Ok(Read::Missing) };
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Distrust::Kind);
    }
    check(&metadata, denied)?;
    if metadata.len() > max {
        return Err(Distrust::Size(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    (&mut file).take(max).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Read::Found((file, bytes)))
}

/// Whether the folder is there, and nobody else can put files into it.
pub(super) fn check_folder(folder: &Path) -> Result<Read<()>, Distrust> {
    let metadata = match fs::symlink_metadata(folder) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read::Missing),
        Err(error) => return Err(Distrust::Unreadable(error.to_string())),
    };
    if metadata.is_symlink() {
        return Err(Distrust::Link);
    }
    if !metadata.is_dir() {
        return Err(Distrust::Kind);
    }
    check(&metadata, WRITE)?;
    Ok(Read::Found(()))
}

#[cfg(unix)]
fn open(path: &Path) -> Result<Read<File>, Distrust> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    use rustix::io::Errno;
    // Not waiting for whoever writes to what may be a pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    match fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Read::Found(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Read::Missing),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Err(Distrust::Link),
        Err(error) => Err(Distrust::Unreadable(error.to_string())),
    }
}

#[cfg(unix)]
fn check(metadata: &fs::Metadata, denied: u32) -> Result<(), Distrust> {
    use std::os::unix::fs::MetadataExt;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Distrust::Owner);
    }
    if metadata.mode() & denied != 0 {
        return Err(Distrust::Mode(metadata.mode() & 0o7777));
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn open(_: &Path) -> Result<Read<File>, Distrust> {
    Err(Distrust::System)
}

#[cfg(not(unix))]
fn check(_: &fs::Metadata, _: u32) -> Result<(), Distrust> {
    Err(Distrust::System)
}

#[cfg(not(unix))]
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
