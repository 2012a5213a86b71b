//! `troupe verify`: everything again, and compared; with what was signed about it, and with what was verified before.
//!
//! Deliberately absent: a way to believe a store or a file for what an earlier run found in it. They are replayed whole.

pub(in crate::cli) mod follow;
pub(in crate::cli) mod remembered;
mod say;
pub(in crate::cli) mod signed;

use std::num::NonZero;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use troupe::parallel::{self, Verification};
use troupe_chain::tree::Leaves;
use troupe_chain::{CannotCheck, Hash, History, NotVerified, Report, Timestamp, Unreadable, check_links};
use troupe_component::Sandbox;

use super::code;
use super::failure::{Done, Failure};
use super::origins::{self, Verified};
use super::parse::utc;
use super::place::{NotOpened, Place, Source, Whose, open_store};
use super::progress;
use super::screen::{HELP, Screen, count};
use remembered::{Memory, Record};
use say::{say_bundle_false, say_linked, say_verified};
use signed::{NotSigned, Signed, SignedArgs};

pub(super) use remembered::KeptEntries;
pub(super) use say::{say_false, say_not_verified};

/// How many threads a core has where most of the time they wait for a node.
const THREADS_PER_CORE: NonZero<usize> = NonZero::new(4).expect("it is not 0");
/// How often it is remembered how far a verification has come.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// Replay a whole history and compare: believe nobody
///
/// Checks that the entries form a chain, that every blob is what its name says, and that running the component again on
/// every message leads to every state, reply, effect and failure that the chain says.
///
/// A store with several actors is verified as a whole, with where each entry says that it comes from, unless --actor
/// names one.
///
/// Exit code 0 if so, 1 if not, with the place; 2 if it could not be checked. A history that was cut short and given
/// another head can only be told from the whole one by whoever knows the head: --head.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe verify counter.store\n  \
    troupe verify counter\n  \
    troupe verify troupe.store --actor counter\n  \
    troupe verify http://127.0.0.1:8080\n  \
    troupe verify export.car --head 5f0c…\n  \
    troupe verify export.car --checkpoint counter.checkpoint --key 'node.example/log+1a2b3c4d+AbCd…'\n  \
    troupe verify export/ --links-only\n  \
    troupe verify export.car --json | jq .verified")]
pub(crate) struct Verify {
    /// The folder of a store, a CAR file or folder made by export, the URL of a node or an actor, or the name of an actor of
    /// the node
    #[arg(value_name = "STORE|FILE.car|FOLDER|URL|ACTOR")]
    pub(in crate::cli) place: String,
    /// The name that the last entry must have
    #[arg(long, value_name = "HASH")]
    head: Option<Hash>,
    /// Check only that the entries form a chain; nothing is run
    #[arg(long)]
    links_only: bool,
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

/// A history of which the verifier knows the head from elsewhere.
struct Expected<'a> {
    source: &'a Source,
    head: Hash,
}

impl History for Expected<'_> {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        self.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        self.source.entries()
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        self.source.blob(name)
    }

    fn has_results(&self) -> bool {
        self.source.has_results()
    }
}

/// What a verification saw beside the history itself.
#[derive(Default)]
pub(in crate::cli) struct Seen {
    /// Up to where it was replayed by an earlier run, and when.
    from: Option<(u64, Timestamp)>,
    /// How many messages were replayed now.
    replayed: u64,
    /// What was signed about it.
    signed: Option<Signed>,
    /// Whether a node gave it, which might have signed it.
    is_node: bool,
}

pub(super) fn verify(screen: &Screen, command: &Verify) -> Done {
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
            return origins::verify_store(screen, path, &store, command.links_only);
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
    let sandbox = sandbox(screen);
    match check(screen, &sandbox, &mut source, command) {
        Ok((replayed, seen)) => {
            let origins = match &source {
                Source::Store(store, history) if replayed.report.provenance_not_checked > 0 => {
                    let known = Verified::new(&**store, [(history.chain(), history.seq())]);
                    Some(known.origins()?)
                }
                _ => None,
            };
            let is_false = origins.as_ref().is_some_and(|origins| !origins.wrong.is_empty());
            say_verified(screen, place, &replayed, origins.as_ref(), &seen, started)?;
            if is_false { Err(Failure::said(1)) } else { Ok(()) }
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

/// Why a history is not verified.
pub(in crate::cli) enum NotTrue {
    /// By itself.
    Replay(NotVerified),
    /// Beside what was signed or seen before: `step: what`.
    Said(String),
    /// It could not be told.
    Cannot(Failure),
}

impl From<Failure> for NotTrue {
    fn from(failure: Failure) -> Self {
        Self::Cannot(failure)
    }
}

impl From<NotSigned> for NotTrue {
    fn from(NotSigned(why): NotSigned) -> Self {
        Self::Said(format!("log: {why}"))
    }
}

impl From<Unreadable> for NotTrue {
    fn from(error: Unreadable) -> Self {
        Self::Replay(CannotCheck::from(error).into())
    }
}

/// Checks a history by itself, beside what was signed about it, and beside what this user verified before.
pub(in crate::cli) fn check(
    screen: &Screen,
    sandbox: &Sandbox,
    source: &mut Source,
    command: &Verify,
) -> Result<(Replayed, Seen), NotTrue> {
    let (memory, chain) = (Memory::of_user(), source.chain());
    let known = memory.as_ref().and_then(|memory| memory.read(&chain));
    let mut signed = signed::read(&command.signed)?;
    if let (Source::Remote(remote), None) = (&mut *source, &signed) {
        signed = signed::fetch(&remote.log(), &command.signed, known.as_ref().and_then(Record::key))?;
        if signed.as_ref().is_some_and(|signed| signed.checkpoint.head().size > remote.seq() + 1) {
            // It may have grown in between.
            remote.refresh()?;
        }
    }
    if let Some(known) = &known {
        compare(source, known, memory.as_ref())?;
    }
    let is_node = matches!(source, Source::Remote(_));
    if signed.is_none() && (command.signed.key.is_some() || !command.signed.witness_key.is_empty()) {
        return Err(not_signed(is_node).into());
    }
    if let (Source::Remote(remote), Some(memory), false) = (&*source, &memory, command.fresh)
        && let Ok(Some((kept, entries))) = memory.entries(&chain)
    {
        remote.go_on(kept, entries)?;
    }
    let history = Expected { source, head: command.head.unwrap_or_else(|| source.head()) };
    let former = known.as_ref().and_then(Record::checkpoint);
    if signed.is_some() || former.is_some() {
        let leaves = signed::leaves(&history)?;
        let checked = check_signed(source, &mut signed, &known, &chain, &leaves, command);
        if let Err(fault) = checked {
            // Structure comes before what was signed.
            check_links(&history).map_err(NotTrue::Replay)?;
            return Err(fault);
        }
    }
    // What another engine replayed, or a store keeps, is replayed again.
    let trusted = known.as_ref().filter(|known| is_node && !command.fresh && known.is_of(sandbox.engine()));
    let (replayed, base) = run(screen, sandbox, &history, source.seq(), trusted, command, memory.as_ref())?;
    let seen = Seen {
        from: base.map(|known| (known.seq, known.at())),
        replayed: replayed.report.messages + replayed.report.failures,
        signed,
        is_node,
    };
    let report = base.map_or_else(|| replayed.report.clone(), |known| known.and(&replayed.report));
    if let Some(memory) = &memory {
        let by = seen.signed.as_ref().map(|signed| (&signed.key, &signed.checkpoint));
        remember(screen, memory, Record::new(&report, sandbox.engine()).signed(by));
    }
    Ok((Replayed { report, ..replayed }, seen))
}

fn not_signed(is_node: bool) -> Failure {
    match is_node {
        true => Failure::cannot("the node has signed nothing about this actor, or not yet")
            .help("a node signs about a second after a commit"),
        false => Failure::cannot("there is nothing signed to compare with")
            .help("--checkpoint FILE gives a checkpoint that somebody kept"),
    }
}

/// Compares what is shown with what this user saw before.
fn compare(source: &Source, known: &Record, memory: Option<&Memory>) -> Result<(), NotTrue> {
    let (seq, last) = (known.seq, source.seq());
    let shown = match source {
        Source::Remote(_) if last < seq => None,
        // A copy may well be older; how far it goes is not known to be a lie.
        _ if last < seq => return Ok(()),
        _ => source.name_at(seq)?,
    };
    if shown == known.head() {
        return Ok(());
    }
    let (at, seq) = (utc(known.at()), count(seq));
    let what = match shown {
        None => {
            format!("it went to seq {seq} when it was verified at {at}, and now ends at seq {}", count(last))
        }
        Some(_) => format!(
            "the entry at seq {seq} is another than when it was verified at {at}: two histories were shown"
        ),
    };
    let path = memory.map(|memory| memory.path(&source.chain()).display().to_string()).unwrap_or_default();
    Err(NotTrue::Said(format!("remembered: {what} ({path} remembers)")))
}

/// Checks what was signed now, and by an earlier run.
fn check_signed(
    source: &Source,
    signed: &mut Option<Signed>,
    known: &Option<Record>,
    chain: &Hash,
    leaves: &Leaves,
    command: &Verify,
) -> Result<(), NotTrue> {
    if let Some(signed) = signed {
        signed.check(chain, leaves)?;
        if let Source::Remote(remote) = source {
            signed.witnessed(&remote.log(), &command.signed, leaves)?;
        }
    }
    let former = known.as_ref().and_then(Record::checkpoint);
    match (former, source) {
        (Some(former), Source::Remote(_)) if leaves.head_at(former.head().size) != Some(*former.head()) => {
            let size = count(former.head().size);
            let what = format!("the node had signed {size} entries of another history, or shows fewer");
            Err(NotTrue::Said(format!("remembered: {what}")))
        }
        _ => Ok(()),
    }
}

/// Replays, from where an earlier run ended if its state is still at hand, and remembers as it goes.
fn run<'r>(
    screen: &Screen,
    sandbox: &Sandbox,
    history: &Expected<'_>,
    seq: u64,
    trusted: Option<&'r Record>,
    command: &Verify,
    memory: Option<&Memory>,
) -> Result<(Replayed, Option<&'r Record>), NotTrue> {
    let is_node = matches!(history.source, Source::Remote(_));
    let threads = command.threads.unwrap_or_else(|| match is_node {
        // Most of the time a thread waits for the node.
        true => parallel::cores().saturating_mul(THREADS_PER_CORE),
        false => parallel::cores(),
    });
    let saved = Mutex::new(Instant::now());
    let go = |known: Option<&Record>| {
        let save = |report: &Report| {
            let mut saved = saved.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(memory) = memory.filter(|_| is_node && saved.elapsed() > SAVE_EVERY) {
                *saved = Instant::now();
                let report = known.map_or_else(|| report.clone(), |known| known.and(report));
                remember(screen, memory, Record::new(&report, sandbox.engine()));
            }
        };
        let trusted = known.and_then(|known| Some((known.seq, known.head()?)));
        let how = Verification { threads, trusted, verified: &save, ..Verification::default() };
        replay_from(screen, sandbox, history, seq, &how)
    };
    match (go(trusted), trusted) {
        // Without the state there, it is replayed from the beginning.
        (Err(NotVerified::CannotCheck(CannotCheck::MissingBlob { field: "state", .. })), Some(_)) => {
            Ok((go(None).map_err(NotTrue::Replay)?, None))
        }
        (result, base) => Ok((result.map_err(NotTrue::Replay)?, base)),
    }
}

/// What cannot be kept costs the next run its time, and nothing else.
fn remember(screen: &Screen, memory: &Memory, record: Record) {
    if let Err(error) = memory.keep(record) {
        screen.warn(format_args!("what was verified is not remembered: {error}"));
    }
}

/// What a verification found, and how long the replay itself took.
pub(super) struct Replayed {
    pub(super) report: Report,
    pub(super) seconds: f64,
}

/// What replays: several histories need each component compiled once.
pub(super) fn sandbox(screen: &Screen) -> Sandbox {
    code::sandbox(screen, None, None)
}

/// Verifies on all cores, with a progress bar.
pub(super) fn replay<H>(
    screen: &Screen,
    sandbox: &Sandbox,
    history: &H,
    seq: u64,
) -> Result<Replayed, NotVerified>
where
    H: History + Sync,
    H::Bytes: Send + Sync,
{
    replay_from(screen, sandbox, history, seq, &Verification::default())
}

/// Verifies as `how` says, with a progress bar.
pub(super) fn replay_from<H>(
    screen: &Screen,
    sandbox: &Sandbox,
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
    let verdict = parallel::verify(history, sandbox, &Verification { replayed: &replayed, ..*how });
    let seconds = begun.get().map_or(0.0, |begun: &Instant| begun.elapsed().as_secs_f64());
    bar.finish_and_clear();
    Ok(Replayed { report: verdict?, seconds })
}
