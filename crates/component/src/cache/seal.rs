//! The seal of a file with compiled code: a BLAKE3 MAC with a key that only this user can read.
//!
//! A file is its mark (8 bytes), its seal (32), and the code. The seal is over the mark, the name of the component, the
//! fingerprint of the engine, and the code, so that no file stands for another.

use std::hash::{Hash as _, Hasher};
use std::path::Path;
use std::{fmt, fs, io};

use troupe_chain::Hash;
use wasmtime::Engine;

use super::private::{self, ANYTHING, Distrust, Read};

/// What a file begins with; the last byte is the version of its form.
const MARK: &[u8; 8] = b"troupec\x01";
/// The bytes of a seal, of a key, and of a name.
const LENGTH: usize = 32;

/// What a file is about: a component, compiled by an engine.
pub(super) struct Subject {
    component: Hash,
    engine: [u8; LENGTH],
}

impl Subject {
    /// The engine is told apart by all that it says compiled code depends on: version, settings, target.
    pub(super) fn new(component: Hash, engine: &Engine) -> Self {
        let mut fingerprint = Fingerprint(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut fingerprint);
        Self { component, engine: *fingerprint.0.finalize().as_bytes() }
    }
}

/// As a file's name.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.component)?;
        self.engine.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is hashed, as bytes; the short hash is of no use.
struct Fingerprint(blake3::Hasher);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The key of a folder.
pub(super) struct Key([u8; LENGTH]);

impl Key {
    /// Reads a key that nobody else can read.
    pub(super) fn read(path: &Path) -> Result<Read<Self>, Distrust> {
        // One byte more shows that it is too long.
        let read = private::read_denying(path, LENGTH as u64 + 1, ANYTHING)?;
        let Read::Found((_, bytes)) = read else { return Ok(Read::Missing) };
        let key = <[u8; LENGTH]>::try_from(bytes.as_slice());
        Ok(Read::Found(Self(key.map_err(|_| Distrust::Size(bytes.len() as u64))?)))
    }

    /// Reads the key, or makes one. One that cannot be trusted is replaced, and nothing that it sealed counts any more.
    pub(super) fn read_or_make(path: &Path) -> io::Result<Self> {
        match Self::read(path) {
            Ok(Read::Found(key)) => return Ok(key),
            Ok(Read::Missing) => {}
            Err(_) => fs::remove_file(path)?,
        }
        let mut key = [0; LENGTH];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        match private::create(path, &key) {
            Ok(()) => Ok(Self(key)),
            // Another process was first, and all must have the same.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match Self::read(path) {
                Ok(Read::Found(key)) => Ok(key),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The parts of a file.
    pub(super) fn seal<'a>(&self, subject: &Subject, code: &'a [u8]) -> Sealed<'a> {
        Sealed { seal: self.mac(subject, code).into(), code }
    }

    /// The code in a file, if its seal fits.
    pub(super) fn open<'a>(&self, subject: &Subject, file: &'a [u8]) -> Option<&'a [u8]> {
        let (seal, code) = file.strip_prefix(MARK)?.split_first_chunk::<LENGTH>()?;
        // In constant time.
        (self.mac(subject, code) == blake3::Hash::from_bytes(*seal)).then_some(code)
    }

    fn mac(&self, subject: &Subject, code: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.0);
        mac.update(MARK).update(subject.component.as_bytes()).update(&subject.engine).update(code).finalize()
    }
}

/// The parts of a file.
pub(super) struct Sealed<'a> {
    seal: [u8; LENGTH],
    code: &'a [u8],
}

impl Sealed<'_> {
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        [MARK, &self.seal, self.code]
    }

    /// How many bytes the file has.
    pub(super) fn size(&self) -> u64 {
        self.parts().iter().map(|part| part.len() as u64).sum()
    }
}
