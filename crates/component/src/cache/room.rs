//! What a cache holds, and the room that it takes.
//!
//! Invariant: only files that a cache writes are listed, counted or removed. What is removed was used the longest ago; a
//! process that has just read it keeps what it read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{cmp, io};

use troupe_chain::Hash;

use super::{CODE, TEMPORARY};

/// For how long a file may be in writing; an older one was left behind by a process that died.
const WRITING: Duration = Duration::from_hours(1);

/// A component that is kept compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledCode {
    /// The component.
    pub component: Hash,
    /// The engine that it was compiled for, as 16 hex digits: version, settings and target.
    pub engine: String,
    /// How many bytes the file has.
    pub size: u64,
    /// When it was written or loaded last.
    pub used: SystemTime,
    /// The file.
    pub path: PathBuf,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleared {
    /// How many files.
    pub files: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

impl CompiledCode {
    fn of(entry: &fs::DirEntry) -> Option<Self> {
        let path = entry.path();
        let (component, engine) = path.file_stem()?.to_str()?.split_once('-')?;
        let component = Hash::from_hex(component.as_bytes())?;
        let is_ours = path.extension()? == CODE && engine.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Of a symbolic link, the link; whatever it leads to takes its room elsewhere.
        let metadata = entry.metadata().ok().filter(|_| is_ours)?;
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(Self { component, engine: engine.to_owned(), size: metadata.len(), used, path })
    }
}

pub(super) fn list(folder: &Path) -> io::Result<Vec<CompiledCode>> {
    let mut found: Vec<_> = entries(folder)?.iter().filter_map(CompiledCode::of).collect();
    found.sort_by(|a, b| cmp::Reverse(a.used).cmp(&cmp::Reverse(b.used)).then_with(|| a.path.cmp(&b.path)));
    Ok(found)
}

pub(super) fn clear(folder: &Path) -> io::Result<Cleared> {
    let mut cleared = Cleared::default();
    for code in list(folder)? {
        remove(&code.path)?;
        cleared.files += 1;
        cleared.bytes += code.size;
    }
    for entry in entries(folder)?.iter().filter(|entry| is_temporary(entry)) {
        remove(&entry.path())?;
    }
    Ok(cleared)
}

/// Removes what was used the longest ago until all that is left has at most `max` bytes. `newest` stays.
pub(super) fn make_room(folder: &Path, newest: &Path, max: u64) -> io::Result<()> {
    let mut kept: u64 = 0;
    // The newest first whatever its time says: clocks are coarse.
    let (first, rest): (Vec<_>, Vec<_>) = list(folder)?.into_iter().partition(|code| code.path == newest);
    for code in first.into_iter().chain(rest) {
        kept = kept.saturating_add(code.size);
        if kept > max && code.path != newest {
            remove(&code.path)?;
            kept -= code.size;
        }
    }
    for entry in entries(folder)?.iter().filter(|entry| is_temporary(entry)) {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|time| time.elapsed());
        if age.is_ok_and(|age| age.is_ok_and(|age| age > WRITING)) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Notes that a file was used. If that fails, it goes earlier than it would have.
pub(super) fn touch(file: &File) {
    let _ = file.set_modified(SystemTime::now());
}

fn is_temporary(entry: &fs::DirEntry) -> bool {
    entry.path().extension().is_some_and(|extension| extension == TEMPORARY)
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match folder.read_dir() {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Removes a file that another process may have removed already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
