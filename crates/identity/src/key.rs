//! Secret keys, and what signs.
//!
//! Invariant: a secret is never shown by `Debug`, and its bytes are zeroed when it is dropped.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use troupe_chain::DidKey;
use zeroize::Zeroizing;

/// Something that signs with a key that has a DID: a file, or a device that never gives its key away.
pub trait Signer: Send + Sync {
    /// The key's name.
    fn did(&self) -> &DidKey;

    /// Signs these bytes.
    ///
    /// # Errors
    /// [`NotSigned`] if the key cannot be used now.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], NotSigned>;
}

/// A signer could not sign.
#[derive(Debug, thiserror::Error)]
#[error("sign as {did}: {reason}")]
pub struct NotSigned {
    /// The key.
    pub did: String,
    /// Why not.
    pub reason: String,
}

/// The system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("get randomness from the system: {0}")]
pub struct NoEntropy(String);

impl NoEntropy {
    pub(crate) fn new(error: &getrandom::Error) -> Self {
        Self(error.to_string())
    }
}

/// An Ed25519 secret key in memory.
pub struct SecretKey {
    key: SigningKey,
    did: DidKey,
}

impl SecretKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn generate() -> Result<Self, NoEntropy> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|error| NoEntropy::new(&error))?;
        Ok(Self::from_seed(&seed))
    }

    /// The key of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        match DidKey::from_bytes(key.verifying_key().as_bytes()) {
            Ok(did) => Self { key, did },
            Err(error) => unreachable!("a public key that was made from a seed is one: {error}"),
        }
    }

    /// The seed, for whoever keeps it.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }
}

impl Signer for SecretKey {
    fn did(&self) -> &DidKey {
        &self.did
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], NotSigned> {
        Ok(self.key.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.did)
    }
}
