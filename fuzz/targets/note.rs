//! Whatever reads as a signed checkpoint, a submission or a leaf of a node's log is written again as the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use troupe_chain::note::{NodeLeaf, NoteSignature, PublicKey, SignedCheckpoint, SignedNote, Submission};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = SignedNote::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
    }
    if let Ok(checkpoint) = SignedCheckpoint::parse(bytes) {
        assert_eq!(checkpoint.to_string().as_bytes(), bytes);
        assert_eq!(checkpoint.checkpoint().text(), checkpoint.note().text);
    }
    if let Ok(submission) = Submission::parse(bytes) {
        assert_eq!(submission.to_string().as_bytes(), bytes);
    }
    if let Ok(signatures) = NoteSignature::parse_lines(bytes) {
        let written: String = signatures.iter().map(ToString::to_string).collect();
        assert_eq!(written.as_bytes(), bytes);
    }
    if let Ok(leaf) = NodeLeaf::parse(bytes) {
        assert_eq!(leaf.to_bytes(), bytes);
    }
    if let Some(key) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<PublicKey>().ok()) {
        assert_eq!(key.to_string().as_bytes(), bytes);
    }
});
