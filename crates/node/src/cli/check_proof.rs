//! `troupe check-proof`: whether an accusation holds, from the file alone.

use std::path::PathBuf;

use serde_json::{Value, json};
use troupe_chain::NotVerified;
use troupe_chain::fraud::{FraudProof, Lie, MAX_FRAUD_BYTES, NotShown, Shown};
use troupe_chain::note::PublicKey;

use super::failure::{Done, Failure};
use super::parse;
use super::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, count, excerpt_bytes};
use super::{signing, verify};

/// Check a proof that `troupe accuse` wrote
///
/// Nothing is asked of any node: the signatures are checked, and the entry that is said to be false is run again. The exit
/// code is 0 if the accusation holds, 1 if it does not, and 2 if it could not be checked.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe check-proof 4b67a9ca8911.fraud\n  \
    troupe check-proof 4b67a9ca8911.fraud --key 'node.example/log+1a2b3c4d+AbCd…'\n  \
    troupe check-proof 4b67a9ca8911.fraud --json | jq .holds")]
pub(crate) struct CheckProof {
    /// The file
    file: PathBuf,
    /// The key that must be the one that is accused
    #[arg(long, value_name = "KEY", value_parser = signing::log_key)]
    key: Option<PublicKey>,
}

pub(super) fn check_proof(screen: &Screen, command: &CheckProof) -> Done {
    let shown = command.file.display();
    let cannot = |error: &dyn std::fmt::Display| Failure::cannot(format_args!("{shown}: {error}"));
    let length = std::fs::metadata(&command.file).map_err(|error| cannot(&error))?.len();
    if length > MAX_FRAUD_BYTES as u64 {
        return Err(cannot(&format_args!("no proof has {} bytes", count(length))));
    }
    let proof = FraudProof::parse(&parse::file(&command.file)?).map_err(|error| cannot(&error))?;
    if let Some(key) = command.key.as_ref().filter(|key| **key != proof.key) {
        return does_not_hold(screen, command, &format!("it accuses {}, and not {key}", proof.key));
    }
    match proof.check(&verify::machines(screen)) {
        Ok(found) => holds(screen, command, &proof, &found),
        Err(error) if error.is_false() => does_not_hold(screen, command, &error.to_string()),
        Err(error) => {
            let failure = cannot(&error);
            Err(match error {
                NotShown::OtherEngine(_) => {
                    failure.help("a version of this program with that engine can tell")
                }
                _ => failure,
            })
        }
    }
}

/// What a lie is called.
pub(super) fn kind(lie: &Lie) -> &'static str {
    match lie {
        Lie::Roots(_) => "roots",
        Lie::Leaves(_) => "leaves",
        Lie::Step(_) => "step",
    }
}

fn does_not_hold(screen: &Screen, command: &CheckProof, why: &str) -> Done {
    if screen.json {
        screen.json(&json!({ "holds": false, "reason": why }))?;
    } else {
        let file = command.file.display();
        screen.line(format_args!("{BAD}does not hold{BAD:#} {BOLD}{file}{BOLD:#}: {why}"))?;
    }
    Err(Failure::said(1))
}

fn holds(screen: &Screen, command: &CheckProof, proof: &FraudProof, found: &Shown) -> Done {
    let fault = match found {
        Shown::Step { fault, .. } => Some(&**fault),
        Shown::Roots { .. } | Shown::Leaves { .. } => None,
    };
    if screen.json {
        let mut said = json!({
            "holds": true, "kind": kind(&proof.lie), "key": proof.key.to_string(),
            "key_given": command.key.is_some(), "reason": found.to_string(),
            "fault": fault.map(ToString::to_string),
        });
        let more = match found {
            Shown::Roots { origin, size } => json!({ "origin": origin, "size": size }),
            Shown::Leaves { origin, index } => json!({ "origin": origin, "index": index }),
            Shown::Step { chain, seq, .. } => json!({ "chain": chain.to_string(), "seq": seq }),
        };
        if let (Value::Object(said), Value::Object(more)) = (&mut said, more) {
            said.extend(more);
        }
        return Ok(screen.json(&said)?);
    }
    let file = command.file.display();
    screen.line(format_args!("{GOOD}holds{GOOD:#} {BOLD}{file}{BOLD:#}: {found}"))?;
    if let Shown::Step { chain, .. } = found {
        screen.field("chain", chain)?;
    }
    match fault {
        Some(NotVerified::Diverged(divergence)) => {
            screen.field("field", divergence.field)?;
            screen.field("chain says", &divergence.says)?;
            screen.field("replay got", &divergence.got)?;
            if let Some(bytes) = &divergence.got_bytes {
                screen.field("", format_args!("{DIM}{}{DIM:#}", excerpt_bytes(bytes, 600)))?;
            }
        }
        Some(fault) => screen.field("what", fault)?,
        None => {}
    }
    screen.field("signed", &proof.key)?;
    if command.key.is_none() {
        screen.field("", format_args!("{WARN}whose key that is{WARN:#}, --key KEY checks"))?;
    }
    Ok(())
}
