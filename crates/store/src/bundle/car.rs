//! Reads a history from a CAR file.
//!
//! The invariant: an open [`Car`] is byte for byte what [`write_car`](super::write_car) would write of it. So sections
//! stand in one order only: an entry, then those of its blobs that no entry before it names; at the end what is said of
//! redacted blobs. Blobs are hashed in passing and never held.
//!
//! Deliberately absent: CARv2, other codecs and hashes, more roots than one.

use std::collections::{HashMap, HashSet};
use std::io;

use troupe_chain::{
    Broken, CannotCheck, Entry, Hash, History, LinkFault, NotVerified, Redaction, Tip, Unreadable,
};

use super::pieces::check_next;
use super::redactions::{self, Redactions};
use super::source::{Scan, Source};
use super::{BundleError, Fault, MAX_BLOB_LENGTH, MAX_REDACTIONS_LENGTH, MAX_SECTIONS, Summary};

/// What stands before the root's hash: the header's length, 58, and the start of its DAG-CBOR.
pub(super) const HEADER_START: &[u8] = b"\x3a\xa2\x65roots\x81\xd8\x2a\x58\x25\x00\x01\x55\x1e\x20";

/// What stands after it: `"version": 1`.
pub(super) const HEADER_END: &[u8] = b"\x67version\x01";

/// What stands before a hash in a CID: version 1, codec raw, multihash BLAKE3, 32 bytes.
pub(super) const CID_PREFIX: [u8; 4] = [0x01, 0x55, 0x1e, 0x20];

/// The same of the section with redactions: codec JSON.
pub(super) const REDACTIONS_PREFIX: [u8; 5] = [0x01, 0x80, 0x04, 0x1e, 0x20];

/// The bytes of a CID of the codec raw.
const CID_LENGTH: u64 = 36;

/// Where a section's bytes are: offset and length.
type Place = (u64, u32);

/// An open CAR file.
#[derive(Debug)]
pub struct Car<S> {
    source: S,
    summary: Summary,
    entries: Vec<Place>,
    index: HashMap<Hash, Place>,
    redactions: Redactions,
}

impl<S: Source> Car<S> {
    /// Reads all of a CAR file once and checks everything but the outcomes.
    ///
    /// # Errors
    /// [`BundleError`] with the first section that is wrong.
    pub fn open(source: S) -> Result<Self, BundleError> {
        let mut scan = Scan::new(&source);
        let head = read_header(&mut scan)?;
        let mut reader = SectionReader { scan, ..SectionReader::new(&source) };
        while reader.scan.remaining() > 0 {
            reader.section()?;
        }
        reader.skip_pending();
        let SectionReader { tip, entries, index, skipped, redactions, .. } = reader;
        let Some(tip) = tip else { return Err(CannotCheck::Empty.into()) };
        if tip.entry != head {
            return Err(NotVerified::Head { seq: tip.seq, expected: head, found: tip.entry }.into());
        }
        let size = entries.len() as u64;
        let blobs = index.len() as u64 - size;
        redactions::check(&redactions, |name| skipped.contains(name))?;
        let (missing, redacted) = (skipped.len() as u64, redactions.len() as u64);
        let summary = Summary { chain: tip.chain, head, size, blobs, missing, redacted };
        Ok(Self { source, summary, entries, index, redactions })
    }

    /// What it holds.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

impl<S: Source> History for Car<S> {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.summary.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        let mut scan = Scan::new(&self.source);
        self.entries.iter().map(move |(offset, length)| {
            scan.seek(*offset);
            scan.take(u64::from(*length)).map_err(|error| Unreadable(error.to_string()))
        })
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some((offset, length)) = self.index.get(name) else { return Ok(None) };
        let mut bytes = vec![0; *length as usize];
        self.source.read_at(*offset, &mut bytes).map_err(|error| Unreadable(error.to_string()))?;
        Ok(Some(bytes))
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        Ok(self.redactions.get(name).cloned())
    }
}

fn read_header<S: Source>(scan: &mut Scan<'_, S>) -> Result<Hash, BundleError> {
    let length = HEADER_START.len() as u64 + 32 + HEADER_END.len() as u64;
    let header = scan.take(length.min(scan.remaining())).map_err(cannot)?;
    let after = header.strip_prefix(HEADER_START).and_then(|rest| rest.split_first_chunk::<32>());
    match after {
        Some((root, HEADER_END)) => Ok(Hash::from_bytes(*root)),
        _ => Err(BundleError::NotABundle(other_than_car(&header).into())),
    }
}

/// Says what a file is that does not begin as a CAR file with one root.
fn other_than_car(start: &[u8]) -> &'static str {
    match start {
        [] => "the file is empty",
        [0, b'a', b's', b'm', ..] => "this is a WebAssembly binary; give its chain's CAR file or folder",
        [b'{', ..] => "this looks like JSON; give the folder that holds `head.json`, or a CAR file",
        [10 | 11, 0xa1, ..] => "this is a CAR file of version 2; only version 1 is read",
        [0x3a, 0xa2, ..] => "the header is cut off, or not that of a CARv1 file with one BLAKE3 root",
        _ => "the file does not begin as a CARv1 file with one BLAKE3 root",
    }
}

fn cannot(source: io::Error) -> BundleError {
    BundleError::Io { what: "the CAR file".into(), source }
}

/// What is known of the file up to some section.
struct SectionReader<'a, S> {
    scan: Scan<'a, S>,
    tip: Option<Tip>,
    entries: Vec<Place>,
    index: HashMap<Hash, Place>,
    /// The blobs that may follow, in order: those that the last entry is the first to name.
    pending: Vec<(&'static str, Hash)>,
    /// How many of them have been passed.
    passed: usize,
    /// Blobs that were named and are not there; they may not come later.
    skipped: HashSet<Hash>,
    /// What is said of them, once that has come; then nothing follows.
    redactions: Redactions,
}

impl<'a, S: Source> SectionReader<'a, S> {
    fn new(source: &'a S) -> Self {
        Self {
            scan: Scan::new(source),
            tip: None,
            entries: Vec::new(),
            index: HashMap::new(),
            pending: Vec::new(),
            passed: 0,
            skipped: HashSet::new(),
            redactions: Redactions::new(),
        }
    }

    /// The position of the next entry.
    fn next_seq(&self) -> u64 {
        self.entries.len() as u64
    }

    fn section(&mut self) -> Result<(), BundleError> {
        let offset = self.scan.position();
        if !self.redactions.is_empty() {
            return Err(Fault::Section { offset, what: "something follows the redactions" }.into());
        }
        let Some((name, length)) = self.section_head(offset)? else { return Ok(()) };
        if self.index.len() == MAX_SECTIONS {
            let limit = MAX_SECTIONS as u64;
            return Err(BundleError::TooLarge { what: "the number of sections".into(), limit });
        }
        if self.index.contains_key(&name) {
            return Err(Fault::Repeated { offset, name }.into());
        }
        let place = (self.scan.position(), length as u32);
        let ahead = self.pending[self.passed..].iter().position(|(_, pending)| *pending == name);
        match ahead {
            Some(ahead) => self.blob(self.passed + ahead, length)?,
            None => self.entry(name, length)?,
        }
        self.index.insert(name, place);
        Ok(())
    }

    /// Reads a section's length and CID; returns its name and how many bytes follow. Redactions are read to their end.
    fn section_head(&mut self, offset: u64) -> Result<Option<(Hash, u64)>, BundleError> {
        let fault = |what| BundleError::from(Fault::Section { offset, what });
        let mut length = 0u64;
        for shift in (0..).step_by(7) {
            let byte = self.scan.byte().map_err(cannot)?.ok_or_else(|| fault("the length is cut off"))?;
            length |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(fault("the length is not written in the shortest way"));
                }
                break;
            }
            if shift == 56 {
                return Err(fault("the length has more than nine bytes"));
            }
        }
        let length = length.checked_sub(CID_LENGTH).ok_or_else(|| fault("it has no room for a CID"))?;
        if length.saturating_add(CID_LENGTH) > self.scan.remaining() {
            return Err(fault("the file ends before the section does"));
        }
        if length > MAX_BLOB_LENGTH {
            let what = format!("the section of {length} bytes at byte {offset}");
            return Err(BundleError::TooLarge { what, limit: MAX_BLOB_LENGTH });
        }
        let cid = self.scan.take(CID_LENGTH).map_err(cannot)?;
        if let Some(hash) = cid.strip_prefix(&REDACTIONS_PREFIX) {
            self.redactions(offset, hash, length)?;
            return Ok(None);
        }
        match cid.strip_prefix(&CID_PREFIX).and_then(|hash| hash.first_chunk::<32>()) {
            Some(hash) => Ok(Some((Hash::from_bytes(*hash), length))),
            None => Err(fault("its CID is not version 1, raw and BLAKE3")),
        }
    }

    /// Reads the redactions. Their CID is a byte longer than others, so the first of `length` bytes is its last.
    fn redactions(&mut self, offset: u64, hash: &[u8], length: u64) -> Result<(), BundleError> {
        if length > MAX_REDACTIONS_LENGTH {
            let what = format!("the section of redactions, {length} bytes,");
            return Err(BundleError::TooLarge { what, limit: MAX_REDACTIONS_LENGTH });
        }
        let rest = self.scan.take(length).map_err(cannot)?;
        let (last, bytes) = rest.split_first().unzip();
        let (last, bytes) = (last.copied(), bytes.unwrap_or_default());
        if !hash.iter().copied().chain(last).eq(Hash::of(bytes).as_bytes().iter().copied()) {
            return Err(Fault::Section { offset, what: "the redactions do not match their CID" }.into());
        }
        self.redactions = redactions::decode(bytes)?;
        Ok(())
    }

    /// Checks a section that `pending[place]` names.
    fn blob(&mut self, place: usize, length: u64) -> Result<(), BundleError> {
        let (field, name) = self.pending[place];
        let found = self.scan.hash(length).map_err(cannot)?;
        if found != name {
            let seq = self.next_seq().saturating_sub(1);
            return Err(NotVerified::Blob { seq, field, name, found }.into());
        }
        self.skipped.extend(self.pending[self.passed..place].iter().map(|(_, name)| *name));
        self.passed = place + 1;
        Ok(())
    }

    /// Checks a section that nothing before it names: it must be the next entry.
    fn entry(&mut self, name: Hash, length: u64) -> Result<(), BundleError> {
        let seq = self.next_seq();
        let unreached = Fault::Unreached { seq: seq.saturating_sub(1), name };
        let place = (self.scan.position(), length as u32);
        if length > Entry::MAX_LENGTH as u64 {
            return Err(unreached.into());
        }
        let bytes = self.scan.take(length).map_err(cannot)?;
        let found = Hash::of(&bytes);
        if found != name {
            // If an entry names the bytes, it is a blob's CID that is wrong.
            let blob = self.pending.iter().find(|(_, pending)| *pending == found);
            return Err(BundleError::Chain(match blob {
                Some((field, _)) => NotVerified::Blob { seq: seq.saturating_sub(1), field, name, found },
                None => Broken { seq, fault: LinkFault::Name { expected: name, found } }.into(),
            }));
        }
        if seq > 0 && Entry::decode(&bytes).is_err() {
            return Err(unreached.into());
        }
        let (_, entry) = check_next(&mut self.tip, &bytes)?;
        self.skip_pending();
        self.entries.push(place);
        let mut named = HashSet::new();
        for (field, blob) in entry.blobs() {
            let is_known = blob == name || self.index.contains_key(&blob) || self.skipped.contains(&blob);
            if !is_known && named.insert(blob) {
                self.pending.push((field, blob));
            }
        }
        Ok(())
    }

    /// Gives up on the blobs that have not come.
    fn skip_pending(&mut self) {
        self.skipped.extend(self.pending[self.passed..].iter().map(|(_, name)| *name));
        self.pending.clear();
        self.passed = 0;
    }
}
