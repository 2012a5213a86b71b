//! The index: where in the log things are, by key. It holds nothing that the log does not.
//!
//! Invariant: it is never ahead of the durable log. Each stretch goes in atomically with the mark that says how
//! far it reaches; so an index that is behind catches up, and one that is gone is made again.
//!
//! Deliberately absent: durability of its own. What the index loses the log still has.

mod fjall;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use troupe_chain::Hash;

pub(crate) use self::fjall::FjallIndex;
use crate::log::{End, Position};
use crate::overlay::{Key, Layer, Location};
use crate::{Head, StoreError};

/// Why an index failed.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
/// A key and its value.
pub(crate) type Row = (Bytes, Bytes);

/// An ordered map that takes in many rows at once.
pub(crate) trait Index: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Failure>;
    /// Returns the rows whose key begins with `kind`, in order.
    fn rows(&self, kind: u8) -> Result<Vec<Row>, Failure>;
    /// Takes in rows, sorted and without a repeated key: all of them or, after a crash, none.
    fn ingest(&self, rows: Vec<Row>) -> Result<(), Failure>;
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
        let mut value = place.at.to_u64().to_be_bytes().to_vec();
        // Most frames have few items: what is not zero of the number.
        value.extend(place.item.to_le_bytes());
        value.truncate(value.iter().rposition(|byte| *byte != 0).map_or(8, |last| (last + 1).max(8)));
        rows.push((Bytes::copy_from_slice(key.bytes()), value.into()));
    }
    for (chain, head) in &layer.heads {
        let mut value = head.entry.as_bytes().to_vec();
        value.extend(head.seq.to_be_bytes());
        rows.push((head_key(chain).into(), value.into()));
    }
    let mut value = id.to_be_bytes().to_vec();
    value.extend(end.at.to_u64().to_be_bytes());
    value.extend(end.previous.to_be_bytes());
    rows.push((WATERMARK.into(), value.into()));
    rows.sort_unstable();
    index.ingest(rows).map_err(failed("taking in new entries"))
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
    let rows = index.rows(b'h').map_err(failed("listing the chains"))?;
    let head = |(key, value): Row| {
        let chain: [u8; 32] = key.get(1..)?.try_into().ok()?;
        Some((Hash::from_bytes(chain), decode_head(&value)?))
    };
    rows.into_iter().map(|row| head(row).ok_or_else(|| malformed("a head"))).collect()
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
    rows: RwLock<BTreeMap<Bytes, Bytes>>,
}

impl Index for MemoryIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Failure> {
        Ok(self.rows.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn rows(&self, kind: u8) -> Result<Vec<Row>, Failure> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let kind = |row: &(&Bytes, &Bytes)| row.0.first() == Some(&kind);
        Ok(rows.iter().filter(kind).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn ingest(&self, rows: Vec<Row>) -> Result<(), Failure> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).extend(rows);
        Ok(())
    }

    fn bytes(&self) -> u64 {
        0
    }
}
