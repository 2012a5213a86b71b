//! One append as bytes: how a frame is written and read. `docs/spec/store.md` draws it.
//!
//! Invariant: bytes that decode were encoded for this store, at this very position, and none of them changed.
//!
//! Deliberately absent: files. What follows what is the log's business.

use troupe_chain::Hash;

use super::rows::{self, ROW};
use crate::{Append, NewEntry};

/// Bytes of a frame before its items.
pub(crate) const HEADER: usize = 120;
/// The same in format 1, where a frame has no rows.
const HEADER_1: usize = 112;
/// Bytes of one item: an entry's or a blob's name, length and checksum.
pub(crate) const ITEM: usize = 40;
/// Frames begin at multiples of this many bytes.
pub(crate) const ALIGN: usize = 8;
/// The first bytes of a frame.
const MAGIC: [u8; 4] = *b"Trp2";
/// The first bytes of a frame of format 1.
const MAGIC_1: [u8; 4] = *b"Trp1";
/// The same of frames in which a blob was erased. No checksum covers these bytes, so that a frame can become one.
const ERASED: [u8; 4] = *b"Ers2";
const ERASED_1: [u8; 4] = *b"Ers1";
/// What an erased blob is overwritten with; the second where the blob was made of the first.
const FILLS: [u8; 2] = [0x00, 0xff];

/// Stands for the head before a chain's first entry.
const NO_HASH: [u8; 32] = [0; 32];

/// A place in the log; ordered as the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u32,
    pub(crate) offset: u32,
}

impl Position {
    pub(crate) fn to_u64(self) -> u64 {
        u64::from(self.segment) << 32 | u64::from(self.offset)
    }

    pub(crate) fn from_u64(value: u64) -> Self {
        Self { segment: (value >> 32) as u32, offset: value as u32 }
    }

    pub(crate) fn after(self, bytes: u32) -> Self {
        Self { offset: self.offset + bytes, ..self }
    }
}

/// What a frame must be to stand at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Starts every checksum, so that another store's frames are not valid here.
    pub(crate) seed: u32,
    pub(crate) at: Position,
}

/// Bytes within a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where they begin, counted from the frame's first.
    pub(crate) offset: u32,
    pub(crate) len: u32,
    pub(crate) crc: u32,
}

/// An entry or a blob within a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: Hash,
    pub(crate) part: Part,
}

/// A frame without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) at: Position,
    /// Everything before this was durable when the frame was written.
    pub(crate) durable: Position,
    /// The checksum of the frame before.
    pub(crate) previous: u32,
    /// The frame's own checksum, over all that precedes the payload.
    pub(crate) crc: u32,
    pub(crate) chain: Hash,
    /// The seq of the first entry.
    pub(crate) seq: u64,
    /// The whole frame's length.
    pub(crate) len: u32,
    /// How many of the items are entries; they come first.
    pub(crate) entries: u32,
    pub(crate) items: Vec<Item>,
    pub(crate) rows: Part,
    /// Whether blobs of it may be erased.
    pub(crate) erased: bool,
}

/// What bytes at a place are.
#[derive(Debug)]
pub(crate) enum Decoded {
    Frame(Head),
    /// It may be a frame: at least this many bytes are needed to tell.
    Short(usize),
    Invalid,
}

/// Returns the most bytes that an append's frame takes.
pub(crate) fn encoded_len(append: &Append) -> u64 {
    let items = append.entries.len() + append.blobs.len();
    let framing = (HEADER + ITEM * items) as u64 + ROW * append.rows.len() as u64;
    (framing + append.payload_bytes()).next_multiple_of(ALIGN as u64)
}

/// Appends a frame to `buffer` and returns its checksum. Blobs are written where `keep` says so.
pub(crate) fn encode(
    buffer: &mut Vec<u8>,
    append: &Append,
    keep: &[bool],
    place: Place,
    durable: Position,
    previous: u32,
) -> u32 {
    let start = buffer.len();
    let kept = || append.blobs.iter().zip(keep).filter(|(_, keep)| **keep).map(|(blob, _)| blob);
    let first = append.entries.first().map_or(0, |entry| entry.seq);
    buffer.extend_from_slice(&MAGIC);
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&place.at.to_u64().to_le_bytes());
    buffer.extend_from_slice(&durable.to_u64().to_le_bytes());
    buffer.extend_from_slice(&first.to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&previous.to_le_bytes());
    buffer.extend_from_slice(&(append.entries.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&(kept().count() as u32).to_le_bytes());
    buffer.extend_from_slice(append.chain.as_bytes());
    buffer.extend_from_slice(append.expected.as_ref().map_or(&NO_HASH[..], |name| name.as_bytes()));
    buffer.extend_from_slice(&[0; HEADER - HEADER_1]);
    let mut item = |name: &Hash, bytes: &[u8]| {
        buffer.extend_from_slice(name.as_bytes());
        buffer.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        buffer.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    };
    append.entries.iter().for_each(|NewEntry { name, bytes, .. }| item(name, bytes));
    kept().for_each(|(name, bytes)| item(name, bytes));
    let head = buffer.len();
    append.entries.iter().for_each(|entry| buffer.extend_from_slice(&entry.bytes));
    kept().for_each(|(_, bytes)| buffer.extend_from_slice(bytes));
    let rows = buffer.len();
    rows::encode(buffer, &append.rows);
    let (rows_len, rows_crc) = ((buffer.len() - rows) as u32, crc32fast::hash(&buffer[rows..]));
    buffer[start + 112..start + 116].copy_from_slice(&rows_len.to_le_bytes());
    buffer[start + 116..start + 120].copy_from_slice(&rows_crc.to_le_bytes());
    let len = (buffer.len() - start).next_multiple_of(ALIGN);
    buffer.resize(start + len, 0);
    buffer[start + 32..start + 36].copy_from_slice(&(len as u32).to_le_bytes());
    let crc = checksum(place.seed, &buffer[start + 8..head]);
    buffer[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    crc
}

/// Returns the length of the header that begins with `bytes`, by what every frame begins with.
fn header_len(bytes: &[u8]) -> Option<usize> {
    match *bytes.first_chunk::<4>()? {
        MAGIC | ERASED => Some(HEADER),
        MAGIC_1 | ERASED_1 => Some(HEADER_1),
        _ => None,
    }
}

/// Returns the first bytes of a frame once a blob of it is erased, by its first bytes now.
pub(crate) fn erased_magic(bytes: &[u8]) -> [u8; 4] {
    if header_len(bytes) == Some(HEADER_1) { ERASED_1 } else { ERASED }
}

/// Returns whether a frame may begin here.
pub(crate) fn may_begin(bytes: &[u8]) -> bool {
    header_len(bytes).is_some()
}

/// Reads the frame that begins with `bytes`, without looking at its payload.
pub(crate) fn decode(bytes: &[u8], place: Place) -> Decoded {
    if bytes.len() < HEADER {
        return Decoded::Short(HEADER);
    }
    let Some(header) = header_len(bytes).filter(|_| u64_at(bytes, 8) == place.at.to_u64()) else {
        return Decoded::Invalid;
    };
    let (entries, blobs) = (u32_at(bytes, 40), u32_at(bytes, 44));
    let len = u32_at(bytes, 32);
    let count = u64::from(entries) + u64::from(blobs);
    let head = header as u64 + count * ITEM as u64;
    if head > u64::from(len) {
        return Decoded::Invalid;
    }
    let head = head as usize;
    if bytes.len() < head {
        return Decoded::Short(head);
    }
    let crc = checksum(place.seed, &bytes[8..head]);
    if crc != u32_at(bytes, 4) {
        return Decoded::Invalid;
    }
    let mut end = head as u64;
    let mut part = |bytes: &[u8], at: usize| {
        let part = Part { offset: end as u32, len: u32_at(bytes, at), crc: u32_at(bytes, at + 4) };
        end += u64::from(part.len);
        part
    };
    let items = bytes[header..head].chunks_exact(ITEM);
    let items = items.map(|item| Item { name: hash_at(item, 0), part: part(item, 32) }).collect();
    let no_rows = [0; HEADER - HEADER_1];
    let rows = part(if header == HEADER { &bytes[HEADER_1..HEADER] } else { &no_rows }, 0);
    if end.next_multiple_of(ALIGN as u64) != u64::from(len) {
        return Decoded::Invalid;
    }
    Decoded::Frame(Head {
        at: place.at,
        durable: Position::from_u64(u64_at(bytes, 16)),
        previous: u32_at(bytes, 36),
        crc,
        chain: hash_at(bytes, 48),
        seq: u64_at(bytes, 24),
        len,
        entries,
        items,
        rows,
        erased: bytes.starts_with(&ERASED) || bytes.starts_with(&ERASED_1),
    })
}

impl Head {
    /// Returns whether an item has this name in this chain, compared in full.
    pub(crate) fn names(&self, chain: &Hash, item: u32, name: &Hash) -> bool {
        self.chain == *chain && self.items.get(item as usize).is_some_and(|item| item.name == *name)
    }

    /// Returns whether an item may be erased: a blob, in a frame that says so.
    pub(crate) fn may_be_erased(&self, item: u32) -> bool {
        self.erased && item >= self.entries
    }

    /// Checks the payload of a frame that is in memory as a whole.
    pub(crate) fn payload_is_intact(&self, frame: &[u8]) -> bool {
        let end = (self.rows.offset + self.rows.len) as usize;
        let is_whole = |(index, item): (u32, &Item)| {
            let bytes = item.part.of(frame);
            item.part.is_intact(bytes) || (self.may_be_erased(index) && is_filled(bytes))
        };
        frame.len() == self.len as usize
            && (0..).zip(&self.items).all(is_whole)
            && self.rows.is_intact(self.rows.of(frame))
            && frame[end..].iter().all(|byte| *byte == 0)
    }
}

impl Part {
    /// Returns the bytes, of a frame that is in memory as a whole.
    pub(crate) fn of<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        &frame[self.offset as usize..][..self.len as usize]
    }

    /// Checks the bytes.
    pub(crate) fn is_intact(&self, bytes: &[u8]) -> bool {
        crc32fast::hash(bytes) == self.crc
    }

    /// Returns what erases the bytes: it does not match their checksum, so that nobody takes it for them.
    pub(crate) fn fill(&self) -> u8 {
        let mut zeros = crc32fast::Hasher::new();
        let block = [0; 4096];
        let mut left = self.len as usize;
        while left > 0 {
            let count = left.min(block.len());
            zeros.update(&block[..count]);
            left -= count;
        }
        if zeros.finalize() == self.crc { FILLS[1] } else { FILLS[0] }
    }
}

/// Returns whether these may be the bytes of an erased blob.
pub(crate) fn is_filled(bytes: &[u8]) -> bool {
    !bytes.is_empty() && FILLS.iter().any(|fill| bytes.iter().all(|byte| byte == fill))
}

fn checksum(seed: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(bytes);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn hash_at(bytes: &[u8], at: usize) -> Hash {
    let mut value = [0; 32];
    value.copy_from_slice(&bytes[at..at + 32]);
    Hash::from_bytes(value)
}
