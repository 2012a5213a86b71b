//! Checkpoints and proofs against keys that the page was given.

use troupe_chain::note::{KeyKind, ProofFile, PublicKey, SignedCheckpoint, Trust};
use troupe_chain::tree::{TreeHash, TreeHead, check_consistency};

use crate::answer::{Answer, Refusal, lines, text};

fn key(bytes: &[u8]) -> Result<PublicKey, Refusal> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    text.parse().map_err(|error| Refusal::unknown(format!("the key: {error}")))
}

fn wrong(what: String) -> Refusal {
    Refusal::Wrong { seq: None, what, instead: None }
}

/// Reads a key that somebody gives. Answers what it signs, its name and its DID.
pub(crate) fn read_key(bytes: &[u8]) -> Answer {
    let key = key(bytes)?;
    let signs = match key.kind() {
        KeyKind::Log => "log",
        KeyKind::Witness => "witness",
    };
    Ok(vec![text(signs), text(key.name()), text(key.did())])
}

/// Checks that the key signed a checkpoint. Answers the log, its size and its root; and of each of the witnesses' keys, one
/// a line, that has cosigned it: the key, and when, in seconds since 1970.
pub(crate) fn checkpoint(note: &[u8], by: &[u8], witnesses: &[u8]) -> Answer {
    let key = key(by)?;
    let signed = SignedCheckpoint::parse(note)
        .map_err(|error| Refusal::unknown(format!("the checkpoint: {error}")))?;
    if !signed.is_signed_by(&key) {
        return Err(wrong(format!("the checkpoint is not signed by {key}")));
    }
    let mut answer =
        vec![text(&signed.checkpoint().origin), text(signed.head().size), text(signed.head().root)];
    answer.extend(cosigned(&signed, witnesses));
    Ok(answer)
}

/// Checks a proof file. Answers the entry's name, the chain, how many entries it had, the size and the root of the node's
/// log; and who cosigned that, as [`checkpoint`].
pub(crate) fn proof(file: &[u8], by: &[u8], witnesses: &[u8]) -> Answer {
    let trust = Trust { node: key(by)?, witnesses: Vec::new(), quorum: 0 };
    let file = ProofFile::parse(file).map_err(|error| Refusal::unknown(format!("the proof: {error}")))?;
    let proved = file.check(&trust).map_err(|error| wrong(error.to_string()))?;
    let of_node = &file.in_node.checkpoint;
    let mut answer = vec![text(proved.name), text(proved.chain), text(proved.size)];
    answer.extend([text(of_node.head().size), text(of_node.head().root)]);
    answer.extend(cosigned(of_node, witnesses));
    Ok(answer)
}

/// What is no key of a witness has cosigned nothing.
fn cosigned(signed: &SignedCheckpoint, witnesses: &[u8]) -> Vec<Vec<u8>> {
    let keys = lines(witnesses).filter_map(|line| key(line).ok());
    let keys = keys.filter(|key| key.kind() == KeyKind::Witness);
    let times = keys.filter_map(|key| Some((signed.cosigned_by(&key)?, key)));
    times.flat_map(|(time, key)| [text(key), text(time)]).collect()
}

/// Checks that a log of one size and root begins with a log of another; `proof` is hashes, one a line.
pub(crate) fn consistency(older: [&[u8]; 2], newer: [&[u8]; 2], proof: &[u8]) -> Answer {
    let head = |[size, root]: [&[u8]; 2]| {
        let (size, root) = (std::str::from_utf8(size).ok()?.parse().ok()?, hash(root)?);
        Some(TreeHead { size, root })
    };
    let proof = lines(proof).map(hash).collect::<Option<Vec<_>>>();
    let (Some(older), Some(newer), Some(proof)) = (head(older), head(newer), proof) else {
        return Err(Refusal::unknown("a proof of consistency has other things than hashes"));
    };
    check_consistency(&older, &newer, &proof).map_err(|error| wrong(error.to_string()))?;
    Ok(Vec::new())
}

fn hash(bytes: &[u8]) -> Option<TreeHash> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use troupe_chain::note::{Checkpoint, KeyName, SecretKey};

    use super::*;

    fn key(name: &str, kind: KeyKind) -> SecretKey {
        SecretKey::from_seed(name.parse().unwrap(), kind, &[name.len() as u8; 32])
    }

    #[test]
    fn a_checkpoint_is_said_to_be_cosigned_by_the_witnesses_that_did() {
        let (node, one, other) = (
            key("node", KeyKind::Log),
            key("witness.one", KeyKind::Witness),
            key("witness.other", KeyKind::Witness),
        );
        let head = TreeHead { size: 1, root: TreeHash::of_leaf(b"leaf") };
        let origin: KeyName = "node".parse().unwrap();
        let checkpoint = Checkpoint::new(origin, head);
        let cosignature = one.sign(&checkpoint.text(), 5);
        let signed = format!("{}{cosignature}", checkpoint.sign(&node));
        let witnesses = format!("{}\nno key\n{}\n{}\n", one.public(), other.public(), node.public());
        let answer =
            super::checkpoint(signed.as_bytes(), &text(node.public()), witnesses.as_bytes()).unwrap();
        let expected = [text("node"), text(1), text(head.root), text(one.public()), text(5)];
        assert_eq!(answer, expected);
    }

    #[test]
    fn a_log_that_does_not_go_on_from_another_is_wrong() {
        let leaves = [b"a", b"b", b"c"].map(|leaf| TreeHash::of_leaf(leaf));
        let two = TreeHash::of_children(&leaves[0], &leaves[1]);
        let three = TreeHash::of_children(&two, &leaves[2]);
        let (two, three, proof) = (text(two), text(three), text(leaves[2]));
        assert!(consistency([b"2", &two], [b"3", &three], &proof).is_ok());
        let wrong = consistency([b"2", &proof], [b"3", &three], &proof);
        assert!(matches!(wrong, Err(Refusal::Wrong { .. })));
        let unknown = consistency([b"2", &two], [b"3", &three], b"no hash");
        assert!(matches!(unknown, Err(Refusal::Unknown(_))));
    }
}
