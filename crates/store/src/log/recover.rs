//! What a start does with the log: finds its end, and settles the tail.
//!
//! Invariant: a frame that was durable is never cut. Every frame says what was durable when it was written; so
//! where the frames break off, any later frame that calls this place durable proves damage, and the log is
//! refused. Without such proof it is the torn tail of a write that nobody was answered for, and is zeroed.
//!
//! Deliberately absent: reading more than the tail. It begins where the index ends.

use std::io;
use std::sync::Arc;

use super::frame::{self, ALIGN, Decoded, Head, Place, Position};
use super::rows::Rows;
use super::{DIR, damaged, segment_path};
use crate::StoreError;
use crate::disk::{Disk, DiskFile};

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) at: Position,
    /// The checksum of the last frame, 0 if there is none.
    pub(crate) previous: u32,
}

impl End {
    /// The end of a log without a frame.
    pub(crate) const START: Self = Self { at: Position { segment: 1, offset: 0 }, previous: 0 };
}

/// Returns the numbers of the segments in order, refusing a log with one missing.
pub(crate) fn segment_numbers(names: &[String]) -> Result<u32, StoreError> {
    let mut numbers: Vec<u32> =
        names.iter().filter_map(|name| name.strip_suffix(".seg")?.parse().ok()).collect();
    numbers.sort_unstable();
    match (1..).zip(&numbers).find(|(expected, found)| expected != *found) {
        Some((missing, _)) => {
            let at = Position { segment: missing, offset: 0 };
            Err(damaged(at, "this segment is missing, and there are later ones"))
        }
        None => Ok(numbers.len() as u32),
    }
}

/// Reads the log from `from` to its end, shows every frame to `visit`, and settles the tail.
///
/// On return everything before the end is durable and everything after it is zero. `last` is the number of the
/// last segment; segments without a frame are removed.
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    seed: u32,
    from: End,
    last: u32,
    visit: &mut dyn FnMut(&Head, Rows<'_>) -> Result<(), StoreError>,
) -> Result<(End, Arc<dyn DiskFile>), StoreError> {
    let scan = Scan { disk, seed };
    if from.at.segment > last {
        return Err(damaged(from.at, "the index has seen this segment, but it is gone"));
    }
    let mut end = from;
    let mut durable = from.at;
    let mut segment = scan.read(end.at)?;
    loop {
        while let Some((head, rows)) = scan.next(&segment, end) {
            durable = durable.max(head.durable);
            visit(&head, rows)?;
            end = End { at: end.at.after(head.len), previous: head.crc };
        }
        if end.at.segment == last {
            break;
        }
        let begin = End { at: Position { segment: end.at.segment + 1, offset: 0 }, ..end };
        let next = scan.read(begin.at)?;
        if scan.next(&next, begin).is_none() {
            scan.refuse_proof_of_damage(&next, begin.at, end.at)?;
            break;
        }
        (segment, end) = (next, begin);
    }
    scan.refuse_proof_of_damage(&segment, end.at, end.at)?;
    for number in end.at.segment + 2..=last {
        let begin = Position { segment: number, offset: 0 };
        scan.refuse_proof_of_damage(&scan.read(begin)?, begin, end.at)?;
    }
    scan.settle(&segment, durable, end.at, last)?;
    Ok((end, segment.file))
}

struct Scan<'a> {
    disk: &'a Arc<dyn Disk>,
    seed: u32,
}

/// A segment from some offset to its end; at most one batch or one segment size, whichever is larger.
struct Segment {
    file: Arc<dyn DiskFile>,
    from: u32,
    bytes: Vec<u8>,
}

impl Segment {
    /// Returns what there is from an offset on.
    fn rest(&self, offset: u32) -> &[u8] {
        &self.bytes[(offset - self.from) as usize..]
    }
}

impl Scan<'_> {
    fn read(&self, from: Position) -> Result<Segment, StoreError> {
        let path = segment_path(from.segment);
        let offset = u64::from(from.offset);
        let read = || -> io::Result<Option<Segment>> {
            let file = self.disk.open(&path)?;
            let Some(len) = file.len()?.checked_sub(offset) else { return Ok(None) };
            let mut bytes = vec![0; len as usize];
            let read = file.read_at(&mut bytes, offset)?;
            bytes.truncate(read);
            Ok(Some(Segment { file, from: from.offset, bytes }))
        };
        let segment = read().map_err(|source| self.failed("reading", &path, source))?;
        segment.ok_or_else(|| damaged(from, "the index has seen this place, but the segment is shorter"))
    }

    /// Returns the frame that follows `end`, if a whole one does, with its rows.
    fn next<'a>(&self, segment: &'a Segment, end: End) -> Option<(Head, Rows<'a>)> {
        let rest = segment.rest(end.at.offset);
        let Decoded::Frame(head) = frame::decode(rest, Place { seed: self.seed, at: end.at }) else {
            return None;
        };
        let whole = rest.get(..head.len as usize)?;
        let follows = head.previous == end.previous && head.payload_is_intact(whole);
        follows.then(|| {
            let rows = Rows(head.rows.of(whole));
            (head, rows)
        })
    }

    /// Looks in a segment, from `from` on, for a frame that says that more than `end` was durable.
    fn refuse_proof_of_damage(
        &self,
        segment: &Segment,
        from: Position,
        end: Position,
    ) -> Result<(), StoreError> {
        let bytes = segment.rest(from.offset);
        for block in (0..bytes.len()).step_by(4096) {
            let limit = bytes.len().min(block + 4096);
            // Nearly all of what follows the end is zero, and no frame begins there.
            if bytes[block..limit].iter().all(|byte| *byte == 0) {
                continue;
            }
            for offset in (block..limit).step_by(ALIGN) {
                if !frame::may_begin(&bytes[offset..]) {
                    continue;
                }
                let place = Place { seed: self.seed, at: from.after(offset as u32) };
                if let Decoded::Frame(head) = frame::decode(&bytes[offset..], place)
                    && head.durable > end
                {
                    let Position { segment, offset } = head.at;
                    let reason = format!(
                        "no valid frame is here, but the one at byte {offset} of segment {segment} says that it was durable"
                    );
                    return Err(damaged(end, &reason));
                }
            }
        }
        Ok(())
    }

    /// Writes again what may only be in the system's cache, zeroes what follows, and syncs.
    ///
    /// After a failed sync the cache may hold, as clean, bytes that the disk does not have: so what is not
    /// known to be durable is written anew, not only synced.
    fn settle(
        &self,
        segment: &Segment,
        durable: Position,
        end: Position,
        last: u32,
    ) -> Result<(), StoreError> {
        let path = segment_path(end.segment);
        let from = if durable.segment == end.segment { durable.offset } else { 0 };
        let (rewritten, tail) = segment.rest(from).split_at((end.offset - from) as usize);
        let settle = || -> io::Result<()> {
            if !rewritten.is_empty() {
                segment.file.write_at(rewritten, u64::from(from))?;
            }
            // From the last byte that is not zero, so that a clean tail costs nothing.
            let torn = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let zeros = vec![0; torn];
            if torn > 0 {
                segment.file.write_at(&zeros, u64::from(end.offset))?;
            }
            segment.file.sync_data()?;
            for number in (end.segment + 1..=last).rev() {
                self.disk.remove(&segment_path(number))?;
            }
            self.disk.sync_dir(DIR)
        };
        settle().map_err(|source| self.failed("settling the end of", &path, source))
    }

    fn failed(&self, action: &'static str, path: &str, source: io::Error) -> StoreError {
        StoreError::Io { action, path: self.disk.describe(path), source }
    }
}
