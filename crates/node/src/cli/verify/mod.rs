//! `troupe verify`: everything again, and compared; with what was signed about it, and with what was verified before.
//!
//! Deliberately absent: a way to believe a store or a file for what an earlier run found in it. They are replayed whole.

mod check;
pub(in crate::cli) mod follow;
mod receipt;
pub(in crate::cli) mod remembered;
mod run;
mod say;
pub(in crate::cli) mod signed;

use std::num::NonZero;
use std::sync::OnceLock;
use std::time::Instant;

use troupe::machines::AllMachines;
use troupe::parallel::{self, Verification};
use troupe_chain::{Hash, History, NotVerified, Report};

use super::code;
use super::failure::{Done, Failure};
use super::origins::{self, Verified};
use super::place::{NotOpened, Place, Source, Whose, open_store};
use super::progress;
use super::screen::{HELP, Screen};
use check::{Expected, NotTrue, check};
use say::{say_bundle_false, say_linked, say_verified};
use signed::SignedArgs;

pub(super) use remembered::KeptEntries;
pub(super) use say::{entries, say_false, say_not_verified};

/// Replay a whole history and compare: believe nobody
///
/// Checks that the entries form a chain, that every blob is what its name says, and that running the component again on
/// every message leads to every state, reply, effect and failure that the chain says.
///
/// A store with several actors is verified as a whole, with where each entry says that it comes from, unless --actor
/// names one.
///
/// What was verified is remembered in the user's cache folder: the next run on a node goes on from there, and a node that
/// shows another history than before, or less of it, is FALSE.
///
/// Exit code 0 if so, 1 if not, with the place; 2 if it could not be checked. Entries that could not be replayed, since
/// their operator redacted what they need, are neither: they are listed, and the exit code is 2 unless
/// --accept-redacted is given. A history that was cut short and given another head can only be told from the whole one by
/// whoever knows the head, --head, or has a checkpoint that was signed, --checkpoint. A node is asked for its own.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe verify counter.store\n  \
    troupe verify counter\n  \
    troupe verify troupe.store --actor counter\n  \
    troupe verify http://127.0.0.1:8080\n  \
    troupe verify did:key:z6Mk… --url https://node.example/actors/counter\n  \
    troupe verify export.car --head 5f0c…\n  \
    troupe verify export.car --checkpoint counter.checkpoint --key 'node.example/log+1a2b3c4d+AbCd…'\n  \
    troupe verify export/ --links-only\n  \
    troupe verify job.receipt\n  \
    troupe verify export.car --json | jq .verified")]
pub(crate) struct Verify {
    /// The folder of a store, a CAR file or folder made by export, the URL of a node or an actor, or the name of an actor of
    /// the node; or the receipt of a job as a file, or by the job's id
    /// that of each of its executors; or, with --url, the DID of whoever must have signed
    #[arg(value_name = "STORE|FILE.car|FOLDER|URL|ACTOR|RECEIPT|JOB|DID")]
    pub(in crate::cli) place: String,
    /// The name that the last entry must have
    #[arg(long, value_name = "HASH")]
    head: Option<Hash>,
    /// Check only that the entries form a chain; nothing is run
    #[arg(long)]
    links_only: bool,
    /// Take the operator's word for entries that he redacted: exit code 0 if all others come out again
    #[arg(long)]
    pub(in crate::cli) accept_redacted: bool,
    /// Replay a node's history from its beginning, whatever was verified before
    #[arg(long)]
    fresh: bool,
    /// How many threads replay [default: one a core; four a core where blobs come from a node]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
    #[command(flatten)]
    pub(in crate::cli) signed: SignedArgs,
    #[command(flatten)]
    pub(in crate::cli) whose: Whose,
}

pub(super) fn verify(screen: &Screen, mut command: Verify) -> Done {
    command.signed.resolve(&mut command.place)?;
    let command = &command;
    if let Some(receipts) = receipt::meant(command)? {
        return receipt::verify(screen, command, &receipts);
    }
    let place = &command.place;
    let found = Place::find(place)?;
    if let (Place::Store(path), None) = (&found, &command.whose.actor) {
        let store = open_store(path)?;
        if store.chains()?.len() > 1 {
            if command.head.is_some() || command.signed.key.is_some() {
                return Err(Failure::cannot(
                    "--head and --key are about one actor, and the store holds several",
                )
                .help("--actor NAME, or the beginning of its id, says which one"));
            }
            let how = (command.links_only, command.accept_redacted);
            return origins::verify_store(screen, path, &store, how);
        }
    }
    let mut source = match found.open(screen, &command.whose) {
        Ok(source) => source,
        Err(NotOpened::Cannot(failure)) => return Err(failure),
        Err(NotOpened::False(error)) => return Err(say_bundle_false(screen, place, &error)),
    };
    let started = Instant::now();
    if command.links_only {
        let history = Expected { source: &source, head: command.head.unwrap_or_else(|| source.head()) };
        return match troupe_chain::check_links(&history) {
            Ok(tip) => Ok(say_linked(screen, place, &tip, started)?),
            Err(error) => Err(say_not_verified(screen, place, &error)),
        };
    }
    let machines = machines(screen);
    match check(screen, &machines, &mut source, command) {
        Ok((replayed, seen)) => {
            let origins = match &source {
                Source::Store(store, history) if replayed.report.provenance_not_checked > 0 => {
                    let known = Verified::new(&**store, [(history.chain(), history.seq())]);
                    Some(known.origins()?)
                }
                _ => None,
            };
            let is_false = origins.as_ref().is_some_and(|origins| !origins.wrong.is_empty());
            let is_enough = replayed.report.is_complete() || command.accept_redacted;
            say_verified(screen, place, &replayed, origins.as_ref(), &seen, (is_enough, started))?;
            match (is_false, is_enough) {
                (true, _) => Err(Failure::said(1)),
                (false, false) => Err(Failure::said(2)),
                (false, true) => Ok(()),
            }
        }
        Err(NotTrue::Replay(error)) => {
            let failure = say_not_verified(screen, place, &error);
            if error.is_false() && matches!(source, Source::Remote(_)) && !screen.json {
                screen.note(format_args!(
                    "{HELP}help:{HELP:#} `troupe accuse {place}` writes a proof of it, for others to check"
                ));
            }
            Err(failure)
        }
        Err(NotTrue::Said(why)) => {
            say_false(screen, place, 1, None, &why)?;
            Err(Failure::said(1))
        }
        Err(NotTrue::Cannot(failure)) => Err(failure),
    }
}

/// What a verification found, and how long the replay itself took.
pub(super) struct Replayed {
    pub(super) report: Report,
    pub(super) seconds: f64,
}

/// What replays: several histories need each component compiled once.
pub(super) fn machines(screen: &Screen) -> AllMachines {
    AllMachines::new(code::sandbox(screen, None, None))
}

/// Verifies on all cores, with a progress bar.
pub(super) fn replay<H>(
    screen: &Screen,
    machines: &AllMachines,
    history: &H,
    seq: u64,
) -> Result<Replayed, NotVerified>
where
    H: History + Sync,
    H::Bytes: Send + Sync,
{
    replay_from(screen, machines, history, seq, &Verification::default())
}

/// Verifies as `how` says, with a progress bar.
pub(super) fn replay_from<H>(
    screen: &Screen,
    machines: &AllMachines,
    history: &H,
    seq: u64,
    how: &Verification<'_>,
) -> Result<Replayed, NotVerified>
where
    H: History + Sync,
    H::Bytes: Send + Sync,
{
    let left = seq.saturating_sub(how.trusted.map_or(0, |(seq, _)| seq));
    let bar = progress::bar(screen, "replaying", Some(left));
    let begun = OnceLock::new();
    let replayed = || {
        begun.get_or_init(Instant::now);
        bar.inc(1);
    };
    let verdict = parallel::verify(history, machines, &Verification { replayed: &replayed, ..*how });
    let seconds = begun.get().map_or(0.0, |begun: &Instant| begun.elapsed().as_secs_f64());
    bar.finish_and_clear();
    Ok(Replayed { report: verdict?, seconds })
}
