//! Entries, good and bad.

use serde_json::{Value, json};
use troupe_chain::{
    Body, Call, Code, Effect, Entry, Failure, FailureCode, Fuel, Genesis, Hash, Init, Linked, Message,
    Sender, Timestamp,
};

use super::Tree;
use crate::tally::{short, text};

pub(super) fn good_entries(made: &mut Tree) -> Value {
    let chain = short().entries.into_iter().map(|bytes| Entry::decode(&bytes).expect("canonical"));
    let mut names = String::new();
    let mut list = Vec::new();
    for (index, entry) in chain.chain(full_entries()).enumerate() {
        let linked = Linked::new(entry);
        let kind = linked.entry.body.kind();
        let file = if index < 7 {
            format!("good/chain-{index}-{kind}.json")
        } else {
            format!("good/full-{kind}.json")
        };
        names += &format!("{}  {file}\n", linked.name);
        list.push(json!({"file": file, "name": linked.name.to_string(), "kind": kind, "chain": index < 7}));
        made.insert(file, linked.bytes);
    }
    made.insert("names".into(), names.into_bytes());
    list.into()
}

/// Entries with every field that their kind may have, and text that needs escapes. They stand in no chain.
fn full_entries() -> Vec<Entry> {
    let hash = |name: &str| Hash::of(name.as_bytes());
    let at = Timestamp(9_007_199_254_740_991);
    let calls = vec![Call { function: text("ledger.read"), input: hash("question"), output: hash("answer") }];
    let effects = vec![Effect::Send { to: text("a \"quoted\" \\ name"), message: hash("sent") }];
    let (fuel, seed) = (Fuel(0), Some(hash("seed")));
    let (message, before, state) = (hash("message"), hash("before"), hash("state"));
    let from = Sender::Timer { entry: hash("set by"), n: 3, due: Timestamp(1_700_000_000_000) };
    let genesis = Genesis {
        code: Code::Component(hash("component")),
        world: text("troupe:actor/actor@0.1.0"),
        config: Some(hash("config")),
        limits: [(text("\""), 0), (text("fuel"), 9_007_199_254_740_991), (text("\\"), 1)].into(),
        engine: [(text("engine"), text("none")), (text("~"), text(" "))].into(),
        grants: vec![text("clock"), text("random")],
        owner: Some(text("did:key:z6Mk")),
        nonce: hash("nonce"),
    };
    let reply = Some(hash("reply"));
    let failed = Failure {
        message,
        from: Sender::Http { key: None },
        before,
        error: FailureCode::TooLargeState,
        fuel,
        calls: calls.clone(),
        seed,
    };
    let init = Init { state, fuel, calls: calls.clone(), effects: effects.clone(), seed };
    let bodies = [
        Body::Genesis(Box::new(genesis)),
        Body::Init(init),
        Body::Message(Box::new(Message { message, from, before, state, reply, fuel, calls, effects, seed })),
        Body::Failure(Box::new(failed)),
    ];
    let entry = |(seq, body)| Entry { parent: (seq > 0).then(|| hash("parent")), seq, at, body };
    (0..).zip(bodies).map(entry).collect()
}

/// Not canonical, whatever stands before: file, entry of the chain, what is replaced by what.
const MALFORMED: &[(&str, usize, &str, &str)] = &[
    ("white-space", 2, ":{", ": {"),
    ("newline-at-the-end", 2, "\"}", "\"}\n"),
    ("float", 2, "\"fuel\":5", "\"fuel\":5.0"),
    ("exponent", 2, "\"fuel\":5", "\"fuel\":5e0"),
    ("negative", 2, "\"fuel\":5", "\"fuel\":-5"),
    ("leading-zero", 2, "\"fuel\":5", "\"fuel\":05"),
    ("integer-above-2-53", 2, "\"fuel\":5", "\"fuel\":9007199254740992"),
    ("string-for-integer", 2, "\"fuel\":5", "\"fuel\":\"5\""),
    ("keys-out-of-order", 2, "\"kind\":\"http\"},\"fuel\":5", "\"kind\":\"http\"},\"seq\":2,\"fuel\":5"),
    ("repeated-key", 2, "\"seq\":2", "\"seq\":2,\"seq\":2"),
    ("unknown-field", 2, "\"seq\":2", "\"seq\":2,\"size\":2"),
    ("missing-field", 2, "\"fuel\":5,", ""),
    (
        "field-of-another-kind",
        3,
        "\"seq\":3",
        "\"seq\":3,\"state\":\"0000000000000000000000000000000000000000000000000000000000000000\"",
    ),
    ("null-for-absent", 3, "\"seq\":3", "\"seed\":null,\"seq\":3"),
    ("empty-array", 2, "\"from\":", "\"effects\":[],\"from\":"),
    ("empty-object", 0, "{\"fuel\":1000,\"state\":64}", "{}"),
    ("upper-case-name", 2, "\"parent\":\"8", "\"parent\":\"A"),
    ("short-name", 2, "\"parent\":\"8", "\"parent\":\""),
    ("escaped-key", 2, "\"seq\":2", "\"s\\u0065q\":2"),
    ("escape-that-is-not-needed", 4, "\"b\\\\\"", "\"\\u0062\\\\\""),
    ("text-beyond-ascii", 0, "[\"log\"]", "[\"l\u{f6}g\"]"),
    ("empty-text", 0, "[\"log\"]", "[\"\"]"),
    ("grants-not-ascending", 0, "[\"log\"]", "[\"log\",\"clock\"]"),
    (
        "two-kinds-of-code",
        0,
        "\"config\":",
        "\"component-hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"config\":",
    ),
    ("no-code", 0, "\"machine\":\"tally@1\",", ""),
    (
        "genesis-with-a-parent",
        0,
        "\"parent\":null",
        "\"parent\":\"0000000000000000000000000000000000000000000000000000000000000000\"",
    ),
    (
        "no-parent",
        2,
        "\"parent\":\"8ce6c2d5cd78ab5ad92cb80674977ffecc831c72b61c5cfe0a917e3cb316b0d9\"",
        "\"parent\":null",
    ),
    ("reserved-kind", 2, "\"kind\":\"message\"", "\"kind\":\"upgrade\""),
    ("unknown-error", 3, "\"error\":\"refused\"", "\"error\":\"tired\""),
    ("unknown-sender", 2, "\"kind\":\"http\"", "\"kind\":\"smtp\""),
    ("sender-lacks-a-field", 6, ",\"n\":0", ""),
    ("unknown-effect", 4, "{\"send\":", "{\"spawn\":"),
    ("another-version", 2, "\"v\":1", "\"v\":2"),
];

pub(super) fn bad_entries(made: &mut Tree) -> Value {
    let chain = short();
    let mut list = Vec::new();
    for (name, seq, from, to) in MALFORMED {
        let good = String::from_utf8(chain.entries[*seq].clone()).expect("ASCII");
        let bad = match *name {
            // The last one: the first may stand within the object.
            "newline-at-the-end" => good.clone() + "\n",
            _ => good.replacen(from, to, 1),
        };
        assert_ne!(bad, good, "{name}");
        assert!(Entry::decode(bad.as_bytes()).is_err(), "{name}");
        let file = format!("bad/{name}.json");
        list.push(json!({"file": file, "stage": "structure", "reason": name, "after": null}));
        made.insert(file, bad.into_bytes());
    }
    let changed = |seq: usize, change: &dyn Fn(&mut Entry)| {
        let mut entry = Entry::decode(&chain.entries[seq]).expect("canonical");
        change(&mut entry);
        entry.encode()
    };
    let body = |seq: usize| Entry::decode(&chain.entries[seq]).expect("canonical").body;
    let first_engine = match body(0) {
        Body::Genesis(genesis) => genesis.engine,
        other => panic!("{} comes first", other.kind()),
    };
    let links = [
        ("parent", 3, changed(3, &|entry| entry.parent = Some(Hash::of(b"another")))),
        ("seq", 3, changed(3, &|entry| entry.seq = 4)),
        ("time", 3, changed(3, &|entry| entry.at.0 -= 1)),
        (
            "before",
            3,
            changed(3, &|entry| {
                if let Body::Failure(failure) = &mut entry.body {
                    failure.before = Hash::of(b"41")
                }
            }),
        ),
        ("second-init", 3, changed(3, &|entry| entry.body = body(1))),
        ("no-init", 1, changed(1, &|entry| entry.body = body(5))),
        ("same-engine", 5, changed(5, &|entry| entry.body = Body::Engine(first_engine.clone()))),
    ];
    for (name, seq, bytes) in links {
        let (file, after) = (format!("bad/link-{name}.json"), Hash::of(&chain.entries[seq - 1]).to_string());
        list.push(
            json!({"file": file, "stage": "structure", "reason": format!("link-{name}"), "after": after}),
        );
        made.insert(file, bytes);
    }
    list.into()
}
