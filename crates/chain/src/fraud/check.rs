//! Whether an accusation holds, from the file alone.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::{FalseStep, FraudProof, Leaf, Lie, NotShown, Shown};
use crate::history::{History, Machines, Unreadable};
use crate::note::{PublicKey, SignedCheckpoint};
use crate::once::Once;
use crate::parts::Part;
use crate::recorded::check_blob;
use crate::tree::{Frontier, TreeHash, check_consistency};
use crate::{CannotCheck, Hash, NotVerified, Tip};

impl FraudProof {
    /// Checks whether what the key signed cannot be true.
    ///
    /// # Errors
    /// [`NotShown`]: the accusation does not hold, or could not be checked.
    pub fn check<M: Machines>(&self, machines: &M) -> Result<Shown, NotShown> {
        match &self.lie {
            Lie::Roots(checkpoints) => check_roots(&self.key, checkpoints),
            Lie::Leaves(leaves) => check_leaves(&self.key, leaves),
            Lie::Step(step) => check_step(&self.key, step, machines),
        }
    }
}

fn check_roots(key: &PublicKey, checkpoints: &[SignedCheckpoint; 2]) -> Result<Shown, NotShown> {
    let origin = check_signed(key, checkpoints.each_ref())?;
    let [one, other] = checkpoints.each_ref().map(SignedCheckpoint::head);
    if one.size != other.size {
        return Err(NotShown::NoContradiction("they are of different sizes"));
    }
    if one.root == other.root {
        return Err(NotShown::NoContradiction("they have the same root"));
    }
    Ok(Shown::Roots { origin, size: one.size })
}

fn check_leaves(key: &PublicKey, leaves: &[Leaf; 2]) -> Result<Shown, NotShown> {
    let origin = check_signed(key, leaves.each_ref().map(|leaf| &leaf.proof.checkpoint))?;
    let [one, other] = leaves;
    if one.proof.index != other.proof.index {
        return Err(NotShown::NoContradiction("the leaves stand at different places"));
    }
    if one.hash == other.hash {
        return Err(NotShown::NoContradiction("the leaves are the same"));
    }
    for leaf in leaves {
        leaf.proof.check(&leaf.hash).map_err(NotShown::NotInTree)?;
    }
    Ok(Shown::Leaves { origin, index: one.proof.index })
}

/// Checks that a key signed two checkpoints of one log, and says which log.
fn check_signed(key: &PublicKey, checkpoints: [&SignedCheckpoint; 2]) -> Result<String, NotShown> {
    let [one, other] = checkpoints.map(|checkpoint| &checkpoint.checkpoint().origin);
    if one != other {
        return Err(NotShown::Origins(one.to_string(), other.to_string()));
    }
    checkpoints.into_iter().try_for_each(|checkpoint| check_signature(key, checkpoint))?;
    Ok(one.to_string())
}

fn check_signature(key: &PublicKey, checkpoint: &SignedCheckpoint) -> Result<(), NotShown> {
    if checkpoint.is_signed_by(key) {
        return Ok(());
    }
    let origin = checkpoint.checkpoint().origin.to_string();
    Err(NotShown::Signature { origin, key: key.to_string() })
}

fn check_step<M: Machines>(key: &PublicKey, step: &FalseStep, machines: &M) -> Result<Shown, NotShown> {
    check_signature(key, &step.checkpoint)?;
    let origin = &step.checkpoint.checkpoint().origin;
    let chain = origin.chain().ok_or_else(|| NotShown::NotAChain(origin.to_string()))?;
    let mut signed = Frontier::default();
    for entry in &step.entries {
        signed.push(TreeHash::of_leaf(Hash::of(entry).as_bytes()), |_| {});
    }
    check_consistency(&signed.head(), step.checkpoint.head(), &step.consistency)
        .map_err(NotShown::NotSigned)?;
    let blobs = step.blobs.iter().map(|blob| (Hash::of(blob), (blob.clone(), Cell::new(false))));
    let evidence = Evidence { blobs: blobs.collect() };
    if evidence.blobs.len() != step.blobs.len() {
        return Err(NotShown::NoContradiction("a blob is there twice"));
    }
    let (seq, fault) = examine(&evidence, chain, &step.entries, machines)?;
    if let Some((name, _)) = evidence.blobs.iter().find(|(_, (_, used))| !used.get()) {
        return Err(NotShown::Unneeded(*name));
    }
    Ok(Shown::Step { chain, seq, fault: Box::new(fault) })
}

/// Says what is wrong with the last of a chain's entries, which begin with genesis; it alone is replayed, with the blobs
/// that `blobs` has.
///
/// # Errors
/// [`NotShown`]: nothing is wrong with it, or with an earlier one, or it could not be checked.
pub fn examine<H: History<Bytes = Vec<u8>>, M: Machines>(
    blobs: &H,
    chain: Hash,
    entries: &[Vec<u8>],
    machines: &M,
) -> Result<(u64, NotVerified), NotShown> {
    let last = (entries.len() as u64).saturating_sub(1);
    let found = |seq: u64, fault: NotVerified| match seq == last {
        true => Ok((last, fault)),
        false => Err(NotShown::Earlier { seq, fault: Box::new(fault) }),
    };
    let Some((genesis, rest)) = entries.split_first() else { return Err(CannotCheck::Empty.into()) };
    let (mut tip, linked) = match Tip::check_genesis(genesis) {
        Ok(begun) => begun,
        Err(broken) => return found(0, broken.into()),
    };
    if tip.chain != chain {
        return found(0, NotVerified::Head { seq: 0, expected: chain, found: tip.chain });
    }
    let mut once = Once::default();
    if let Err(what) = once.check(&linked.entry) {
        return found(0, NotVerified::Origin { seq: 0, what });
    }
    let mut before = tip.clone();
    for bytes in rest {
        before.clone_from(&tip);
        let seq = tip.seq + 1;
        let checked = tip
            .check(bytes)
            .map_err(NotVerified::from)
            .and_then(|(_, entry)| once.check(&entry).map_err(|what| NotVerified::Origin { seq, what }));
        if let Err(fault) = checked {
            return found(seq, fault);
        }
    }
    let Some(entry) = rest.last() else { return Err(NotShown::True(0)) };
    let part = match before.state {
        Some(name) if before.seq > 0 => {
            let state = blobs.blob(&name).map_err(CannotCheck::from)?;
            let missing = CannotCheck::MissingBlob { seq: before.seq, field: "state", name };
            let state = state.ok_or(missing)?;
            check_blob(before.seq, "state", name, &state).map_err(damaged)?;
            Part::one(before, state, entry.clone())
        }
        _ => Part::first(genesis.clone(), entry.clone()),
    };
    let same_engine = tip.rules.engine == *machines.engine();
    match part.replay(blobs, machines, |_| {}) {
        Err(NotVerified::CannotCheck(why)) => Err(why.into()),
        Err(fault @ NotVerified::Blob { .. }) => Err(damaged(fault)),
        Err(fault) => Ok((last, fault)),
        Ok(_) if !same_engine => Err(NotShown::OtherEngine(last)),
        Ok(_) => Err(NotShown::True(last)),
    }
}

/// Bytes that do not fit their name say nothing about the entry: nobody signed them.
fn damaged(fault: NotVerified) -> NotShown {
    CannotCheck::from(Unreadable(fault.to_string())).into()
}

/// The blobs of a file, and which of them were asked for.
struct Evidence {
    blobs: BTreeMap<Hash, (Vec<u8>, Cell<bool>)>,
}

impl History for Evidence {
    type Bytes = Vec<u8>;

    /// The head is nothing that a single step asks for.
    fn head(&self) -> Hash {
        Hash::from_bytes([0; 32])
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        std::iter::empty()
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.blobs.get(name).map(|(blob, used)| {
            used.set(true);
            blob.clone()
        }))
    }

    fn has_results(&self) -> bool {
        false
    }
}
