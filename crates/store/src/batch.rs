//! The rules that a batch keeps, the same for every store.
//!
//! Invariant: a batch that passes can be written as it is.

use std::collections::HashMap;

use troupe_chain::Hash;

use crate::log::frame;
use crate::{
    Append, CommitError, Head, InvalidAppend, MAX_BATCH_BYTES, MAX_ROW_KEY_BYTES, MAX_ROW_VALUE_BYTES, Row,
    StoreError,
};

/// Checks a batch against the heads that `head` reads, and against itself.
///
/// Per append, in this order: it has entries, blobs or rows, its rows, its size, its expected head, the seq of its entries.
pub(crate) fn check(
    batch: &[Append],
    head: impl Fn(&Hash) -> Result<Option<Head>, StoreError>,
) -> Result<(), CommitError> {
    let mut moved: HashMap<Hash, Head> = HashMap::new();
    let mut bytes = 0;
    for (index, append) in batch.iter().enumerate() {
        let chain = append.chain;
        let invalid = |reason| CommitError::Invalid { index, chain, reason };
        if append.entries.is_empty() && append.rows.is_empty() && append.blobs.is_empty() {
            return Err(invalid(InvalidAppend::Empty));
        }
        append.rows.iter().try_for_each(check_row).map_err(invalid)?;
        bytes += frame::encoded_len(append);
        if bytes > MAX_BATCH_BYTES {
            return Err(invalid(InvalidAppend::TooLarge { found: bytes, limit: MAX_BATCH_BYTES }));
        }
        let before = || match moved.get(&chain) {
            Some(head) => Ok(Some(*head)),
            None => head(&chain).map_err(CommitError::Read),
        };
        let Some(last) = append.entries.last() else {
            if append.expected.is_some() || (!append.blobs.is_empty() && before()?.is_none()) {
                return Err(invalid(InvalidAppend::NoEntry));
            }
            continue;
        };
        let before = before()?;
        let found = before.map(|head| head.entry);
        if found != append.expected {
            return Err(CommitError::HeadMoved { chain, expected: append.expected, found });
        }
        let first = before.map_or(0, |head| head.seq + 1);
        for (expected, entry) in (first..).zip(&append.entries) {
            if entry.seq != expected {
                return Err(invalid(InvalidAppend::SeqGap { expected, found: entry.seq }));
            }
        }
        // A batch of one, the usual one of an idle node, needs no map.
        if batch.len() > 1 {
            moved.insert(chain, last.head());
        }
    }
    Ok(())
}

fn check_row(row: &Row) -> Result<(), InvalidAppend> {
    let (key, value) = (row.key.len(), row.value.as_ref().map_or(0, |value| value.len()));
    if key == 0 || key > MAX_ROW_KEY_BYTES {
        return Err(InvalidAppend::RowKey { found: key, limit: MAX_ROW_KEY_BYTES });
    }
    if value > MAX_ROW_VALUE_BYTES {
        return Err(InvalidAppend::RowValue { found: value, limit: MAX_ROW_VALUE_BYTES });
    }
    Ok(())
}
