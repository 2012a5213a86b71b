//! One file that shows a stranger an entry of a chain, offline: the entry, its way to the chain's checkpoint, and that
//! checkpoint's way to the node's, which witnesses may have cosigned.

use std::collections::BTreeSet;
use std::fmt;

use super::{BadNote, KeyName, LogProof, NodeLeaf, PROOF_HEADER, PublicKey};
use crate::tree::{NotProved, TreeHash};
use crate::{Entry, Hash, Malformed};

/// The first line of the file.
pub const PROOF_FILE_HEADER: &str = "troupe.proof/v1";
/// The most bytes of a file: the longest entry there can be, and some room.
pub const MAX_PROOF_FILE_BYTES: usize = (8 << 20) + (256 << 10);
/// An entry with the proofs that lead from it to what the node signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    /// The key that the file says the node signs with. Whoever reads it compares it with one that they trust.
    pub key: PublicKey,
    /// The entry's canonical bytes.
    pub entry: Vec<u8>,
    /// From the entry to a checkpoint of its chain.
    pub in_chain: LogProof,
    /// From that checkpoint to one of the node's log.
    pub in_node: LogProof,
}

/// Whom a reader believes.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The node's key.
    pub node: PublicKey,
    /// Witnesses.
    pub witnesses: Vec<PublicKey>,
    /// How many of them must have cosigned.
    pub quorum: usize,
}

/// What a proof has shown.
#[derive(Debug, Clone)]
pub struct Proved {
    /// The entry's name.
    pub name: Hash,
    /// The entry.
    pub entry: Entry,
    /// The chain that it is in.
    pub chain: Hash,
    /// How many entries the chain had by then.
    pub size: u64,
    /// Who cosigned, and when, in seconds since 1970.
    pub witnesses: Vec<(KeyName, u64)>,
}

/// Why a proof shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrue {
    /// The bytes are no entry.
    #[error("the entry: {0}")]
    Entry(Malformed),
    /// A checkpoint is another log's.
    #[error("a checkpoint of `{expected}` was expected, and there is one of `{got}`")]
    Origin {
        /// The log that it should be of.
        expected: String,
        /// The log that it is of.
        got: String,
    },
    /// The key did not sign a checkpoint.
    #[error("the checkpoint of `{origin}` is not signed by {key}")]
    Signature {
        /// The log.
        origin: String,
        /// The key.
        key: String,
    },
    /// The entry stands elsewhere than it says itself.
    #[error("the entry has seq {seq}, and the proof is for {index}")]
    Place {
        /// As the entry says.
        seq: u64,
        /// As the proof says.
        index: u64,
    },
    /// The entry is not in the chain's tree.
    #[error("the chain's checkpoint does not have the entry: {0}")]
    NotInChain(NotProved),
    /// The chain's checkpoint is not in the node's tree.
    #[error("the node's checkpoint does not have the chain's: {0}")]
    NotInNode(NotProved),
    /// Too few witnesses cosigned.
    #[error("{got} of {needed} witnesses cosigned the node's checkpoint")]
    Witnesses {
        /// How many did, of those that are trusted.
        got: usize,
        /// How many must have.
        needed: usize,
    },
}

impl ProofFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`BadNote`]; the entry is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        if bytes.len() > MAX_PROOF_FILE_BYTES {
            return Err(BadNote::TooLong { got: bytes.len(), limit: MAX_PROOF_FILE_BYTES });
        }
        let mut parts = Parts { rest: bytes, line: 0 };
        if parts.line(PROOF_FILE_HEADER)? != PROOF_FILE_HEADER.as_bytes() {
            return Err(parts.bad(PROOF_FILE_HEADER));
        }
        const KEY: &str = "`key` and the node's public key";
        let key = parts.line(KEY)?.strip_prefix(b"key ").and_then(|key| std::str::from_utf8(key).ok());
        let key = key.and_then(|key| key.parse().ok()).ok_or_else(|| parts.bad(KEY))?;
        let entry = parts.line("an entry")?.to_vec();
        if !parts.line("an empty line")?.is_empty() {
            return Err(parts.bad("an empty line"));
        }
        // Signatures have no empty line among them, so the second proof begins after one.
        let between = format!("\n\n{PROOF_HEADER}\n").into_bytes();
        let at = parts.rest.windows(between.len()).position(|window| window == between);
        let at = at.ok_or_else(|| parts.bad("two proofs, with an empty line between them"))?;
        let in_chain = parts.proof(&parts.rest[..=at])?;
        parts.line += 1 + parts.rest[..=at].iter().filter(|byte| **byte == b'\n').count();
        let in_node = parts.proof(&parts.rest[at + 2..])?;
        Ok(Self { key, entry, in_chain, in_node })
    }

    /// Checks all of it against whom the reader believes.
    ///
    /// # Errors
    /// [`Untrue`], the first thing that does not hold.
    pub fn check(&self, trust: &Trust) -> Result<Proved, Untrue> {
        let entry = Entry::decode(&self.entry).map_err(Untrue::Entry)?;
        let name = Hash::of(&self.entry);
        let (of_chain, of_node) = (&self.in_chain.checkpoint, &self.in_node.checkpoint);
        let chain = of_chain.checkpoint().origin.chain().ok_or_else(|| Untrue::Origin {
            expected: "troupe.chain/ID".to_owned(),
            got: of_chain.checkpoint().origin.to_string(),
        })?;
        if of_node.checkpoint().origin != *trust.node.name() {
            return Err(Untrue::Origin {
                expected: trust.node.name().to_string(),
                got: of_node.checkpoint().origin.to_string(),
            });
        }
        for checkpoint in [of_chain, of_node] {
            if !checkpoint.is_signed_by(&trust.node) {
                let origin = checkpoint.checkpoint().origin.to_string();
                return Err(Untrue::Signature { origin, key: trust.node.to_string() });
            }
        }
        if entry.seq != self.in_chain.index {
            return Err(Untrue::Place { seq: entry.seq, index: self.in_chain.index });
        }
        self.in_chain.check(&TreeHash::of_leaf(name.as_bytes())).map_err(Untrue::NotInChain)?;
        let head = *of_chain.head();
        self.in_node.check(&NodeLeaf { chain, head }.hash()).map_err(Untrue::NotInNode)?;
        let mut seen = BTreeSet::new();
        let cosigned = |key: &PublicKey| Some((key.name().clone(), of_node.cosigned_by(key)?));
        let witnesses: Vec<_> =
            trust.witnesses.iter().filter(|key| seen.insert(key.to_string())).filter_map(cosigned).collect();
        if witnesses.len() < trust.quorum {
            return Err(Untrue::Witnesses { got: witnesses.len(), needed: trust.quorum });
        }
        Ok(Proved { name, entry, chain, size: head.size, witnesses })
    }
}

impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF_FILE_HEADER}\nkey {}", self.key)?;
        writeln!(f, "{}\n", String::from_utf8_lossy(&self.entry))?;
        write!(f, "{}\n{}", self.in_chain, self.in_node)
    }
}

/// The file as far as it is not read yet.
struct Parts<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Parts<'a> {
    fn line(&mut self, expected: &'static str) -> Result<&'a [u8], BadNote> {
        self.line += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.bad(expected))?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(line)
    }

    fn bad(&self, expected: &'static str) -> BadNote {
        BadNote::Line { line: self.line, expected }
    }

    /// Reads a proof that begins after the lines read so far; a fault is said of the file's line.
    fn proof(&self, bytes: &[u8]) -> Result<LogProof, BadNote> {
        LogProof::parse(bytes).map_err(|error| match error {
            BadNote::Line { line, expected } => BadNote::Line { line: self.line + line, expected },
            BadNote::Name { line, error } => BadNote::Name { line: self.line + line, error },
            too_long => too_long,
        })
    }
}
