//! The embedded store on a real folder, with two threads: one makes segments ahead, one feeds the index.
//!
//! Invariant: dropping the store leaves the folder as complete as a start can use it, and free for the next.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use crate::disk::RealDisk;
use crate::embedded::{DiskOptions, Embedded};
use crate::folder::Folder;
use crate::index::{self, FjallIndex, Index};
use crate::{Append, CommitError, Store, StoreError};

/// Keeps chains in a folder. The default store of a node.
pub struct DiskStore {
    // Dropped before the folder, so that the lock is held until the last write.
    embedded: Arc<Embedded>,
    spares: Worker,
    indexer: Worker,
    _folder: Folder,
}

impl DiskStore {
    /// Opens the store in `path`, or makes one if nothing is there.
    ///
    /// Reads the log's tail from where the index ends: after a crash about one stretch and one segment, whatever
    /// the length of the history. An index that is missing or broken is made again, which reads the whole log.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it, [`StoreError::NotAStore`] and
    /// [`StoreError::NewerFormat`] if the folder is not for this version, [`StoreError::Corrupt`] if durable
    /// bytes changed, [`StoreError::Io`] otherwise.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, DiskOptions::default())
    }

    /// As [`DiskStore::open`], with other sizes. They may differ from those that the store was made with.
    pub fn open_with(path: impl AsRef<Path>, options: DiskOptions) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let folder = Folder::open(path)?;
        let index = open_giving_way(&path.join("index"), folder.id)?;
        let disk = Arc::new(RealDisk::new(path));
        let embedded = Arc::new(Embedded::open(disk, index, folder.id, options)?);
        let worker = |name: &str, work: fn(&Embedded)| {
            let embedded = embedded.clone();
            Worker::spawn(name, move || work(&embedded)).map_err(|source| StoreError::Io {
                action: "starting a thread for",
                path: path.into(),
                source,
            })
        };
        let spares = worker("store-spares", Embedded::prepare_spare)?;
        let indexer = worker("store-index", Embedded::index_sealed)?;
        embedded.has_background();
        spares.wake();
        Ok(Self { embedded, spares, indexer, _folder: folder })
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        self.spares.stop();
        self.indexer.stop();
        self.embedded.index_all();
    }
}

impl Store for DiskStore {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        let due = self.embedded.commit_batch(batch)?;
        if due.spare {
            self.spares.wake();
        }
        if due.index {
            self.indexer.wake();
        }
        Ok(())
    }

    all_but_commit!(embedded);
}

/// By how much the threads behind the store are nicer than those that somebody waits for, in steps of `nice`: ten times less
/// of a core that both want, and all of one that nobody else does.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// Lets other threads have a core before this one, and before those that it starts: nobody waits for their work unless
/// they are far behind, and then whoever commits waits and leaves them the core. Where the system has no such thing for a
/// thread, all are equal.
fn give_way() {
    // A thread may always be nicer. A sandbox that forbids it leaves all equal, too.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICER);
}

/// As [`open_index`], so that the threads of the index give way.
fn open_giving_way(path: &Path, id: u64) -> Result<Arc<dyn Index>, StoreError> {
    let open = || {
        give_way();
        open_index(path, id)
    };
    // The threads that a thread starts are as nice as it is.
    thread::scope(|scope| scope.spawn(open).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Opens the index, or begins a new one if it cannot be used: it is made again from the log.
fn open_index(path: &Path, id: u64) -> Result<Arc<dyn Index>, StoreError> {
    if let Ok(index) = FjallIndex::open(path)
        && let Ok(Some(_)) = index::watermark(&index, id)
    {
        return Ok(Arc::new(index));
    }
    match fs::remove_dir_all(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => {
            return Err(StoreError::Io { action: "removing the index", path: path.into(), source });
        }
    }
    Ok(Arc::new(FjallIndex::open(path).map_err(index::failed("opening"))?))
}

/// A thread that does one kind of work when woken.
struct Worker {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn spawn(name: &str, work: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        let run = move || {
            give_way();
            woken.iter().for_each(|()| work());
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { wake: Some(wake), thread: Some(thread) })
    }

    /// Wakes the thread; once more is enough if it is awake already.
    fn wake(&self) {
        if let Some(wake) = &self.wake {
            let _ = wake.try_send(());
        }
    }

    fn stop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}
