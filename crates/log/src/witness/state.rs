//! What a witness remembers: for each log the checkpoint that it cosigned last, in a file of its own.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use troupe_chain::Hash;
use troupe_chain::note::{KeyName, SignedCheckpoint};
use troupe_chain::tree::TreeHead;

use super::WitnessError;

/// The folder of a witness, locked for as long as this is held.
pub(super) struct States {
    folder: PathBuf,
    _lock: File,
}

impl States {
    pub(super) fn open(folder: &Path) -> Result<Self, WitnessError> {
        fs::create_dir_all(folder).map_err(failed("making", folder))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(failed("opening", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(WitnessError::InUse(folder.display().to_string())),
            Err(TryLockError::Error(error)) => Err(failed("locking", &path)(error)),
        }
    }

    /// A log's file: its origin may have any letters, so the name is a hash of it.
    fn path(&self, origin: &KeyName) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", Hash::of(origin.as_str().as_bytes())))
    }

    /// The tree that was cosigned last; the empty one if there is none.
    pub(super) fn load(&self, origin: &KeyName) -> Result<TreeHead, WitnessError> {
        let path = self.path(origin);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(TreeHead::empty()),
            Err(error) => return Err(failed("reading", &path)(error)),
        };
        let broken = |what: String| WitnessError::Broken { path: path.display().to_string(), what };
        let stored = SignedCheckpoint::parse(&bytes).map_err(|error| broken(error.to_string()))?;
        match stored.checkpoint().origin == *origin {
            true => Ok(*stored.head()),
            false => Err(broken(format!("it is of `{}`", stored.checkpoint().origin))),
        }
    }

    /// Remembers a checkpoint: durable on return, and after a crash either the old one or the new one is there.
    pub(super) fn store(&self, origin: &KeyName, checkpoint: &SignedCheckpoint) -> Result<(), WitnessError> {
        let path = self.path(origin);
        let beside = path.with_extension("tmp");
        let write = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(checkpoint.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(failed("writing", &path))
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WitnessError {
    let path = path.display().to_string();
    move |source| WitnessError::Io { action, path, source }
}
