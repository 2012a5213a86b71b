//! Puts an accusation together, and checks it before it is handed on.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::check::examine;
use super::{FalseStep, FraudProof, Leaf, Lie, NotShown};
use crate::history::{History, Machines, Unreadable};
use crate::note::{BadNote, LogProof, PublicKey, SignedCheckpoint};
use crate::tree::{Leaves, OutOfTree, TreeHash, prove_consistency, prove_inclusion};
use crate::{CannotCheck, Hash};

/// Why there is no accusation to make.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotMade {
    /// What was found shows nothing.
    #[error(transparent)]
    NotShown(#[from] NotShown),
    /// The checkpoint covers less than what is false.
    #[error("the checkpoint does not cover it: {0}")]
    OutOfTree(#[from] OutOfTree),
    /// The history is not the one that was signed.
    #[error("the checkpoint of {size} entries was signed over another history than this")]
    OtherHistory {
        /// The checkpoint's size.
        size: u64,
    },
    /// Not all that was signed is at hand.
    #[error(
        "the checkpoint is of {size} entries, and {shown} are at hand: that some are withheld contradicts nothing that was signed"
    )]
    Fewer {
        /// The checkpoint's size.
        size: u64,
        /// How many are at hand.
        shown: u64,
    },
    /// The checkpoint has no signature of the key.
    #[error("the checkpoint cannot be used: {0}")]
    Checkpoint(#[from] BadNote),
    /// The histories agree as far as both go.
    #[error("the two histories agree as far as both go")]
    NoDifference,
}

impl FraudProof {
    /// Accuses a key of two checkpoints of one log and one size.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn of_roots<M: Machines>(
        key: PublicKey,
        checkpoints: [&SignedCheckpoint; 2],
        machines: &M,
    ) -> Result<Self, NotMade> {
        let [one, other] = checkpoints;
        let lie = Lie::Roots(Box::new([bare(one, &key)?, bare(other, &key)?]));
        Self { key, lie }.checked(machines)
    }

    /// Accuses a key of two checkpoints of one log, given the leaves under each, at the first place where they differ.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn of_leaves<M: Machines>(
        key: PublicKey,
        [one, other]: [(&SignedCheckpoint, &Leaves); 2],
        machines: &M,
    ) -> Result<Self, NotMade> {
        for (checkpoint, leaves) in [one, other] {
            check_same(checkpoint, leaves)?;
        }
        let size = one.0.head().size.min(other.0.head().size);
        let index = (0..size).find(|index| one.1.leaf(*index) != other.1.leaf(*index));
        let index = index.ok_or(NotMade::NoDifference)?;
        let leaf = |(checkpoint, leaves): (&SignedCheckpoint, &Leaves)| -> Result<Leaf, NotMade> {
            let Ok(hashes) = prove_inclusion(leaves, index, checkpoint.head().size);
            let proof = LogProof { index, hashes: hashes?, checkpoint: bare(checkpoint, &key)? };
            Ok(Leaf { hash: leaves.leaf(index).unwrap_or_else(TreeHash::of_nothing), proof })
        };
        let lie = Lie::Leaves(Box::new([leaf(one)?, leaf(other)?]));
        Self { key, lie }.checked(machines)
    }

    /// Accuses a key of having signed a history whose entry at `seq` is false. `history` has at least as many entries as
    /// the checkpoint, and the blobs that the replay of that entry needs.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn of_step<H: History, M: Machines>(
        key: PublicKey,
        checkpoint: &SignedCheckpoint,
        history: &H,
        seq: u64,
        machines: &M,
    ) -> Result<Self, NotMade> {
        let unreadable = |error: Unreadable| NotShown::from(CannotCheck::from(error));
        let (mut leaves, mut entries) = (Leaves::default(), Vec::new());
        for (at, bytes) in (0..checkpoint.head().size.max(seq + 1)).zip(history.entries()) {
            let bytes = bytes.map_err(unreadable)?;
            leaves.push(TreeHash::of_leaf(Hash::of(bytes.as_ref()).as_bytes()));
            if at <= seq {
                entries.push(bytes.as_ref().to_vec());
            }
        }
        check_same(checkpoint, &leaves)?;
        let Ok(consistency) = prove_consistency(&leaves, entries.len() as u64, checkpoint.head().size);
        let consistency = consistency?;
        let origin = &checkpoint.checkpoint().origin;
        let chain = origin.chain().ok_or_else(|| NotShown::NotAChain(origin.to_string()))?;
        let recorder = Recorder { history, asked: RefCell::default() };
        examine(&recorder, chain, &entries, machines)?;
        let blobs = recorder.asked.into_inner().into_values().collect();
        let step = FalseStep { checkpoint: bare(checkpoint, &key)?, consistency, entries, blobs };
        Self { key, lie: Lie::Step(Box::new(step)) }.checked(machines)
    }

    /// What would not convince is not handed on.
    fn checked<M: Machines>(self, machines: &M) -> Result<Self, NotMade> {
        let read = Self::parse(&self.to_bytes())?;
        read.check(machines)?;
        Ok(read)
    }
}

fn check_same(checkpoint: &SignedCheckpoint, leaves: &Leaves) -> Result<(), NotMade> {
    let size = checkpoint.head().size;
    match leaves.head_at(size) {
        Some(head) if head == *checkpoint.head() => Ok(()),
        Some(_) => Err(NotMade::OtherHistory { size }),
        None => Err(NotMade::Fewer { size, shown: leaves.head().size }),
    }
}

/// A checkpoint with the signature of one key and no other.
fn bare(checkpoint: &SignedCheckpoint, key: &PublicKey) -> Result<SignedCheckpoint, BadNote> {
    let note = checkpoint.note();
    let own: String =
        note.signatures.iter().filter(|line| key.is_named_by(line)).map(ToString::to_string).collect();
    SignedCheckpoint::parse(format!("{}\n{own}", note.text).as_bytes())
}

/// A history that remembers which blobs it was asked for.
struct Recorder<'a, H> {
    history: &'a H,
    asked: RefCell<BTreeMap<Hash, Vec<u8>>>,
}

impl<H: History> History for Recorder<'_, H> {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.history.head()
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        self.history.entries().map(|entry| entry.map(|bytes| bytes.as_ref().to_vec()))
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        let blob = self.history.blob(name)?.map(|blob| blob.as_ref().to_vec());
        if let Some(blob) = &blob {
            self.asked.borrow_mut().insert(*name, blob.clone());
        }
        Ok(blob)
    }

    fn has_results(&self) -> bool {
        false
    }
}
