//! The next segment, made ahead of need.
//!
//! Invariant: a file named `log/spare` is as long as it claims, all zeros, and durable; so writing into it later
//! changes no metadata. It is made under another name and renamed once it is synced.
//!
//! Deliberately absent: recycling. The log is history; no segment is ever free again.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::{DIR, segment_path};
use crate::disk::{Disk, DiskFile};

const READY: &str = "log/spare";
const MAKING: &str = "log/spare.tmp";
/// Written in pieces, for many systems do not take the core from a thread inside a system call: whoever commits meanwhile
/// may wait for a whole one.
const PIECE: usize = 64 << 10;
/// Synced after so many bytes: a sync flushes the disk and writes what the file system notes of the new length, which whoever
/// commits meanwhile waits for; and what is not synced yet goes to the disk at once, before what they write.
const SYNC_BYTES: u64 = 1 << 20;

pub(crate) struct Spare {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    /// The length of the spare segment that is ready, 0 for none.
    ready: Mutex<u64>,
}

impl Spare {
    /// Takes over what an earlier process left.
    pub(crate) fn open(disk: Arc<dyn Disk>, segment_bytes: u64, names: &[String]) -> io::Result<Self> {
        let has = |path: &str| names.iter().any(|name| path.strip_prefix("log/") == Some(name));
        if has(MAKING) {
            disk.remove(MAKING)?;
        }
        let ready = if has(READY) { disk.open(READY)?.len()? } else { 0 };
        Ok(Self { disk, segment_bytes, ready: Mutex::new(ready) })
    }

    /// Makes a spare segment unless there is one.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        self.ensure(&mut ready, self.segment_bytes)
    }

    /// Turns the spare into a segment of at least `bytes`, made now if it is not there or too short.
    pub(crate) fn take(&self, segment: u32, bytes: u64) -> Result<(Arc<dyn DiskFile>, u64), TakeError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        self.ensure(&mut ready, bytes.max(self.segment_bytes)).map_err(TakeError::Making)?;
        let path = segment_path(segment);
        self.disk.rename(READY, &path).map_err(TakeError::Naming)?;
        let bytes = std::mem::take(&mut *ready);
        self.disk.sync_dir(DIR).map_err(TakeError::Naming)?;
        Ok((self.disk.open(&path).map_err(TakeError::Naming)?, bytes))
    }

    /// Returns the bytes that the spare takes.
    pub(crate) fn bytes(&self) -> u64 {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ensure(&self, ready: &mut u64, bytes: u64) -> io::Result<()> {
        if *ready >= bytes {
            return Ok(());
        }
        if let Err(error) = self.make(bytes) {
            // Half a segment would keep the disk full; that it cannot be removed either changes nothing.
            let _ = self.disk.remove(MAKING);
            return Err(error);
        }
        *ready = bytes;
        Ok(())
    }

    fn make(&self, bytes: u64) -> io::Result<()> {
        let file = self.disk.create(MAKING)?;
        let zeros = vec![0; PIECE.min(bytes as usize)];
        let mut offset = 0;
        while offset < bytes {
            let piece = (bytes - offset).min(zeros.len() as u64);
            file.write_at(&zeros[..piece as usize], offset)?;
            offset += piece;
            if offset.is_multiple_of(SYNC_BYTES) || offset == bytes {
                file.sync_data()?;
            }
        }
        self.disk.rename(MAKING, READY)
    }
}

/// Why there is no next segment.
pub(crate) enum TakeError {
    /// It could not be made; nothing has changed.
    Making(io::Error),
    /// It could not be given its name for certain.
    Naming(io::Error),
}

impl From<TakeError> for io::Error {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Making(error) | TakeError::Naming(error) => error,
        }
    }
}
