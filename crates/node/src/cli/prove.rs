//! `troupe prove`: one file that shows a stranger an entry.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use troupe_api::{ClientError, ErrorCode};
use troupe_chain::note::{ProofFile, Trust};

use super::checkpoint::find;
use super::failure::{Done, Failure};
use super::node::{NodeArgs, explain};
use super::screen::{Screen, short, size};

/// How long to wait until the node has signed what it committed.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(200);

/// Write a proof that an entry is in a node's signed history
///
/// The file holds the entry and all that leads from it to what the node signed and its witnesses cosigned. Whoever has the
/// node's key checks it with `troupe verify-proof`, offline.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe prove counter 3 -o counter-3.proof\n  \
    troupe prove https://node.example/actors/counter 3 > counter-3.proof\n  \
    troupe verify-proof counter-3.proof --key 'troupe.node/0123456789abcdef+1a2b3c4d+AbCd…'")]
pub(crate) struct Prove {
    /// An actor's name or id, or its URL
    #[arg(value_name = "ACTOR|URL")]
    actor: String,
    /// The entry's position
    seq: u64,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn prove(screen: &Screen, command: &Prove) -> Done {
    let (mut log, _) = find(&command.node, Some(&command.actor))?;
    let info = log.info().map_err(|error| explain(&error))?;
    // A node that has one actor has it at its root, but the root's proofs are the node's.
    if !log.url().contains("/actors/") {
        log = log.actor(&info.actor);
    }
    let begun = Instant::now();
    let file = loop {
        match log.proof(command.seq) {
            Ok(file) => break file,
            Err(error) if is_early(&error) && command.seq <= info.seq && begun.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            Err(error) if is_early(&error) && command.seq > info.seq => {
                return Err(Failure::cannot(format_args!("the chain ends at seq {}", info.seq)));
            }
            Err(error) => return Err(explain(&error)),
        }
    };
    // What does not hold is not handed on.
    let trust = Trust { node: file.key.clone(), witnesses: Vec::new(), quorum: 0 };
    let proved = file.check(&trust).map_err(|error| {
        Failure::is_false(format_args!("{} answered with a proof that does not hold: {error}", log.url()))
    })?;
    if proved.chain.to_string() != info.actor || proved.entry.seq != command.seq {
        return Err(Failure::is_false(format_args!("{} answered with a proof of another entry", log.url())));
    }
    write(screen, command, &file, &proved.name.to_string())
}

fn is_early(error: &ClientError) -> bool {
    error.problem().is_some_and(|problem| problem.code == ErrorCode::NotSigned)
}

fn write(screen: &Screen, command: &Prove, file: &ProofFile, name: &str) -> Done {
    let text = file.to_string();
    let Some(path) = &command.output else { return Ok(screen.bytes(text.as_bytes())?) };
    let failed = |error| Failure::cannot(format_args!("cannot write {}: {error}", path.display()));
    std::fs::write(path, &text).map_err(failed)?;
    let shown = path.display();
    if screen.json {
        let key = file.key.to_string();
        return Ok(screen.json(&json!({ "file": shown.to_string(), "entry": name, "key": key }))?);
    }
    screen.line(format_args!("proof of entry {} in {shown}", short(name)))?;
    screen.field("holds", size(text.len() as u64))?;
    screen.field("key", &file.key)?;
    Ok(screen.field("next", format_args!("troupe verify-proof {shown} --key '{}'", file.key))?)
}
