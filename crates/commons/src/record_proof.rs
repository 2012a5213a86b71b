//! One file that shows a stranger a record of a commons, offline: a balance, a ballot, a score, or that there is none.
//!
//! It leads from the record to a root, from the root to the state that an entry names, and from the entry to a checkpoint that
//! a node signed, as `docs/spec/checkpoints.md` has it.

use std::fmt;

use troupe_chain::Hash;
use troupe_chain::note::{BadNote, MAX_PROOF_FILE_BYTES, ProofFile, Proved, Trust, Untrue};

use crate::canonical::{Id, to_bytes};
use crate::map::{Found, MAX_SIBLINGS, MapProof, NotProved};
use crate::state::{StateRecord, VERSION};

/// The first line of the file.
pub const RECORD_PROOF_HEADER: &str = "troupe.commons-proof/v1";
/// The most bytes of a file: those of a proof of an entry, a record, and the way to the root.
pub const MAX_RECORD_PROOF_BYTES: usize = MAX_PROOF_FILE_BYTES + (64 << 10);

/// A record of a commons, or that there is none, with the proofs that lead from it to what a node signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProof {
    /// The key in the map, `SECTION/NAME`.
    pub key: String,
    /// From the key to the root.
    pub in_map: MapProof,
    /// Shows the entry that names the state with this root.
    pub entry: ProofFile,
}

/// What a proof has shown.
#[derive(Debug, Clone)]
pub struct ProvedRecord {
    /// The record's canonical JSON; `None` if there is none under the key.
    pub record: Option<Vec<u8>>,
    /// The map's root.
    pub root: Hash,
    /// The entry after which that was so, its chain, and who vouches for it.
    pub entry: Proved,
}

/// Why bytes are no such file.
#[derive(Debug, thiserror::Error)]
pub enum BadRecordProof {
    /// There are too many.
    #[error("{got} bytes are more than {MAX_RECORD_PROOF_BYTES}")]
    TooLong {
        /// How many.
        got: usize,
    },
    /// A line is not what it should be.
    #[error("line {line}: expected {expected}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The entry's proof is none; its lines are counted from its own first.
    #[error("the entry's proof: {0}")]
    Entry(BadNote),
}

/// Why a proof shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// The record does not lead to a root.
    #[error("the record: {0}")]
    Map(#[from] NotProved),
    /// The entry is not shown.
    #[error(transparent)]
    Entry(#[from] Untrue),
    /// The entry names another state.
    #[error("the record leads to the state {got}, and the entry has {}", said.map_or("none".into(), |said| said.to_string()))]
    State {
        /// The state that the record leads to.
        got: Hash,
        /// The one that the entry names.
        said: Option<Hash>,
    },
}

impl RecordProof {
    /// Reads a file.
    ///
    /// # Errors
    /// [`BadRecordProof`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadRecordProof> {
        if bytes.len() > MAX_RECORD_PROOF_BYTES {
            return Err(BadRecordProof::TooLong { got: bytes.len() });
        }
        let mut lines = Lines { rest: bytes, line: 0 };
        lines.next(RECORD_PROOF_HEADER, |line| (line == RECORD_PROOF_HEADER).then_some(()))?;
        let key = lines.next("`key` and a key", |line| line.strip_prefix("key ").map(str::to_owned))?;
        let found = lines.next("`value` and a record, `absent`, or `other` and two hashes", found)?;
        let mut siblings = Vec::new();
        const SIBLING: &str = "a hash in hex, or an empty line after at most 256 of them";
        while let Some(sibling) = lines.next(SIBLING, |line| match line {
            "" => Some(None),
            hash if siblings.len() < MAX_SIBLINGS => Hash::from_hex(hash.as_bytes()).map(Some),
            _ => None,
        })? {
            siblings.push(sibling);
        }
        let entry = ProofFile::parse(lines.rest).map_err(BadRecordProof::Entry)?;
        Ok(Self { key, in_map: MapProof { found, siblings }, entry })
    }

    /// Checks all of it against whom the reader believes. That the entry's chain is a commons, its genesis says.
    ///
    /// # Errors
    /// [`NotShown`], the first thing that does not hold.
    pub fn check(&self, trust: &Trust) -> Result<ProvedRecord, NotShown> {
        let root = self.in_map.root(self.key.as_bytes())?;
        let entry = self.entry.check(trust)?;
        let got = Hash::of(&to_bytes(&StateRecord { root: Id(root), v: VERSION }));
        let said = entry.entry.state();
        if said != Some(got) {
            return Err(NotShown::State { got, said });
        }
        Ok(ProvedRecord { record: self.in_map.value().map(<[u8]>::to_vec), root, entry })
    }
}

fn found(line: &str) -> Option<Found> {
    if let Some(value) = line.strip_prefix("value ") {
        return Some(Found::Value(value.as_bytes().to_vec()));
    }
    if line == "absent" {
        return Some(Found::Nothing);
    }
    let (path, value) = line.strip_prefix("other ")?.split_once(' ')?;
    Some(Found::Other { path: Hash::from_hex(path.as_bytes())?, value: Hash::from_hex(value.as_bytes())? })
}

impl fmt::Display for RecordProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{RECORD_PROOF_HEADER}\nkey {}", self.key)?;
        match &self.in_map.found {
            Found::Value(value) => writeln!(f, "value {}", String::from_utf8_lossy(value))?,
            Found::Nothing => writeln!(f, "absent")?,
            Found::Other { path, value } => writeln!(f, "other {path} {value}")?,
        }
        self.in_map.siblings.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.entry)
    }
}

/// The lines that are not read yet.
struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Lines<'_> {
    fn next<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, BadRecordProof> {
        self.line += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = end.map(|end| self.rest.split_at(end)).and_then(|(line, rest)| {
            self.rest = &rest[1..];
            read(std::str::from_utf8(line).ok()?)
        });
        line.ok_or(BadRecordProof::Line { line: self.line, expected })
    }
}
