//! Names: the BLAKE3 hash of bytes, written as 64 lower-case hex digits.
//!
//! Deliberately absent: any other algorithm, and any other way to write a name.

use std::fmt;
use std::str::FromStr;

/// A name: the 32-byte BLAKE3 hash of an entry's canonical bytes or of a blob.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a name: expected 64 lower-case hex digits")]
pub struct NotAName(pub String);

impl Hash {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Takes 32 bytes that are already a hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the 64 lower-case hex digits, as ASCII.
    pub fn to_hex(&self) -> [u8; 64] {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = digit(byte >> 4);
            pair[1] = digit(byte & 15);
        }
        text
    }

    /// Reads 64 lower-case hex digits; anything else is `None`.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let text: &[u8; 64] = text.try_into().ok()?;
        // No branch and no table, so that the compiler does many digits at a time: entries are mostly names.
        let values = text.map(value);
        let invalid = values.iter().fold(0, |invalid, value| invalid | value);
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(values.chunks_exact(2)) {
            *byte = (pair[0] << 4) | (pair[1] & 15);
        }
        (invalid & 0xf0 == 0).then_some(Self(bytes))
    }
}

/// Names bytes that come in parts, so that they need not be held.
#[derive(Debug, Clone, Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Adds the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// Returns the name of all parts together.
    pub fn finish(&self) -> Hash {
        Hash(*self.0.finalize().as_bytes())
    }
}

/// The digit of a value below 16.
const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' - 10 + value }
}

/// The value of a hex digit, 0xff for every other byte.
const fn value(digit: u8) -> u8 {
    let (decimal, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    let letter = if letter < 6 { letter + 10 } else { 0xff };
    if decimal < 10 { decimal } else { letter }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_hex()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        Self::from_hex(text.as_bytes()).ok_or_else(|| NotAName(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips() {
        let name = Hash::of(b"");
        assert_eq!(name.to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        assert_eq!(name.to_string().parse(), Ok(name));
    }

    #[test]
    fn parts_have_the_name_of_the_whole() {
        let mut hasher = Hasher::default();
        hasher.update(b"ab");
        hasher.update(b"c");
        assert_eq!(hasher.finish(), Hash::of(b"abc"));
    }

    #[test]
    fn every_byte_is_a_digit_or_not() {
        for byte in 0..=255u8 {
            let name = Hash::from_hex(&[byte; 64]);
            let expect = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
            assert_eq!(name, expect.map(|value| Hash([value as u8 * 0x11; 32])), "{byte}");
        }
    }

    #[test]
    fn upper_case_short_and_foreign_digits_are_refused() {
        let text = Hash::of(b"").to_string();
        for bad in [text.to_uppercase(), text[1..].to_owned(), text.replace('a', "g"), String::new()] {
            assert!(bad.parse::<Hash>().is_err(), "{bad}");
        }
    }
}
