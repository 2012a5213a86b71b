//! What a step expects an actor to ask of the runtime, compared with what it asked.

use std::ops::Range;

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};
use troupe_chain::{Asked, Code, Effect, EffectId};
use troupe_manifest::Fault;
use troupe_manifest::strict::{At, Section, Source};

use crate::diff::{self, Change};
use crate::step::{effect_id, time};
use crate::value;

/// The most effects that a step may expect.
const MAX_EFFECTS: usize = 10_000;
/// What can be asked for; each table has one of these.
const KINDS: &[&str] = &["cancel", "cron", "exit", "request", "send", "spawn", "stop", "timer"];
const KEYS: &[&str] = &[
    "cancel",
    "component",
    "config",
    "cron",
    "exit",
    "grants",
    "message",
    "message-text",
    "request",
    "send",
    "spawn",
    "stop",
    "timeout",
    "timer",
];

/// An expected effect: the members that are compared.
#[derive(Debug, Clone)]
pub(crate) struct Expected(Map<String, Value>);

/// Reads a list of expected effects.
pub(crate) fn read(section: &Section<'_>, key: &str) -> Result<Vec<Expected>, Fault> {
    let tables = section.tables(key, MAX_EFFECTS)?;
    tables.into_iter().map(|At { value, span }| one(section.source, value, span)).collect()
}

fn one(source: &Source<'_>, table: &DeTable<'_>, span: Range<usize>) -> Result<Expected, Fault> {
    let section = Section::new(source, table, span, KEYS)?;
    let kinds: Vec<_> = KINDS.iter().filter(|kind| section.value(kind).is_some()).collect();
    let [kind] = kinds.as_slice() else {
        return Err(section.fault(format_args!("an effect has one of {}", KINDS.join(", "))));
    };
    let mut members = Map::new();
    let main = match **kind {
        "timer" => time(&section, "timer")?.map(Value::from),
        "cancel" => effect_id(&section, "cancel")?.map(id_value),
        "spawn" if matches!(section.value("spawn"), Some(At { value: DeValue::Boolean(true), .. })) => {
            Some(Value::Bool(true))
        }
        kind => section.text(kind)?.map(|at| Value::from(at.value)),
    };
    members.insert((**kind).to_owned(), main.unwrap_or_default());
    if let Some(timeout) = time(&section, "timeout")? {
        members.insert("timeout".into(), timeout.into());
    }
    if let Some(component) = section.text("component")? {
        members.insert("component".into(), component.value.into());
    }
    for key in ["message", "config"] {
        if let Some(At { value, span }) = section.value(key) {
            members.insert(key.into(), value::json(source, key, value, span)?.value);
        }
    }
    if let Some(text) = value::text(&section, "message-text")? {
        members.insert("message-text".into(), String::from_utf8_lossy(&text.value).into());
    }
    if section.value("grants").is_some() {
        let grants = section.texts("grants", MAX_EFFECTS)?;
        members.insert("grants".into(), grants.into_iter().map(|at| at.value).collect());
    }
    Ok(Expected(members))
}

/// What was asked for, in the form in which a file expects it.
pub(crate) fn found(asked: &Asked) -> Map<String, Value> {
    let mut members = Map::new();
    let mut set = |key: &str, value: Value| {
        members.insert(key.to_owned(), value);
    };
    match &asked.effect {
        Effect::Send { to, .. } => set("send", to.as_str().into()),
        Effect::Request { to, timeout, .. } => {
            set("request", to.as_str().into());
            set("timeout", (*timeout).into());
        }
        Effect::Timer { after, .. } => set("timer", (*after).into()),
        Effect::Cron { cron, .. } => set("cron", cron.as_str().into()),
        Effect::Cancel(id) => set("cancel", id_value(*id)),
        Effect::Spawn(spawn) => {
            set("spawn", spawn.name.as_ref().map_or(Value::Bool(true), |name| name.as_str().into()));
            if let Code::Component(component) = &spawn.code {
                set("component", component.to_string().into());
            }
            if !spawn.grants.is_empty() {
                set("grants", spawn.grants.iter().map(|grant| grant.as_str()).collect());
            }
        }
        Effect::Stop { child } => set("stop", child.as_str().into()),
        Effect::Exit { reason } => set("exit", reason.as_str().into()),
    }
    if let Some(payload) = &asked.payload {
        let key = if matches!(asked.effect, Effect::Spawn(_)) { "config" } else { "message" };
        match serde_json::from_slice(payload) {
            Ok(value) => set(key, value),
            Err(_) => set("message-text", String::from_utf8_lossy(payload).into()),
        }
    }
    members
}

fn id_value(id: EffectId) -> Value {
    json!([id.seq, id.n])
}

/// Where expected and found effects differ. What an expected one does not say is not compared.
pub(crate) fn changes(expected: &[Expected], asked: &[&Asked]) -> Vec<Change> {
    let mut changes = Vec::new();
    for index in 0..expected.len().max(asked.len()) {
        let path = format!("/{index}");
        match (expected.get(index), asked.get(index)) {
            (Some(Expected(expected)), Some(asked)) => compare(&path, expected, asked, &mut changes),
            (expected, asked) => changes.push(Change {
                path,
                expected: expected.map(|Expected(members)| diff::shown(&Value::Object(members.clone()))),
                found: asked.map(|asked| diff::shown(&Value::Object(found(asked)))),
            }),
        }
    }
    changes
}

fn compare(path: &str, expected: &Map<String, Value>, asked: &Asked, out: &mut Vec<Change>) {
    let mut found = found(asked);
    if expected.contains_key("message-text")
        && let Some(payload) = &asked.payload
    {
        found.insert("message-text".into(), String::from_utf8_lossy(payload).into());
    }
    let any_name = expected.get("spawn") == Some(&Value::Bool(true));
    let said: Map<_, _> = found.into_iter().filter(|(key, _)| expected.contains_key(key)).collect();
    if any_name && said.contains_key("spawn") {
        let rest = |map: &Map<String, Value>| {
            let mut map = map.clone();
            map.remove("spawn");
            Value::Object(map)
        };
        prefixed(path, diff::changes(&rest(expected), &rest(&said)), out);
        return;
    }
    prefixed(path, diff::changes(&Value::Object(expected.clone()), &Value::Object(said)), out);
}

fn prefixed(path: &str, changes: Vec<Change>, out: &mut Vec<Change>) {
    out.extend(changes.into_iter().map(|change| Change { path: format!("{path}{}", change.path), ..change }));
}
