//! The actor that is there once for each SDK: whatever the language, the same states, replies and effects, byte for byte.
//!
//! Every `sdk/stock/*/stock.wasm` is held to `expected.ndjson`, which no SDK wrote, and so is every component that the
//! environment variable `TROUPE_STOCK` names, separated by colons.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;
use serde_json::value::RawValue;
use troupe_chain::{
    Asked, Context, Effect, EffectId, EffectRef, Hash, Machine, Notice, Nowhere, Outcome, Sender, Step,
    Timestamp,
};
use troupe_component::{Limits, WasmComponent};

use crate::common::{SANDBOX, context, init, text, told};

/// What each message comes with; `sdk/stock/reference.py` has the same.
const START: u64 = 1_700_000_000_000;
const STEP: u64 = 1000;
const FIRST_SEQ: u64 = 2;

/// A line of `expected.ndjson`. What stands in it as JSON must be what the actor gives, byte for byte.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expected {
    config: Option<Box<RawValue>>,
    state: Option<Box<RawValue>>,
    reply: Option<Box<RawValue>>,
    effects: Option<Box<RawValue>>,
    refused: Option<String>,
    failed: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/stock")
}

fn lines(file: &str) -> Vec<String> {
    fs::read_to_string(folder().join(file)).unwrap().lines().map(str::to_owned).collect()
}

/// The components, each loaded; an interpreter in a component needs more than an actor of a few kilobytes.
fn actors() -> Vec<(PathBuf, WasmComponent)> {
    let committed = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path().join("stock.wasm"));
    let mut paths: Vec<_> = committed.filter(|path| path.exists()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no stock.wasm in {}", folder().display());
    paths.extend(env::var_os("TROUPE_STOCK").iter().flat_map(env::split_paths));
    let load = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let actor = SANDBOX.load(&bytes, &Limits::default());
        let actor = actor.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, actor)
    };
    paths.into_iter().map(load).collect()
}

/// The senders take turns, one of each kind.
fn sender(number: usize) -> Sender {
    let id = EffectId { seq: 1, n: 0 };
    let other = || EffectRef { chain: Hash::of(b"other"), entry: Hash::of(b"entry"), n: 1 };
    match number % 7 {
        0 => Sender::Http { key: None },
        1 => Sender::Did { did: text("did:key:z6Mk"), sig: text("sig") },
        2 => Sender::Actor(other()),
        3 => Sender::Timer { set: id, due: Timestamp(START) },
        4 => Sender::Reply { to: id, chain: Hash::of(b"other"), entry: Hash::of(b"entry") },
        5 => Sender::Notice { of: id, about: Notice::NoReply, chain: Some(Hash::of(b"other")), entry: None },
        _ => Sender::Parent(other()),
    }
}

/// An effect as `expected.ndjson` has it.
fn effect(asked: &Asked) -> String {
    let message = String::from_utf8(asked.payload.clone().unwrap()).unwrap();
    match &asked.effect {
        Effect::Send { to, .. } => format!(r#"{{"send":{{"to":"{to}","message":{message}}}}}"#),
        Effect::Timer { after, .. } => format!(r#"{{"timer":{{"after":{after},"message":{message}}}}}"#),
        other => panic!("stock asks for nothing like {other:?}"),
    }
}

/// Compares a step with a line, and gives the state to go on from if there is a new one.
fn compare(step: &Step, expected: &Expected) -> Result<Option<Vec<u8>>, String> {
    let raw =
        |json: &Option<Box<RawValue>>| json.as_ref().map(|json| json.get().to_owned()).unwrap_or_default();
    let (found, wanted, state) = match &step.outcome {
        Outcome::Accepted(accepted) => {
            let effects: Vec<_> = accepted.effects.iter().map(effect).collect();
            let reply = accepted.reply.clone().map(|reply| String::from_utf8(reply).unwrap());
            let state = String::from_utf8(accepted.state.clone()).unwrap();
            let found = format!("{state} {} [{}]", reply.unwrap_or_default(), effects.join(","));
            let wanted = [&expected.state, &expected.reply, &expected.effects].map(raw).join(" ");
            (found, wanted, Some(accepted.state.clone()))
        }
        Outcome::Rejected(rejection) => {
            (rejection.reason.clone(), expected.refused.clone().unwrap_or_default(), None)
        }
        Outcome::Failed(failed) => (failed.detail.clone(), expected.failed.clone().unwrap_or_default(), None),
    };
    if found == wanted { Ok(state) } else { Err(format!("\n  expected {wanted}\n  found    {found}")) }
}

#[test]
fn every_stock_takes_the_run_as_expected() {
    let messages = lines("messages.ndjson");
    let expected: Vec<Expected> =
        lines("expected.ndjson").iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(expected.len(), messages.len() + 1, "one line for the first state, one for each message");
    for (path, actor) in actors() {
        let config = expected[0].config.as_ref().unwrap().get();
        let mut state = expected[0].state.as_ref().unwrap().get().as_bytes().to_vec();
        assert_eq!(
            told(&init(&actor, Some(config.as_bytes()))),
            format!("ok {}", String::from_utf8_lossy(&state))
        );
        let mut seq = FIRST_SEQ;
        for (number, (message, expected)) in messages.iter().zip(&expected[1..]).enumerate() {
            let at = Timestamp(START + STEP * number as u64);
            let context =
                Context { chain: Hash::from_bytes([0; 32]), from: sender(number), at, seq, seed: None };
            let step = actor.apply(&context, &mut Nowhere, message.as_bytes(), &state).unwrap();
            match compare(&step, expected) {
                Ok(next) => state = next.unwrap_or(state),
                Err(difference) => panic!("{}:{}: {message}{difference}", path.display(), number + 1),
            }
            seq += u64::from(expected.refused.is_none());
        }
    }
}

#[test]
fn the_committed_stocks_say_what_they_take() {
    let expected: serde_json::Value = serde_json::from_str(&lines("stock.schema.json").concat()).unwrap();
    for (path, actor) in actors().iter().filter(|(path, _)| path.starts_with(folder())) {
        let said = actor.description().unwrap().unwrap_or_default();
        let said: serde_json::Value = serde_json::from_str(said).unwrap();
        assert_eq!(said, expected, "{}", path.display());
    }
}

#[test]
fn every_stock_begins_as_its_configuration_says() {
    let begun = [
        (None, r#"{"alert":null,"items":{},"low":0,"seen":0}"#),
        (Some("null"), r#"{"alert":null,"items":{},"low":0,"seen":0}"#),
        (Some("{}"), r#"{"alert":null,"items":{},"low":0,"seen":0}"#),
        (Some(r#"{"alert":null}"#), r#"{"alert":null,"items":{},"low":0,"seen":0}"#),
        (Some(r#"{"low":1000000,"alert":"desk"}"#), r#"{"alert":"desk","items":{},"low":1000000,"seen":0}"#),
        (Some(" {\"low\" : 3}\n"), r#"{"alert":null,"items":{},"low":3,"seen":0}"#),
    ];
    let wrong = [
        "7",
        "[]",
        "[null,0]",
        "\"desk\"",
        "{\"low\":-1}",
        "{\"low\":1000001}",
        "{\"low\":1.5}",
        "{\"low\":null}",
        "{\"low\":\"1\"}",
        "{\"alert\":7}",
        "{\"alert\":\"desk\",\"high\":1}",
        "{\"low\":1",
        "",
    ];
    for (path, actor) in actors() {
        for (config, state) in begun {
            let step = init(&actor, config.map(str::as_bytes));
            assert_eq!(told(&step), format!("ok {state}"), "{}: {config:?}", path.display());
        }
        for config in wrong {
            let step = init(&actor, Some(config.as_bytes()));
            let Outcome::Failed(failed) = &step.outcome else {
                panic!("{}: {config}: {step:?}", path.display())
            };
            assert_eq!(failed.detail, "not a configuration", "{}: {config}", path.display());
        }
    }
}

#[test]
fn every_stock_holds_its_state_to_the_contract() {
    let allowed = [
        r#"{"alert":null,"items":{},"low":0,"seen":0}"#,
        r#"{"alert":"desk","items":{"-":1,"nut":1000000},"low":1000000,"seen":7}"#,
        r#" { "seen" : 7, "low" : 3, "items" : { "nut" : 2, "b" : 1 }, "alert" : null } "#,
    ];
    let wrong = [
        "null",
        "[]",
        "[null,{},0,0]",
        "{}",
        "",
        r#"{"alert":null,"items":{},"low":0,"seen":0"#,
        r#"{"items":{},"low":0,"seen":0}"#,
        r#"{"alert":null,"low":0,"seen":0}"#,
        r#"{"alert":null,"items":{},"seen":0}"#,
        r#"{"alert":null,"items":{},"low":0}"#,
        r#"{"alert":7,"items":{},"low":0,"seen":0}"#,
        r#"{"alert":null,"items":[],"low":0,"seen":0}"#,
        r#"{"alert":null,"items":null,"low":0,"seen":0}"#,
        r#"{"alert":null,"items":{},"low":-1,"seen":0}"#,
        r#"{"alert":null,"items":{},"low":1000001,"seen":0}"#,
        r#"{"alert":null,"items":{},"low":0,"seen":-1}"#,
        r#"{"alert":null,"items":{},"low":0,"seen":0.5}"#,
        r#"{"alert":null,"items":{},"low":0,"seen":"0"}"#,
        r#"{"alert":null,"items":{"nut":0},"low":0,"seen":0}"#,
        r#"{"alert":null,"items":{"nut":1000001},"low":0,"seen":0}"#,
        r#"{"alert":null,"items":{"Nut":1},"low":0,"seen":0}"#,
        r#"{"alert":null,"items":{"":1},"low":0,"seen":0}"#,
        r#"{"alert":null,"items":{},"low":0,"seen":0,"more":1}"#,
    ];
    for (path, actor) in actors() {
        for state in allowed {
            assert_eq!(actor.state_contract(state.as_bytes()), Ok(true), "{}: {state}", path.display());
        }
        for state in wrong {
            assert_eq!(actor.state_contract(state.as_bytes()), Ok(false), "{}: {state}", path.display());
        }
    }
}

#[test]
fn every_stock_reads_what_is_json_and_nothing_else() {
    let state = br#"{"alert":null,"items":{},"low":0,"seen":0}"#;
    let deep = format!(r#"{{"total":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let json: [&[u8]; 5] = [
        b" {\t\"total\" :\n{ } }\r\n",
        br#"{"t\u006ftal":{}}"#,
        br#"{"add":{"n":1,"item":"nu\u0074"}}"#,
        br#"{"add":{"\u0069tem":"\u002d","\u006e":7}}"#,
        br#"{"remind":{"after":10}}"#,
    ];
    let other: [&[u8]; 20] = [
        b"",
        b" ",
        b"{",
        br#"{"total":{}"#,
        br#"{"total":{}}}"#,
        br#"{"total":{}} x"#,
        br#"{"total":{},}"#,
        br#"{'total':{}}"#,
        br#"{total:{}}"#,
        br#"{"total":{}/**/}"#,
        br#"{"add":{"item":"nut","n":01}}"#,
        br#"{"add":{"item":"nut","n":+1}}"#,
        br#"{"add":{"item":"nut","n":0x1}}"#,
        br#"{"add":{"item":"nut","n":NaN}}"#,
        br#"{"add":{"item":"nu\x74","n":1}}"#,
        br#"{"add":{"item":"\ud83d\ude00","n":1}}"#,
        br#"{"add":{"item":"nut","n":1}"#,
        b"{\"add\":{\"item\":\"n\nt\",\"n\":1}}",
        b"{\"add\":{\"item\":\"n\xfft\",\"n\":1}}",
        deep.as_bytes(),
    ];
    for (path, actor) in actors() {
        let told = |message: &[u8]| told(&actor.apply(&context(), &mut Nowhere, message, state).unwrap());
        for message in json {
            let (found, message) = (told(message), String::from_utf8_lossy(message));
            assert!(found.starts_with("ok "), "{}: {message}: {found}", path.display());
        }
        for message in other {
            let (found, message) = (told(message), String::from_utf8_lossy(message));
            assert_eq!(found, "rejected not a message of stock", "{}: {message}", path.display());
        }
    }
}

#[test]
fn every_stock_logs_the_key_of_what_it_handles() {
    for (path, actor) in actors() {
        let state = br#"{"alert":null,"items":{},"low":0,"seen":0}"#;
        let step = actor.apply(&context(), &mut Nowhere, br#"{"total":{}}"#, state).unwrap();
        let log: Vec<_> = step.log.iter().map(|line| format!("{:?} {}", line.level, line.line)).collect();
        assert_eq!(log, ["Debug total"], "{}", path.display());
    }
}
