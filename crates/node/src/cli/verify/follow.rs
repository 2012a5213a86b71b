//! `troupe follow`: verifies a node's actor again and again as its history grows.
//!
//! Invariant: what is said to be verified was replayed; a node that does not answer is waited for, and is no liar for that.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use troupe::machines::AllMachines;
use troupe_chain::{Hash, History};

use super::check::{NotTrue, check};
use super::{SignedArgs, Verify, entries, machines, say_false, say_not_verified};
use crate::cli::failure::{Done, Failure};
use crate::cli::place::{NotOpened, Place, Source, Whose};
use crate::cli::screen::{GOOD, Screen, WARN, count, plural, short};

/// How many times longer than a look took the pause after it is at least, so that a long history takes a fifth of the time.
const PAUSE_PER_LOOK: u32 = 4;
/// How often a node that does not answer is tried in a row.
const MAX_TRIES: u32 = 60;

/// Keep verifying an actor of a node as its history grows
///
/// Each time there is something new it is replayed, and compared with what was signed and with what was seen before. It
/// ends with the chain, with Ctrl-C, or with the first thing that is false: then --on-divergence runs a command.
///
/// Exit code 0 if the chain has ended and was true, 1 if it is false, 2 if the node cannot be reached.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe follow http://127.0.0.1:8080\n  \
    troupe follow counter --every 10s\n  \
    troupe follow counter --on-divergence 'troupe accuse \"$TROUPE_PLACE\"'\n  \
    troupe follow counter --json | jq .seq")]
pub(crate) struct Follow {
    /// The URL of a node or an actor, an actor's name, or, with --url, the DID of whoever must have signed
    #[arg(value_name = "URL|ACTOR|DID")]
    place: String,
    /// How long to wait before asking again, at least
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    every: Duration,
    /// What to run once something is false, by the shell; TROUPE_PLACE and TROUPE_REASON say what
    #[arg(long, value_name = "COMMAND")]
    on_divergence: Option<String>,
    #[command(flatten)]
    signed: SignedArgs,
    #[command(flatten)]
    whose: Whose,
}

/// What a look at the node came to.
enum Look {
    /// There is nothing new since this head.
    Same(Hash),
    /// It was verified up to this head, and may grow.
    Grown(Hash),
    /// It was verified, and has ended.
    Ended,
    /// The node does not answer, or it could not be checked.
    Away(Failure),
    /// It is false.
    False(String),
}

pub(in crate::cli) fn follow(screen: &Screen, command: Follow) -> Done {
    let Follow { mut place, every, on_divergence, mut signed, whose } = command;
    signed.resolve(&mut place)?;
    let verify = Verify {
        place,
        head: None,
        links_only: false,
        accept_redacted: false,
        fresh: false,
        threads: None,
        signed,
        whose,
    };
    let machines = machines(screen);
    let (mut last, mut tries) = (None, 0);
    loop {
        let begun = Instant::now();
        match look(screen, &machines, &verify, last)? {
            Look::Same(head) | Look::Grown(head) => (last, tries) = (Some(head), 0),
            Look::Ended => return Ok(()),
            // A node that never answered is perhaps none.
            Look::Away(failure) if last.is_none() || tries >= MAX_TRIES => return Err(failure),
            Look::Away(failure) => {
                if tries == 0 {
                    screen.note(format_args!("{WARN}not checked{WARN:#}: {failure}; trying again"));
                }
                tries += 1;
            }
            Look::False(reason) => {
                if let Some(command) = &on_divergence {
                    run(screen, command, &verify.place, &reason)?;
                }
                return Err(Failure::said(1));
            }
        }
        std::thread::sleep(every.max(begun.elapsed() * PAUSE_PER_LOOK));
    }
}

fn look(
    screen: &Screen,
    machines: &AllMachines,
    verify: &Verify,
    last: Option<Hash>,
) -> Result<Look, Failure> {
    let place = Place::find(&verify.place)?;
    if let Place::Store(_) | Place::Bundle(_) = place {
        return Err(Failure::cannot("a store or a file does not grow while it is read")
            .help("give the URL of a node, or the name of an actor"));
    }
    let mut source = match place.open(screen, &verify.whose) {
        Ok(source) => source,
        Err(NotOpened::Cannot(failure)) => return Ok(Look::Away(failure)),
        Err(NotOpened::False(error)) => return Err(Failure::is_false(error)),
    };
    if last == Some(source.head()) {
        return Ok(Look::Same(source.head()));
    }
    let reason = match check(screen, machines, &mut source, verify) {
        Ok((replayed, seen)) => {
            let (seq, head) = (replayed.report.seq, replayed.report.head);
            let (is_complete, left) = (replayed.report.is_complete(), replayed.report.not_replayed);
            if screen.json {
                let signed = seen.signed.as_ref().map(|signed| signed.checkpoint.head().size);
                screen.json(&json!({
                    "verified": is_complete.then_some(true), "seq": seq, "head": head.to_string(),
                    "replayed": seen.replayed, "not_replayed": left, "signed": signed,
                }))?;
            } else {
                let replayed = plural(seen.replayed, "message");
                screen.line(format_args!(
                    "{GOOD}verified{GOOD:#} to seq {}, {}; {replayed} replayed",
                    count(seq),
                    short(head)
                ))?;
                if !is_complete {
                    let left = entries(left);
                    screen.note(format_args!(
                        "{WARN}but{WARN:#} {left} not replayed, since what they need was redacted"
                    ));
                }
            }
            let ended = matches!(&source, Source::Remote(remote) if remote.has_ended());
            return Ok(if ended { Look::Ended } else { Look::Grown(head) });
        }
        Err(NotTrue::Replay(error)) if error.is_false() => {
            let reason = error.to_string();
            say_not_verified(screen, &verify.place, &error);
            reason
        }
        Err(NotTrue::Said(reason)) => {
            say_false(screen, &verify.place, 1, None, &reason)?;
            reason
        }
        Err(NotTrue::Replay(error)) => return Ok(Look::Away(Failure::cannot(error))),
        Err(NotTrue::Cannot(failure)) => return Ok(Look::Away(failure)),
    };
    Ok(Look::False(reason))
}

/// Runs what the user wants to be run.
fn run(screen: &Screen, command: &str, place: &str, reason: &str) -> Done {
    let ran = Command::new("/bin/sh")
        .args(["-c", command])
        .env("TROUPE_PLACE", place)
        .env("TROUPE_REASON", reason)
        .status();
    let status = ran.map_err(|error| Failure::cannot(format_args!("cannot run `{command}`: {error}")))?;
    if !status.success() {
        screen.warn(format_args!("`{command}` ended with {status}"));
    }
    Ok(())
}
