//! Proofs of records: fetched from a node, checked before they are handed on, and checked again offline.

use std::path::Path;

use serde_json::{Value, json};
use troupe_chain::note::Trust;
use troupe_commons::{ProvedRecord, RecordProof};

use crate::cli::failure::{Done, Failure};
use crate::cli::node::{Node, explain};
use crate::cli::screen::{GOOD, Screen, WARN, count, size};

/// A proof that holds, if the key is the node's.
pub(super) struct Shown {
    proof: RecordProof,
    pub(super) proved: ProvedRecord,
}

/// Asks a node for the proof of a record.
pub(super) fn fetch(node: &Node, key: &str) -> Result<Shown, Failure> {
    let path = format!("/commons/proof?key={key}");
    let bytes = node.client.call("GET", &path, None).map_err(|error| explain(&error))?;
    // What does not hold is not handed on.
    let answered = |what: &dyn std::fmt::Display| {
        Failure::is_false(format_args!(
            "{} answered with a proof that does not hold: {what}",
            node.client.url()
        ))
    };
    let proof = RecordProof::parse(&bytes).map_err(|error| answered(&error))?;
    let trust = Trust { node: proof.entry.key.clone(), witnesses: Vec::new(), quorum: 0 };
    let proved = proof.check(&trust).map_err(|error| answered(&error))?;
    if proof.key != key {
        return Err(answered(&format_args!("it is of `{}`", proof.key)));
    }
    Ok(Shown { proof, proved })
}

impl Shown {
    /// Writes the file, or prints it.
    pub(super) fn write(&self, screen: &Screen, to: Option<&Path>) -> Done {
        let text = self.proof.to_string();
        let Some(path) = to else { return Ok(screen.bytes(text.as_bytes())?) };
        let failed = |error| Failure::cannot(format_args!("cannot write {}: {error}", path.display()));
        std::fs::write(path, &text).map_err(failed)?;
        let (file, key) = (path.display(), &self.proof.entry.key);
        if screen.json {
            let record = value(&self.proved);
            return Ok(screen.json(&json!({
                "file": file.to_string(), "key": key.to_string(), "record": record,
                "entry": self.proved.entry.name.to_string(),
            }))?);
        }
        screen.line(format_args!("proof of {} in {file}", self.proof.key))?;
        screen.field("record", value(&self.proved))?;
        screen.field("after", format_args!("seq {}", count(self.proved.entry.entry.seq)))?;
        screen.field("holds", size(text.len() as u64))?;
        screen.field("key", key)?;
        Ok(screen.field("next", format_args!("troupe verify-proof {file} --key '{key}'"))?)
    }
}

fn value(proved: &ProvedRecord) -> Value {
    proved.record.as_deref().map_or(Value::Null, |record| serde_json::from_slice(record).unwrap_or_default())
}

/// Says what a proof has shown; `known` is whether a key was given.
pub(in crate::cli) fn report(
    screen: &Screen,
    file: &str,
    proof: &RecordProof,
    proved: &ProvedRecord,
    known: bool,
) -> Done {
    let said = if known { Ok(()) } else { Err(Failure::said(2)) };
    let entry = &proved.entry;
    if screen.json {
        screen.json(&json!({
            "verified": known, "key-given": known, "key": proof.entry.key.to_string(),
            "record-key": proof.key, "record": value(proved), "root": proved.root.to_string(),
            "entry": entry.name.to_string(), "chain": entry.chain.to_string(), "seq": entry.entry.seq,
            "at": entry.entry.at.0, "size": entry.size,
        }))?;
        return said;
    }
    match known {
        true => screen.line(format_args!("{GOOD}verified{GOOD:#} {file}: the signed commons has this"))?,
        false => screen.line(format_args!(
            "{WARN}not verified{WARN:#} {file}: it holds, if the key below is whose you think"
        ))?,
    }
    screen.field("record", &proof.key)?;
    match &proved.record {
        Some(record) => screen.field("", String::from_utf8_lossy(record))?,
        None => screen.field("", "there is none")?,
    }
    let at = crate::cli::parse::utc(entry.entry.at);
    screen.field("after", format_args!("entry {} at seq {}, {at}", entry.name, count(entry.entry.seq)))?;
    screen.field("chain", entry.chain)?;
    screen.field("", "its genesis says whether it is a commons, and which")?;
    screen.field("signed", &proof.entry.key)?;
    if !known {
        screen.note("help: compare the key with one from somebody whom you believe, and give it as --key");
    }
    said
}
