//! `troupe verify`: everything again, and compared.

use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};
use troupe_api::Payload;
use troupe_chain::{
    CannotCheck, Divergence, Gap, Hash, History, NotVerified, Redaction, Report, Tip, Unreadable,
};
use troupe_component::Sandbox;
use troupe_store::bundle::BundleError;

use super::code;
use super::failure::{Done, Failure};
use super::origins::{self, Origins, Verified};
use super::place::{NotOpened, Place, Source, Whose, open_store};
use super::progress;
use super::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, count, excerpt_bytes, plural, rate};

/// Replay a whole history and compare: believe nobody
///
/// Checks that the entries form a chain, that every blob is what its name says, and that running the component again on
/// every message leads to every state, reply, effect and failure that the chain says.
///
/// A store with several actors is verified as a whole, with where each entry says that it comes from, unless --actor
/// names one.
///
/// Exit code 0 if so, 1 if not, with the place; 2 if it could not be checked. Entries that could not be replayed, since
/// their operator redacted what they need, are neither: they are listed, and the exit code is 2 unless
/// --accept-redacted is given. A history that was cut short and given
/// another head can only be told from the whole one by whoever knows the head: --head.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe verify counter.store\n  \
    troupe verify counter\n  \
    troupe verify troupe.store --actor counter\n  \
    troupe verify http://127.0.0.1:8080\n  \
    troupe verify export.car --head 5f0c…\n  \
    troupe verify export/ --links-only\n  \
    troupe verify export.car --json | jq .verified")]
pub(crate) struct Verify {
    /// The folder of a store, a CAR file or folder made by export, the URL of a node or an actor, or the name of an actor of
    /// the node
    #[arg(value_name = "STORE|FILE.car|FOLDER|URL|ACTOR")]
    place: String,
    /// The name that the last entry must have
    #[arg(long, value_name = "HASH")]
    head: Option<Hash>,
    /// Check only that the entries form a chain; nothing is run
    #[arg(long)]
    links_only: bool,
    /// Take the operator's word for entries that he redacted: exit code 0 if all others come out again
    #[arg(long)]
    accept_redacted: bool,
    #[command(flatten)]
    whose: Whose,
}

/// The most gaps that are shown to a person.
const MAX_SHOWN: usize = 20;

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

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        self.source.redaction(name)
    }
}

pub(super) fn verify(screen: &Screen, command: &Verify) -> Done {
    let place = &command.place;
    let found = Place::find(place)?;
    if let (Place::Store(path), None) = (&found, &command.whose.actor) {
        let store = open_store(path)?;
        if store.chains()?.len() > 1 {
            if command.head.is_some() {
                return Err(Failure::cannot(
                    "--head is the last entry of one actor, and the store holds several",
                )
                .help("--actor NAME, or the beginning of its id, says which one"));
            }
            return origins::verify_store(
                screen,
                path,
                &store,
                (command.links_only, command.accept_redacted),
            );
        }
    }
    let source = match found.open(screen, &command.whose) {
        Ok(source) => source,
        Err(NotOpened::Cannot(failure)) => return Err(failure),
        Err(NotOpened::False(error)) => return Err(say_bundle_false(screen, place, &error)),
    };
    let history = Expected { source: &source, head: command.head.unwrap_or_else(|| source.head()) };
    let started = Instant::now();
    if command.links_only {
        return match troupe_chain::check_links(&history) {
            Ok(tip) => Ok(say_linked(screen, place, &tip, started)?),
            Err(error) => Err(say_not_verified(screen, place, &error)),
        };
    }
    match replay(screen, &sandbox(screen), &history, source.seq()) {
        Ok(replayed) => {
            let origins = match &source {
                Source::Store(store, history) if replayed.report.provenance_not_checked > 0 => {
                    let known = Verified::new(&**store, [(history.chain(), history.seq())]);
                    Some(known.origins()?)
                }
                _ => None,
            };
            let is_false = origins.as_ref().is_some_and(|origins| !origins.wrong.is_empty());
            let is_enough = replayed.report.is_complete() || command.accept_redacted;
            say_verified(screen, place, &replayed, origins.as_ref(), (is_enough, started))?;
            match (is_false, is_enough) {
                (true, _) => Err(Failure::said(1)),
                (false, false) => Err(Failure::said(2)),
                (false, true) => Ok(()),
            }
        }
        Err(error) => Err(say_not_verified(screen, place, &error)),
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

/// Verifies with a progress bar.
pub(super) fn replay<H: History>(
    screen: &Screen,
    sandbox: &Sandbox,
    history: &H,
    seq: u64,
) -> Result<Replayed, NotVerified> {
    let bar = progress::bar(screen, "replaying", Some(seq));
    let mut begun = None;
    let verdict = troupe_chain::verify(history, sandbox, |seq| {
        begun.get_or_insert_with(Instant::now);
        bar.set_position(seq);
    });
    let seconds = begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
    bar.finish_and_clear();
    Ok(Replayed { report: verdict?, seconds })
}

fn say_linked(screen: &Screen, place: &str, tip: &Tip, started: Instant) -> std::io::Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    let entries = tip.seq + 1;
    if screen.json {
        return screen.json(&json!({
            "verified": true, "checked": "links", "chain": tip.chain.to_string(),
            "head": tip.entry.to_string(), "seq": tip.seq, "seconds": seconds,
        }));
    }
    screen.line(format_args!("{GOOD}linked{GOOD:#} {BOLD}{place}{BOLD:#}: the entries form a chain"))?;
    screen.field("chain", tip.chain)?;
    screen.head(tip.entry, tip.seq)?;
    screen.field(
        "checked",
        format_args!("{} in {seconds:.2} s, {}", plural(entries, "link"), rate(entries, seconds)),
    )?;
    screen.field("not", "blobs and outcomes: leave out --links-only to replay them")
}

pub(super) fn say_verified(
    screen: &Screen,
    place: &str,
    replayed: &Replayed,
    origins: Option<&Origins>,
    (is_enough, started): (bool, Instant),
) -> std::io::Result<()> {
    let Replayed { report, seconds: replaying } = replayed;
    let seconds = started.elapsed().as_secs_f64();
    let is_false = origins.is_some_and(|origins| !origins.wrong.is_empty());
    if screen.json {
        let verified = if !is_false && !is_enough { Value::Null } else { json!(!is_false) };
        return screen.json(&json!({
            "verified": verified, "checked": "replay", "not_replayed": report.not_replayed,
            "gaps": report.gaps.iter().map(gap_json).collect::<Vec<_>>(), "chain": report.chain.to_string(),
            "head": report.head.to_string(), "seq": report.seq, "messages": report.messages,
            "failures": report.failures, "on_trust": report.on_trust,
            "provenance_not_checked": report.provenance_not_checked, "fuel": report.fuel.0, "seconds": seconds,
            "replay_seconds": replaying, "origins": origins.map(Origins::to_json),
        }));
    }
    let (style, word) = match (is_false, is_enough) {
        (true, _) => (BAD, "FALSE"),
        (false, true) => (GOOD, "verified"),
        (false, false) => (WARN, "not all replayed"),
    };
    let but = match report.not_replayed {
        0 => String::new(),
        count => format!(", but for {}", entries(count)),
    };
    screen.line(format_args!(
        "{style}{word}{style:#} {BOLD}{place}{BOLD:#}: replay leads to the same history{but}"
    ))?;
    screen.field("chain", report.chain)?;
    screen.head(report.head, report.seq)?;
    let (messages, failures) = (plural(report.messages, "message"), plural(report.failures, "failure"));
    screen.field("checked", format_args!("{}, {messages}, {failures}", plural(report.seq + 1, "link")))?;
    let speed = rate(report.messages + report.failures, *replaying);
    screen.field("speed", format_args!("{speed} replayed, {seconds:.2} s in all"))?;
    screen.field("fuel", count(report.fuel.0))?;
    say_gaps(screen, report)?;
    if report.on_trust > 0 {
        let on_trust = plural(report.on_trust, "failure");
        screen
            .field("on trust", format_args!("{WARN}{on_trust}{WARN:#} of an engine that this one is not"))?;
    }
    if let Some(origins) = origins {
        origins.print(screen)?;
    } else if report.provenance_not_checked > 0 {
        let senders = plural(report.provenance_not_checked, "sender");
        screen
            .field("unchecked", format_args!("{WARN}{senders}{WARN:#}: who they are is their own claim"))?;
    }
    Ok(())
}

/// Says which entries could not be replayed, and why.
fn say_gaps(screen: &Screen, report: &Report) -> std::io::Result<()> {
    if report.is_complete() {
        return Ok(());
    }
    let count = entries(report.not_replayed);
    let what = "not replayed, since what they need was redacted, as the operator says";
    screen.field("redacted", format_args!("{WARN}{count}{WARN:#} {what}"))?;
    for Gap { first, last, field, redaction, .. } in report.gaps.iter().take(MAX_SHOWN) {
        let at = if first == last { format!("seq {first}") } else { format!("seq {first} to {last}") };
        screen.field("", format_args!("{at}: `{field}` {redaction}"))?;
    }
    if report.gaps.len() > MAX_SHOWN {
        screen.field("", format_args!("and {} more stretches", report.gaps.len() - MAX_SHOWN))?;
    }
    Ok(())
}

fn gap_json(gap: &Gap) -> Value {
    let Gap { first, last, field, name, redaction } = gap;
    json!({
        "first": first, "last": last, "field": field, "name": name.to_string(),
        "kind": redaction.kind.as_str(), "at": redaction.at.0, "reason": redaction.reason.as_str(),
    })
}

/// So many entries, as a person reads it.
pub(super) fn entries(number: u64) -> String {
    plural(number, "entry").replace("entrys", "entries")
}

/// Says why, and gives the exit code.
pub(super) fn say_not_verified(screen: &Screen, place: &str, error: &NotVerified) -> Failure {
    let code = if error.is_false() { 1 } else { 2 };
    let said = match error {
        NotVerified::CannotCheck(why) if !screen.json => return cannot_check(place, why),
        NotVerified::Diverged(divergence) => say_diverged(screen, place, divergence),
        other => say_false(screen, place, code, other.seq(), &other.to_string()),
    };
    match said {
        Ok(()) => Failure::said(code),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Failure::said(code),
        Err(error) => error.into(),
    }
}

fn cannot_check(place: &str, why: &CannotCheck) -> Failure {
    let failure =
        Failure::cannot(format_args!("{place} could not be checked, which says nothing about it: {why}"));
    match why {
        CannotCheck::MissingBlob { .. } => failure
            .help("replay needs every message and the component; --links-only checks the entries alone"),
        CannotCheck::NoMachine(_) => failure.help("--links-only checks the entries alone"),
        _ => failure,
    }
}

fn say_bundle_false(screen: &Screen, place: &str, error: &BundleError) -> Failure {
    if let BundleError::Chain(why) = error {
        return say_not_verified(screen, place, why);
    }
    match say_false(screen, place, 1, error.seq(), &error.to_string()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => error.into(),
        _ => Failure::said(1),
    }
}

/// Says that a history is false, and where.
pub(super) fn say_false(
    screen: &Screen,
    place: &str,
    code: u8,
    seq: Option<u64>,
    why: &str,
) -> std::io::Result<()> {
    // An error begins with the step that found it.
    let (step, what) = why.split_once(": ").unwrap_or(("check", why));
    if screen.json {
        let verified = if code == 1 { json!(false) } else { Value::Null };
        return screen.json(&json!({ "verified": verified, "step": step, "seq": seq, "reason": what }));
    }
    screen.line(format_args!("{BAD}FALSE{BAD:#} {BOLD}{place}{BOLD:#}: not whole, or not as it was"))?;
    if let Some(seq) = seq {
        screen.field("where", format_args!("seq {seq}"))?;
    }
    screen.field("found by", step)?;
    screen.field("what", what)
}

fn say_diverged(screen: &Screen, place: &str, divergence: &Divergence) -> std::io::Result<()> {
    let Divergence { seq, field, says, got, got_bytes } = divergence;
    if screen.json {
        return screen.json(&json!({
            "verified": false, "step": "replay", "seq": seq, "field": field, "says": says, "got": got,
            "got_bytes": got_bytes.as_deref().map(|bytes| Payload(bytes).to_value()),
        }));
    }
    screen.line(format_args!("{BAD}FALSE{BAD:#} {BOLD}{place}{BOLD:#}: the replay diverges"))?;
    screen.field("where", format_args!("seq {seq}, `{field}`"))?;
    screen.field("chain says", says)?;
    screen.field("replay got", got)?;
    if let Some(bytes) = got_bytes {
        screen.field("", format_args!("{DIM}{}{DIM:#}", excerpt_bytes(bytes, 600)))?;
    }
    Ok(())
}
