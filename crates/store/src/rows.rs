//! What a scan of rows shows: the changes of late over what the index has.
//!
//! Invariant: a change of late hides what the index has under its key, and a removal shows nothing.
//!
//! Deliberately absent: order among the changes of late. They are sorted for each scan, for scans are seldom.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::StoreError;

/// Which rows a scan is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'a> {
    pub(crate) prefix: &'a [u8],
    pub(crate) after: Option<&'a [u8]>,
}

impl<'a> Range<'a> {
    /// Returns where the range begins; it ends with the last key that has the prefix.
    pub(crate) fn from(&self) -> Bound<&'a [u8]> {
        let after = self.after.filter(|after| *after >= self.prefix);
        after.map_or(Bound::Included(self.prefix), Bound::Excluded)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }
}

/// Merges changes of late with what the index has, both of one range, until there are `limit` rows.
pub(crate) fn merge(
    recent: BTreeMap<Bytes, Option<Bytes>>,
    known: impl Iterator<Item = Result<(Bytes, Bytes), StoreError>>,
    limit: usize,
) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
    let mut recent = recent.into_iter().peekable();
    let mut rows = Vec::new();
    for row in known {
        let (key, value) = row?;
        let mut hidden = false;
        while let Some((newer, value)) = recent.next_if(|(newer, _)| *newer <= key) {
            hidden = newer == key;
            rows.extend(value.map(|value| (newer, value)));
        }
        if !hidden {
            rows.push((key, value));
        }
        if rows.len() >= limit {
            break;
        }
    }
    let missing = limit.saturating_sub(rows.len());
    rows.extend(recent.filter_map(|(key, value)| Some((key, value?))).take(missing));
    rows.truncate(limit);
    Ok(rows)
}
