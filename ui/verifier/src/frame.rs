//! Lists of byte strings as one byte string: how the page and this module talk.
//!
//! Each item is its length, four bytes little-endian, and its bytes.

/// The bytes are no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadFrame;

/// Writes a list.
pub fn pack<T: AsRef<[u8]>>(items: &[T]) -> Vec<u8> {
    let length: usize = items.iter().map(|item| 4 + item.as_ref().len()).sum();
    let mut bytes = Vec::with_capacity(length);
    for item in items {
        let item = item.as_ref();
        bytes.extend_from_slice(&u32::try_from(item.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(item);
    }
    bytes
}

/// Reads a list.
///
/// # Errors
/// [`BadFrame`] if a length leads past the end.
pub fn unpack(mut bytes: &[u8]) -> Result<Vec<&[u8]>, BadFrame> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk().ok_or(BadFrame)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > rest.len() {
            return Err(BadFrame);
        }
        let (item, rest) = rest.split_at(length);
        items.push(item);
        bytes = rest;
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back_as_it_was_and_a_cut_one_is_refused() {
        let items: [&[u8]; 3] = [b"one", b"", b"three"];
        let bytes = pack(&items);
        assert_eq!(unpack(&bytes), Ok(items.to_vec()));
        for end in [1, 3, 6, bytes.len() - 1] {
            assert_eq!(unpack(&bytes[..end]), Err(BadFrame), "{end}");
        }
    }
}
