//! The text of a token: `troupe_ID_SECRET`.
//!
//! Invariant: a secret is 256 bits from the system's randomness. That is why one plain BLAKE3 hash is enough to keep: a
//! slow hash with a salt makes guesses of *passwords* expensive; nobody guesses 256 bits, however fast the hash is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use troupe_chain::Hash;

/// What every token begins with, so that scanners for leaked secrets can find one.
const PREFIX: &str = "troupe_";
/// Hex digits of an id.
const ID_LENGTH: usize = 12;

/// What a token is called where its secret must not be: in lists, logs and entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenId(String);

/// The text is not the id of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a token: 12 hex digits, as `troupe token list` shows")]
pub struct NotATokenId;

impl TokenId {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; ID_LENGTH / 2];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for TokenId {
    type Err = NotATokenId;

    fn from_str(text: &str) -> Result<Self, NotATokenId> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for TokenId {
    type Error = NotATokenId;

    fn try_from(text: String) -> Result<Self, NotATokenId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == ID_LENGTH && text.bytes().all(is_digit)).then_some(Self(text)).ok_or(NotATokenId)
    }
}

/// The text of a token. It prints nowhere by accident.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new token's text, and what is kept of it.
    pub(super) fn random(id: &TokenId) -> Result<(Self, SecretHash), getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let secret = Hash::from_bytes(bytes);
        Ok((Self(format!("{PREFIX}{id}_{secret}")), SecretHash(Hash::of(&bytes))))
    }

    /// The text, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Reads the text of a token.
pub(super) fn read(text: &str) -> Option<(TokenId, SecretHash)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let secret = Hash::from_hex(secret.as_bytes())?;
    Some((id.parse().ok()?, SecretHash(Hash::of(secret.as_bytes()))))
}

/// What is kept of a secret: its BLAKE3 hash.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct SecretHash(Hash);

impl SecretHash {
    /// Compares in a time that does not depend on where two hashes differ.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// What no secret has, to compare with when there is no such token.
    pub(super) fn of_nobody() -> Self {
        Self(Hash::from_bytes([0; 32]))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl TryFrom<String> for SecretHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Hash::from_hex(text.as_bytes())
            .map(Self)
            .ok_or_else(|| "a hash has 64 lower-case hex digits".to_owned())
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        hash.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_token_reads_back_and_never_shows_by_accident() {
        let id = TokenId::random().unwrap();
        let (secret, hash) = Secret::random(&id).unwrap();
        let (read_id, read_hash) = read(secret.expose()).unwrap();
        assert!(read_id == id && read_hash.is(&hash) && !read_hash.is(&SecretHash::of_nobody()));
        let digits = secret.expose().rsplit('_').next().unwrap();
        assert_eq!(digits.len(), 64);
        assert!(!format!("{secret:?} {hash:?}").contains(&digits[..4]));
        let (other, other_hash) = Secret::random(&id).unwrap();
        assert!(other.expose() != secret.expose() && !other_hash.is(&hash));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let secret = "0".repeat(64);
        assert!(read(&format!("troupe_0123456789ab_{secret}")).is_some());
        for text in [
            String::new(),
            "troupe_".to_owned(),
            format!("troupe_0123456789AB_{secret}"),
            format!("troupe_0123456789a_{secret}"),
            format!("troupe_0123456789ab_{secret}0"),
            format!("troupe_0123456789ab{secret}"),
            format!("Troupe_0123456789ab_{secret}"),
        ] {
            assert!(read(&text).is_none(), "{text}");
        }
    }
}
