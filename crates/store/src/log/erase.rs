//! Overwrites blobs where they stand, in every frame that has them.
//!
//! Invariant: what is about to be overwritten is written down and durable before the first byte changes, so that a
//! start finishes what a crash cut short, before it reads a frame. Overwriting twice is the same as once.
//!
//! Deliberately absent: the file system's own copies. What a journal, a snapshot or a disk's spare blocks keep is out
//! of reach.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use troupe_chain::Hash;

use super::frame::{self, Position};
use super::{DIR, Frame, Reader, damaged, segment_path};
use crate::StoreError;
use crate::disk::Disk;

/// What is being overwritten; gone once it is.
const READY: &str = "log/erasing";
const MAKING: &str = "log/erasing.tmp";
/// Overwritten with one call.
const PIECE: usize = 1 << 20;

/// What an erasure changes, and what it leaves.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The first bytes of each frame, by where it begins.
    frames: BTreeMap<Position, [u8; 4]>,
    /// Where bytes are, how many, and what they become.
    fills: Vec<(Position, u32, u8)>,
    /// The bytes of all of these.
    pub(crate) bytes: u64,
    /// Other chains with blobs of these names.
    pub(crate) elsewhere: BTreeSet<Hash>,
}

impl Plan {
    /// Looks for blobs of a chain from one place of the log to another.
    pub(crate) fn extend(
        &mut self,
        reader: &Reader,
        (from, to): (Position, Position),
        chain: &Hash,
        names: &HashSet<Hash>,
    ) -> Result<(), StoreError> {
        reader.walk(from, to, &mut |frame| self.add(frame, chain, names))
    }

    fn add(&mut self, frame: &Frame, chain: &Hash, names: &HashSet<Hash>) -> Result<(), StoreError> {
        let head = &frame.head;
        let items = (0..).zip(&head.items).skip(head.entries as usize);
        for (index, item) in items.filter(|(_, item)| names.contains(&item.name)) {
            if head.may_be_erased(index) && frame.item(index)?.is_none() {
                continue;
            }
            if head.chain != *chain {
                self.elsewhere.insert(head.chain);
            } else if item.part.len > 0 {
                self.frames.insert(head.at, frame::erased_magic(&frame.first));
                self.fills.push((head.at.after(item.part.offset), item.part.len, item.part.fill()));
                self.bytes += u64::from(item.part.len);
            }
        }
        Ok(())
    }

    /// How many copies there are.
    pub(crate) fn copies(&self) -> u64 {
        self.fills.len() as u64
    }

    /// Overwrites them all, durably. After an error the next start finishes it.
    pub(crate) fn carry_out(&self, disk: &Arc<dyn Disk>) -> Result<(), StoreError> {
        if self.fills.is_empty() {
            return Ok(());
        }
        let failed = |action, path: &str| {
            let path = disk.describe(path);
            move |source| StoreError::Io { action, path, source }
        };
        let intend = || -> io::Result<()> {
            let file = disk.create(MAKING)?;
            file.write_at(self.to_text().as_bytes(), 0)?;
            file.sync_data()?;
            disk.rename(MAKING, READY)?;
            disk.sync_dir(DIR)
        };
        intend().map_err(failed("writing", READY))?;
        self.overwrite(disk)?;
        disk.remove(READY).and_then(|()| disk.sync_dir(DIR)).map_err(failed("removing", READY))
    }

    fn overwrite(&self, disk: &Arc<dyn Disk>) -> Result<(), StoreError> {
        let mut segments: BTreeSet<u32> = self.frames.keys().map(|at| at.segment).collect();
        segments.extend(self.fills.iter().map(|(at, ..)| at.segment));
        for segment in segments {
            let path = segment_path(segment);
            let overwrite = || -> io::Result<()> {
                let file = disk.open(&path)?;
                for (at, magic) in self.frames.iter().filter(|(at, _)| at.segment == segment) {
                    file.write_at(magic, u64::from(at.offset))?;
                }
                for (at, len, fill) in self.fills.iter().filter(|(at, ..)| at.segment == segment) {
                    let (start, len) = (u64::from(at.offset), *len as usize);
                    let piece = vec![*fill; len.min(PIECE)];
                    for done in (0..len).step_by(PIECE) {
                        file.write_at(&piece[..(len - done).min(PIECE)], start + done as u64)?;
                    }
                }
                file.sync_data()
            };
            let path = disk.describe(&path);
            overwrite().map_err(|source| StoreError::Io { action: "erasing in", path, source })?;
        }
        Ok(())
    }

    /// A line each: `frame SEGMENT OFFSET MAGIC` and `fill SEGMENT OFFSET LENGTH BYTE`.
    fn to_text(&self) -> String {
        let mut text = String::new();
        for (at, magic) in &self.frames {
            let magic = String::from_utf8_lossy(magic);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "frame {} {} {magic}", at.segment, at.offset);
        }
        for (at, len, fill) in &self.fills {
            let _ = writeln!(text, "fill {} {} {len} {fill}", at.segment, at.offset);
        }
        text
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut plan = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [kind, segment, offset, rest @ ..] = words.as_slice() else { return None };
            let at = Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? };
            match (*kind, rest) {
                ("frame", [magic]) => _ = plan.frames.insert(at, magic.as_bytes().try_into().ok()?),
                ("fill", [len, fill]) => plan.fills.push((at, len.parse().ok()?, fill.parse().ok()?)),
                _ => return None,
            }
        }
        Some(plan)
    }
}

/// Finishes what a crash cut short. `names` are those in the log's folder.
pub(crate) fn finish(disk: &Arc<dyn Disk>, names: &[String]) -> Result<(), StoreError> {
    let has = |path: &str| names.iter().any(|name| path.strip_prefix("log/") == Some(name));
    let failed = |action, path: &str| {
        let path = disk.describe(path);
        move |source| StoreError::Io { action, path, source }
    };
    if has(MAKING) {
        disk.remove(MAKING).map_err(failed("removing", MAKING))?;
    }
    if !has(READY) {
        return Ok(());
    }
    let read = || -> io::Result<Vec<u8>> {
        let file = disk.open(READY)?;
        let mut bytes = vec![0; file.len()? as usize];
        let read = file.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    };
    let bytes = read().map_err(failed("reading", READY))?;
    let plan = std::str::from_utf8(&bytes).ok().and_then(Plan::from_text);
    let nowhere = Position { segment: 0, offset: 0 };
    let plan = plan.ok_or_else(|| damaged(nowhere, "the file `log/erasing` does not say what to erase"))?;
    plan.overwrite(disk)?;
    disk.remove(READY).and_then(|()| disk.sync_dir(DIR)).map_err(failed("removing", READY))
}
