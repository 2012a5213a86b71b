//! Chains that were recorded once and that every later version must verify: `docs/spec/golden/`, with the components
//! that made them.
//!
//! Under the engine that made them they must also come out again, byte for byte, when their messages are sent anew.
//! `TROUPE_BLESS=1 cargo test -p troupe --test golden` records them again, from `actors/`; that is a change of the
//! format or of the sandbox, and needs a reason.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use troupe::troupe_chain::{
    Body, Code, Entry, FailureCode, Genesis, Hash, History, Sender, Supervision, Text, Timestamp, verify,
};
use troupe::troupe_component::{Allocation, Limits, Sandbox, SandboxConfig};
use troupe::troupe_runtime::{Actors, ManualClock, NewActor, Options, SendError, StoreHistory};
use troupe::troupe_store::bundle::{Bundle, write_folder};
use troupe::troupe_store::{MemoryStore, Store};

/// What a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Accepted,
    Rejected,
    Failed(FailureCode),
}

/// A chain to record: what it begins with, and each message with its time.
struct Script {
    name: &'static str,
    config: Option<&'static str>,
    /// Limits that differ from the default.
    limits: &'static [(&'static str, u64)],
    messages: &'static [(u64, &'static str, Told)],
}

/// Its state may have 13 bytes, so that it fails once it counts beyond 999.
const COUNTER: Script = Script {
    name: "counter",
    config: None,
    limits: &[("state", 13)],
    messages: &[
        (2000, r#"{"add":2}"#, Told::Accepted),
        (2000, r#"{"add":"2"}"#, Told::Rejected),
        (3000, r#"{"add":997}"#, Told::Accepted),
        (2500, r#"{"add":1}"#, Told::Failed(FailureCode::TooLargeState)),
        (4000, r#"{"add":0}"#, Told::Accepted),
    ],
};

/// Real events; one alert is longer than what it may send.
const QUAKES: Script = Script {
    name: "quakes",
    config: Some(r#"{"alerts":"observatory"}"#),
    limits: &[("send", 136)],
    messages: &[
        (
            1_517_363_400_000,
            r#"{"id":"uw61345682","time":1517363399650,"place":"37km NNE of Amboy, Washington","mag":0.31,"lon":-122.197,"lat":46.2035,"depth_km":3.28,"status":"reviewed","net":"uw","felt":null,"tsunami":0,"type":"earthquake"}"#,
            Told::Accepted,
        ),
        (
            1_517_364_032_000,
            r#"{"id":"us2000crkq","time":1517364031800,"place":"50km NNW of Sangiang, Indonesia","mag":5.3,"lon":118.7906,"lat":-7.8628,"depth_km":15.18,"status":"reviewed","net":"us","felt":4,"tsunami":0,"type":"earthquake"}"#,
            Told::Accepted,
        ),
        (
            1_517_436_706_700,
            r#"{"id":"uw61345882","time":1517436706600,"place":"2km ESE of Princeton, Canada","mag":2.09,"lon":-120.4815,"lat":49.4463333,"depth_km":-1.5,"status":"reviewed","net":"uw","felt":null,"tsunami":0,"type":"explosion"}"#,
            Told::Rejected,
        ),
        (
            1_517_368_394_400,
            r#"{"id":"us2000crle","time":1517368394380,"place":"84km SSE of Panguna, Papua New Guinea","mag":5.3,"lon":155.8581,"lat":-6.9796,"depth_km":82.18,"status":"reviewed","net":"us","felt":null,"tsunami":1,"type":"earthquake"}"#,
            Told::Failed(FailureCode::TooLargeSend),
        ),
        (
            1_517_382_420_300,
            r#"{"id":"us2000crmu","time":1517382420230,"place":"35km S of Jarm, Afghanistan","mag":6.1,"lon":70.8155,"lat":36.5432,"depth_km":191.19,"status":"reviewed","net":"us","felt":438,"tsunami":0,"type":"earthquake"}"#,
            Told::Accepted,
        ),
    ],
};

fn folder(script: &Script) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/golden")).join(script.name)
}

fn sandbox(allocation: Allocation) -> Sandbox {
    Sandbox::new(SandboxConfig { allocation, deadline: None, ..SandboxConfig::default() })
}

/// Sends the messages of a script to an actor that begins with `genesis`, and writes its chain to `to`.
fn record(script: &Script, genesis: Genesis, code: Vec<u8>, to: &Path) {
    let clock = Arc::new(ManualClock::new(Timestamp(1000)));
    let options = Options { threads: 0, clock: Arc::<ManualClock>::clone(&clock), ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let sandbox = sandbox(Allocation::Pooling { instances: 4 });
    let actors = Actors::open(Arc::clone(&store), sandbox, options).unwrap();
    let config = script.config.map(Bytes::from);
    let (name, supervision) = (None, Supervision::default());
    let new = NewActor { genesis, code: Some(code.into()), config, name, supervision };
    let actor = actors.start_blocking(new).unwrap();
    for (at, message, expected) in script.messages {
        clock.set(Timestamp(*at));
        let told = match actor.send_blocking(Sender::Http { key: None }, (*message).into()) {
            Ok(_) => Told::Accepted,
            Err(SendError::Rejected(_)) => Told::Rejected,
            Err(SendError::Failed { failed, .. }) => Told::Failed(failed.code),
            Err(other) => panic!("{message}: {other}"),
        };
        assert_eq!(told, *expected, "{message}");
    }
    let history = StoreHistory::new(store, actor.id()).unwrap().unwrap();
    write_folder(&history, to).unwrap();
}

fn write(script: &Script) {
    let code = concat!(env!("CARGO_MANIFEST_DIR"), "/../../actors");
    let code = std::fs::read(format!("{code}/{0}/{0}.wasm", script.name)).unwrap();
    let mut limits = Limits::default();
    for (name, value) in script.limits {
        limits.set(name, *value).unwrap();
    }
    let sandbox = sandbox(Allocation::OnDemand);
    let genesis = Genesis {
        code: Code::Component(Hash::of(&code)),
        world: Text::new(sandbox.load(&code, &limits).unwrap().world().name()).unwrap(),
        config: script.config.map(|config| Hash::of(config.as_bytes())),
        limits: limits.to_entry(),
        engine: sandbox.engine().clone(),
        grants: Vec::new(),
        owner: None,
        nonce: Hash::of(b"golden"),
        fork: None,
        started_by: None,
    };
    let _ = std::fs::remove_dir_all(folder(script));
    record(script, genesis, code, &folder(script));
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for file in folder.read_dir().unwrap().chain(folder.join("blobs").read_dir().unwrap()) {
        let path = file.unwrap().path();
        if path.is_file() {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
    found
}

fn check(script: &Script) {
    if std::env::var_os("TROUPE_BLESS").is_some() {
        write(script);
    }
    let bundle = Bundle::open(&folder(script)).unwrap();
    let entries: Vec<_> = bundle.entries().map(|bytes| Entry::decode(&bytes.unwrap()).unwrap()).collect();
    let expected: Vec<_> = (script.messages.iter())
        .filter_map(|(_, _, told)| match told {
            Told::Accepted => Some("message"),
            Told::Rejected => None,
            Told::Failed(_) => Some("failure"),
        })
        .collect();
    let kinds: Vec<_> = entries[2..].iter().map(|entry| entry.body.kind()).collect();
    assert_eq!(kinds, expected);
    let Body::Genesis(genesis) = &entries[0].body else { panic!("no genesis") };

    for allocation in [Allocation::OnDemand, Allocation::Pooling { instances: 1 }] {
        let report = verify(&bundle, &sandbox(allocation), |_| {}).unwrap();
        assert_eq!(report.seq + 1, bundle.summary().size);
        assert_eq!((report.messages + report.failures, report.on_trust), (expected.len() as u64, 0));
    }
    // Another engine may weigh fuel otherwise; then the chain verifies, but is not made again.
    if genesis.engine == *sandbox(Allocation::OnDemand).engine() {
        let Code::Component(name) = genesis.code else { panic!("no component") };
        let code = bundle.blob(&name).unwrap().unwrap();
        let again = tempfile::tempdir().unwrap();
        let again = again.path().join("again");
        record(script, (**genesis).clone(), code, &again);
        assert!(files(&again) == files(&folder(script)), "{} came out otherwise", script.name);
    }
}

#[test]
fn the_golden_counter_verifies_and_comes_out_again() {
    check(&COUNTER);
}

#[test]
fn the_golden_quakes_verify_and_come_out_again() {
    check(&QUAKES);
    let text = std::fs::read_to_string(folder(&QUAKES).join("entries.ndjson")).unwrap();
    assert_eq!(text.matches(r#""to":"observatory""#).count(), 2);
}
