//! Keys in files, encrypted with a passphrase in the age format (`age-encryption.org/v1`, scrypt), so that `age -d` opens them.
//!
//! Inside are three lines: `troupe.identity/v1`, the DID, and the seed as 64 lower-case hex digits. Invariant: a file is
//! written for its owner alone and never over another, and one that others may read is refused.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use troupe_chain::{DidKey, Hash};
use zeroize::{Zeroize as _, Zeroizing};

use crate::key::{NotSigned, SecretKey, Signer};

/// The most bytes of a key file.
pub const MAX_KEY_FILE_BYTES: usize = 4 << 10;
/// How much work a passphrase costs whoever tries it: scrypt with 2^18 rounds, about a second.
pub const WORK_FACTOR: u8 = 18;
/// The most work that a file may ask for: it is not known yet whose it is.
const MAX_WORK_FACTOR: u8 = 20;
/// The first line of what is encrypted.
const HEADER: &str = "troupe.identity/v1";
/// The most bytes of what is encrypted.
const MAX_PLAIN_BYTES: usize = 256;

/// A passphrase: never shown, and zeroed when it is dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase.
    pub fn new(passphrase: String) -> Self {
        Self(Zeroizing::new(passphrase))
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

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum BadKeyFile {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Others than its owner may read it.
    #[error("{}: others may read it; `chmod 600` it", path.display())]
    Readable {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than any key file.
    #[error("{got} bytes are no key file: it has at most {MAX_KEY_FILE_BYTES}")]
    TooLong {
        /// How many.
        got: usize,
    },
    /// It cannot be encrypted or decrypted.
    #[error("{0}")]
    Age(String),
    /// The passphrase is another.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// What is encrypted is no key.
    #[error("it was decrypted, and is no key: expected `{HEADER}`, a DID and its seed")]
    Form,
}

/// Encrypts a key. `work_factor` is [`WORK_FACTOR`] but in tests.
///
/// # Errors
/// [`BadKeyFile::Age`].
pub fn seal(key: &SecretKey, passphrase: &Passphrase, work_factor: u8) -> Result<Vec<u8>, BadKeyFile> {
    let mut seed = Hash::from_bytes(*key.seed()).to_hex();
    let mut plain = Zeroizing::new(Vec::with_capacity(MAX_PLAIN_BYTES));
    plain.extend_from_slice(format!("{HEADER}\n{}\n", key.did()).as_bytes());
    plain.extend_from_slice(&seed);
    plain.push(b'\n');
    seed.zeroize();
    let mut recipient = age::scrypt::Recipient::new(passphrase.secret());
    recipient.set_work_factor(work_factor.clamp(1, MAX_WORK_FACTOR));
    age::encrypt(&recipient, &plain).map_err(|error| BadKeyFile::Age(error.to_string()))
}

/// Decrypts a key.
///
/// # Errors
/// [`BadKeyFile`].
pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<SecretKey, BadKeyFile> {
    if bytes.len() > MAX_KEY_FILE_BYTES {
        return Err(BadKeyFile::TooLong { got: bytes.len() });
    }
    let mut identity = age::scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let age_error = |error: age::DecryptError| match error {
        age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
            BadKeyFile::Passphrase
        }
        other => BadKeyFile::Age(other.to_string()),
    };
    let decryptor = age::Decryptor::new_buffered(bytes).map_err(age_error)?;
    let reader = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(age_error)?;
    // With room for all of it from the start, so that no copy is left behind when it grows.
    let mut plain = Zeroizing::new(Vec::with_capacity(MAX_PLAIN_BYTES + 1));
    let read = reader.take(MAX_PLAIN_BYTES as u64 + 1).read_to_end(&mut plain);
    read.map_err(|error| BadKeyFile::Age(error.to_string()))?;
    read_plain(&plain).ok_or(BadKeyFile::Form)
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
        let io = |error| BadKeyFile::Io { path: path.clone(), error };
        let file = std::fs::File::open(&path).map_err(io)?;
        if is_readable_by_others(&file.metadata().map_err(io)?) {
            return Err(BadKeyFile::Readable { path });
        }
        let mut bytes = Vec::new();
        file.take(MAX_KEY_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
        let key = open(&bytes, passphrase)?;
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
        let sealed = seal(&key, passphrase, work_factor)?;
        let written = new_file(&path).and_then(|mut file| {
            file.write_all(&sealed)?;
            file.sync_all()
        });
        written.map_err(|error| BadKeyFile::Io { path: path.clone(), error })?;
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

#[cfg(unix)]
pub(crate) fn new_file(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
pub(crate) fn new_file(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &std::fs::Metadata) -> bool {
    false
}
