//! The log: every append of every chain, in the order of their commits, in segments that only erasing changes.
//!
//! Invariant: [`Writer::write`] returns `Ok` only once the frames are durable, and each frame names the checksum
//! of the one before, so that what an older torn write left behind can never follow a newer frame.
//!
//! Deliberately absent: looking anything up. The index and the overlay say where things are.

pub(crate) mod erase;
pub(crate) mod frame;
mod recover;
pub(crate) mod rows;
mod spare;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

pub(crate) use self::frame::Position;
use self::frame::{Decoded, Head, Place};
pub(crate) use self::recover::{End, recover, segment_numbers};
pub(crate) use self::spare::{Spare, TakeError};
use crate::disk::{Disk, DiskFile};
use crate::{Append, StoreError};

/// The folder of the segments.
pub(crate) const DIR: &str = "log";

pub(crate) fn segment_path(segment: u32) -> String {
    format!("{DIR}/{segment:012}.seg")
}

/// The log's growing end.
pub(crate) struct Writer {
    seed: u32,
    file: Arc<dyn DiskFile>,
    capacity: u64,
    end: End,
    /// What is durable: the end, but before a new segment was begun where one was.
    durable: Position,
    /// The bytes of the segments before this one.
    earlier: u64,
    buffer: Vec<u8>,
}

/// Where a batch went.
pub(crate) struct Written {
    /// Where each append's frame begins.
    pub(crate) places: Vec<Position>,
    /// For each blob of the batch, in order, whether it was written.
    pub(crate) kept: Vec<bool>,
    pub(crate) bytes: u64,
}

impl Writer {
    /// Continues a log at its end, in a segment of `capacity` bytes.
    pub(crate) fn new(seed: u32, file: Arc<dyn DiskFile>, capacity: u64, end: End, earlier: u64) -> Self {
        Self { seed, file, capacity, end, durable: end.at, earlier, buffer: Vec::new() }
    }

    /// Returns where the next frame goes.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// Returns the bytes that are written, and those of the segment that are still to be.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let used = u64::from(self.end.at.offset);
        (self.earlier + used, self.capacity - used)
    }

    /// Makes sure that a batch has room; returns whether a new segment was begun.
    pub(crate) fn make_room(&mut self, batch: &[Append], spare: &Spare) -> Result<bool, TakeError> {
        let bytes: u64 = batch.iter().map(frame::encoded_len).sum();
        if u64::from(self.end.at.offset) + bytes <= self.capacity {
            return Ok(false);
        }
        let segment = self.end.at.segment + 1;
        let (file, capacity) = spare.take(segment, bytes)?;
        self.earlier += self.capacity;
        (self.file, self.capacity) = (file, capacity);
        self.end.at = Position { segment, offset: 0 };
        Ok(true)
    }

    /// Writes and syncs a batch that has room, without the blobs that `stored` knows. After an error the batch may be durable or not.
    pub(crate) fn write(
        &mut self,
        batch: &[Append],
        stored: impl Fn(&Append, &troupe_chain::Hash) -> bool,
    ) -> io::Result<Written> {
        // A buffer that one huge batch blew up is not kept.
        if self.buffer.capacity() > (8 << 20) {
            self.buffer = Vec::new();
        }
        self.buffer.clear();
        let start = self.end.at;
        let mut previous = self.end.previous;
        let mut written = Written { places: Vec::with_capacity(batch.len()), kept: Vec::new(), bytes: 0 };
        for append in batch {
            let at = start.after(self.buffer.len() as u32);
            let place = Place { seed: self.seed, at };
            let first = written.kept.len();
            written.kept.extend(append.blobs.iter().map(|(name, _)| !stored(append, name)));
            let kept = &written.kept[first..];
            previous = frame::encode(&mut self.buffer, append, kept, place, self.durable, previous);
            written.places.push(at);
        }
        written.bytes = self.buffer.len() as u64;
        self.file.write_at(&self.buffer, u64::from(start.offset))?;
        self.file.sync_data()?;
        self.end = End { at: start.after(self.buffer.len() as u32), previous };
        self.durable = self.end.at;
        Ok(written)
    }
}

/// Reads frames from segments.
pub(crate) struct Reader {
    disk: Arc<dyn Disk>,
    seed: u32,
    files: RwLock<HashMap<u32, Arc<dyn DiskFile>>>,
}

/// The most segments that are kept open for reading.
const OPEN_FILES: usize = 256;
/// Read at once: the whole of a usual frame, so that one call to the system serves a read.
const FIRST_READ: usize = 4096;

impl Reader {
    pub(crate) fn new(disk: Arc<dyn Disk>, seed: u32) -> Self {
        Self { disk, seed, files: RwLock::default() }
    }

    /// Reads the frame at a place that the index or the overlay named.
    pub(crate) fn frame(&self, at: Position) -> Result<Frame, StoreError> {
        let nothing = || damaged(at, "the index points here, but there is no frame");
        self.find_frame(at)?.ok_or_else(nothing)
    }

    /// Shows every frame from one place to another, which is the end of the log or before it.
    pub(crate) fn walk(
        &self,
        from: Position,
        to: Position,
        visit: &mut dyn FnMut(&Frame) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut at = from;
        while at < to {
            at = match self.find_frame(at)? {
                Some(frame) => {
                    visit(&frame)?;
                    at.after(frame.head.len)
                }
                // What is left of a segment has no frame; the next one begins with the next.
                None if at.offset > 0 || at.segment < to.segment => {
                    Position { segment: at.segment + 1, offset: 0 }
                }
                None => return Err(damaged(at, "the log should go on here")),
            };
        }
        Ok(())
    }

    /// Reads the frame at a place, if one begins there.
    fn find_frame(&self, at: Position) -> Result<Option<Frame>, StoreError> {
        let file = self.file(at)?;
        let read = |offset: usize, len: usize| {
            let mut bytes = vec![0; len];
            let read = file.read_at(&mut bytes, u64::from(at.offset) + offset as u64);
            bytes.truncate(read.map_err(|source| self.failed("reading", at, source))?);
            Ok(bytes)
        };
        let mut bytes = read(0, FIRST_READ)?;
        if !frame::may_begin(&bytes) {
            return Ok(None);
        }
        let place = Place { seed: self.seed, at };
        let head = loop {
            match frame::decode(&bytes, place) {
                Decoded::Frame(head) => break head,
                Decoded::Short(needed) if needed > bytes.len() => {
                    let had = bytes.len();
                    bytes.extend(read(had, needed - had)?);
                    if bytes.len() < needed {
                        return Err(damaged(at, "the segment ends within a frame"));
                    }
                }
                _ => return Err(damaged(at, "the head of the frame here is not what it was")),
            }
        };
        Ok(Some(Frame { head, first: bytes.into(), file }))
    }

    fn file(&self, at: Position) -> Result<Arc<dyn DiskFile>, StoreError> {
        if let Some(file) = self.files.read().unwrap_or_else(PoisonError::into_inner).get(&at.segment) {
            return Ok(file.clone());
        }
        let file = self.disk.open(&segment_path(at.segment));
        let file = file.map_err(|source| self.failed("opening", at, source))?;
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= OPEN_FILES {
            files.clear();
        }
        files.insert(at.segment, file.clone());
        Ok(file)
    }

    fn failed(&self, action: &'static str, at: Position, source: io::Error) -> StoreError {
        StoreError::Io { action, path: self.disk.describe(&segment_path(at.segment)), source }
    }
}

/// A frame whose head was read and found intact.
pub(crate) struct Frame {
    pub(crate) head: Head,
    first: Bytes,
    file: Arc<dyn DiskFile>,
}

impl Frame {
    /// Reads an item's bytes and checks them; `None` if they were erased. Whoever keeps them keeps no more than them.
    pub(crate) fn item(&self, index: u32) -> Result<Option<Bytes>, StoreError> {
        let at = self.head.at;
        let item = self.head.items.get(index as usize);
        let item = item.ok_or_else(|| damaged(at, "the index points at more items than the frame has"))?;
        let (start, len) = (item.part.offset as usize, item.part.len as usize);
        let bytes = if start + len <= self.first.len() {
            Bytes::copy_from_slice(&self.first[start..start + len])
        } else {
            let mut bytes = vec![0; len];
            let read = self.file.read_at(&mut bytes, u64::from(at.offset) + start as u64);
            let path = segment_path(at.segment).into();
            bytes.truncate(read.map_err(|source| StoreError::Io { action: "reading", path, source })?);
            bytes.into()
        };
        if bytes.len() == len && item.part.is_intact(&bytes) {
            Ok(Some(bytes))
        } else if bytes.len() == len && self.head.may_be_erased(index) && frame::is_filled(&bytes) {
            Ok(None)
        } else {
            Err(damaged(at, "the bytes of an entry or a blob do not match their checksum"))
        }
    }
}

pub(crate) fn damaged(at: Position, reason: &str) -> StoreError {
    StoreError::Corrupt { segment: at.segment, offset: at.offset, reason: reason.to_owned() }
}
