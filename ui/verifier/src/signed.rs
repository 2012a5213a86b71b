//! Checkpoints and proofs against a key that the page was given.

use troupe_chain::note::{ProofFile, PublicKey, SignedCheckpoint, Trust};

use crate::answer::{Answer, Refusal, text};

fn key(bytes: &[u8]) -> Result<PublicKey, Refusal> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    text.parse().map_err(|error| Refusal::unknown(format!("the key: {error}")))
}

fn wrong(what: String) -> Refusal {
    Refusal::Wrong { seq: None, what, instead: None }
}

/// Checks that the key signed a checkpoint. Answers the log, its size and its root.
pub(crate) fn checkpoint(note: &[u8], by: &[u8]) -> Answer {
    let key = key(by)?;
    let signed = SignedCheckpoint::parse(note)
        .map_err(|error| Refusal::unknown(format!("the checkpoint: {error}")))?;
    if !signed.is_signed_by(&key) {
        return Err(wrong(format!("the checkpoint is not signed by {key}")));
    }
    let checkpoint = signed.checkpoint();
    Ok(vec![text(&checkpoint.origin), text(signed.head().size), text(signed.head().root)])
}

/// Checks a proof file. Answers the entry's name, the chain, and how many entries it had.
pub(crate) fn proof(file: &[u8], by: &[u8]) -> Answer {
    let trust = Trust { node: key(by)?, witnesses: Vec::new(), quorum: 0 };
    let file = ProofFile::parse(file).map_err(|error| Refusal::unknown(format!("the proof: {error}")))?;
    let proved = file.check(&trust).map_err(|error| wrong(error.to_string()))?;
    Ok(vec![text(proved.name), text(proved.chain), text(proved.size)])
}
