//! Canonical JSON (RFC 8785), narrowed to what entries hold: a writer that emits in order, and a reader that accepts
//! nothing but what the writer emits.
//!
//! Values are printable-ASCII strings, integers from 0 to 2^53−1, null, arrays and objects. Since each value then has
//! exactly one spelling, bytes that the reader accepts are canonical, and nothing needs to be encoded again to check it.
//! Since members are in ascending order, an object is read as a fixed sequence of fields, each there or not.
//! Deliberately absent: floats, negative integers, booleans (no field has one), white space, a generic value tree, and
//! recursion.

use std::collections::BTreeMap;

use crate::{Hash, Text};

/// The largest integer an entry may hold: 2^53−1, so that every JSON reader agrees on it.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Bytes that are not a canonical entry: where, and what was expected or found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {what}")]
pub struct Malformed {
    /// The position of the first byte that is wrong.
    pub offset: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Writes one object; keys must be given in ascending order.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    last: &'static str,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, last: "" }
    }

    /// Writes a key and hands out the buffer for its value.
    pub(crate) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        debug_assert!(self.last < key, "{key} must come before {}", self.last);
        if !self.last.is_empty() {
            self.out.push(b',');
        }
        self.last = key;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(crate) fn hash(&mut self, key: &'static str, value: &Hash) {
        write_plain(self.key(key), &value.to_hex());
    }

    pub(crate) fn maybe_hash(&mut self, key: &'static str, value: Option<&Hash>) {
        if let Some(value) = value {
            self.hash(key, value);
        }
    }

    pub(crate) fn integer(&mut self, key: &'static str, value: u64) {
        write_integer(self.key(key), value);
    }

    pub(crate) fn text(&mut self, key: &'static str, value: &str) {
        write_text(self.key(key), value);
    }

    /// Writes an array; an empty one is left out.
    pub(crate) fn array<T>(
        &mut self,
        key: &'static str,
        items: &[T],
        mut write: impl FnMut(&mut Vec<u8>, &T),
    ) {
        let Some((first, rest)) = items.split_first() else { return };
        let out = self.key(key);
        out.push(b'[');
        write(out, first);
        for item in rest {
            out.push(b',');
            write(out, item);
        }
        out.push(b']');
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

fn write_plain(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Writes a printable-ASCII string; only `"` and `\` need an escape.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        debug_assert!((0x20..0x7f).contains(&byte), "free strings are printable ASCII");
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

pub(crate) fn write_integer(out: &mut Vec<u8>, value: u64) {
    assert!(value <= MAX_INTEGER, "{value} is beyond 2^53-1, the largest integer of an entry");
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Reads canonical JSON from a slice.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    #[cold]
    pub(crate) fn fail<T>(&self, what: impl Into<String>) -> Result<T, Malformed> {
        Err(Malformed { offset: self.offset, what: what.into() })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.offset).copied()
    }

    #[inline]
    pub(crate) fn expect(&mut self, token: &'static str) -> Result<(), Malformed> {
        if !self.bytes[self.offset..].starts_with(token.as_bytes()) {
            return self.fail(format!("expected `{token}`"));
        }
        self.offset += token.len();
        Ok(())
    }

    /// Requires that everything has been read.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.offset == self.bytes.len() { Ok(()) } else { self.fail("expected the end of the entry") }
    }

    /// Reads a map of free strings that is not empty and whose keys ascend.
    pub(crate) fn map<T>(
        &mut self,
        mut value: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<BTreeMap<Text, T>, Malformed> {
        self.expect("{")?;
        let mut map = BTreeMap::new();
        loop {
            let at = self.offset;
            let key = self.text()?;
            if map.last_key_value().is_some_and(|(last, _)| key <= *last) {
                let what = format!("key `{key}` is repeated or out of order");
                return Err(Malformed { offset: at, what });
            }
            self.expect(":")?;
            map.insert(key, value(self)?);
            if !self.comma() {
                break;
            }
        }
        self.expect("}")?;
        Ok(map)
    }

    fn comma(&mut self) -> bool {
        let comma = self.peek() == Some(b',');
        self.offset += usize::from(comma);
        comma
    }

    /// Reads an array that is not empty.
    pub(crate) fn array<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        self.expect("[")?;
        let mut items = Vec::new();
        loop {
            items.push(item(self)?);
            if !self.comma() {
                break;
            }
        }
        self.expect("]")?;
        Ok(items)
    }

    pub(crate) fn integer(&mut self) -> Result<u64, Malformed> {
        let start = self.offset;
        let mut value = 0u64;
        let mut digits = 0;
        // Sixteen digits hold every integer up to the largest; a seventeenth is left for the caller to stumble over.
        while digits < 16 {
            let digit = match self.bytes.get(start + digits) {
                Some(byte @ b'0'..=b'9') => byte - b'0',
                _ => break,
            };
            value = value * 10 + u64::from(digit);
            digits += 1;
        }
        let is_canonical = digits == 1 || (digits > 1 && self.bytes[start] != b'0');
        if !is_canonical || value > MAX_INTEGER {
            return self.fail("expected an integer from 0 to 2^53-1");
        }
        self.offset += digits;
        Ok(value)
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, Malformed> {
        let text = self.bytes.get(self.offset..self.offset + 66);
        let quoted = text.filter(|text| text[0] == b'"' && text[65] == b'"');
        let Some(hash) = quoted.and_then(|text| Hash::from_hex(&text[1..65])) else {
            return self.fail("expected a name of 64 lower-case hex digits");
        };
        self.offset += 66;
        Ok(hash)
    }

    /// Reads a string that needs no escape, such as a key or a name.
    pub(crate) fn plain_string(&mut self) -> Result<&'a str, Malformed> {
        self.expect("\"")?;
        let start = self.offset;
        let rest = &self.bytes[start..];
        let is_plain = |byte: &u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\');
        let length = rest.iter().take(Text::MAX_LENGTH).position(|byte| !is_plain(byte));
        self.offset += length.unwrap_or(Text::MAX_LENGTH.min(rest.len()));
        let text = std::str::from_utf8(&self.bytes[start..self.offset]);
        self.expect("\"")?;
        text.or_else(|_| self.fail("expected printable ASCII"))
    }

    /// Reads a free string: printable ASCII, with `"` and `\` escaped.
    pub(crate) fn text(&mut self) -> Result<Text, Malformed> {
        let start = self.offset;
        self.expect("\"")?;
        let mut value = String::new();
        // One character more than is allowed is enough for `Text::new` to refuse it.
        while value.len() <= Text::MAX_LENGTH {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => match self.bytes.get(self.offset + 1) {
                    Some(&byte @ (b'"' | b'\\')) => {
                        value.push(char::from(byte));
                        self.offset += 2;
                    }
                    _ => return self.fail("expected `\\\"` or `\\\\`: no other escape is canonical here"),
                },
                Some(byte @ 0x20..=0x7e) => {
                    value.push(char::from(byte));
                    self.offset += 1;
                }
                _ => return self.fail("expected printable ASCII"),
            }
        }
        self.offset += 1;
        Text::new(value).map_err(|error| Malformed { offset: start, what: error.to_string() })
    }
}

/// Reads an object's members, which must be asked for in ascending order.
pub(crate) struct ObjectReader<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// Whether another member must follow.
    more: bool,
    /// How many members have been read.
    count: usize,
}

impl<'r, 'a> ObjectReader<'r, 'a> {
    /// Begins an object that is not empty.
    pub(crate) fn begin(reader: &'r mut Reader<'a>) -> Result<Self, Malformed> {
        reader.expect("{")?;
        Ok(Self { reader, more: true, count: 0 })
    }

    /// Reads the value of `key` if it is the next member.
    #[inline]
    pub(crate) fn field<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        let rest = &self.reader.bytes[self.reader.offset..];
        let is_next = self.more
            && rest.first() == Some(&b'"')
            && rest[1..].starts_with(key.as_bytes())
            && rest[1 + key.len()..].starts_with(b"\":");
        if !is_next {
            return Ok(None);
        }
        self.reader.offset += key.len() + 3;
        let value = read(self.reader)?;
        self.more = self.reader.comma();
        self.count += 1;
        Ok(Some(value))
    }

    /// Requires that no member is left, and says how many there were.
    pub(crate) fn end(self) -> Result<usize, Malformed> {
        if self.more {
            let at = self.reader.offset;
            let key = self.reader.plain_string()?;
            let what = format!("field `{key}` is unknown, repeated or out of order");
            return Err(Malformed { offset: at, what });
        }
        self.reader.expect("}")?;
        Ok(self.count)
    }
}
