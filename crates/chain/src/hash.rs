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
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }

    /// Reads 64 lower-case hex digits; anything else is `None`.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let text: &[u8; 64] = text.try_into().ok()?;
        let mut bytes = [0; 32];
        // An invalid digit is 0xff, so one check at the end serves all of them.
        let mut invalid = 0;
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let (high, low) = (VALUE[usize::from(pair[0])], VALUE[usize::from(pair[1])]);
            invalid |= high | low;
            *byte = (high << 4) | (low & 15);
        }
        (invalid & 0xf0 == 0).then_some(Self(bytes))
    }
}

/// The value of each hex digit, 0xff for every other byte.
const VALUE: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    table
};

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
    fn upper_case_short_and_foreign_digits_are_refused() {
        let text = Hash::of(b"").to_string();
        for bad in [text.to_uppercase(), text[1..].to_owned(), text.replace('a', "g"), String::new()] {
            assert!(bad.parse::<Hash>().is_err(), "{bad}");
        }
    }
}
