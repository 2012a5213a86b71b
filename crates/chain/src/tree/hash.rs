//! Hashes of leaves and nodes: SHA-256 with a byte before what is hashed that tells the two apart.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What is before a leaf's data.
const LEAF: [u8; 1] = [0];
/// What is before the two children of a node.
const NODE: [u8; 1] = [1];
/// The length of a hash in base64.
const BASE64_LENGTH: usize = 44;

/// A hash in a tree: SHA-256, 32 bytes, written in standard base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash([u8; 32]);

/// The text is not 32 bytes in standard base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a hash: expected 44 characters of base64 for 32 bytes")]
pub struct NotATreeHash(pub String);

impl TreeHash {
    /// The root of the tree without leaves: the hash of nothing.
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash of a leaf.
    pub fn of_leaf(data: &[u8]) -> Self {
        Self(Sha256::new().chain_update(LEAF).chain_update(data).finalize().into())
    }

    /// The hash of a node over its children.
    pub fn of_children(left: &Self, right: &Self) -> Self {
        // One buffer of 65 bytes rather than three updates: most of a tree's time is spent here.
        let mut bytes = [0; 65];
        bytes[..1].copy_from_slice(&NODE);
        bytes[1..33].copy_from_slice(&left.0);
        bytes[33..].copy_from_slice(&right.0);
        Self(Sha256::digest(bytes).into())
    }

    /// Takes 32 bytes that are a hash already.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case hex digits, as a node's leaves have them.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        crate::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes()))
    }

    /// Returns the 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        crate::Hash::from_bytes(self.0).to_string()
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TreeHash {
    type Err = NotATreeHash;

    fn from_str(text: &str) -> Result<Self, NotATreeHash> {
        // The engine refuses bits that are left over, so each hash has one spelling.
        let bytes = (text.len() == BASE64_LENGTH).then(|| STANDARD.decode(text).ok()).flatten();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| NotATreeHash(text.chars().take(80).collect()))
    }
}
