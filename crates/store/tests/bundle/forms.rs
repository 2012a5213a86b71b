//! Both forms of a bundle in memory, and what becomes of one that is opened and replayed.

use std::fs;
use std::path::Path;

use troupe_chain::{Hash, History, Report, verify};
use troupe_store::bundle::{
    BundleError, Car, Folder, MemoryFiles, Piece, Summary, pieces, write_car, write_folder,
};

use crate::tally::Tallies;

/// What becomes of a bundle.
#[derive(Debug)]
pub(crate) enum Judged {
    /// Everything came out again.
    Verified(Report, Summary),
    /// It is false, at a position where there is one.
    False { seq: Option<u64>, why: String },
    /// It could not be checked.
    CannotCheck { why: String },
}

impl Judged {
    fn opened(history: &impl History, summary: Summary) -> Self {
        match verify(history, &Tallies::default(), |_| {}) {
            Ok(report) => Self::Verified(report, summary),
            Err(error) => BundleError::from(error).into(),
        }
    }

    pub(crate) fn is_verified(&self) -> bool {
        matches!(self, Self::Verified(..))
    }

    /// Why it was not verified.
    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Verified(..) => "",
            Self::False { why, .. } | Self::CannotCheck { why } => why,
        }
    }
}

impl From<BundleError> for Judged {
    fn from(error: BundleError) -> Self {
        let why = error.to_string();
        if error.is_false() { Self::False { seq: error.seq(), why } } else { Self::CannotCheck { why } }
    }
}

pub(crate) fn judge_car(bytes: Vec<u8>) -> Judged {
    match Car::open(bytes) {
        Ok(car) => Judged::opened(&car, *car.summary()),
        Err(error) => error.into(),
    }
}

pub(crate) fn judge_folder(files: &MemoryFiles) -> Judged {
    match Folder::open(files.clone()) {
        Ok(folder) => Judged::opened(&folder, *folder.summary()),
        Err(error) => error.into(),
    }
}

pub(crate) fn car(history: &impl History) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_car(history, &mut bytes).expect("written");
    bytes
}

pub(crate) fn folder(history: &impl History) -> MemoryFiles {
    let dir = tempfile::tempdir().expect("a folder");
    write_folder(history, dir.path()).expect("written");
    let mut files = MemoryFiles::default();
    let mut read = |path: &Path| {
        let name = path.strip_prefix(dir.path()).expect("within").to_str().expect("ASCII").to_owned();
        files.0.insert(name, fs::read(path).expect("a file"));
    };
    for top in fs::read_dir(dir.path()).expect("a folder") {
        let top = top.expect("a name").path();
        if top.is_file() {
            read(&top);
        } else {
            fs::read_dir(top).expect("a folder").for_each(|blob| read(&blob.expect("a name").path()));
        }
    }
    files
}

/// What [`folder`] comes to, without a disk.
pub(crate) fn folder_in_memory(history: &impl History) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    let (mut entries, mut chain, mut size) = (Vec::new(), None, 0);
    for piece in pieces(history) {
        match piece.expect("true") {
            Piece::Entry { name, bytes, .. } => {
                entries.extend_from_slice(bytes.as_ref());
                entries.push(b'\n');
                chain.get_or_insert(name);
                size += 1;
            }
            Piece::Blob { name, bytes, .. } => {
                files.0.insert(format!("blobs/{name}"), bytes.as_ref().to_vec());
            }
        }
    }
    let (chain, head): (Hash, Hash) = (chain.expect("a genesis"), history.head());
    let json = format!("{{\"chain\":\"{chain}\",\"head\":\"{head}\",\"size\":{size}}}\n");
    files.0.insert("head.json".into(), json.into_bytes());
    files.0.insert("entries.ndjson".into(), entries);
    files
}

/// A section of a CAR file: which bytes are its length, its CID and its content.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) start: usize,
    pub(crate) cid: usize,
    pub(crate) content: usize,
    pub(crate) end: usize,
    /// The entry that it is, or the first that names it.
    pub(crate) seq: u64,
    pub(crate) is_entry: bool,
}

/// Cuts a good CAR file into its sections.
pub(crate) fn sections(bytes: &[u8]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut start = 59;
    let mut entries = 0;
    while start < bytes.len() {
        let cid = start + bytes[start..].iter().position(|byte| byte & 0x80 == 0).expect("a length") + 1;
        let length = bytes[start..cid].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let (content, end) = (cid + 36, cid + length);
        let is_entry = bytes[content..end].starts_with(b"{\"data\"");
        entries += u64::from(is_entry);
        sections.push(Section { start, cid, content, end, seq: entries - 1, is_entry });
        start = end;
    }
    sections
}
