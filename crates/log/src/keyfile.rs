//! Secret keys in files that only their owner may read.
//!
//! Invariant: a key is made once, and is durable before anything is signed with it; its bytes are in memory that is
//! zeroed, and in no message.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use troupe_chain::Hash;
use troupe_chain::note::{BadKey, KeyKind, KeyName, SecretKey};
use zeroize::Zeroizing;

/// The most bytes of a key's file.
const MAX_KEY_FILE: u64 = 1024;
/// Read and written by its owner, and by nobody else.
const MODE: u32 = 0o600;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file could not be read or written.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("{path} can be read by others (mode {mode:03o}): `chmod 600` it, and think of who has read it", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
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
    /// No randomness for a key.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// Reads the key in a file, or makes one if there is no such file. Without a name a new key gets one that says its
/// `prefix` and 16 digits that tell it from others.
///
/// # Errors
/// [`KeyFileError`].
pub fn load_or_create_key(
    path: &Path,
    kind: KeyKind,
    prefix: &str,
    name: Option<&KeyName>,
) -> Result<SecretKey, KeyFileError> {
    let failed = |action| move |source| KeyFileError::Io { action, path: path.to_owned(), source };
    match File::open(path) {
        Ok(mut file) => {
            let key = read(&mut file, path, kind)?;
            match name.filter(|name| *name != key.public().name()) {
                None => Ok(key),
                Some(wanted) => Err(KeyFileError::Name {
                    path: path.to_owned(),
                    found: key.public().name().to_string(),
                    wanted: wanted.to_string(),
                }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = create_key(kind, prefix, name)?;
            write(path, &key).map_err(failed("writing the key"))?;
            Ok(key)
        }
        Err(error) => Err(failed("opening the key")(error)),
    }
}

fn read(file: &mut File, path: &Path, kind: KeyKind) -> Result<SecretKey, KeyFileError> {
    let failed = |source| KeyFileError::Io { action: "reading the key", path: path.to_owned(), source };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Open { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_KEY_FILE as usize));
    file.take(MAX_KEY_FILE).read_to_string(&mut text).map_err(failed)?;
    let wanted = match kind {
        KeyKind::Log => "for a log",
        KeyKind::Witness => "for a witness",
    };
    let bad = |error| KeyFileError::Bad { path: path.to_owned(), wanted, error };
    let key = SecretKey::from_text(text.trim_end()).map_err(bad)?;
    if key.public().kind() == kind { Ok(key) } else { Err(bad(BadKey::Form)) }
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

/// Writes a new key beside its place, and moves it there once it is durable.
fn write(path: &Path, key: &SecretKey) -> io::Result<()> {
    let beside = path.with_extension("key.tmp");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside)?;
    file.write_all(key.to_text().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
