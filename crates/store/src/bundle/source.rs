//! Bytes that can be read at any place, and in order, without holding them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use troupe_chain::{Hash, Hasher};

/// Bytes that can be read at any place.
pub trait Source {
    /// How many there are.
    fn length(&self) -> u64;

    /// Fills `into` with the bytes from `offset`.
    ///
    /// # Errors
    /// What the system says; also if the bytes end before `into` is full.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A file, of the length that it had when it was opened.
#[derive(Debug)]
pub struct FileSource {
    file: Mutex<File>,
    length: u64,
}

impl FileSource {
    /// Takes an open file.
    ///
    /// # Errors
    /// If its length cannot be told.
    pub fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file: Mutex::new(file), length })
    }
}

impl Source for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        // Every call seeks first, so a panic between the two calls below leaves nothing half done.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(into)
    }
}

impl Source for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).ok().and_then(|start| self.get(start..));
        let bytes = from.and_then(|from| from.get(..into.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(bytes);
        Ok(())
    }
}

/// Reads a source in order, through one buffer.
pub(super) struct Scan<'a, S> {
    source: &'a S,
    buffer: Vec<u8>,
    /// Where in the source the buffer begins.
    start: u64,
    /// The next byte, counted from `start`.
    next: usize,
}

impl<'a, S: Source> Scan<'a, S> {
    /// The most bytes that are held at a time, beside what is asked for.
    const BUFFER: u64 = 64 << 10;

    pub(super) fn new(source: &'a S) -> Self {
        Self { source, buffer: Vec::new(), start: 0, next: 0 }
    }

    /// Where the next byte is.
    pub(super) fn position(&self) -> u64 {
        self.start + self.next as u64
    }

    /// How many bytes follow.
    pub(super) fn remaining(&self) -> u64 {
        self.source.length().saturating_sub(self.position())
    }

    /// Goes on from `offset`.
    pub(super) fn seek(&mut self, offset: u64) {
        match offset.checked_sub(self.start) {
            Some(next) if next <= self.buffer.len() as u64 => self.next = next as usize,
            _ => {
                self.buffer.clear();
                (self.start, self.next) = (offset, 0);
            }
        }
    }

    /// The bytes that are at hand: none only at the end.
    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.next == self.buffer.len() {
            self.start = self.position();
            self.next = 0;
            let length = Self::BUFFER.min(self.source.length().saturating_sub(self.start));
            self.buffer.resize(length as usize, 0);
            self.source.read_at(self.start, &mut self.buffer).inspect_err(|_| self.buffer.clear())?;
        }
        Ok(&self.buffer[self.next..])
    }

    /// Takes the next byte; `None` at the end.
    pub(super) fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.fill()?.first().copied();
        self.next += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Hands the next `length` bytes to `part` piece by piece; fewer if the source ends before.
    pub(super) fn each(&mut self, length: u64, mut part: impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let bytes = self.fill()?;
            let count = (bytes.len() as u64).min(left) as usize;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            part(&bytes[..count]);
            self.next += count;
            left -= count as u64;
        }
        Ok(())
    }

    /// Takes the next `length` bytes.
    pub(super) fn take(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length as usize);
        self.each(length, |part| bytes.extend_from_slice(part))?;
        Ok(bytes)
    }

    /// Names the next `length` bytes.
    pub(super) fn hash(&mut self, length: u64) -> io::Result<Hash> {
        let mut hasher = Hasher::default();
        self.each(length, |part| hasher.update(part))?;
        Ok(hasher.finish())
    }

    /// Takes the bytes before the next newline, and the newline; of a longer line the first `limit` bytes.
    pub(super) fn line(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.fill()?.is_empty() {
            return Ok(None);
        }
        loop {
            let room = limit - line.len();
            let bytes = self.fill()?;
            let bytes = &bytes[..bytes.len().min(room)];
            let newline = bytes.iter().position(|byte| *byte == b'\n');
            let count = newline.unwrap_or(bytes.len());
            line.extend_from_slice(&bytes[..count]);
            self.next += count + usize::from(newline.is_some());
            if newline.is_some() || count == 0 {
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_reads_what_is_there_from_any_place() {
        let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let mut scan = Scan::new(&bytes);
        for (offset, length) in [(0, 10), (10, 70_000), (5, 3), (130_000, 70_000), (0, 200_000), (199_999, 1)]
        {
            scan.seek(offset as u64);
            assert_eq!(scan.take(length as u64).expect("there"), bytes[offset..offset + length]);
            assert_eq!(scan.position(), (offset + length) as u64);
        }
        assert_eq!(scan.byte().expect("the end"), None);
        assert!(scan.take(1).is_err());
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_limit() {
        let bytes = b"one\n\ntwo is long\nthree".to_vec();
        let mut scan = Scan::new(&bytes);
        let mut lines = Vec::new();
        while let Some(line) = scan.line(6).expect("there") {
            lines.push(String::from_utf8(line).expect("ASCII"));
        }
        assert_eq!(lines, ["one", "", "two is", " long", "three"]);
    }
}
