//! Keys in files, encrypted with a passphrase ([`crate::sealed`]).
//!
//! Inside are three lines: `troupe.identity/v1`, the DID, and the seed as 64 lower-case hex digits. Invariant: a file is
//! written for its owner alone and never over another, and one that others may read is refused.

use std::path::{Path, PathBuf};

use troupe_chain::{DidKey, Hash};
use zeroize::{Zeroize as _, Zeroizing};

use crate::key::{NotSigned, SecretKey, Signer};
use crate::private::{self, PrivateFileError};
use crate::sealed::{self, MAX_KEY_FILE_BYTES, Passphrase, SealError};

/// The first line of what is encrypted.
const HEADER: &str = "troupe.identity/v1";
/// The bytes of header, DID and seed, each with its end of line, or a few more.
const PLAIN_BYTES: usize = 256;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum BadKeyFile {
    /// The file cannot be read or written, or others may read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It cannot be encrypted or decrypted.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// What is encrypted is no key.
    #[error("it was decrypted, and is no key: expected `{HEADER}`, a DID and its seed")]
    Form,
}

/// Encrypts a key. `work_factor` is [`sealed::WORK_FACTOR`] but in tests.
///
/// # Errors
/// [`BadKeyFile::Sealed`].
pub fn seal(key: &SecretKey, passphrase: &Passphrase, work_factor: u8) -> Result<Vec<u8>, BadKeyFile> {
    let mut seed = Hash::from_bytes(*key.seed()).to_hex();
    let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
    plain.extend_from_slice(format!("{HEADER}\n{}\n", key.did()).as_bytes());
    plain.extend_from_slice(&seed);
    plain.push(b'\n');
    seed.zeroize();
    Ok(sealed::encrypt(&plain, passphrase, work_factor)?)
}

/// Decrypts a key.
///
/// # Errors
/// [`BadKeyFile::Sealed`] and [`BadKeyFile::Form`].
pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<SecretKey, BadKeyFile> {
    read_plain(&sealed::decrypt(bytes, passphrase)?).ok_or(BadKeyFile::Form)
}

fn read_plain(plain: &[u8]) -> Option<SecretKey> {
    let text = std::str::from_utf8(plain).ok()?.strip_suffix('\n')?;
    let mut lines = text.split('\n');
    if lines.next()? != HEADER {
        return None;
    }
    let (did, seed) = (lines.next()?, lines.next()?);
    let seed = Zeroizing::new(*Hash::from_hex(seed.as_bytes())?.as_bytes());
    let key = SecretKey::from_seed(&seed);
    (lines.next().is_none() && key.did().to_string() == did).then_some(key)
}

/// A signer whose key is in a file: decrypted once, and kept in memory.
#[derive(Debug)]
pub struct FileSigner {
    path: PathBuf,
    key: SecretKey,
}

impl FileSigner {
    /// Reads a key from a file.
    ///
    /// # Errors
    /// [`BadKeyFile`], also if others than its owner may read the file.
    pub fn open(path: impl Into<PathBuf>, passphrase: &Passphrase) -> Result<Self, BadKeyFile> {
        let path = path.into();
        let key = open(&private::read(&path, MAX_KEY_FILE_BYTES)?, passphrase)?;
        Ok(Self { path, key })
    }

    /// Writes a key into a new file (mode 0600), and syncs it.
    ///
    /// # Errors
    /// [`BadKeyFile`], also if there is such a file.
    pub fn create(
        path: impl Into<PathBuf>,
        key: SecretKey,
        passphrase: &Passphrase,
        work_factor: u8,
    ) -> Result<Self, BadKeyFile> {
        let path = path.into();
        private::create(&path, &seal(&key, passphrase, work_factor)?)?;
        Ok(Self { path, key })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Signer for FileSigner {
    fn did(&self) -> &DidKey {
        self.key.did()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], NotSigned> {
        self.key.sign(message)
    }
}
