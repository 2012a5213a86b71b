//! Ed25519 keys with a name and a kind, and how they are written.
//!
//! Invariant: a secret key is never shown by `Debug`, and its bytes are zeroed when it is dropped.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{KeyName, NoteSignature};
use crate::DidKey;

/// What a secret key's text begins with.
const PRIVATE: &str = "PRIVATE+KEY+";
/// The bytes of an Ed25519 key, public or secret.
const KEY_BYTES: usize = 32;
/// The bytes of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;
/// The bytes of the time before a cosignature.
const TIME_BYTES: usize = 8;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// The text of a note: a log's key. Type 0x01.
    Log,
    /// A checkpoint and a time, as `cosignature/v1`: a witness's key. Type 0x04.
    Witness,
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 4,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Log, Self::Witness].into_iter().find(|kind| kind.byte() == byte)
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// The name cannot be one.
    #[error("{0:?} cannot name a key: give 1 to 255 bytes without white space and `+`")]
    Name(String),
    /// It has not the form.
    #[error("it is no key: a public key is written NAME+8 HEX DIGITS+BASE64")]
    Form,
    /// The kind of key is not known here.
    #[error("the key has type {0}; type 1 (Ed25519) and type 4 (Ed25519 witness) are known")]
    Kind(u8),
    /// Name and key do not belong together.
    #[error("the key's id is {said}, and name and key give {got}: part of it was changed")]
    Id {
        /// As written.
        said: String,
        /// As it should be.
        got: String,
    },
    /// The bytes are no point of the curve, or one that verifies what was never signed.
    #[error("the bytes are no Ed25519 public key")]
    NoPoint,
}

/// A public key with its name: what its owner hands out.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: KeyName,
    kind: KeyKind,
    key: VerifyingKey,
}

impl PublicKey {
    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key without its name and kind.
    pub fn did(&self) -> DidKey {
        DidKey::of_checked(self.key)
    }

    /// The first bytes of a hash over name, kind and key, which each signature carries.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(self.name.as_str())
            .chain_update([b'\n', self.kind.byte()])
            .chain_update(self.key.as_bytes())
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Whether a signature says that it is this key's.
    pub fn is_named_by(&self, signature: &NoteSignature) -> bool {
        signature.name == self.name && signature.id == self.id()
    }

    /// Checks a signature over a note's text; returns the time of a cosignature, in seconds since 1970, and 0 for a log's.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Option<u64> {
        if !self.is_named_by(signature) {
            return None;
        }
        let (time, signature) = match self.kind {
            KeyKind::Log => (0, signature.bytes.as_slice()),
            KeyKind::Witness => {
                let (time, signature) = signature.bytes.split_first_chunk::<TIME_BYTES>()?;
                (u64::from_be_bytes(*time), signature)
            }
        };
        let signature = Signature::from_bytes(
            signature.first_chunk::<SIGNATURE_BYTES>().filter(|_| signature.len() == SIGNATURE_BYTES)?,
        );
        let message = match self.kind {
            KeyKind::Log => text.to_owned(),
            KeyKind::Witness if time > i64::MAX as u64 => return None,
            KeyKind::Witness => cosigned(text, time),
        };
        self.key.verify_strict(message.as_bytes(), &signature).ok().map(|()| time)
    }
}

/// What a witness signs.
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, id_text(self.id()), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let Parts { name, id, kind, bytes } = parts(text)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| BadKey::NoPoint)?;
        if key.is_weak() || key.to_edwards().compress().as_bytes() != &*bytes {
            return Err(BadKey::NoPoint);
        }
        let key = Self { name, kind, key };
        let got = id_text(key.id());
        if id == got { Ok(key) } else { Err(BadKey::Id { said: id, got }) }
    }
}

fn id_text(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

/// A key as it is written, public or without what a secret one begins with.
struct Parts {
    name: KeyName,
    id: String,
    kind: KeyKind,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

fn parts(text: &str) -> Result<Parts, BadKey> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(BadKey::Form);
    };
    let name: KeyName = name.parse()?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() != 8 || !id.bytes().all(is_digit) || key.len() > 2 * KEY_BYTES {
        return Err(BadKey::Form);
    }
    let bytes = Zeroizing::new(STANDARD.decode(key).map_err(|_| BadKey::Form)?);
    let (kind, bytes) = bytes.split_first().ok_or(BadKey::Form)?;
    let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| BadKey::Form)?;
    let kind = KeyKind::from_byte(*kind).ok_or(BadKey::Kind(*kind))?;
    Ok(Parts { name, id: id.to_owned(), kind, bytes: Zeroizing::new(bytes) })
}

/// A key that signs.
pub struct SecretKey {
    key: SigningKey,
    public: PublicKey,
}

impl SecretKey {
    /// Makes a key of 32 bytes that nobody can guess.
    pub fn from_seed(name: KeyName, kind: KeyKind, seed: &[u8; KEY_BYTES]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey { name, kind, key: key.verifying_key() };
        Self { key, public }
    }

    /// What others check its signatures with.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs the text of a note; `time`, in seconds since 1970, is what a witness says of when.
    pub fn sign(&self, text: &str, time: u64) -> NoteSignature {
        let bytes = match self.public.kind {
            KeyKind::Log => self.key.sign(text.as_bytes()).to_bytes().to_vec(),
            KeyKind::Witness => {
                let mut bytes = time.to_be_bytes().to_vec();
                bytes.extend_from_slice(&self.key.sign(cosigned(text, time).as_bytes()).to_bytes());
                bytes
            }
        };
        NoteSignature { name: self.public.name.clone(), id: self.public.id(), bytes }
    }

    /// The key as it is kept in a file. Whoever reads it can sign.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([self.public.kind.byte(); KEY_BYTES + 1]);
        bytes[1..].copy_from_slice(self.key.as_bytes());
        let id = id_text(self.public.id());
        let key = Zeroizing::new(STANDARD.encode(*bytes));
        Zeroizing::new(format!("{PRIVATE}{}+{id}+{}", self.public.name, *key))
    }

    /// Reads a key that [`SecretKey::to_text`] wrote.
    ///
    /// # Errors
    /// [`BadKey`], which shows nothing of the secret.
    pub fn from_text(text: &str) -> Result<Self, BadKey> {
        let secret = text.strip_prefix(PRIVATE).ok_or(BadKey::Form)?;
        let Parts { name, id, kind, bytes: seed } = parts(secret)?;
        let key = Self::from_seed(name, kind, &seed);
        let got = id_text(key.public.id());
        if id == got { Ok(key) } else { Err(BadKey::Id { said: id, got }) }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret key of {}", self.public)
    }
}
