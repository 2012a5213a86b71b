//! What a bundle says of blobs that are not in it.
//!
//! Invariant: one line of canonical JSON for each, in the order of their names, so that equal redactions are equal
//! bytes. Each is about a blob that an entry names and the bundle does not hold.

use std::collections::BTreeMap;

use troupe_chain::{Hash, Redaction};

use super::Fault;

/// The largest number of bytes of all redactions of a bundle: 64 MiB.
pub const MAX_REDACTIONS_LENGTH: u64 = 64 << 20;

/// Redactions by the names of what they are about.
pub(super) type Redactions = BTreeMap<Hash, Redaction>;

pub(super) fn encode(redactions: &Redactions) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, redaction) in redactions {
        bytes.extend_from_slice(&redaction.encode(name));
        bytes.push(b'\n');
    }
    bytes
}

/// Reads [`encode`] of at least one.
pub(super) fn decode(bytes: &[u8]) -> Result<Redactions, Fault> {
    let fault = |what: String| Fault::Redactions(what);
    let body = bytes.strip_suffix(b"\n").ok_or_else(|| fault("they do not end in a newline".into()))?;
    let mut redactions = Redactions::new();
    for line in body.split(|byte| *byte == b'\n') {
        let (name, redaction) = Redaction::decode(line).map_err(|error| fault(error.to_string()))?;
        if redactions.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return Err(fault(format!("{name} is not in order, or stands twice")));
        }
        redactions.insert(name, redaction);
    }
    Ok(redactions)
}

/// Checks that each is about a blob that is named and not there.
pub(super) fn check(redactions: &Redactions, is_missing: impl Fn(&Hash) -> bool) -> Result<(), Fault> {
    match redactions.keys().find(|name| !is_missing(name)) {
        Some(name) => Err(Fault::Redactions(format!("{name} is there, or no entry names it"))),
        None => Ok(()),
    }
}
