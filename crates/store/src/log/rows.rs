//! The rows of a frame as bytes.
//!
//! Deliberately absent: a checksum of their own. The frame's head has one for all of them.

use crate::Row;

/// Bytes of a row beside its key and value.
pub(crate) const ROW: u64 = 5;

/// Stands for the length of the value where a row is removed.
const REMOVED: u32 = u32::MAX;

/// Appends rows to `buffer`.
pub(super) fn encode(buffer: &mut Vec<u8>, rows: &[Row]) {
    for row in rows {
        buffer.push(row.key.len() as u8);
        let len = row.value.as_ref().map_or(REMOVED, |value| value.len() as u32);
        buffer.extend_from_slice(&len.to_le_bytes());
        buffer.extend_from_slice(&row.key);
        buffer.extend_from_slice(row.value.as_deref().unwrap_or_default());
    }
}

/// Reads rows one after the other: key and value. Ends at what is none, which a checksum that holds rules out.
pub(crate) struct Rows<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Rows<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key_len, rest) = self.0.split_first()?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (key, rest) = rest.split_at_checked(usize::from(*key_len))?;
        let (value, rest) = match u32::from_le_bytes(*len) {
            REMOVED => (None, rest),
            len => rest.split_at_checked(len as usize).map(|(value, rest)| (Some(value), rest))?,
        };
        self.0 = rest;
        Some((key, value))
    }
}
