//! A folder of keys with names: `NAME.json` says in the open which keys a name has, `z6Mk….age` holds one of them.
//!
//! Invariant: a key's file is written before the record that names it, and never changed; a record is replaced whole. So a
//! crash leaves at worst a key that nobody names, and never a name without its key. Others can neither read nor write.

mod error;
mod name;
mod record;

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use troupe_chain::DidKey;

use crate::file::{FileSigner, open};
use crate::key::{SecretKey, Signer as _};
use crate::private::write_new;
use crate::sealed::{MAX_KEY_FILE_BYTES, Passphrase};

pub use error::KeyringError;
pub use name::{BadIdName, IdName};
pub use record::{IdRecord, Kept, KeyRecord};

/// The most bytes of a record.
const MAX_RECORD_BYTES: u64 = 64 << 10;
/// How the names of records end.
const RECORD: &str = ".json";
/// How the names of key files end.
const KEY: &str = ".age";

/// A folder of keys with names.
#[derive(Debug, Clone)]
pub struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// The keyring of a folder, which is made when the first key is.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a key under a new name. `at` is the time, in milliseconds since 1970; `work_factor` is
    /// [`WORK_FACTOR`](crate::WORK_FACTOR) but in tests.
    ///
    /// # Errors
    /// [`KeyringError`], also if there is such a name.
    pub fn create(
        &self,
        name: &IdName,
        key: SecretKey,
        passphrase: &Passphrase,
        work_factor: u8,
        at: u64,
    ) -> Result<IdRecord, KeyringError> {
        self.require_new(name)?;
        let key = self.keep(key, passphrase, work_factor, at)?;
        self.begin(name, key)
    }

    /// Keeps a key whose secret is in a device under a new name.
    ///
    /// # Errors
    /// [`KeyringError`], also if there is such a name.
    pub fn create_in_device(&self, name: &IdName, key: KeyRecord) -> Result<IdRecord, KeyringError> {
        self.require_new(name)?;
        self.prepare()?;
        self.begin(name, key)
    }

    /// Keeps the bytes of an encrypted key file under a new name, if the passphrase opens them.
    ///
    /// # Errors
    /// [`KeyringError`], also if there is such a name.
    pub fn import(
        &self,
        name: &IdName,
        sealed: &[u8],
        passphrase: &Passphrase,
        at: u64,
    ) -> Result<IdRecord, KeyringError> {
        self.require_new(name)?;
        let did = open(sealed, passphrase)?.did().clone();
        self.prepare()?;
        let file = file_of(&did);
        match self.write_new(&file, sealed) {
            // The same key under a second name, or what an earlier attempt left.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                FileSigner::open(self.folder.join(&file), passphrase)?;
            }
            written => written.map_err(|error| self.io(error))?,
        }
        self.begin(name, KeyRecord { created: at, did, kept: Kept::File { name: file } })
    }

    /// Whether there is such a name, before anybody is asked for a passphrase.
    ///
    /// # Errors
    /// [`KeyringError::Exists`].
    pub fn require_new(&self, name: &IdName) -> Result<(), KeyringError> {
        match self.record_path(name).exists() {
            true => Err(KeyringError::Exists { name: name.clone(), folder: self.folder.clone() }),
            false => Ok(()),
        }
    }

    /// What is known of a name.
    ///
    /// # Errors
    /// [`KeyringError`], also if there is no such name.
    pub fn find(&self, name: &IdName) -> Result<IdRecord, KeyringError> {
        let path = self.record_path(name);
        let bytes = match read(&path, MAX_RECORD_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyringError::NotFound { name: name.clone(), folder: self.folder.clone() });
            }
            bytes => bytes.map_err(|error| KeyringError::Io { path: path.clone(), error })?,
        };
        self.require_private()?;
        IdRecord::read(&bytes).ok_or(KeyringError::Record(path))
    }

    /// All names, in order.
    ///
    /// # Errors
    /// [`KeyringError`]. A folder that is not there has no names.
    pub fn list(&self) -> Result<Vec<(IdName, IdRecord)>, KeyringError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| self.io(error))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(|error| self.io(error))?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(RECORD)).map(str::parse::<IdName>);
            names.extend(name.and_then(Result::ok));
        }
        names.sort();
        names.into_iter().map(|name| self.find(&name).map(|record| (name, record))).collect()
    }

    /// Decrypts a key that is in a file.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn open(
        &self,
        name: &IdName,
        key: &KeyRecord,
        passphrase: &Passphrase,
    ) -> Result<FileSigner, KeyringError> {
        let path = self.path_of(name, key)?;
        let signer = FileSigner::open(&path, passphrase)?;
        match *signer.did() == key.did {
            true => Ok(signer),
            false => Err(KeyringError::OtherKey {
                path,
                found: signer.did().to_string(),
                recorded: key.did.to_string(),
            }),
        }
    }

    /// The bytes of a key's encrypted file.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn sealed(&self, name: &IdName, key: &KeyRecord) -> Result<Vec<u8>, KeyringError> {
        let path = self.path_of(name, key)?;
        read(&path, MAX_KEY_FILE_BYTES as u64).map_err(|error| KeyringError::Io { path, error })
    }

    /// The file that a key is in.
    ///
    /// # Errors
    /// [`KeyringError::InDevice`]; [`KeyringError::Record`] if its name is no file of the folder.
    pub fn path_of(&self, name: &IdName, key: &KeyRecord) -> Result<PathBuf, KeyringError> {
        match &key.kept {
            Kept::File { name } if *name == file_of(&key.did) => Ok(self.folder.join(name)),
            Kept::File { .. } => Err(KeyringError::Record(self.record_path(name))),
            Kept::Pkcs11 { .. } => Err(KeyringError::InDevice(name.clone())),
        }
    }

    /// Keeps another key as the next one of a name. The key in force goes on signing until [`Keyring::finish_rotation`].
    ///
    /// # Errors
    /// [`KeyringError`], also if there is a next key already.
    pub fn begin_rotation(
        &self,
        name: &IdName,
        next: SecretKey,
        passphrase: &Passphrase,
        work_factor: u8,
        at: u64,
    ) -> Result<IdRecord, KeyringError> {
        let mut record = self.require_unrotated(name)?;
        record.next = Some(self.keep(next, passphrase, work_factor, at)?);
        self.replace(name, record)
    }

    /// The same with a key whose secret is in a device.
    ///
    /// # Errors
    /// [`KeyringError`], also if there is a next key already.
    pub fn begin_rotation_in_device(&self, name: &IdName, next: KeyRecord) -> Result<IdRecord, KeyringError> {
        let mut record = self.require_unrotated(name)?;
        record.next = Some(next);
        self.replace(name, record)
    }

    fn require_unrotated(&self, name: &IdName) -> Result<IdRecord, KeyringError> {
        let record = self.find(name)?;
        match &record.next {
            Some(next) => Err(KeyringError::Rotating { name: name.clone(), next: next.did.to_string() }),
            None => Ok(record),
        }
    }

    /// The next key is the one that signs from now on. The one before is kept among the former ones.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn finish_rotation(&self, name: &IdName) -> Result<IdRecord, KeyringError> {
        let mut record = self.find(name)?;
        let next = record.next.take().ok_or_else(|| KeyringError::NotRotating(name.clone()))?;
        record.former.push(std::mem::replace(&mut record.key, next));
        self.replace(name, record)
    }

    /// Forgets the next key of a name and removes its file: it was never in force anywhere. A device keeps what it has.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn abandon_rotation(&self, name: &IdName) -> Result<IdRecord, KeyringError> {
        let mut record = self.find(name)?;
        let next = record.next.take().ok_or_else(|| KeyringError::NotRotating(name.clone()))?;
        let record = self.replace(name, record)?;
        if let Kept::File { .. } = next.kept {
            let path = self.path_of(name, &next)?;
            fs::remove_file(&path).map_err(|error| KeyringError::Io { path, error })?;
        }
        Ok(record)
    }

    fn keep(
        &self,
        key: SecretKey,
        passphrase: &Passphrase,
        work_factor: u8,
        at: u64,
    ) -> Result<KeyRecord, KeyringError> {
        self.prepare()?;
        let did = key.did().clone();
        let file = file_of(&did);
        FileSigner::create(self.folder.join(&file), key, passphrase, work_factor)?;
        Ok(KeyRecord { created: at, did, kept: Kept::File { name: file } })
    }

    fn begin(&self, name: &IdName, key: KeyRecord) -> Result<IdRecord, KeyringError> {
        let record = IdRecord::new(key);
        match self.write_new(&record_of(name), &record.to_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyringError::Exists { name: name.clone(), folder: self.folder.clone() })
            }
            written => written.map(|()| record).map_err(|error| self.io(error)),
        }
    }

    fn replace(&self, name: &IdName, record: IdRecord) -> Result<IdRecord, KeyringError> {
        let replaced = self.write_temporary(&record.to_bytes()).and_then(|temporary| {
            fs::rename(&temporary, self.record_path(name))?;
            self.sync()
        });
        replaced.map(|()| record).map_err(|error| self.io(error))
    }

    /// Writes a whole file, or none. A link, other than a rename, never takes the place of what another process wrote.
    fn write_new(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.write_temporary(bytes)?;
        let linked = fs::hard_link(&temporary, self.folder.join(file));
        fs::remove_file(&temporary)?;
        linked.and_then(|()| self.sync())
    }

    fn write_temporary(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.folder.join(format!("{}.tmp", std::process::id()));
        // Whatever is there was left by a process of the same number that is gone.
        let _ = fs::remove_file(&path);
        write_new(&path, bytes)?;
        Ok(path)
    }

    fn record_path(&self, name: &IdName) -> PathBuf {
        self.folder.join(record_of(name))
    }

    fn prepare(&self) -> Result<(), KeyringError> {
        make_private(&self.folder).map_err(|error| self.io(error))?;
        self.require_private()
    }

    fn require_private(&self) -> Result<(), KeyringError> {
        let metadata = fs::metadata(&self.folder).map_err(|error| self.io(error))?;
        if is_writable_by_others(&metadata) {
            Err(KeyringError::Writable(self.folder.clone()))
        } else {
            Ok(())
        }
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.folder)?.sync_all()
    }

    fn io(&self, error: io::Error) -> KeyringError {
        KeyringError::Io { path: self.folder.clone(), error }
    }
}

/// The name of the file that the record of a name is in.
fn record_of(name: &IdName) -> String {
    format!("{name}{RECORD}")
}

/// The name of the file that a key is in.
fn file_of(did: &DidKey) -> String {
    format!("{}{KEY}", did.to_string().trim_start_matches("did:key:"))
}

fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, format!("more than {max} bytes"));
    if bytes.len() as u64 > max { Err(too_long()) } else { Ok(bytes) }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn is_writable_by_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o022 != 0
}

#[cfg(not(unix))]
fn is_writable_by_others(_: &fs::Metadata) -> bool {
    false
}
