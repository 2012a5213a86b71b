//! A leaf's way to a signed checkpoint, in one text: C2SP tlog-proof.

use std::fmt;

use super::lines::{Lines, number};
use super::{BadNote, MAX_NOTE_BYTES, SignedCheckpoint};
use crate::tree::{MAX_PROOF_HASHES, NotProved, TreeHash, check_inclusion};

/// The first line of a proof.
pub const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Shows that a log has a leaf. Nothing of it counts before a key has verified its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// The leaf's place.
    pub index: u64,
    /// From the leaf's sibling up to the root's child.
    pub hashes: Vec<TreeHash>,
    /// The tree that it leads to.
    pub checkpoint: SignedCheckpoint,
}

impl LogProof {
    /// Reads a proof. One with `extra` is refused: Troupe writes none, and nothing would vouch for it.
    ///
    /// # Errors
    /// [`BadNote`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        let mut lines = Lines::new(bytes, MAX_NOTE_BYTES)?;
        if lines.next(PROOF_HEADER)? != PROOF_HEADER {
            return Err(lines.bad(PROOF_HEADER));
        }
        let index = lines.next("`index` and a number")?.strip_prefix("index ").and_then(number);
        let index = index.ok_or_else(|| lines.bad("`index` and a number"))?;
        let hashes = hashes(&mut lines)?;
        Ok(Self { index, hashes, checkpoint: SignedCheckpoint::parse(lines.rest().as_bytes())? })
    }

    /// Checks that its checkpoint's tree has a leaf with this hash. Whether the checkpoint is to be believed is another
    /// question.
    ///
    /// # Errors
    /// [`NotProved`].
    pub fn check(&self, leaf: &TreeHash) -> Result<(), NotProved> {
        check_inclusion(leaf, self.index, self.checkpoint.head(), &self.hashes)
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF_HEADER}\nindex {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Lines of hashes up to and with an empty one.
pub(super) fn hashes(lines: &mut Lines<'_>) -> Result<Vec<TreeHash>, BadNote> {
    const HASH: &str = "a hash in base64, or an empty line after at most 64 of them";
    let mut hashes = Vec::new();
    loop {
        let line = lines.next(HASH)?;
        if line.is_empty() {
            return Ok(hashes);
        }
        if hashes.len() == MAX_PROOF_HASHES {
            return Err(lines.bad(HASH));
        }
        hashes.push(line.parse().map_err(|_| lines.bad(HASH))?);
    }
}
