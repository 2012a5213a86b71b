//! The file of a fraud proof: a header, then sections that say their length.

use super::{FRAUD_HEADER, FalseStep, FraudProof, Leaf, Lie, MAX_FRAUD_BYTES};
use crate::note::{BadNote, KeyKind, LogProof, PublicKey, SignedCheckpoint};
use crate::tree::{MAX_PROOF_HASHES, TreeHash};

const KEY: &str = "`key` and the public key of a log";
const LIE: &str = "`lie roots`, `lie leaves` or `lie step`";
const HASHES: &str = "at most 64 hashes in base64, a newline after each";
const LEAF: &str = "a hash in base64";
const AS_WRITTEN: &str = "a checkpoint as it is written, with one signature";

impl FraudProof {
    /// Reads a file. Nothing of it is checked.
    ///
    /// # Errors
    /// [`BadNote`]; its lines are those of the header and of the sections' heads.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        if bytes.len() > MAX_FRAUD_BYTES {
            return Err(BadNote::TooLong { got: bytes.len(), limit: MAX_FRAUD_BYTES });
        }
        let mut reader = Reader { rest: bytes, line: 0 };
        if reader.line(FRAUD_HEADER)? != FRAUD_HEADER {
            return Err(reader.bad(FRAUD_HEADER));
        }
        let key = reader.line(KEY)?.strip_prefix("key ").and_then(|key| key.parse::<PublicKey>().ok());
        let key = key.filter(|key| key.kind() == KeyKind::Log).ok_or_else(|| reader.bad(KEY))?;
        let lie = match reader.line(LIE)? {
            "lie roots" => Lie::Roots(Box::new([reader.checkpoint()?, reader.checkpoint()?])),
            "lie leaves" => Lie::Leaves(Box::new([reader.leaf()?, reader.leaf()?])),
            "lie step" => Lie::Step(Box::new(reader.step()?)),
            _ => return Err(reader.bad(LIE)),
        };
        match reader.rest {
            [] => Ok(Self { key, lie }),
            _ => Err(reader.bad("the end of the file after this section")),
        }
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lie = match &self.lie {
            Lie::Roots(_) => "roots",
            Lie::Leaves(_) => "leaves",
            Lie::Step(_) => "step",
        };
        let mut out = format!("{FRAUD_HEADER}\nkey {}\nlie {lie}\n", self.key).into_bytes();
        let mut section = |name: &str, bytes: &[u8]| {
            out.extend(format!("{name} {}\n", bytes.len()).bytes());
            out.extend(bytes);
            out.push(b'\n');
        };
        match &self.lie {
            Lie::Roots(checkpoints) => {
                for checkpoint in checkpoints.iter() {
                    section("checkpoint", checkpoint.to_string().as_bytes());
                }
            }
            Lie::Leaves(leaves) => {
                for leaf in leaves.iter() {
                    section("leaf", leaf.hash.to_string().as_bytes());
                    section("proof", leaf.proof.to_string().as_bytes());
                }
            }
            Lie::Step(step) => {
                section("checkpoint", step.checkpoint.to_string().as_bytes());
                let hashes: String = step.consistency.iter().map(|hash| format!("{hash}\n")).collect();
                section("consistency", hashes.as_bytes());
                step.entries.iter().for_each(|entry| section("entry", entry));
                step.blobs.iter().for_each(|blob| section("blob", blob));
            }
        }
        out
    }
}

/// The file as far as it is not read yet.
struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self, expected: &'static str) -> BadNote {
        BadNote::Line { line: self.line, expected }
    }

    fn line(&mut self, expected: &'static str) -> Result<&'a str, BadNote> {
        /// The most bytes of a line outside of sections: a key's name, and some room.
        const MAX_LINE: usize = 1024;
        self.line += 1;
        let end = self.rest.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| self.bad(expected))?;
        let (line, rest) = (&self.rest[..end], &self.rest[end + 1..]);
        self.rest = rest;
        std::str::from_utf8(line).map_err(|_| self.bad(expected))
    }

    /// Whether a section of this name comes next.
    fn is_next(&self, name: &str) -> bool {
        self.rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
    }

    /// The bytes of the section of this name, which must come next.
    fn section(&mut self, name: &str, expected: &'static str) -> Result<&'a [u8], BadNote> {
        let length = self.line(expected)?.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
        let length = length.and_then(crate::note::number).and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| self.bad(expected))?;
        let split = self.rest.split_at_checked(length).and_then(|(bytes, rest)| match rest {
            [b'\n', rest @ ..] => Some((bytes, rest)),
            _ => None,
        });
        let (bytes, rest) = split.ok_or_else(|| self.bad("as many bytes as it says, and a newline"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn checkpoint(&mut self) -> Result<SignedCheckpoint, BadNote> {
        let bytes = self.section("checkpoint", "`checkpoint` and a length")?;
        let checkpoint = SignedCheckpoint::parse(bytes)?;
        self.as_written(bytes, checkpoint.to_string().as_bytes(), &checkpoint)?;
        Ok(checkpoint)
    }

    fn leaf(&mut self) -> Result<Leaf, BadNote> {
        let hash = self.section("leaf", "`leaf` and a length")?;
        let hash = std::str::from_utf8(hash).ok().and_then(|hash| hash.parse().ok());
        let hash = hash.ok_or_else(|| self.bad(LEAF))?;
        let bytes = self.section("proof", "`proof` and a length")?;
        let proof = LogProof::parse(bytes)?;
        self.as_written(bytes, proof.to_string().as_bytes(), &proof.checkpoint)?;
        Ok(Leaf { hash, proof })
    }

    /// A checkpoint has the signature of the key alone, so that there is nothing in it that nobody checks.
    fn as_written(&self, read: &[u8], written: &[u8], checkpoint: &SignedCheckpoint) -> Result<(), BadNote> {
        match read == written && checkpoint.note().signatures.len() == 1 {
            true => Ok(()),
            false => Err(self.bad(AS_WRITTEN)),
        }
    }

    fn step(&mut self) -> Result<FalseStep, BadNote> {
        let checkpoint = self.checkpoint()?;
        let consistency = self.section("consistency", "`consistency` and a length")?;
        let consistency = hashes(consistency).ok_or_else(|| self.bad(HASHES))?;
        let mut entries = vec![self.section("entry", "`entry` and a length")?.to_vec()];
        while self.is_next("entry") {
            entries.push(self.section("entry", "`entry` and a length")?.to_vec());
        }
        let mut blobs = Vec::new();
        while self.is_next("blob") {
            blobs.push(self.section("blob", "`blob` and a length")?.to_vec());
        }
        Ok(FalseStep { checkpoint, consistency, entries, blobs })
    }
}

fn hashes(bytes: &[u8]) -> Option<Vec<TreeHash>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    let hashes: Option<Vec<_>> = text.strip_suffix('\n')?.split('\n').map(|hash| hash.parse().ok()).collect();
    hashes.filter(|hashes| hashes.len() <= MAX_PROOF_HASHES)
}
