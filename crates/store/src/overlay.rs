//! What was committed and is not in the index yet, by the same keys as in the index.
//!
//! Invariant: only durable frames are here; each stays until the index has it, so that a reader who looks here
//! first and in the index second misses nothing.
//!
//! Deliberately absent: payloads but those of rows. They are read from the log, where the system's cache still has
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::Hash;

use crate::log::rows::Rows;
use crate::log::{End, Position, frame};
use crate::parts::Parts;
use crate::rows::Range;
use crate::{Append, Head};

/// The key of a place in the log: a kind, and truncated hashes that a reader compares in full with the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key([u8; 33]);

impl Key {
    /// The entry with a seq.
    pub(crate) fn seq(chain: &Hash, seq: u64) -> Self {
        let mut rest = [0; 16];
        rest[..8].copy_from_slice(&seq.to_be_bytes());
        Self::new(b'e', chain, rest)
    }

    /// The entry with a name.
    pub(crate) fn entry(chain: &Hash, name: &Hash) -> Self {
        Self::new(b'n', chain, half(name))
    }

    /// The blob with a name.
    pub(crate) fn blob(chain: &Hash, name: &Hash) -> Self {
        Self::new(b'b', chain, half(name))
    }

    /// Returns the bytes that the index orders by.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.0[0] == b'e' { &self.0[..25] } else { &self.0 }
    }

    fn new(kind: u8, chain: &Hash, rest: [u8; 16]) -> Self {
        let mut key = [kind; 33];
        key[1..17].copy_from_slice(&half(chain));
        key[17..].copy_from_slice(&rest);
        Self(key)
    }
}

fn half(name: &Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&name.as_bytes()[..16]);
    half
}

/// An item of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) at: Position,
    pub(crate) item: u32,
}

/// What a stretch made of a row.
#[derive(Debug)]
pub(crate) struct Change {
    /// What it is now; `None` if it is gone.
    pub(crate) value: Option<Bytes>,
    /// Whether the first that the stretch did was to put it: then likely it was not there before.
    pub(crate) began_with_put: bool,
}

/// A stretch of the log by key.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) places: Parts<Key, Location>,
    pub(crate) heads: Parts<Hash, Head>,
    pub(crate) rows: Parts<Bytes, Change>,
    /// How much of the log this is.
    pub(crate) bytes: u64,
    /// Where the stretch ends.
    pub(crate) end: Option<End>,
}

impl Layer {
    /// Adds a frame that was just written. The blobs that it left out are here already.
    pub(crate) fn append(&mut self, append: &Append, kept: &[bool], at: Position) {
        let mut items = (0..).map(|item| Location { at, item });
        for (entry, place) in append.entries.iter().zip(&mut items) {
            self.places.insert(Key::seq(&append.chain, entry.seq), place);
            self.places.insert(Key::entry(&append.chain, &entry.name), place);
        }
        let blobs = append.blobs.iter().zip(kept).filter(|(_, kept)| **kept);
        for (((name, _), _), place) in blobs.zip(items) {
            self.places.insert(Key::blob(&append.chain, name), place);
        }
        if let Some(last) = append.entries.last() {
            self.heads.insert(append.chain, last.head());
        }
        append.rows.iter().for_each(|row| self.change(&row.key, row.value.clone()));
    }

    fn change(&mut self, key: &Bytes, value: Option<Bytes>) {
        // Not through the map's entry, for that takes a clone, and of a removal the key is here already.
        if let Some(change) = self.rows.get_mut(key) {
            change.value = value;
        } else {
            let began_with_put = value.is_some();
            self.rows.insert(key.clone(), Change { value, began_with_put });
        }
    }

    /// Adds a frame that recovery read.
    pub(crate) fn replay(&mut self, head: &frame::Head, rows: Rows<'_>) {
        for (index, item) in (0..).zip(&head.items) {
            let place = Location { at: head.at, item: index };
            if index < head.entries {
                let seq = head.seq + u64::from(index);
                self.places.insert(Key::seq(&head.chain, seq), place);
                self.places.insert(Key::entry(&head.chain, &item.name), place);
                self.heads.insert(head.chain, Head { entry: item.name, seq });
            } else {
                self.places.insert(Key::blob(&head.chain, &item.name), place);
            }
        }
        for (key, value) in rows {
            self.change(&Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice));
        }
        self.bytes += u64::from(head.len);
        self.end = Some(End { at: head.at.after(head.len), previous: head.crc });
    }
}

/// The layer that grows, and the one that the index is taking in.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) active: Layer,
    pub(crate) sealed: Option<Arc<Layer>>,
}

impl Overlay {
    pub(crate) fn place(&self, key: &Key) -> Option<Location> {
        let sealed = || self.sealed.as_ref().and_then(|layer| layer.places.get(key));
        self.active.places.get(key).or_else(sealed).copied()
    }

    pub(crate) fn head(&self, chain: &Hash) -> Option<Head> {
        let sealed = || self.sealed.as_ref().and_then(|layer| layer.heads.get(chain));
        self.active.heads.get(chain).or_else(sealed).copied()
    }

    /// Returns a row's value, or that it is gone, if it changed lately.
    pub(crate) fn row(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let sealed = || self.sealed.as_ref().and_then(|layer| layer.rows.get(key));
        self.active.rows.get(key).or_else(sealed).map(|change| change.value.clone())
    }

    /// Returns the rows of a range that changed lately.
    pub(crate) fn rows(&self, range: Range<'_>) -> BTreeMap<Bytes, Option<Bytes>> {
        let layers = self.sealed.as_deref().into_iter().chain([&self.active]);
        let changes = layers.flat_map(|layer| layer.rows.iter()).filter(|(key, _)| range.contains(key));
        changes.map(|(key, change)| (key.clone(), change.value.clone())).collect()
    }

    /// Hands the growing layer over, unless the one before is still being taken in or there is nothing.
    pub(crate) fn seal(&mut self) {
        if self.sealed.is_none() && self.active.end.is_some() {
            self.sealed = Some(Arc::new(std::mem::take(&mut self.active)));
        }
    }
}
