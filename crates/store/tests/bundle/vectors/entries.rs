//! Good entries: four chains, and entries that stand in none.

use serde_json::{Value, json};
use troupe_chain::{
    Body, Call, Code, Effect, EffectId, EffectRef, Entry, Failure, FailureCode, Fork, Fuel, Genesis, Hash,
    Init, Linked, Message, Notice, OnFailure, Sender, Spawn, Stop, Supervision, Timestamp, Upgrade,
};

use super::Tree;
use crate::tally::{changes, fork, reading, short, text};

pub(super) fn good_entries(made: &mut Tree) -> Value {
    let mut names = String::new();
    let mut list = Vec::new();
    let mut put = |chain: Option<&str>, file: String, entry: Entry| {
        let linked = Linked::new(entry);
        let (name, kind) = (linked.name.to_string(), linked.entry.body.kind());
        names += &format!("{name}  {file}\n");
        list.push(json!({"file": file, "name": name, "kind": kind, "chain": chain}));
        made.insert(file, linked.bytes);
    };
    let chains = [("chain", short()), ("changes", changes()), ("fork", fork()), ("reading", reading())];
    for (name, chain) in chains {
        for (seq, bytes) in chain.entries.into_iter().enumerate() {
            let entry = Entry::decode(&bytes).expect("canonical");
            put(Some(name), format!("good/{name}-{seq}-{}.json", entry.body.kind()), entry);
        }
    }
    for entry in full_entries() {
        put(None, format!("good/full-{}.json", entry.body.kind()), entry);
    }
    for (name, from) in senders() {
        put(None, format!("good/from-{name}.json"), taken(from, Vec::new()));
    }
    for (name, effects) in effects() {
        let from = Sender::Http { key: None };
        put(None, format!("good/effect-{name}.json"), taken(from, effects));
    }
    made.insert("names".into(), names.into_bytes());
    list.into()
}

fn hash(name: &str) -> Hash {
    Hash::of(name.as_bytes())
}

/// A message from somebody that led to something.
fn taken(from: Sender, effects: Vec<Effect>) -> Entry {
    let body = Body::Message(Box::new(Message {
        message: hash("message"),
        from,
        before: hash("before"),
        state: hash("state"),
        reply: None,
        fuel: Fuel(1),
        calls: Vec::new(),
        effects,
        seed: None,
    }));
    Entry { parent: Some(hash("parent")), seq: 9, at: Timestamp(1_700_000_000_000), body }
}

fn senders() -> Vec<(String, Sender)> {
    let at = EffectRef { chain: hash("chain"), entry: hash("entry"), n: 1 };
    let own = EffectId { seq: 5, n: 2 };
    let due = Timestamp(1_699_999_999_999);
    let mut senders: Vec<_> = [
        ("http", Sender::Http { key: None }),
        ("http-with-key", Sender::Http { key: Some(hash("key")) }),
        ("did", Sender::Did { did: text("did:key:z6Mk"), sig: text("c2ln") }),
        ("actor", Sender::Actor(at)),
        ("parent", Sender::Parent(at)),
        ("timer", Sender::Timer { set: own, due }),
        ("reply", Sender::Reply { to: own, chain: at.chain, entry: at.entry }),
    ]
    .map(|(name, sender)| (name.to_owned(), sender))
    .into();
    let notice = |about, chain, entry| Sender::Notice { of: own, about, chain, entry };
    for &about in Notice::ALL {
        senders.push((format!("notice-{}", about.as_str()), notice(about, None, None)));
    }
    senders.push(("notice-of-a-chain".into(), notice(Notice::Started, Some(at.chain), None)));
    senders.push(("notice-of-an-entry".into(), notice(Notice::Failed, Some(at.chain), Some(at.entry))));
    senders
}

fn effects() -> Vec<(&'static str, Vec<Effect>)> {
    let (to, message) = (text("a \"quoted\" \\ name"), hash("sent"));
    let full = |on_failure| Spawn {
        code: Code::Component(hash("component")),
        config: Some(hash("config")),
        grants: vec![text("clock"), text("random")],
        name: Some(text("child")),
        supervision: Supervision {
            on_failure,
            failures: 1,
            within: 2,
            backoff: 3,
            max_backoff: 4,
            max_restarts: 5,
        },
    };
    let least = Spawn {
        code: Code::Native(text("tally@1")),
        config: None,
        grants: Vec::new(),
        name: None,
        supervision: Supervision::default(),
    };
    let spawn = |spawn| Effect::Spawn(Box::new(spawn));
    let all = vec![
        Effect::Send { to: to.clone(), message },
        Effect::Request { to: to.clone(), message, timeout: 1000 },
        Effect::Timer { after: 0, message },
        Effect::Cron { cron: text("*/5 * * * 1-5"), message },
        Effect::Cancel(EffectId { seq: 9, n: 2 }),
        spawn(least.clone()),
        Effect::Stop { child: to },
        Effect::Exit { reason: text("done") },
    ];
    let mut list: Vec<_> = all.iter().map(|effect| (effect.kind(), vec![effect.clone()])).collect();
    list.push(("all", all));
    list.push(("spawn-by-policy", OnFailure::ALL.iter().map(|&policy| spawn(full(policy))).collect()));
    list
}

/// Entries with every field that their kind may have, and text that needs escapes.
fn full_entries() -> Vec<Entry> {
    let at = Timestamp(9_007_199_254_740_991);
    let calls = vec![Call { function: text("ledger.read"), input: hash("question"), output: hash("answer") }];
    let effects = vec![Effect::Send { to: text("a \"quoted\" \\ name"), message: hash("sent") }];
    let (fuel, seed) = (Fuel(0), Some(hash("seed")));
    let (message, before, state) = (hash("message"), hash("before"), hash("state"));
    let from = Sender::Timer { set: EffectId { seq: 1, n: 3 }, due: Timestamp(9_007_199_254_740_990) };
    let code = Code::Component(hash("component"));
    let world = text("troupe:actor/actor@0.1.0");
    let grants = vec![text("clock"), text("random")];
    let limits: troupe_chain::Limits =
        [(text("\""), 0), (text("fuel"), 9_007_199_254_740_991), (text("\\"), 1)].into();
    let genesis = Genesis {
        code: code.clone(),
        world: world.clone(),
        config: Some(hash("config")),
        limits: limits.clone(),
        engine: [(text("engine"), text("none")), (text("~"), text(" "))].into(),
        grants: grants.clone(),
        owner: Some(text("did:key:z6Mk")),
        nonce: hash("nonce"),
        fork: Some(Fork { chain: hash("chain"), entry: hash("entry"), seq: 7, state }),
        started_by: Some(EffectRef { chain: hash("chain"), entry: hash("spawn"), n: 2 }),
    };
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
    let upgrade = Upgrade {
        code,
        world,
        limits,
        grants,
        from: Sender::Http { key: None },
        before,
        state,
        fuel,
        calls: calls.clone(),
        effects: effects.clone(),
        seed,
    };
    let reply = Some(hash("reply"));
    let stop = Stop { from: from.clone(), reason: text("\"enough\"") };
    let bodies = [
        Body::Genesis(Box::new(genesis)),
        Body::Init(init),
        Body::Message(Box::new(Message { message, from, before, state, reply, fuel, calls, effects, seed })),
        Body::Failure(Box::new(failed)),
        Body::Upgrade(Box::new(upgrade)),
        Body::Stop(stop),
    ];
    let entry = |(seq, body)| Entry { parent: (seq > 0).then(|| hash("parent")), seq, at, body };
    (0..).zip(bodies).map(entry).collect()
}
