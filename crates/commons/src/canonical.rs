//! Canonical JSON as `docs/spec/chain.md` narrows it: what may be signed, hashed and kept has exactly one spelling.
//!
//! Bytes are read by serde into a type whose fields are declared in ascending order, written again, and compared: so the
//! reader takes nothing but what the writer emits. Integers above 2^53−1, strings above 256 characters and anything but
//! printable ASCII are refused beforehand.

use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use troupe_chain::{Hash, MAX_INTEGER};

/// The most characters of a string.
const MAX_STRING: usize = 256;

/// Bytes that are not the canonical form of anything expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotCanonical(pub String);

/// Writes a value.
///
/// # Panics
/// If the type cannot be written as JSON: none of this crate's is.
pub fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    match serde_json::to_vec(value) {
        Ok(bytes) => bytes,
        Err(error) => unreachable!("records are structures of texts and integers: {error}"),
    }
}

/// Reads a value that is written in its one spelling.
///
/// # Errors
/// [`NotCanonical`], with what is wrong.
pub fn from_bytes<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, NotCanonical> {
    check_values(bytes)?;
    let value: T = serde_json::from_slice(bytes).map_err(|error| NotCanonical(error.to_string()))?;
    if to_bytes(&value) == bytes {
        Ok(value)
    } else {
        Err(NotCanonical("expected canonical JSON: members in order, nothing empty, no spaces".into()))
    }
}

/// Refuses what is JSON, and no value of a canonical document.
fn check_values(bytes: &[u8]) -> Result<(), NotCanonical> {
    let (mut integer, mut string): (u64, Option<usize>) = (0, None);
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        let bad = |what: &str| Err(NotCanonical(format!("at byte {at}: {what}")));
        if !(0x20..0x7f).contains(byte) {
            return bad("expected printable ASCII");
        }
        match (&mut string, byte) {
            (Some(_), b'"') if !escaped => string = None,
            (Some(length), _) => {
                escaped = *byte == b'\\' && !escaped;
                *length += usize::from(!escaped);
                if *length > MAX_STRING {
                    return bad("a string of more than 256 characters");
                }
            }
            (None, b'"') => string = Some(0),
            (None, b'0'..=b'9') => {
                integer = integer.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                if integer > MAX_INTEGER {
                    return bad("an integer above 2^53-1");
                }
                continue;
            }
            _ => {}
        }
        integer = 0;
    }
    Ok(())
}

/// A name of 32 bytes, as 64 lower-case hex digits: a member, a job, a hold, a proposal, a blob, a chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub Hash);

impl Id {
    /// The name of a value's canonical bytes.
    pub fn of<T: Serialize>(value: &T) -> Self {
        Self(Hash::of(&to_bytes(value)))
    }
}

impl FromStr for Id {
    type Err = troupe_chain::NotAName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex = self.0.to_hex();
        serializer.serialize_str(std::str::from_utf8(&hex).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hex;
        impl Visitor<'_> for Hex {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("64 lower-case hex digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id, E> {
                let expected = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                Hash::from_hex(text.as_bytes()).map(Id).ok_or_else(expected)
            }
        }
        deserializer.deserialize_str(Hex)
    }
}

/// The 64 bytes of a signature, as 128 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignatureBytes(pub [u8; 64]);

impl fmt::Debug for SignatureBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self))
    }
}

fn hex(signature: &SignatureBytes) -> String {
    let half = |bytes: &[u8]| Hash::from_bytes(bytes.try_into().unwrap_or_default()).to_string();
    half(&signature.0[..32]) + &half(&signature.0[32..])
}

impl Serialize for SignatureBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(self))
    }
}

impl<'de> Deserialize<'de> for SignatureBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = || D::Error::custom("expected 128 lower-case hex digits");
        let (first, second) = text.split_at_checked(64).ok_or_else(expected)?;
        let mut bytes = [0; 64];
        for (half, digits) in bytes.chunks_exact_mut(32).zip([first, second]) {
            half.copy_from_slice(Hash::from_hex(digits.as_bytes()).ok_or_else(expected)?.as_bytes());
        }
        Ok(Self(bytes))
    }
}
