//! Reads a history from a folder: `head.json`, `entries.ndjson`, `blobs/`, and `redactions.ndjson` where there are any.
//!
//! The invariant: an open [`Folder`] holds nothing else, and each of its files is byte for byte what
//! [`write_folder`](super::write_folder) would write.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use troupe_chain::{CannotCheck, Entry, Hash, History, NotVerified, Redaction, Unreadable, check_links};

use super::pieces::check_reach;
use super::redactions::{self, Redactions};
use super::source::{FileSource, Scan, Source};
use super::{BundleError, Fault, MAX_BLOB_LENGTH, MAX_REDACTIONS_LENGTH, MAX_SECTIONS, Summary};

pub(super) const HEAD: &str = "head.json";
pub(super) const ENTRIES: &str = "entries.ndjson";
pub(super) const BLOBS: &str = "blobs";
pub(super) const REDACTIONS: &str = "redactions.ndjson";

/// More than the longest `head.json`, in bytes.
const MAX_HEAD_LENGTH: u64 = 256;

/// A tree of files.
pub trait Files {
    /// An open file.
    type File: Source;

    /// Opens a plain file by its path, with `/` between names; `None` if there is none.
    ///
    /// # Errors
    /// What the system says.
    fn file(&self, path: &str) -> io::Result<Option<Self::File>>;

    /// Lists the names in a folder, and whether each is a plain file; `""` is the top. A folder that is not there has
    /// no names. No more than `limit` are listed.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, folder: &str, limit: usize) -> io::Result<Vec<(String, bool)>>;
}

/// A folder of the file system. Links in it are not followed.
#[derive(Debug)]
pub struct Dir(PathBuf);

impl Dir {
    /// Takes the folder at `path`.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Files for Dir {
    type File = FileSource;

    fn file(&self, path: &str) -> io::Result<Option<FileSource>> {
        let path = self.0.join(path);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => File::open(path).and_then(FileSource::new).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, folder: &str, limit: usize) -> io::Result<Vec<(String, bool)>> {
        let names = match fs::read_dir(self.0.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        let name = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?.is_file()))
        };
        names.take(limit).map(name).collect()
    }
}

/// Files in memory, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryFiles(pub BTreeMap<String, Vec<u8>>);

impl Files for MemoryFiles {
    type File = Vec<u8>;

    fn file(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, folder: &str, limit: usize) -> io::Result<Vec<(String, bool)>> {
        let within = |path: &String| match folder {
            "" => Some(path.clone()),
            folder => path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned),
        };
        let mut names: Vec<_> = (self.0.keys().filter_map(within))
            .map(|path| match path.split_once('/') {
                Some((folder, _)) => (folder.to_owned(), false),
                None => (path, true),
            })
            .collect();
        names.dedup();
        names.truncate(limit);
        Ok(names)
    }
}

/// An open folder.
#[derive(Debug)]
pub struct Folder<F: Files> {
    files: F,
    entries: F::File,
    summary: Summary,
    redactions: Redactions,
}

impl<F: Files> Folder<F> {
    /// Reads all of a folder and checks everything but the outcomes.
    ///
    /// # Errors
    /// [`BundleError`] with the first thing that is wrong.
    pub fn open(files: F) -> Result<Self, BundleError> {
        let head = open(&files, HEAD)?.ok_or_else(|| not("the folder has no `head.json`"))?;
        let (chain, head, size) = read_head(&head)?;
        let no_entries = || not("the folder has a `head.json`, but no `entries.ndjson`");
        let entries = open(&files, ENTRIES)?.ok_or_else(no_entries)?;
        check_top(&files)?;
        check_end(&entries)?;
        let summary = Summary { chain, head, size, blobs: 0, missing: 0, redacted: 0 };
        let redactions = read_redactions(&files)?;
        let mut folder = Self { files, entries, summary, redactions };
        folder.check_head()?;
        let held = list_blobs(&folder.files)?;
        folder.check_blobs(&held)?;
        folder.summary.blobs = held.len() as u64;
        folder.summary.redacted = folder.redactions.len() as u64;
        redactions::check(&folder.redactions, |name| !held.contains(name))?;
        check_reach(&folder, folder.redactions.keys().copied())?;
        folder.summary.missing = check_reach(&folder, held)?;
        Ok(folder)
    }

    /// What it holds.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Checks the links, and that they are those of `head.json`.
    fn check_head(&self) -> Result<(), BundleError> {
        let tip = check_links(self)?;
        let says = |field, says: String, found: String| match says == found {
            true => Ok(()),
            false => Err(Fault::Head { field, says, found }),
        };
        says("chain", self.summary.chain.to_string(), tip.chain.to_string())?;
        says("size", self.summary.size.to_string(), (tip.seq + 1).to_string())?;
        Ok(())
    }

    /// Checks the bytes of all blobs, each at the first entry that names it.
    fn check_blobs(&self, held: &HashSet<Hash>) -> Result<(), BundleError> {
        let mut left = held.clone();
        for (seq, bytes) in (0..).zip(self.entries()) {
            let bytes = bytes.map_err(CannotCheck::from)?;
            let entry = Entry::decode(&bytes)
                .map_err(|fault| NotVerified::from(troupe_chain::Broken { seq, fault: fault.into() }))?;
            for (field, name) in entry.blobs() {
                if !left.remove(&name) {
                    continue;
                }
                let path = blob_path(&name);
                let Some(file) = open(&self.files, &path)? else { continue };
                let found = check_length(&path, &file, MAX_BLOB_LENGTH)
                    .and_then(|length| Scan::new(&file).hash(length).map_err(|error| cannot(&path, error)))?;
                if found != name {
                    return Err(NotVerified::Blob { seq, field, name, found }.into());
                }
            }
        }
        Ok(())
    }
}

impl<F: Files> History for Folder<F> {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.summary.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        let mut scan = Scan::new(&self.entries);
        // A line that is longer than any entry comes out one byte too long, so that it is refused as an entry.
        let mut line = move || scan.line(Entry::MAX_LENGTH + 1);
        std::iter::from_fn(move || {
            line().map_err(|error| Unreadable(format!("{ENTRIES}: {error}"))).transpose()
        })
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        let path = blob_path(name);
        let unreadable = |error: BundleError| Unreadable(error.to_string());
        let Some(file) = open(&self.files, &path).map_err(unreadable)? else { return Ok(None) };
        let length = check_length(&path, &file, MAX_BLOB_LENGTH).map_err(unreadable)?;
        Scan::new(&file).take(length).map(Some).map_err(|error| unreadable(cannot(&path, error)))
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        Ok(self.redactions.get(name).cloned())
    }
}

fn read_redactions(files: &impl Files) -> Result<Redactions, BundleError> {
    let Some(file) = open(files, REDACTIONS)? else { return Ok(Redactions::new()) };
    let length = check_length(REDACTIONS, &file, MAX_REDACTIONS_LENGTH)?;
    let bytes = Scan::new(&file).take(length).map_err(|error| cannot(REDACTIONS, error))?;
    Ok(redactions::decode(&bytes)?)
}

pub(super) fn blob_path(name: &Hash) -> String {
    format!("{BLOBS}/{name}")
}

/// The bytes of `head.json`.
pub(super) fn head_json(chain: &Hash, head: &Hash, size: u64) -> String {
    format!("{{\"chain\":\"{chain}\",\"head\":\"{head}\",\"size\":{size}}}\n")
}

fn read_head(file: &impl Source) -> Result<(Hash, Hash, u64), BundleError> {
    let length = check_length(HEAD, file, MAX_HEAD_LENGTH)?;
    let bytes = Scan::new(file).take(length).map_err(|error| cannot(HEAD, error))?;
    let parse = || -> Option<(Hash, Hash, u64)> {
        let text = std::str::from_utf8(&bytes).ok()?;
        let (chain, rest) = text.strip_prefix("{\"chain\":\"")?.split_once("\",\"head\":\"")?;
        let (head, rest) = rest.split_once("\",\"size\":")?;
        let parsed = (chain.parse().ok()?, head.parse().ok()?, rest.strip_suffix("}\n")?.parse().ok()?);
        // There is one way to write it.
        (head_json(&parsed.0, &parsed.1, parsed.2) == text).then_some(parsed)
    };
    parse().ok_or_else(|| not("`head.json` is not the canonical `{chain, head, size}` and a newline"))
}

/// Checks that nothing stands beside what a bundle has.
fn check_top(files: &impl Files) -> Result<(), BundleError> {
    for (name, is_file) in files.list("", 16).map_err(|error| cannot("the folder", error))? {
        match (name.as_str(), is_file) {
            (HEAD | ENTRIES | REDACTIONS, true) | (BLOBS, false) => {}
            _ => return Err(Fault::Stray(name).into()),
        }
    }
    Ok(())
}

/// Checks that the last line has an end.
fn check_end(entries: &impl Source) -> Result<(), BundleError> {
    let Some(last) = entries.length().checked_sub(1) else { return Ok(()) };
    let mut byte = [0];
    entries.read_at(last, &mut byte).map_err(|error| cannot(ENTRIES, error))?;
    if byte == *b"\n" { Ok(()) } else { Err(Fault::CutOff.into()) }
}

fn list_blobs(files: &impl Files) -> Result<HashSet<Hash>, BundleError> {
    let names = files.list(BLOBS, MAX_SECTIONS + 1).map_err(|error| cannot(BLOBS, error))?;
    if names.len() > MAX_SECTIONS {
        let limit = MAX_SECTIONS as u64;
        return Err(BundleError::TooLarge { what: "the number of files in `blobs`".into(), limit });
    }
    let hash = |(name, is_file): (String, bool)| match name.parse() {
        Ok(hash) if is_file => Ok(hash),
        _ => Err(Fault::Stray(format!("{BLOBS}/{name}")).into()),
    };
    names.into_iter().map(hash).collect()
}

fn check_length(path: &str, file: &impl Source, limit: u64) -> Result<u64, BundleError> {
    match file.length() {
        length if length <= limit => Ok(length),
        length => Err(BundleError::TooLarge { what: format!("`{path}` of {length} bytes"), limit }),
    }
}

fn open<F: Files>(files: &F, path: &str) -> Result<Option<F::File>, BundleError> {
    files.file(path).map_err(|error| cannot(path, error))
}

fn not(why: &str) -> BundleError {
    BundleError::NotABundle(why.into())
}

fn cannot(path: &str, source: io::Error) -> BundleError {
    BundleError::Io { what: path.into(), source }
}
