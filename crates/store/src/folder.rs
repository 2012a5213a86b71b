//! A store's folder on a real disk: what it may be, who has it, and in which format it is.
//!
//! Invariant: one process at a time has a folder, and nothing in a folder that is not a store is touched.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::StoreError;

/// The format that this version reads and writes.
const FORMAT: u64 = 3;

/// The oldest format that this version reads. Opening makes it the newest, for what older versions cannot read follows.
const OLDEST: u64 = 1;

/// A folder that this process has. Dropping it lets others have it.
pub(crate) struct Folder {
    _lock: File,
    /// Tells this store from every other; drawn when the folder was made.
    pub(crate) id: u64,
}

impl Folder {
    /// Opens a store's folder, or makes one where nothing is.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        match fs::metadata(path) {
            Ok(found) if !found.is_dir() => {
                return Err(StoreError::NotAStore { path: path.into(), reason: "it is a file".to_owned() });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path).map_err(failed("making the folder", path))?;
            }
            Err(error) => return Err(failed("opening", path)(error)),
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(failed("listing", path))? {
            names.push(entry.map_err(failed("listing", path))?.file_name());
        }
        let is_store = names.iter().any(|name| name == "format");
        // A start that was cut short may have left no more than these.
        let foreign =
            names.iter().find(|name| *name != "lock" && *name != "format.tmp" && *name != "lost+found");
        if let (false, Some(name)) = (is_store, foreign) {
            let reason = format!("it has no file `format`, but {name:?}");
            return Err(StoreError::NotAStore { path: path.into(), reason });
        }
        let lock = lock(path)?;
        let id = if is_store {
            let (format, id) = read_format(path)?;
            if format < FORMAT {
                write_format(path, id)?;
            }
            id
        } else {
            // The standard library's hasher keys are the randomness that it has to offer; ids need no more.
            let id = RandomState::new().hash_one(std::process::id());
            write_format(path, id)?;
            id
        };
        Ok(Self { _lock: lock, id })
    }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = path.join("lock");
    let mut options = File::options();
    let mut lock = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file)
        .map_err(failed("opening", &file))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Who it is helps; that it cannot be read changes nothing.
            let _ = lock.read_to_string(&mut pid);
            let holder = match pid.trim().parse::<u32>() {
                Ok(pid) => format!("process {pid}"),
                Err(_) => "another process".to_owned(),
            };
            return Err(StoreError::Locked { path: path.into(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(failed("locking", &file)(error)),
    }
    let write = |lock: &mut File| -> io::Result<()> {
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())
    };
    write(&mut lock).map_err(failed("writing", &file))?;
    Ok(lock)
}

/// Returns the format and the id.
fn read_format(path: &Path) -> Result<(u64, u64), StoreError> {
    let file = path.join("format");
    let bytes = fs::read(&file).map_err(failed("reading", &file))?;
    let unreadable = || StoreError::NotAStore {
        path: path.into(),
        reason: "its file `format` does not say {\"format\":3,\"id\":…}".to_owned(),
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
    let format = match value["format"].as_u64() {
        Some(found @ OLDEST..=FORMAT) => found,
        Some(found) if found > FORMAT => {
            return Err(StoreError::NewerFormat { path: path.into(), found, readable: FORMAT });
        }
        _ => return Err(unreadable()),
    };
    let id = value["id"].as_str().and_then(|id| u64::from_str_radix(id, 16).ok());
    id.map(|id| (format, id)).ok_or_else(unreadable)
}

fn write_format(path: &Path, id: u64) -> Result<(), StoreError> {
    let (temporary, file) = (path.join("format.tmp"), path.join("format"));
    let write = || -> io::Result<()> {
        let mut new = File::create(&temporary)?;
        writeln!(new, "{{\"format\":{FORMAT},\"id\":\"{id:016x}\"}}")?;
        new.sync_all()?;
        fs::rename(&temporary, &file)?;
        File::open(path)?.sync_all()
    };
    write().map_err(failed("writing", &file))
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.into(), source }
}
