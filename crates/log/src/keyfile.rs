//! Secret keys in files that only their owner may read, encrypted where there is a passphrase.
//!
//! A file holds a key's line of text, or that line in the age format. Invariant: a key is made once, and is durable before
//! anything is signed with it; its bytes are in memory that is zeroed, and in no message.

use std::path::{Path, PathBuf};

use troupe_chain::Hash;
use troupe_chain::note::{BadKey, KeyKind, KeyName, SecretKey};
use troupe_identity::private;
use troupe_identity::sealed::{self, MAX_KEY_FILE_BYTES, WORK_FACTOR};
use zeroize::Zeroizing;

pub use troupe_identity::{Passphrase, PrivateFileError, SealError};

/// The file of a store that holds the key of its node.
pub const NODE_KEY_FILE: &str = "node.key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file could not be read or written, or others may read it.
    #[error("the key: {0}")]
    File(#[from] PrivateFileError),
    /// The file holds something else.
    #[error("{path} holds no key that signs {wanted}: {error}", path = path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// What it is for.
        wanted: &'static str,
        /// What is wrong with it.
        error: BadKey,
    },
    /// The key has another name than was asked for.
    #[error("{path} holds the key of `{found}`, and `{wanted}` was asked for: a log keeps its name", path = path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The key's name.
        found: String,
        /// The name that was asked for.
        wanted: String,
    },
    /// The file is encrypted, and there is no passphrase.
    #[error("{path} is encrypted, and no passphrase is given", path = path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The file is not encrypted, and there is a passphrase.
    #[error("{path} is not encrypted, and a passphrase is given", path = path.display())]
    Plain {
        /// The file.
        path: PathBuf,
    },
    /// The file was not decrypted, or the key not encrypted.
    #[error("{path}: {error}", path = path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Why.
        error: SealError,
    },
    /// No randomness for a key.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// Reads the key in a file, or makes one if there is no such file. Without a name a new key gets one that says its
/// `prefix` and 16 digits that tell it from others. With a passphrase the file must be encrypted, and a new one is.
///
/// # Errors
/// [`KeyFileError`].
pub fn load_or_create_key(
    path: &Path,
    kind: KeyKind,
    prefix: &str,
    name: Option<&KeyName>,
    passphrase: Option<&Passphrase>,
) -> Result<SecretKey, KeyFileError> {
    let key = match load_key(path, passphrase) {
        Err(KeyFileError::File(error)) if error.is_missing() => {
            let key = create_key(kind, prefix, name)?;
            save_key(path, &key, passphrase)?;
            return Ok(key);
        }
        loaded => loaded?,
    };
    if key.public().kind() != kind {
        let wanted = match kind {
            KeyKind::Log => "for a log",
            KeyKind::Witness => "for a witness",
        };
        return Err(KeyFileError::Bad { path: path.to_owned(), wanted, error: BadKey::Form });
    }
    match name.filter(|name| *name != key.public().name()) {
        None => Ok(key),
        Some(wanted) => Err(KeyFileError::Name {
            path: path.to_owned(),
            found: key.public().name().to_string(),
            wanted: wanted.to_string(),
        }),
    }
}

/// Whether a file of a key is encrypted; nothing, if there is no such file.
///
/// # Errors
/// [`KeyFileError::File`].
pub fn is_key_encrypted(path: &Path) -> Result<Option<bool>, KeyFileError> {
    match private::read(path, MAX_KEY_FILE_BYTES) {
        Ok(bytes) => Ok(Some(sealed::is_encrypted(&bytes))),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads the key in a file, of either kind.
///
/// # Errors
/// [`KeyFileError`].
pub fn load_key(path: &Path, passphrase: Option<&Passphrase>) -> Result<SecretKey, KeyFileError> {
    let path_of = || path.to_owned();
    let mut bytes = private::read(path, MAX_KEY_FILE_BYTES)?;
    match (sealed::is_encrypted(&bytes), passphrase) {
        (true, Some(passphrase)) => {
            let opened = sealed::decrypt(&bytes, passphrase);
            bytes = opened.map_err(|error| KeyFileError::Sealed { path: path_of(), error })?;
        }
        (true, None) => return Err(KeyFileError::Encrypted { path: path_of() }),
        (false, Some(_)) => return Err(KeyFileError::Plain { path: path_of() }),
        (false, None) => {}
    }
    let bad = |error| KeyFileError::Bad { path: path_of(), wanted: "checkpoints", error };
    let text = std::str::from_utf8(&bytes).map_err(|_| bad(BadKey::Form))?;
    SecretKey::from_text(text.trim_end()).map_err(bad)
}

/// Writes a key into a file, in place of what is there, encrypted if there is a passphrase.
///
/// # Errors
/// [`KeyFileError`].
pub fn save_key(path: &Path, key: &SecretKey, passphrase: Option<&Passphrase>) -> Result<(), KeyFileError> {
    let text = key.to_text();
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(b'\n');
    if let Some(passphrase) = passphrase {
        let sealed = sealed::encrypt(&bytes, passphrase, WORK_FACTOR);
        bytes =
            Zeroizing::new(sealed.map_err(|error| KeyFileError::Sealed { path: path.to_owned(), error })?);
    }
    Ok(private::replace(path, &bytes)?)
}

/// Makes a key that nobody has, and keeps it nowhere. Without a name it gets one as [`load_or_create_key`] says.
///
/// # Errors
/// [`KeyFileError::NoRandomness`].
pub fn create_key(kind: KeyKind, prefix: &str, name: Option<&KeyName>) -> Result<SecretKey, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(KeyFileError::NoRandomness)?;
    let of = |name: KeyName| SecretKey::from_seed(name, kind, &seed);
    let name = match name {
        Some(name) => name.clone(),
        None => {
            let bad = |error| KeyFileError::Bad { path: PathBuf::from(prefix), wanted: "as a name", error };
            let digits =
                Hash::of(of(prefix.parse().map_err(bad)?).public().to_string().as_bytes()).to_string();
            format!("{prefix}/{}", &digits[..16]).parse().map_err(bad)?
        }
    };
    Ok(of(name))
}
