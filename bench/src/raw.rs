//! A file written and synced without anything around it: what a durable write costs here.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file whose every block has been written once, so that a sync has nothing but data to write.
pub struct Preallocated {
    file: File,
    size: u64,
    at: u64,
}

impl Preallocated {
    /// Makes a file of `size` bytes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(path: &Path, size: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        let zeros = vec![0; 1 << 20];
        for at in (0..size).step_by(zeros.len()) {
            file.write_all_at(&zeros, at)?;
        }
        file.sync_all()?;
        Ok(Self { file, size, at: 0 })
    }

    /// Writes `bytes` after what was written before and waits until they are on the disk; starts again at the end.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.at + bytes.len() as u64 > self.size {
            self.at = 0;
        }
        self.file.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        self.file.sync_data()
    }
}
