//! What is said of a verification: to a person, and to a program.

use std::time::Instant;

use serde_json::{Value, json};
use troupe_api::Payload;
use troupe_chain::{CannotCheck, Divergence, Gap, NotVerified, Report, Tip};
use troupe_store::bundle::BundleError;

use super::Replayed;
use super::check::Seen;
use crate::cli::failure::Failure;
use crate::cli::origins::Origins;
use crate::cli::parse::utc;
use crate::cli::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, count, excerpt_bytes, plural, rate};

/// The most gaps that are shown to a person.
const MAX_SHOWN: usize = 20;

pub(super) fn say_linked(screen: &Screen, place: &str, tip: &Tip, started: Instant) -> std::io::Result<()> {
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
    seen: &Seen,
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
            "from": seen.from.map(|(seq, _)| seq), "beyond": seen.beyond.map(|(seq, _)| seq),
            "signed": seen.signed.as_ref().map(|signed| signed.to_json()),
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
    let speed = match seen.replayed {
        0 => "nothing".to_owned(),
        replayed => rate(replayed, *replaying),
    };
    screen.field("speed", format_args!("{speed} replayed, {seconds:.2} s in all"))?;
    screen.field("fuel", count(report.fuel.0))?;
    say_gaps(screen, report)?;
    if let Some((seq, at)) = seen.from {
        let at = utc(at);
        screen.field("before", format_args!("to seq {} it was replayed already, {at}", count(seq)))?;
    }
    if let Some((seq, at)) = seen.beyond {
        let (seq, at) = (count(seq), utc(at));
        screen.field(
            "older",
            format_args!("{WARN}it went to seq {seq}{WARN:#} when it was verified at {at}"),
        )?;
    }
    match &seen.signed {
        Some(signed) => signed.print(screen)?,
        None if seen.is_node => screen.field("signed", "nothing yet")?,
        None => {}
    }
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
pub(in crate::cli) fn entries(number: u64) -> String {
    plural(number, "entry")
}

/// Says why, and gives the exit code.
pub(in crate::cli) fn say_not_verified(screen: &Screen, place: &str, error: &NotVerified) -> Failure {
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

pub(super) fn say_bundle_false(screen: &Screen, place: &str, error: &BundleError) -> Failure {
    if let BundleError::Chain(why) = error {
        return say_not_verified(screen, place, why);
    }
    match say_false(screen, place, 1, error.seq(), &error.to_string()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => error.into(),
        _ => Failure::said(1),
    }
}

/// Says that a history is false, and where.
pub(in crate::cli) fn say_false(
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
