//! Canonical bytes to effects and senders. The same rules as for entries.

use super::read::code;
use crate::entry::Timestamp;
use crate::json::{Malformed, ObjectReader, Reader};
use crate::{Effect, EffectId, EffectRef, Notice, OnFailure, Sender, Spawn, Supervision, Text};

pub(super) fn read_effect(reader: &mut Reader<'_>) -> Result<Effect, Malformed> {
    reader.expect("{")?;
    let kind = reader.plain_string()?;
    reader.expect(":")?;
    let effect = match kind {
        "send" => {
            reader.expect("{\"message\":")?;
            let message = reader.hash()?;
            reader.expect(",\"to\":")?;
            Effect::Send { to: reader.text()?, message }
        }
        "request" => {
            reader.expect("{\"message\":")?;
            let message = reader.hash()?;
            reader.expect(",\"timeout\":")?;
            let timeout = reader.integer()?;
            reader.expect(",\"to\":")?;
            Effect::Request { to: reader.text()?, message, timeout }
        }
        "timer" => {
            reader.expect("{\"after\":")?;
            let after = reader.integer()?;
            reader.expect(",\"message\":")?;
            Effect::Timer { after, message: reader.hash()? }
        }
        "cron" => {
            reader.expect("{\"cron\":")?;
            let cron = reader.text()?;
            reader.expect(",\"message\":")?;
            Effect::Cron { cron, message: reader.hash()? }
        }
        "cancel" => {
            reader.expect("{\"n\":")?;
            let n = reader.integer()?;
            reader.expect(",\"seq\":")?;
            Effect::Cancel(EffectId { seq: reader.integer()?, n })
        }
        "spawn" => {
            let effect = Effect::Spawn(Box::new(read_spawn(reader)?));
            reader.expect("}")?;
            return Ok(effect);
        }
        "stop" => {
            reader.expect("{\"child\":")?;
            Effect::Stop { child: reader.text()? }
        }
        "exit" => {
            reader.expect("{\"reason\":")?;
            Effect::Exit { reason: reader.text()? }
        }
        other => return reader.fail(format!("unknown effect `{other}`")),
    };
    reader.expect("}}")?;
    Ok(effect)
}

fn read_spawn(reader: &mut Reader<'_>) -> Result<Spawn, Malformed> {
    let mut object = ObjectReader::begin(reader)?;
    let component = object.field("component-hash", Reader::hash)?;
    let config = object.field("config", Reader::hash)?;
    let grants = object.field("grants", |reader| reader.array(Reader::text))?.unwrap_or_default();
    let machine = object.field("machine", Reader::text)?;
    let name = object.field("name", Reader::text)?;
    let supervision = object.field("supervision", read_supervision)?;
    object.end()?;
    if !grants.is_sorted_by(|a, b| a < b) {
        return reader.fail("`grants` is not in ascending order");
    }
    match (code(component, machine), supervision) {
        (Some(code), Some(supervision)) => Ok(Spawn { code, config, grants, name, supervision }),
        (None, _) => reader.fail("a `spawn` has either `component-hash` or `machine`"),
        (_, None) => reader.fail("a `spawn` has `supervision`"),
    }
}

fn read_supervision(reader: &mut Reader<'_>) -> Result<Supervision, Malformed> {
    reader.expect("{\"backoff\":")?;
    let backoff = reader.integer()?;
    reader.expect(",\"failures\":")?;
    let failures = reader.integer()?;
    reader.expect(",\"max-backoff\":")?;
    let max_backoff = reader.integer()?;
    reader.expect(",\"max-restarts\":")?;
    let max_restarts = reader.integer()?;
    reader.expect(",\"on-failure\":")?;
    let policy = reader.plain_string()?;
    let Some(on_failure) = OnFailure::parse(policy) else {
        return reader.fail(format!("unknown policy `{policy}`"));
    };
    reader.expect(",\"within\":")?;
    let within = reader.integer()?;
    reader.expect("}")?;
    Ok(Supervision { on_failure, failures, within, backoff, max_backoff, max_restarts })
}

pub(super) fn read_reference(reader: &mut Reader<'_>) -> Result<EffectRef, Malformed> {
    reader.expect("{\"chain\":")?;
    let chain = reader.hash()?;
    reader.expect(",\"entry\":")?;
    let entry = reader.hash()?;
    reader.expect(",\"n\":")?;
    let n = reader.integer()?;
    reader.expect("}")?;
    Ok(EffectRef { chain, entry, n })
}

pub(super) fn read_sender(reader: &mut Reader<'_>) -> Result<Sender, Malformed> {
    let mut object = ObjectReader::begin(reader)?;
    let about = object.field("about", Reader::plain_string)?;
    let chain = object.field("chain", Reader::hash)?;
    let did = object.field("did", Reader::text)?;
    let due = object.field("due", Reader::integer)?.map(Timestamp);
    let entry = object.field("entry", Reader::hash)?;
    let key = object.field("key", Reader::hash)?;
    let kind = object.field("kind", Reader::plain_string)?.unwrap_or_default();
    let n = object.field("n", Reader::integer)?;
    let seq = object.field("seq", Reader::integer)?;
    let sig = object.field("sig", Reader::text)?;
    let count = object.end()?;
    let own = n.zip(seq).map(|(n, seq)| EffectId { seq, n });
    let reference = match (chain, entry, n) {
        (Some(chain), Some(entry), Some(n)) => Some(EffectRef { chain, entry, n }),
        _ => None,
    };
    // The count leaves no room for a field that the arm does not look at.
    let sender = match (kind, count) {
        ("http", count) if count == 1 + usize::from(key.is_some()) => Some(Sender::Http { key }),
        ("did", 3) => did.zip(sig).map(|(did, sig): (Text, Text)| Sender::Did { did, sig }),
        ("actor", 4) => reference.map(Sender::Actor),
        ("parent", 4) => reference.map(Sender::Parent),
        ("timer", 4) => own.zip(due).map(|(set, due)| Sender::Timer { set, due }),
        ("reply", 5) => match (own, chain, entry) {
            (Some(to), Some(chain), Some(entry)) => Some(Sender::Reply { to, chain, entry }),
            _ => None,
        },
        ("notice", count) => {
            let optional = usize::from(chain.is_some()) + usize::from(entry.is_some());
            let about = about.and_then(Notice::parse);
            let whole = about.zip(own).filter(|_| count == 4 + optional);
            whole.map(|(about, of)| Sender::Notice { of, about, chain, entry })
        }
        ("http" | "did" | "actor" | "parent" | "timer" | "reply", _) => None,
        _ => return reader.fail(format!("unknown kind of sender `{kind}`")),
    };
    let fault = || reader.fail(format!("`from` of kind `{kind}` lacks a field or has one too many"));
    sender.map_or_else(fault, Ok)
}
