//! Rows in the index: the only values that it holds, and the only ones that it forgets.
//!
//! Invariant: after a stretch the index has each row's latest value, and nothing of a row that is gone.

use std::ops::Bound;

use bytes::Bytes;

use super::{Failure, Index, failed};
use crate::StoreError;
use crate::overlay::Layer;
use crate::rows::Range;

const KIND: u8 = b'r';

/// Steps of a walk that take as long as beginning another one.
const STEPS_OF_A_WALK: usize = 64;

/// A row's key in the index, and its new value.
type OwnedChange<'a> = (Vec<u8>, Option<&'a [u8]>);

/// Returns a row's value.
pub(crate) fn row(index: &dyn Index, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
    let value = index.get(&key_of(key)).map_err(failed("looking up a row"))?;
    Ok(value.map(Bytes::from))
}

/// Walks through the rows that the index has now.
pub(crate) fn rows<'a>(
    index: &'a dyn Index,
    range: Range<'a>,
) -> impl Iterator<Item = Result<(Bytes, Bytes), StoreError>> + 'a {
    let rows = index.walk(KIND, range.from());
    let within = |row: &Result<(Bytes, Bytes), Failure>| {
        row.as_ref().map_or(true, |(key, _)| key.starts_with(range.prefix))
    };
    rows.take_while(move |row| within(row)).map(|row| row.map_err(failed("listing rows")))
}

/// Returns what a stretch changes, sorted by key; `None` where a row is gone.
///
/// Most rows come and go within a stretch. The index hears of such a one only if it has another under its key.
pub(super) fn changes<'a>(index: &dyn Index, layer: &'a Layer) -> Result<Vec<OwnedChange<'a>>, Failure> {
    let mut passing = Vec::new();
    let mut changes = Vec::new();
    for (key, change) in layer.rows.iter() {
        if change.value.is_none() && change.began_with_put {
            passing.push(&key[..]);
        } else {
            changes.push((key_of(key), change.value.as_deref()));
        }
    }
    passing.sort_unstable();
    changes.extend(known(index, &passing)?.into_iter().map(|key| (key_of(key), None)));
    changes.sort_unstable();
    Ok(changes)
}

/// Returns those of the sorted `keys` that the index has; of the rest some too, if telling takes long.
fn known<'a>(index: &dyn Index, mut keys: &[&'a [u8]]) -> Result<Vec<&'a [u8]>, Failure> {
    let mut steps_left = 4 * keys.len() + STEPS_OF_A_WALK;
    let mut known = Vec::new();
    while let Some(first) = keys.first() {
        let Some(left) = steps_left.checked_sub(STEPS_OF_A_WALK) else {
            known.extend_from_slice(keys);
            break;
        };
        steps_left = left;
        let mut walk = index.walk(KIND, Bound::Included(first)).take(STEPS_OF_A_WALK);
        let mut steps = 0;
        while !keys.is_empty()
            && let Some(row) = walk.next()
        {
            let (key, _) = row?;
            steps += 1;
            keys = &keys[keys.partition_point(|other| *other < key)..];
            if let Some((found, rest)) = keys.split_first()
                && *found == key
            {
                known.push(found);
                keys = rest;
            }
        }
        if steps < STEPS_OF_A_WALK {
            break;
        }
    }
    Ok(known)
}

fn key_of(row: &[u8]) -> Vec<u8> {
    [&[KIND], row].concat()
}
