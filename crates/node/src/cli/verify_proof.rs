//! `troupe verify-proof`: whether a proof holds, from the file and the keys alone.

use std::path::PathBuf;

use serde_json::json;
use troupe_chain::Timestamp;
use troupe_chain::note::{ProofFile, Proved, PublicKey, Trust};
use troupe_commons::{MAX_RECORD_PROOF_BYTES, RECORD_PROOF_HEADER, RecordProof};

use super::commons::prove;
use super::failure::{Done, Failure};
use super::parse::utc;
use super::screen::{BAD, GOOD, Screen, WARN, count};
use super::signing;

/// Check a proof that `troupe prove` or `troupe mana prove` wrote
///
/// Nothing is asked of any node. The exit code is 0 if the entry is in a history that the key signed and enough witnesses
/// cosigned, 1 if the proof does not hold, and 2 if it could not be checked: also if no key was given.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe verify-proof counter-3.proof --key 'troupe.node/0123456789abcdef+1a2b3c4d+AbCd…'\n  \
    troupe verify-proof counter-3.proof --key KEY --witness-key KEY1 --witness-key KEY2 --witnesses 1\n  \
    troupe verify-proof counter-3.proof --key KEY --json | jq .verified")]
pub(crate) struct VerifyProof {
    /// The file
    file: PathBuf,
    /// The node's key, from somebody whom you believe
    #[arg(long, value_name = "KEY", value_parser = signing::log_key)]
    key: Option<PublicKey>,
    /// The key of a witness that you believe; may be given again
    #[arg(long, alias = "witness", value_name = "KEY", value_parser = signing::witness_key)]
    witness_key: Vec<PublicKey>,
    /// How many of them must have cosigned [default: all of them]
    #[arg(long, value_name = "N", requires = "witness_key")]
    witnesses: Option<usize>,
}

pub(super) fn verify_proof(screen: &Screen, command: &VerifyProof) -> Done {
    let shown = command.file.display();
    let cannot = |error: &dyn std::fmt::Display| Failure::cannot(format_args!("{shown}: {error}"));
    let length = std::fs::metadata(&command.file).map_err(|error| cannot(&error))?.len();
    if length > MAX_RECORD_PROOF_BYTES as u64 {
        return Err(cannot(&format_args!("no proof has {} bytes", count(length))));
    }
    let bytes = std::fs::read(&command.file).map_err(|error| cannot(&error))?;
    if bytes.starts_with(RECORD_PROOF_HEADER.as_bytes()) {
        return verify_record(screen, command, &bytes);
    }
    let file = ProofFile::parse(&bytes).map_err(|error| cannot(&error))?;
    let trust = command.trust(&file);
    match file.check(&trust) {
        Ok(proved) => report(screen, command, &file, &proved),
        Err(error) => is_false(screen, command, &error),
    }
}

impl VerifyProof {
    /// Who is believed.
    fn trust(&self, file: &ProofFile) -> Trust {
        let quorum = self.witnesses.unwrap_or(self.witness_key.len());
        let node = self.key.clone().unwrap_or_else(|| file.key.clone());
        Trust { node, witnesses: self.witness_key.clone(), quorum }
    }
}

/// As of an entry, of a record of a commons.
fn verify_record(screen: &Screen, command: &VerifyProof, bytes: &[u8]) -> Done {
    let shown = command.file.display();
    let proof =
        RecordProof::parse(bytes).map_err(|error| Failure::cannot(format_args!("{shown}: {error}")))?;
    match proof.check(&command.trust(&proof.entry)) {
        Ok(proved) => prove::report(screen, &shown.to_string(), &proof, &proved, command.key.is_some()),
        Err(error) => is_false(screen, command, &error),
    }
}

fn is_false(screen: &Screen, command: &VerifyProof, error: &dyn std::fmt::Display) -> Done {
    let (shown, reason) = (command.file.display(), error.to_string());
    if screen.json {
        screen.json(&json!({ "verified": false, "reason": reason }))?;
    } else {
        screen.line(format_args!("{BAD}FALSE{BAD:#} {shown}: {reason}"))?;
    }
    Err(Failure::said(1))
}

fn report(screen: &Screen, command: &VerifyProof, file: &ProofFile, proved: &Proved) -> Done {
    let is_known = command.key.is_some();
    let said = if is_known { Ok(()) } else { Err(Failure::said(2)) };
    let at = |seconds: u64| utc(Timestamp(seconds.saturating_mul(1000)));
    if screen.json {
        let witnesses: Vec<_> = proved.witnesses.iter().map(|(name, _)| name.to_string()).collect();
        screen.json(&json!({
            "verified": is_known, "key-given": is_known, "key": file.key.to_string(), "witnesses": witnesses,
            "entry": proved.name.to_string(), "chain": proved.chain.to_string(), "seq": proved.entry.seq,
            "size": proved.size, "kind": proved.entry.body.kind(), "at": proved.entry.at.0,
        }))?;
        return said;
    }
    let shown = command.file.display();
    match is_known {
        true => {
            screen.line(format_args!("{GOOD}verified{GOOD:#} {shown}: the signed history has this entry"))?
        }
        false => screen.line(format_args!(
            "{WARN}not verified{WARN:#} {shown}: it holds, if the key below is whose you think"
        ))?,
    }
    screen.field("entry", proved.name)?;
    let (seq, kind) = (count(proved.entry.seq), proved.entry.body.kind());
    screen.field("", format_args!("{kind} at seq {seq}, {}", utc(proved.entry.at)))?;
    screen.field("chain", proved.chain)?;
    screen.field("", format_args!("of {} entries when it was signed", count(proved.size)))?;
    screen.field("signed", &file.key)?;
    for (name, time) in &proved.witnesses {
        screen.field("cosigned", format_args!("{name}, {}", at(*time)))?;
    }
    if !is_known {
        screen.note("help: compare the key with one from somebody whom you believe, and give it as --key");
    }
    said
}
