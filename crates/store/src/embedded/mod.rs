//! The embedded store: the log, the index that points into it, and what lies between the two.
//!
//! Invariant: what readers see is durable. A batch enters the overlay after its sync has returned, and the index
//! from there.
//!
//! Deliberately absent: retrying a failed write or sync. It halts the store, and the next start settles the tail.

mod store;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use troupe_chain::Hash;

use crate::disk::Disk;
use crate::error::is_full;
use crate::index::{self, Index};
use crate::log::erase;
use crate::log::rows::Rows;
use crate::log::{self, End, Frame, Reader, Spare, TakeError, Writer, frame};
use crate::overlay::{Key, Layer, Overlay};
use crate::shared::Shared;
use crate::{Append, CommitError, Head, StoreError, batch};

/// Sizes of a [`DiskStore`](crate::DiskStore).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskOptions {
    /// Bytes of a segment of the log, at most 1 GiB. Two are reserved: the one in use and the next.
    pub segment_bytes: u64,
    /// Bytes of log after which the index takes in what is new. A start reads about that much.
    pub stretch_bytes: u64,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self { segment_bytes: 32 << 20, stretch_bytes: 16 << 20 }
    }
}

/// Once this many stretches wait for the index, commits wait too.
const STRETCHES_WAITING: u64 = 4;

/// A store on any disk, with any index; without threads of its own.
pub(crate) struct Embedded {
    id: u64,
    options: DiskOptions,
    /// Whether someone calls [`Embedded::index_sealed`] and [`Embedded::prepare_spare`] from another thread.
    background: AtomicBool,
    writer: Mutex<Writer>,
    /// What [`Writer::bytes`] was after the last commit: whoever asks how the store is waits for no writer.
    log_bytes: Mutex<(u64, u64)>,
    overlay: RwLock<Overlay>,
    index: Arc<dyn Index>,
    /// One stretch at a time.
    indexing: Mutex<()>,
    /// One erasure at a time.
    one_erasure: Mutex<()>,
    /// Held for writing while blobs are overwritten, so that nobody reads half of one.
    erasing: RwLock<()>,
    disk: Arc<dyn Disk>,
    reader: Reader,
    spare: Spare,
    shared: Shared,
    halted: OnceLock<String>,
}

/// What a commit leaves to do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Due {
    /// A segment was begun: make the next spare.
    pub(crate) spare: bool,
    /// A stretch was sealed: index it.
    pub(crate) index: bool,
}

impl Embedded {
    /// Opens the log on a disk and settles its tail.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        index: Arc<dyn Index>,
        id: u64,
        options: DiskOptions,
    ) -> Result<Self, StoreError> {
        let options = DiskOptions { segment_bytes: options.segment_bytes.clamp(64, 1 << 30), ..options };
        let seed = (id ^ id >> 32) as u32;
        let failed = |action| {
            let path = disk.describe(log::DIR);
            move |source| StoreError::Io { action, path, source }
        };
        disk.make_dir(log::DIR).map_err(failed("making"))?;
        let shared = Shared::open(disk.clone())?;
        let names = disk.list(log::DIR).map_err(failed("listing"))?;
        erase::finish(&disk, &names)?;
        let last = log::segment_numbers(&names)?;
        let spare = Spare::open(disk.clone(), options.segment_bytes, &names).map_err(failed("reading"))?;
        let from = index::watermark(&*index, id)?;
        let mut layer = Layer::default();
        let (end, file) = if last == 0 && from.is_none() {
            let taken = spare.take(1, 0);
            let (file, _) = taken.map_err(|error| failed("making the first segment in")(error.into()))?;
            disk.sync_dir("").map_err(failed("syncing the folder of"))?;
            (End::START, file)
        } else {
            let mut visit = |head: &frame::Head, rows: Rows<'_>| {
                // The first frame of a batch proves that everything before it was durable.
                if head.durable == head.at && layer.bytes >= options.stretch_bytes {
                    index::ingest(&*index, &layer, id)?;
                    layer = Layer::default();
                }
                layer.replay(head, rows);
                Ok(())
            };
            log::recover(&disk, seed, from.unwrap_or(End::START), last, &mut visit)?
        };
        let mut earlier = 0;
        for segment in 1..end.at.segment {
            let len = disk.open(&log::segment_path(segment)).and_then(|file| file.len());
            earlier += len.map_err(failed("measuring"))?;
        }
        let capacity = file.len().map_err(failed("measuring"))?;
        let writer = Writer::new(seed, file, capacity, end, earlier);
        Ok(Self {
            id,
            options,
            background: AtomicBool::new(false),
            log_bytes: Mutex::new(writer.bytes()),
            writer: Mutex::new(writer),
            overlay: RwLock::new(Overlay { active: layer, sealed: None }),
            index,
            indexing: Mutex::new(()),
            one_erasure: Mutex::new(()),
            erasing: RwLock::new(()),
            reader: Reader::new(Arc::clone(&disk), seed),
            disk,
            spare,
            shared,
            halted: OnceLock::new(),
        })
    }

    /// Says that [`Due`] work is done by another thread from now on.
    pub(crate) fn has_background(&self) {
        self.background.store(true, Ordering::Relaxed);
    }

    /// Commits a batch and says what is to be done in the background now.
    pub(crate) fn commit_batch(&self, batch: &[Append]) -> Result<Due, CommitError> {
        let mut writer = self.writer();
        if let Some(reason) = self.halted.get() {
            return Err(CommitError::Halted(reason.clone()));
        }
        if batch.is_empty() {
            return Ok(Due::default());
        }
        batch::check(batch, |chain| self.read_head(chain))?;
        let spare = match writer.make_room(batch, &self.spare) {
            Ok(begun) => begun,
            Err(TakeError::Making(error)) if is_full(&error) => return Err(CommitError::Full(error)),
            Err(error) => return Err(self.halt(error.into())),
        };
        let written = {
            let overlay = self.overlay.read().unwrap_or_else(PoisonError::into_inner);
            writer.write(batch, |append, name| overlay.place(&Key::blob(&append.chain, name)).is_some())
        };
        let written = written.map_err(|error| self.halt(error))?;
        let index = self.publish(batch, &written, writer.end());
        *self.log_bytes() = writer.bytes();
        drop(writer);
        Ok(Due { spare, index })
    }

    /// Shows a durable batch to readers; returns whether a stretch waits for the index.
    fn publish(&self, batch: &[Append], written: &log::Written, end: End) -> bool {
        let mut overlay = self.overlay.write().unwrap_or_else(PoisonError::into_inner);
        let mut kept = &written.kept[..];
        for (append, at) in batch.iter().zip(&written.places) {
            let (these, rest) = kept.split_at(append.blobs.len());
            overlay.active.append(append, these, *at);
            kept = rest;
        }
        overlay.active.bytes += written.bytes;
        overlay.active.end = Some(end);
        if overlay.active.bytes < self.options.stretch_bytes {
            return false;
        }
        overlay.seal();
        let wait = overlay.active.bytes >= STRETCHES_WAITING * self.options.stretch_bytes;
        drop(overlay);
        if wait || !self.background.load(Ordering::Relaxed) {
            self.index_sealed();
        }
        true
    }

    /// Lets the index take in the sealed stretch, if there is one.
    pub(crate) fn index_sealed(&self) {
        let _one = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        let sealed = self.overlay.read().unwrap_or_else(PoisonError::into_inner).sealed.clone();
        let Some(layer) = sealed else { return };
        match index::ingest(&*self.index, &layer, self.id) {
            Ok(()) => self.overlay.write().unwrap_or_else(PoisonError::into_inner).sealed = None,
            // What is committed stays readable from the overlay, but it must not grow without end.
            Err(error) => _ = self.halted.set(chain_of(&error)),
        }
    }

    /// Makes the next segment. That it fails is no harm yet: the commit that needs it tries again.
    pub(crate) fn prepare_spare(&self) {
        let _ = self.spare.prepare();
    }

    /// Lets the index take in everything, so that the next start has nothing to read.
    pub(crate) fn index_all(&self) {
        self.index_sealed();
        self.overlay.write().unwrap_or_else(PoisonError::into_inner).seal();
        self.index_sealed();
    }

    fn halt(&self, error: io::Error) -> CommitError {
        _ = self.halted.set(format!("an earlier write failed ({error})"));
        CommitError::OutcomeUnknown(error)
    }

    fn read_head(&self, chain: &Hash) -> Result<Option<Head>, StoreError> {
        let recent = self.overlay.read().unwrap_or_else(PoisonError::into_inner).head(chain);
        match recent {
            Some(head) => Ok(Some(head)),
            None => index::head(&*self.index, chain),
        }
    }

    /// Finds an item whose full names `is_it` confirms, for keys are truncated.
    fn find_item(
        &self,
        key: &Key,
        is_it: impl Fn(&frame::Head, u32) -> bool,
    ) -> Result<Option<(Frame, u32)>, StoreError> {
        let recent = self.overlay.read().unwrap_or_else(PoisonError::into_inner).place(key);
        let place = match recent {
            Some(place) => Some(place),
            None => index::place(&*self.index, key)?,
        };
        let Some(place) = place else { return Ok(None) };
        let frame = self.reader.frame(place.at)?;
        Ok(is_it(&frame.head, place.item).then_some((frame, place.item)))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_bytes(&self) -> MutexGuard<'_, (u64, u64)> {
        self.log_bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no write has failed so that nothing is written any more.
    fn still_writes(&self) -> Result<(), StoreError> {
        match self.halted.get() {
            Some(reason) => Err(StoreError::Halted(reason.clone())),
            None => Ok(()),
        }
    }
}

/// Writes an error with what caused it, for a halt outlives the error.
fn chain_of(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
