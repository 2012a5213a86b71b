//! The index: where in the log things are, by key, and the rows. It holds nothing that the log does not.
//!
//! Invariant: it is never ahead of the durable log. Each stretch goes in atomically with the mark that says how
//! far it reaches; so an index that is behind catches up, and one that is gone is made again.
//!
//! Deliberately absent: durability of its own. What the index loses the log still has.

mod fjall;
mod rows;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use troupe_chain::Hash;

pub(crate) use self::fjall::FjallIndex;
pub(crate) use self::rows::{row, rows};
use crate::log::{End, Position};
use crate::overlay::{Key, Layer, Location};
use crate::{Head, StoreError};

/// Why an index failed.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A key and its value, in place: a stretch has tens of thousands, and an allocation each would cost more than
/// all else.
#[derive(Debug, Clone, Copy)]
struct Pair {
    key: [u8; 33],
    key_len: u8,
    value: [u8; 40],
    value_len: u8,
}

impl Pair {
    /// Joins the parts of a key and of a value.
    fn new(key: [&[u8]; 2], value: [&[u8]; 3]) -> Self {
        let mut pair = Self { key: [0; 33], key_len: 0, value: [0; 40], value_len: 0 };
        for part in key {
            pair.key[usize::from(pair.key_len)..][..part.len()].copy_from_slice(part);
            pair.key_len += part.len() as u8;
        }
        for part in value {
            pair.value[usize::from(pair.value_len)..][..part.len()].copy_from_slice(part);
            pair.value_len += part.len() as u8;
        }
        pair
    }

    fn key(&self) -> &[u8] {
        &self.key[..usize::from(self.key_len)]
    }

    fn change(&self) -> Change<'_> {
        (self.key(), Some(&self.value[..usize::from(self.value_len)]))
    }
}

/// A key and its new value; `None` removes it.
pub(crate) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// Keys of one kind, without the kind, and their values; in order, and as they were when the walk began.
pub(crate) type Walk<'a> = Box<dyn Iterator<Item = Result<(Bytes, Bytes), Failure>> + 'a>;

/// An ordered map that takes in many changes at once. The first byte of a key is its kind.
pub(crate) trait Index: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure>;
    /// Walks through the keys of a kind, from one on.
    fn walk(&self, kind: u8, from: Bound<&[u8]>) -> Walk<'_>;
    /// Takes in changes, sorted and without a repeated key: all of them or, after a crash, none.
    fn ingest(&self, changes: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), Failure>;
    fn bytes(&self) -> u64;
}

const WATERMARK: &[u8] = b"w";

/// Reads up to where the index knows the log, if it belongs to the store `id`.
pub(crate) fn watermark(index: &dyn Index, id: u64) -> Result<Option<End>, StoreError> {
    let Some(value) = index.get(WATERMARK).map_err(failed("reading how far it reaches"))? else {
        return Ok(None);
    };
    let Some((of, rest)) = value.split_first_chunk::<8>() else { return Ok(None) };
    let Some((at, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
    let Some((previous, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let end =
        End { at: Position::from_u64(u64::from_be_bytes(*at)), previous: u32::from_be_bytes(*previous) };
    Ok((u64::from_be_bytes(*of) == id).then_some(end))
}

/// Lets other threads go first now and then, for a stretch is tens of milliseconds of work that nobody waits for: without
/// it, whoever commits meanwhile waits for whole time slices of the system.
#[derive(Default)]
pub(crate) struct Pace(u32);

impl Pace {
    /// Small steps between two yields: some tens of microseconds.
    const STEPS: u32 = 512;

    /// Says that a small step was done.
    pub(crate) fn step(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(Self::STEPS) {
            std::thread::yield_now();
        }
    }
}

/// Takes in a stretch of the log.
pub(crate) fn ingest(index: &dyn Index, layer: &Layer, id: u64) -> Result<(), StoreError> {
    let Some(end) = layer.end else { return Ok(()) };
    let mut pairs: Vec<Pair> = Vec::with_capacity(layer.places.len() + layer.heads.len());
    let mut pace = Pace::default();
    for (key, place) in layer.places.iter() {
        pace.step();
        // Most frames have few items: what is not zero of the number.
        let item = place.item.to_le_bytes();
        let len = item.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        pairs.push(Pair::new([key.bytes(), b""], [&place.at.to_u64().to_be_bytes(), &item[..len], b""]));
    }
    for (chain, head) in layer.heads.iter() {
        pairs
            .push(Pair::new([b"h", chain.as_bytes()], [head.entry.as_bytes(), &head.seq.to_be_bytes(), b""]));
    }
    let (at, previous) = (end.at.to_u64().to_be_bytes(), end.previous.to_be_bytes());
    let mark = Pair::new([WATERMARK, b""], [&id.to_be_bytes(), &at, &previous]);
    pairs.sort_unstable_by(|one, other| {
        pace.step();
        one.key().cmp(other.key())
    });
    let rows = rows::changes(index, layer).map_err(failed("looking for rows that are gone"))?;
    // By their kinds, rows come after all else, and the mark after rows.
    let rows = rows.iter().map(|(key, value)| (&key[..], *value));
    let mut changes = pairs.iter().map(Pair::change).chain(rows).chain([mark.change()]);
    index.ingest(&mut changes).map_err(failed("taking in new entries"))
}

/// Returns where an item is.
pub(crate) fn place(index: &dyn Index, key: &Key) -> Result<Option<Location>, StoreError> {
    let value = index.get(key.bytes()).map_err(failed("looking something up"))?;
    value.map(|value| decode_place(&value).ok_or_else(|| malformed("a place"))).transpose()
}

/// Returns the head that the index knows of.
pub(crate) fn head(index: &dyn Index, chain: &Hash) -> Result<Option<Head>, StoreError> {
    let value = index.get(&head_key(chain)).map_err(failed("looking up a head"))?;
    value.map(|value| decode_head(&value).ok_or_else(|| malformed("a head"))).transpose()
}

/// Returns every head that the index knows of.
pub(crate) fn heads(index: &dyn Index) -> Result<BTreeMap<Hash, Head>, StoreError> {
    let mut heads = BTreeMap::new();
    for pair in index.walk(b'h', Bound::Unbounded) {
        let (chain, head) = pair.map_err(failed("listing the chains"))?;
        match (<[u8; 32]>::try_from(&chain[..]), decode_head(&head)) {
            (Ok(chain), Some(head)) => _ = heads.insert(Hash::from_bytes(chain), head),
            _ => return Err(malformed("a head")),
        }
    }
    Ok(heads)
}

/// Returns the range of the keys of a kind.
fn within(kind: u8, from: Bound<&[u8]>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let from = match from {
        Bound::Unbounded => Bound::Included(vec![kind]),
        from => from.map(|from| [&[kind], from].concat()),
    };
    (from, Bound::Excluded(vec![kind + 1]))
}

fn head_key(chain: &Hash) -> Vec<u8> {
    [b"h", &chain.as_bytes()[..]].concat()
}

fn decode_place(value: &[u8]) -> Option<Location> {
    let (at, rest) = value.split_first_chunk::<8>()?;
    let mut item = [0; 4];
    item.get_mut(..rest.len())?.copy_from_slice(rest);
    Some(Location { at: Position::from_u64(u64::from_be_bytes(*at)), item: u32::from_le_bytes(item) })
}

fn decode_head(value: &[u8]) -> Option<Head> {
    let (entry, rest) = value.split_first_chunk::<32>()?;
    Some(Head { entry: Hash::from_bytes(*entry), seq: u64::from_be_bytes(rest.try_into().ok()?) })
}

fn malformed(what: &str) -> StoreError {
    StoreError::Index { action: "reading a value", source: format!("{what} is malformed").into() }
}

pub(crate) fn failed(action: &'static str) -> impl Fn(Failure) -> StoreError {
    move |source| StoreError::Index { action, source }
}

/// An index that is made again at each start, for disks that are simulated.
#[derive(Debug, Default)]
pub(crate) struct MemoryIndex {
    pairs: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Index for MemoryIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.pairs.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn walk(&self, kind: u8, from: Bound<&[u8]>) -> Walk<'_> {
        let pairs = self.pairs.read().unwrap_or_else(PoisonError::into_inner);
        let pairs = pairs.range(within(kind, from));
        let pairs = pairs.map(|(key, value)| (Bytes::copy_from_slice(&key[1..]), value.clone().into()));
        Box::new(pairs.map(Ok).collect::<Vec<_>>().into_iter())
    }

    fn ingest(&self, changes: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), Failure> {
        let mut pairs = self.pairs.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            match value {
                Some(value) => _ = pairs.insert(key.to_vec(), value.to_vec()),
                None => _ = pairs.remove(key),
            }
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        0
    }
}
