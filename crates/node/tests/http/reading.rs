//! `GET`: entries, blobs, states, and what is nobody's business.

use std::sync::Arc;

use troupe_chain::{Engine, Entry, Files, Hash, Machines, Rules, Text};
use troupe_component::{Sandbox, WasmComponent};
use troupe_runtime::{Actors, Options, rules_change_blob};
use troupe_store::MemoryStore;

use crate::server::{Server, counter, setup};

fn counted(messages: u64) -> Server {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for _ in 0..messages {
        wire.post("{\"add\":1}").expect("an answer").status(200);
    }
    server
}

#[test]
fn the_chain_is_given_in_pages() {
    let server = counted(4);
    let mut wire = server.wire();
    for (query, first, count, next) in [
        ("", 0, 6, None),
        ("?", 0, 6, None),
        ("?from=0&limit=10000", 0, 6, None),
        ("?limit=2", 0, 2, Some("2")),
        ("?limit=2&from=1", 1, 2, Some("3")),
        ("?from=4&limit=2", 4, 2, None),
        ("?from=5", 5, 1, None),
        ("?from=6", 6, 0, None),
        ("?from=18446744073709551615&limit=1", 0, 0, None),
    ] {
        let page = wire.get(&format!("/chain{query}")).unwrap().status(200);
        assert_eq!(page.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(page.header("troupe-next"), next, "{query}");
        assert_eq!(page.header("troupe-seq"), Some("5"), "{query}");
        let text = page.text();
        assert_eq!(text.lines().count(), count, "{query}");
        for (seq, line) in (first..).zip(text.lines()) {
            assert_eq!(Entry::decode(line.as_bytes()).unwrap().seq, seq);
            let one = wire.get(&format!("/chain/{seq}")).unwrap().status(200);
            assert_eq!(one.text(), line);
        }
    }
    for query in [
        "limit=0",
        "limit=10001",
        "limit=",
        "from=-1",
        "from=x",
        "from",
        "to=3",
        "from=1;limit=2",
        "from=%31",
    ] {
        wire.get(&format!("/chain?{query}")).unwrap().problem(400, "bad-query");
    }
}

#[test]
fn what_entries_need_to_be_run_again_is_given_at_once() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for message in ["{\"add\":1}", "{\"add\":2}", "{\"add\":1}"] {
        wire.post(message).expect("an answer").status(200);
    }
    let body = |messages: &[&str]| -> String {
        messages.iter().map(|text| format!("{} {}\n{text}", Hash::of(text.as_bytes()), text.len())).collect()
    };
    for (query, messages, next) in [
        ("", &["{\"add\":1}", "{\"add\":2}"][..], "5"),
        ("?from=3&limit=1", &["{\"add\":2}"], "4"),
        ("?from=3", &["{\"add\":2}", "{\"add\":1}"], "5"),
        ("?from=9", &[], "9"),
    ] {
        let answer = wire.get(&format!("/blobs{query}")).unwrap().status(200);
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert_eq!(answer.header("troupe-next"), Some(next), "{query}");
        assert_eq!(answer.text(), body(messages), "{query}");
    }
    for query in ["limit=0", "limit=1001", "from=x", "to=3"] {
        wire.get(&format!("/blobs?{query}")).unwrap().problem(400, "bad-query");
    }
}

#[test]
fn an_entry_is_found_by_position_and_by_name_and_no_other_way() {
    let server = counted(1);
    let mut wire = server.wire();
    let head = server.running.actor.view().unwrap().tip.entry;
    for key in ["2".to_owned(), "%32".to_owned(), head.to_string()] {
        let entry = wire.get(&format!("/chain/{key}")).unwrap().status(200);
        assert_eq!(Hash::of(&entry.body), head);
    }
    let other = Hash::of(b"nothing").to_string();
    for key in ["3", "18446744073709551615", &*other] {
        wire.get(&format!("/chain/{key}")).unwrap().problem(404, "not-found");
    }
    let upper = head.to_string().to_uppercase();
    for key in ["x", "-1", "18446744073709551616", "%ff", "%00", &upper, &head.to_string()[..63]] {
        wire.get(&format!("/chain/{key}")).unwrap().problem(400, "bad-query");
        wire.get(&format!("/blobs/{key}")).unwrap().problem(400, "bad-query");
    }
}

#[test]
fn blobs_are_those_of_the_actor_and_no_other_s() {
    let store = Arc::new(MemoryStore::new());
    let mut setup = setup(counter());
    setup.settings.store = store.clone();
    let secret = b"another actor's component";
    troupe_store::Store::put_shared(&*store, &Hash::of(secret), secret).unwrap();
    let server = Server::with(setup);
    let mut wire = server.wire();
    wire.post("{\"add\":7}").unwrap().status(200);
    for bytes in [&b"{\"add\":7}"[..], b"{\"count\":7}", b"{\"count\":0}", &counter()] {
        let blob = wire.get(&format!("/blobs/{}", Hash::of(bytes))).unwrap().status(200);
        assert!(blob.body == bytes);
        assert_eq!(blob.header("x-content-type-options"), Some("nosniff"));
    }
    for name in [Hash::of(secret), Hash::of(b"{\"add\":8}")] {
        wire.get(&format!("/blobs/{name}")).unwrap().problem(404, "not-found");
    }
}

/// The same machines, said to run on another engine.
struct Another {
    sandbox: Sandbox,
    engine: Engine,
}

impl Machines for Another {
    type Machine = WasmComponent;

    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn machine(&self, rules: &Rules, code: &[u8], files: &Files) -> Result<WasmComponent, String> {
        self.sandbox.machine(rules, code, files)
    }
}

#[test]
fn the_marker_of_a_change_of_engine_is_given_to_nobody() {
    let setup = setup(counter());
    let store = Arc::clone(&setup.settings.store);
    let mut running = setup.open().unwrap();
    running.stop();
    let chain = running.actor.id();
    let sandbox = running.host.sandbox.clone();
    let mut engine = sandbox.engine().clone();
    engine.insert(Text::new("version").unwrap(), Text::new("0.0.1").unwrap());
    running.host.actors = Actors::open(store, Another { sandbox, engine }, Options::default()).unwrap();
    running.actor = running.host.actors.get(chain).unwrap();
    let server = Server::serve(running);
    let mut wire = server.wire();
    wire.post("{\"add\":1}").unwrap().status(200);
    assert_eq!(wire.get("/chain/2").unwrap().json()["data"]["kind"], "engine");
    let (name, bytes) = rules_change_blob(1, 2);
    let stored = server.running.actor.store().blob(&chain, &name).unwrap();
    assert_eq!(stored, Some(bytes), "else the test looks for the wrong thing");
    wire.get(&format!("/blobs/{name}")).unwrap().problem(404, "not-found");
}

#[test]
fn what_runs_is_told_with_its_state_and_its_component() {
    let server = counted(2);
    let mut wire = server.wire();
    let info = wire.get("/").unwrap().status(200).json();
    let view = server.running.actor.view().unwrap();
    assert_eq!(info["actor"], view.tip.chain.to_string());
    assert_eq!((&info["head"], &info["seq"]), (&view.tip.entry.to_string().into(), &3.into()));
    let component = wire.get("/component").unwrap().status(200);
    assert!(component.body == counter());
    assert_eq!(component.header("content-type"), Some("application/wasm"));
    assert_eq!(component.header("troupe-component"), info["component"].as_str());
    let state = wire.get("/state").unwrap().status(200);
    assert_eq!(state.header("content-type"), Some("application/json"));
    assert_eq!(state.header("troupe-state"), info["state"].as_str());
    assert_eq!(state.header("troupe-entry"), info["head"].as_str());
    assert_eq!(state.header("troupe-seq"), Some("3"));
    assert_eq!(state.body, b"{\"count\":2}");
}

#[test]
fn a_head_has_the_headers_and_no_body() {
    let server = counted(1);
    let mut wire = server.wire();
    for path in [
        "/",
        "/state",
        "/chain",
        "/chain/1",
        "/component",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ] {
        let head = wire.ask("HEAD", path, "", b"").unwrap().status(200);
        let get = wire.get(path).unwrap().status(200);
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        if path != "/metrics" {
            assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        }
    }
    assert_eq!(wire.ask("HEAD", "/nothing", "", b"").unwrap().status, 404);
    assert_eq!(wire.ask("HEAD", "/chain/99", "", b"").unwrap().status, 404);
}
