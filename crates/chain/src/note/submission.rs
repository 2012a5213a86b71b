//! What a log sends to a witness: the body of tlog-witness's `add-checkpoint`.

use std::fmt;

use super::lines::{Lines, number};
use super::proof::hashes;
use super::{BadNote, MAX_NOTE_BYTES, SignedCheckpoint};
use crate::tree::{MAX_PROOF_HASHES, TreeHash};

/// The most bytes of a submission: a note, and a proof before it.
pub const MAX_SUBMISSION_BYTES: usize = MAX_NOTE_BYTES + 45 * (MAX_PROOF_HASHES + 2);

/// A checkpoint, and that it goes on from an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The size of the checkpoint that the witness cosigned last, 0 if there is none.
    pub old: u64,
    /// That the new tree begins with that one.
    pub proof: Vec<TreeHash>,
    /// The new checkpoint.
    pub checkpoint: SignedCheckpoint,
}

impl Submission {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`BadNote`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        let mut lines = Lines::new(bytes, MAX_SUBMISSION_BYTES)?;
        let old = lines.next("`old` and a number")?.strip_prefix("old ").and_then(number);
        let old = old.ok_or_else(|| lines.bad("`old` and a number"))?;
        let proof = hashes(&mut lines)?;
        Ok(Self { old, proof, checkpoint: SignedCheckpoint::parse(lines.rest().as_bytes())? })
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
