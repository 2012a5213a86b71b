//! A few bytes under a passphrase, in the age format (`age-encryption.org/v1`, scrypt), so that `age -d` opens them.
//!
//! Invariant: what opens was encrypted with the same passphrase and not changed since. Passphrases and what is decrypted
//! are in memory that is zeroed, and in no message.

use std::fmt;
use std::io::Read as _;

use age::secrecy::SecretString;
use zeroize::Zeroizing;

/// The most bytes of a key file.
pub const MAX_KEY_FILE_BYTES: usize = 4 << 10;
/// How much work a passphrase costs whoever tries it: scrypt with 2^18 rounds, about a second and 256 MiB.
pub const WORK_FACTOR: u8 = 18;
/// The most work that a file may ask for: it is not known yet whose it is.
const MAX_WORK_FACTOR: u8 = 20;
/// The most bytes of what is encrypted.
const MAX_PLAIN_BYTES: usize = 1 << 10;
/// What a file in the format begins with.
const FORMAT: &[u8] = b"age-encryption.org/v1\n";

/// A passphrase: never shown, and zeroed when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase.
    pub fn new(passphrase: String) -> Self {
        Self(Zeroizing::new(passphrase))
    }

    /// Whether it has no characters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn secret(&self) -> SecretString {
        SecretString::from(self.0.as_str().to_owned())
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Why bytes were not encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// They are longer than those of any key file.
    #[error("{got} bytes are no key file: it has at most {MAX_KEY_FILE_BYTES}")]
    TooLong {
        /// How many.
        got: usize,
    },
    /// They are not in the format, were changed, or ask for too much work.
    #[error("{0}")]
    Age(String),
    /// The passphrase is another.
    #[error("the passphrase is wrong")]
    Passphrase,
}

/// Whether bytes begin as a file in the format does.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(FORMAT)
}

/// Encrypts at most 1 KiB. `work_factor` is [`WORK_FACTOR`] but in tests.
///
/// # Errors
/// [`SealError`].
pub fn encrypt(plain: &[u8], passphrase: &Passphrase, work_factor: u8) -> Result<Vec<u8>, SealError> {
    if plain.len() > MAX_PLAIN_BYTES {
        return Err(SealError::TooLong { got: plain.len() });
    }
    let mut recipient = age::scrypt::Recipient::new(passphrase.secret());
    recipient.set_work_factor(work_factor.clamp(1, MAX_WORK_FACTOR));
    age::encrypt(&recipient, plain).map_err(|error| SealError::Age(error.to_string()))
}

/// Decrypts what [`encrypt`] or age made of at most 1 KiB.
///
/// # Errors
/// [`SealError`].
pub fn decrypt(sealed: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if sealed.len() > MAX_KEY_FILE_BYTES {
        return Err(SealError::TooLong { got: sealed.len() });
    }
    let mut identity = age::scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let age_error = |error: age::DecryptError| match error {
        age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => SealError::Passphrase,
        other => SealError::Age(other.to_string()),
    };
    let decryptor = age::Decryptor::new_buffered(sealed).map_err(age_error)?;
    let reader = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(age_error)?;
    // With room for all of it from the start, so that no copy is left behind when it grows.
    let mut plain = Zeroizing::new(Vec::with_capacity(MAX_PLAIN_BYTES + 1));
    let read = reader.take(MAX_PLAIN_BYTES as u64 + 1).read_to_end(&mut plain);
    read.map_err(|error| SealError::Age(error.to_string()))?;
    if plain.len() > MAX_PLAIN_BYTES {
        return Err(SealError::TooLong { got: plain.len() });
    }
    Ok(plain)
}
