//! What the debugger prints: the entry it stands at, and what is asked about it.

use serde_json::{Map, Value, json};
use troupe_api::Payload;
use troupe_chain::{Asked, Effect, Outcome, Step};

use super::again;
use super::session::Here;
use crate::cli::differences::differences;
use crate::cli::failure::Done;
use crate::cli::parse::utc;
use crate::cli::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, excerpt, short};

/// The most characters of a value in a line.
const MAX_VALUE: usize = 400;

/// Prints where the debugger stands.
pub(super) fn place(screen: &Screen, here: &Here, last: u64) -> Done {
    let seq = here.entry.seq;
    if screen.json {
        let mut members = Map::new();
        for name in ["seq", "at", "kind", "from", "message", "reply", "error", "effects", "log", "state"] {
            members.insert(name.to_owned(), here.lookup(name));
        }
        members.insert("difference".to_owned(), json!(here.difference()));
        return Ok(screen.json(&Value::Object(members))?);
    }
    let kind = here.entry.body.kind();
    let name = short(troupe_chain::Hash::of(&here.bytes));
    screen.line(format_args!(
        "{BOLD}{seq}{BOLD:#} of {last}  {kind}  {DIM}{}  {name}{DIM:#}",
        utc(here.entry.at)
    ))?;
    if let Some(message) = &here.message {
        let from = here.lookup("from");
        screen.field(
            "message",
            format_args!(
                "{} {DIM}from {}{DIM:#}",
                text(&Payload(message).to_value()),
                from.as_str().unwrap_or("?")
            ),
        )?;
    }
    if let Value::String(error) = here.lookup("error") {
        screen.field("failed", format_args!("{BAD}{error}{BAD:#}"))?;
    }
    diff(screen, here)?;
    let reply = here.lookup("reply");
    if !reply.is_null() {
        screen.field("reply", text(&reply))?;
    }
    effects(screen, here)?;
    log(screen, here.step.as_ref())?;
    if let Some(difference) = here.difference() {
        screen.field("FALSE", format_args!("{BAD}{difference}{BAD:#}"))?;
    }
    Ok(())
}

/// Prints where the state differs from the one before.
pub(super) fn diff(screen: &Screen, here: &Here) -> Done {
    let (before, after) = (here.lookup("before"), here.lookup("state"));
    if screen.json {
        return Ok(screen.json(&json!({ "diff": differences(&before, &after) }))?);
    }
    changes(screen, &before, &after)
}

fn changes(screen: &Screen, before: &Value, after: &Value) -> Done {
    let lines = differences(before, after);
    if lines.is_empty() {
        return Ok(screen.field("state", format_args!("{DIM}as it was{DIM:#}"))?);
    }
    for line in lines {
        let style = match line.split_once("  ").map_or(line.as_str(), |(_, change)| change) {
            change if change.starts_with("+ ") => GOOD,
            change if change.starts_with("- ") => BAD,
            _ => WARN,
        };
        screen.field("state", format_args!("{style}{line}{style:#}"))?;
    }
    Ok(())
}

pub(super) fn log(screen: &Screen, step: Option<&Step>) -> Done {
    let lines = step.map(|step| &step.log[..]).unwrap_or_default();
    if screen.json {
        let lines: Vec<_> =
            lines.iter().map(|line| json!({ "level": line.level.as_str(), "line": line.line })).collect();
        return Ok(screen.json(&json!({ "log": lines }))?);
    }
    for line in lines {
        screen.field(
            "log",
            format_args!("{DIM}{}{DIM:#} {}", line.level.as_str(), excerpt(&line.line, MAX_VALUE)),
        )?;
    }
    Ok(())
}

pub(super) fn calls(screen: &Screen, step: Option<&Step>) -> Done {
    let calls = step.map(|step| &step.calls[..]).unwrap_or_default();
    if screen.json {
        let calls: Vec<_> = calls
            .iter()
            .map(|call| {
                let (input, output) = (Payload(&call.input).to_value(), Payload(&call.output).to_value());
                json!({ "function": call.function.as_str(), "input": input, "output": output })
            })
            .collect();
        return Ok(screen.json(&json!({ "calls": calls }))?);
    }
    if calls.is_empty() {
        return Ok(screen.line("it asked nothing of the outside")?);
    }
    for call in calls {
        screen
            .field("asked", format_args!("{} {}", call.function, text(&Payload(&call.input).to_value())))?;
        screen.field("answer", text(&Payload(&call.output).to_value()))?;
    }
    Ok(())
}

pub(super) fn effects(screen: &Screen, here: &Here) -> Done {
    let effects = here.step.as_ref().map(asked_by).unwrap_or_default();
    if screen.json {
        return Ok(screen.json(&json!({ "effects": effects }))?);
    }
    for effect in effects {
        screen.field("effect", effect)?;
    }
    Ok(())
}

/// What a step asked for, with what it sends.
fn asked_by(step: &Step) -> Vec<String> {
    let Outcome::Accepted(accepted) = &step.outcome else { return Vec::new() };
    let one = |asked: &Asked| {
        let payload = asked.payload.as_ref().map(|payload| text(&Payload(payload).to_value()));
        let payload = payload.unwrap_or_default();
        let what = match &asked.effect {
            Effect::Send { to, .. } => format!("send → {to}"),
            Effect::Request { to, timeout, .. } => format!("request → {to}, reply within {timeout} ms"),
            Effect::Timer { after, .. } => format!("timer in {after} ms"),
            Effect::Cron { cron, .. } => format!("timer at `{cron}`"),
            other => other.to_string(),
        };
        format!("{what} {payload}").trim_end().to_owned()
    };
    accepted.effects.iter().map(one).collect()
}

/// Prints a value in full.
pub(super) fn value(screen: &Screen, name: &str, value: &Value) -> Done {
    if screen.json {
        return Ok(screen.json(&json!({ name: value }))?);
    }
    Ok(screen.line(format_args!("{value:#}"))?)
}

/// Prints what a message would have come to.
pub(super) fn tried(screen: &Screen, here: &Here, step: &Step) -> Done {
    let outcome = again::outcome(step);
    let accepted = match &step.outcome {
        Outcome::Accepted(accepted) => Some(accepted),
        _ => None,
    };
    let before = here.lookup("state");
    let state = accepted.map(|accepted| Payload(&accepted.state).to_value());
    let reply =
        accepted.and_then(|accepted| accepted.reply.as_deref()).map(|reply| Payload(reply).to_value());
    let effects = asked_by(step);
    if screen.json {
        let log: Vec<_> = step.log.iter().map(|line| &line.line).collect();
        return Ok(screen.json(&json!({
            "outcome": outcome, "state": state, "reply": reply, "effects": effects, "log": log, "fuel": step.fuel.0,
        }))?);
    }
    let style = if accepted.is_some() { GOOD } else { WARN };
    screen.line(format_args!("{style}{outcome}{style:#} {DIM}on a fork that is thrown away{DIM:#}"))?;
    if let Some(state) = state {
        changes(screen, &before, &state)?;
    }
    if let Some(reply) = reply {
        screen.field("reply", text(&reply))?;
    }
    for effect in effects {
        screen.field("effect", effect)?;
    }
    log(screen, Some(step))?;
    Ok(screen.field("fuel", step.fuel.0)?)
}

fn text(value: &Value) -> String {
    excerpt(&value.to_string(), MAX_VALUE)
}
