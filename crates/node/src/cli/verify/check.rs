//! What is checked of a history beside its replay: that it is the one asked for, what was signed about it, and what this
//! user verified before.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use troupe::machines::AllMachines;
use troupe::parallel::{self, Verification};
use troupe_chain::tree::Leaves;
use troupe_chain::{
    CannotCheck, Hash, History, Machines, NotVerified, Redaction, Report, Timestamp, Unreadable, check_links,
};

use super::remembered::{Memory, Record};
use super::signed::{self, NotSigned, Signed};
use super::{Replayed, Verify, replay_from};
use crate::cli::failure::Failure;
use crate::cli::parse::utc;
use crate::cli::place::Source;
use crate::cli::screen::{Screen, count};

/// How many threads a core has where most of the time they wait for a node.
const THREADS_PER_CORE: NonZero<usize> = NonZero::new(4).expect("it is not 0");
/// How often it is remembered how far a verification has come.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// A history of which the verifier knows the head from elsewhere.
pub(super) struct Expected<'a> {
    pub(super) source: &'a Source,
    pub(super) head: Hash,
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

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        self.source.redaction(name)
    }

    fn has_results(&self) -> bool {
        self.source.has_results()
    }
}

/// What a verification saw beside the history itself.
#[derive(Default)]
pub(super) struct Seen {
    /// Up to where it was replayed by an earlier run, and when.
    pub(super) from: Option<(u64, Timestamp)>,
    /// How far an earlier run has seen it go, if that is further, and when.
    pub(super) beyond: Option<(u64, Timestamp)>,
    /// How many messages were replayed now.
    pub(super) replayed: u64,
    /// What was signed about it.
    pub(super) signed: Option<Signed>,
    /// Whether a node gave it, which might have signed it.
    pub(super) is_node: bool,
}

/// Why a history is not verified.
pub(super) enum NotTrue {
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
pub(super) fn check(
    screen: &Screen,
    machines: &AllMachines,
    source: &mut Source,
    command: &Verify,
) -> Result<(Replayed, Seen), NotTrue> {
    let (memory, chain) = (Memory::of_user(), source.chain());
    check_asked_for(&chain, command)?;
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
    if signed.is_none() && (command.signed.is_signer_given() || !command.signed.witness_key.is_empty()) {
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
    let trusted = known.as_ref().filter(|known| is_node && !command.fresh && known.is_of(machines.engine()));
    let (replayed, base) = run(screen, machines, &history, source.seq(), trusted, command, memory.as_ref())?;
    let seen = Seen {
        from: base.map(|known| (known.seq, known.at())),
        beyond: known.as_ref().filter(|known| known.seq > source.seq()).map(|known| (known.seq, known.at())),
        replayed: replayed.report.messages + replayed.report.failures,
        signed,
        is_node,
    };
    if replayed.report.chain != chain {
        let what = format!("the first entry is {}, and the actor should be {chain}", replayed.report.chain);
        return Err(NotTrue::Said(format!("structure: {what}")));
    }
    let report = base.map_or_else(|| replayed.report.clone(), |known| known.and(&replayed.report));
    if let Some(memory) = &memory {
        let by = seen.signed.as_ref().map(|signed| (&signed.key, &signed.checkpoint));
        remember(screen, memory, &report, Record::new(&report, machines.engine()).signed(by));
    }
    Ok((Replayed { report, ..replayed }, seen))
}

/// An id certifies itself: where one is asked for, the history of another actor is no answer.
fn check_asked_for(chain: &Hash, command: &Verify) -> Result<(), NotTrue> {
    let texts = [command.whose.actor.as_deref(), command.place.rsplit('/').next()];
    let asked = texts.into_iter().flatten().find_map(|text| text.parse::<Hash>().ok());
    match asked {
        Some(asked) if asked != *chain => Err(NotTrue::Said(format!(
            "structure: the history is that of {chain}, and {asked} was asked for"
        ))),
        _ => Ok(()),
    }
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
    machines: &AllMachines,
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
                remember(screen, memory, &report, Record::new(&report, machines.engine()));
            }
        };
        let trusted = known.and_then(|known| Some((known.seq, known.head()?)));
        let how = Verification { threads, trusted, verified: &save, ..Verification::default() };
        replay_from(screen, machines, history, seq, &how)
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
fn remember(screen: &Screen, memory: &Memory, report: &Report, record: Record) {
    // What was not replayed is asked for again the next time.
    if !report.is_complete() {
        return;
    }
    if let Err(error) = memory.keep(record) {
        screen.warn(format_args!("what was verified is not remembered: {error}"));
    }
}
