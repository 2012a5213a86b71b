//! Names that are keys: `did:key` of Ed25519, and what was signed under such a name.
//!
//! Invariant: a [`DidKey`] holds a point of the curve in its one canonical spelling, not of small order, so equal keys
//! have equal names and no key verifies what nobody signed. Deliberately absent: every other DID method and kind of key.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};

/// What the name of every key begins with: the method, and `z` for base58btc.
const PREFIX: &str = "did:key:z";
/// The multicodec of an Ed25519 public key, 0xed, as a varint.
const MULTICODEC: [u8; 2] = [0xed, 0x01];
/// The bytes of a public key.
const KEY_BYTES: usize = 32;
/// The characters of a name: `z6Mk` and 44 more after the method.
const LENGTH: usize = 56;

/// An Ed25519 public key, written as a DID: `did:key:z6Mk…`.
#[derive(Clone, PartialEq, Eq)]
pub struct DidKey(VerifyingKey);

/// Why a text or bytes are no such name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDid {
    /// It is not written as one.
    #[error("{0:?} is no DID of an Ed25519 key: expected `did:key:z6Mk` and 44 characters of base58")]
    Form(String),
    /// The bytes are no point of the curve, one spelled in another way, or one that verifies what was never signed.
    #[error("the bytes are no Ed25519 public key")]
    NoPoint,
}

impl DidKey {
    /// Takes the 32 bytes of a public key.
    ///
    /// # Errors
    /// [`BadDid::NoPoint`].
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, BadDid> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| BadDid::NoPoint)?;
        // Decompression takes spellings that are not canonical; only one of them may be a name.
        let canonical = key.to_edwards().compress().to_bytes() == *bytes;
        if canonical && !key.is_weak() { Ok(Self(key)) } else { Err(BadDid::NoPoint) }
    }

    /// Takes a key that holds the invariant already.
    pub(crate) fn of_checked(key: VerifyingKey) -> Self {
        Self(key)
    }

    /// The 32 bytes of the public key.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }

    /// Whether the key signed these bytes. Signatures in other than their canonical spelling do not count.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for DidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = MULTICODEC.to_vec();
        bytes.extend_from_slice(self.as_bytes());
        write!(f, "{PREFIX}{}", bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for DidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DidKey {
    type Err = BadDid;

    fn from_str(text: &str) -> Result<Self, BadDid> {
        let form = || BadDid::Form(text.chars().take(LENGTH + 1).collect());
        let digits = text.strip_prefix(PREFIX).filter(|_| text.len() == LENGTH).ok_or_else(form)?;
        let bytes = bs58::decode(digits).into_vec().map_err(|_| form())?;
        let key = bytes.strip_prefix(&MULTICODEC).and_then(|key| key.try_into().ok()).ok_or_else(form)?;
        Self::from_bytes(key)
    }
}
