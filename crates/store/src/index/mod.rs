//! The index: where in the log things are, by key. It holds nothing that the log does not.
//!
//! Invariant: it is never ahead of the durable log. Each stretch goes in atomically with the mark that says how
//! far it reaches; so an index that is behind catches up, and one that is gone is made again.
//!
//! Deliberately absent: durability of its own. What the index loses the log still has.

mod fjall;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use troupe_chain::Hash;

pub(crate) use self::fjall::FjallIndex;
use crate::log::{End, Position};
use crate::overlay::{Key, Layer, Location};
use crate::{Head, StoreError};

/// Why an index failed.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A key and its value, in place: a stretch has tens of thousands, and an allocation each would cost more than
/// all else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    key: [u8; 33],
    key_len: u8,
    value: [u8; 40],
    value_len: u8,
}

impl Row {
    /// Joins the parts of a key and of a value.
    fn new(key: [&[u8]; 2], value: [&[u8]; 3]) -> Self {
        let mut row = Self { key: [0; 33], key_len: 0, value: [0; 40], value_len: 0 };
        for part in key {
            row.key[usize::from(row.key_len)..][..part.len()].copy_from_slice(part);
            row.key_len += part.len() as u8;
        }
        for part in value {
            row.value[usize::from(row.value_len)..][..part.len()].copy_from_slice(part);
            row.value_len += part.len() as u8;
        }
        row
    }

    fn key(&self) -> &[u8] {
        &self.key[..usize::from(self.key_len)]
    }

    fn value(&self) -> &[u8] {
        &self.value[..usize::from(self.value_len)]
    }
}

/// An ordered map that takes in many rows at once.
pub(crate) trait Index: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure>;
    /// Shows the rows whose key begins with `kind`, in order: key and value.
    fn scan(&self, kind: u8, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Failure>;
    /// Takes in rows, sorted and without a repeated key: all of them or, after a crash, none.
    fn ingest(&self, rows: &[Row]) -> Result<(), Failure>;
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

/// Takes in a stretch of the log.
pub(crate) fn ingest(index: &dyn Index, layer: &Layer, id: u64) -> Result<(), StoreError> {
    let Some(end) = layer.end else { return Ok(()) };
    let mut rows: Vec<Row> = Vec::with_capacity(layer.places.len() + layer.heads.len() + 1);
    for (key, place) in &layer.places {
        // Most frames have few items: what is not zero of the number.
        let item = place.item.to_le_bytes();
        let len = item.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        rows.push(Row::new([key.bytes(), b""], [&place.at.to_u64().to_be_bytes(), &item[..len], b""]));
    }
    for (chain, head) in &layer.heads {
        rows.push(Row::new([b"h", chain.as_bytes()], [head.entry.as_bytes(), &head.seq.to_be_bytes(), b""]));
    }
    let (at, previous) = (end.at.to_u64().to_be_bytes(), end.previous.to_be_bytes());
    rows.push(Row::new([WATERMARK, b""], [&id.to_be_bytes(), &at, &previous]));
    rows.sort_unstable_by(|one, other| one.key().cmp(other.key()));
    index.ingest(&rows).map_err(failed("taking in new entries"))
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
    let mut malformed_rows = 0;
    let mut visit = |key: &[u8], value: &[u8]| {
        let chain = key.get(1..).and_then(|chain| <[u8; 32]>::try_from(chain).ok());
        match (chain, decode_head(value)) {
            (Some(chain), Some(head)) => _ = heads.insert(Hash::from_bytes(chain), head),
            _ => malformed_rows += 1,
        }
    };
    index.scan(b'h', &mut visit).map_err(failed("listing the chains"))?;
    if malformed_rows > 0 { Err(malformed("a head")) } else { Ok(heads) }
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
    rows: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Index for MemoryIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.rows.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(&self, kind: u8, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Failure> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let rows = rows.range(vec![kind]..vec![kind + 1]);
        rows.for_each(|(key, value)| visit(key, value));
        Ok(())
    }

    fn ingest(&self, rows: &[Row]) -> Result<(), Failure> {
        let rows = rows.iter().map(|row| (row.key().to_vec(), row.value().to_vec()));
        self.rows.write().unwrap_or_else(PoisonError::into_inner).extend(rows);
        Ok(())
    }

    fn bytes(&self) -> u64 {
        0
    }
}
