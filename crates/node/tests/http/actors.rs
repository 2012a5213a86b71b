//! Actors that are begun, listed, changed and ended.

use std::sync::Arc;

use serde_json::{Value, json};
use troupe_chain::{Entry, Hash};
use troupe_store::{DiskStore, Store};
use troupe_testing::{World, guests, misfits};

use crate::server::{Server, counter, setup};
use crate::wire::{Answer, Wire};

fn upload(wire: &mut Wire, component: &[u8]) -> String {
    let answer = wire.ask("POST", "/components", "Content-Type: application/wasm\r\n", component).unwrap();
    answer.status(201).json()["component"].as_str().unwrap().to_owned()
}

fn order(wire: &mut Wire, path: &str, body: &Value) -> Answer {
    wire.ask("POST", path, "", body.to_string().as_bytes()).unwrap()
}

#[test]
fn an_actor_is_begun_from_an_uploaded_component_and_found_by_name_and_id() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let component = upload(&mut wire, &counter());
    assert_eq!(component, Hash::of(&counter()).to_string());
    let asked = json!({ "component": component, "name": "two", "config": { "b": 1 }, "limits": { "fuel": 5_000_000 } });
    let begun = order(&mut wire, "/actors", &asked).status(201);
    let info = begun.json();
    let id = info["actor"].as_str().unwrap();
    assert_eq!(begun.header("location"), Some(&*format!("/actors/{id}")));
    assert_eq!((&info["name"], &info["limits"]["fuel"]), (&"two".into(), &5_000_000.into()));
    for path in
        [format!("/actors/{id}"), format!("/actors/{id}/"), "/actors/two".into(), "/actors/two/".into()]
    {
        assert_eq!(wire.get(&path).unwrap().status(200).json()["actor"], *id);
        let answer = wire.ask("POST", &path, "", b"{\"add\":1}").unwrap().status(200).json();
        assert!(answer["state"]["count"].is_u64());
    }
    assert_eq!(wire.get("/actors/two/state").unwrap().status(200).json()["count"], 4);
    assert_eq!(wire.get("/state").unwrap().status(200).json()["count"], 0, "the one at the root is another");
    let genesis = wire.get("/actors/two/chain/0").unwrap().status(200).json();
    assert_eq!(genesis["data"]["config"], Hash::of(b"{\"b\":1}").to_string());
    let taken = json!({ "component": component, "name": "two" });
    order(&mut wire, "/actors", &taken).problem(409, "name-taken");
    assert_eq!(wire.get(&format!("/components/{component}")).unwrap().status(200).body, counter());
}

#[test]
fn a_config_reaches_the_actor_byte_by_byte_and_is_no_component() {
    let server = Server::start(guests::echo(World::Actor));
    let mut wire = server.wire();
    let component = Hash::of(&server.running.component);
    let body = format!("{{\"component\":\"{component}\",\"config\": {{\"a\" : 1e2, \"\\u0061\":[ ]}} }}");
    let info = wire.ask("POST", "/actors", "", body.as_bytes()).unwrap().status(201).json();
    let config = b"{\"a\" : 1e2, \"\\u0061\":[ ]}";
    let blob = format!("/actors/{}/blobs/{}", info["actor"].as_str().unwrap(), Hash::of(config));
    assert_eq!(wire.get(&blob).unwrap().status(200).body, config);
    wire.get(&format!("/components/{}", Hash::of(config))).unwrap().problem(404, "not-found");
}

#[test]
fn what_is_no_actor_is_refused_with_what_is_wrong() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let mut refused = |body: &[u8]| {
        let problem = wire.ask("POST", "/components", "", body).unwrap().problem(422, "cannot-begin");
        problem["detail"].as_str().unwrap().to_owned()
    };
    assert!(refused(b"").contains("empty"));
    assert!(refused(b"\0asm\x01\0\0\0").contains("core WebAssembly module"));
    assert!(refused(b"(component)").contains("text"));
    assert!(refused(&misfits::uses_clock(World::Actor)).contains("clock"));
    assert!(refused(&misfits::no_exports()).contains("nothing"));
}

#[test]
fn a_body_with_an_unknown_key_or_a_wrong_value_changes_nothing() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let component = Hash::of(&counter()).to_string();
    for (path, body, says) in [
        ("/actors", json!({ "component": component, "confg": 1 }), "`config` is known"),
        ("/actors", json!({}), "missing field `component`"),
        ("/actors", json!({ "component": "00" }), "`component`"),
        ("/actors", json!({ "component": component, "name": "A" }), "`name`"),
        ("/actors", json!({ "component": component, "limits": { "fuel": -1 } }), "invalid value"),
        ("/actors", json!({ "component": component, "supervision": { "on-failure": "panic" } }), "escalate"),
        ("/actors", json!({ "component": component, "supervision": { "failures": 0 } }), "failures"),
        ("/stop", json!({ "reason": "" }), "`reason`"),
        ("/stop", json!({ "because": "x" }), "unknown field"),
        ("/pause", json!({ "for": 1 }), "unknown field"),
        ("/fork", json!({}), "missing field `at`"),
        ("/rewind", json!({ "at": 1 }), "unknown field `at`"),
        ("/upgrade", json!({ "dryrun": true }), "`dry-run` is known"),
        ("/upgrade", json!({ "messages": 1 }), "dry run"),
    ] {
        let problem = order(&mut wire, path, &body).problem(400, "bad-body");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    for (body, says) in [
        (json!({ "component": component, "limits": { "patience": 1 } }), "patience"),
        (json!({ "component": component, "grants": ["clock"] }), "clock"),
        (json!({ "component": Hash::of(b"none").to_string() }), "no component"),
    ] {
        let problem = order(&mut wire, "/actors", &body).problem(422, "cannot-begin");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    for body in ["[]", "1", "{", "{\"reason\":\"a\",\"reason\":\"b\"}", "{} {}"] {
        wire.ask("POST", "/stop", "", body.as_bytes()).unwrap().problem(400, "bad-body");
    }
    assert_eq!(server.seq(), 1);
    assert_eq!(wire.get("/actors").unwrap().json()["actors"].as_array().unwrap().len(), 1);
}

#[test]
fn the_list_comes_in_pages_and_leaves_out_what_was_removed() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let component = Hash::of(&counter()).to_string();
    for n in 0..4 {
        order(&mut wire, "/actors", &json!({ "component": component, "name": format!("a{n}") })).status(201);
    }
    wire.ask("DELETE", "/actors/a2", "", b"").unwrap().status(200);
    let list = |wire: &mut Wire, query: &str| {
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let page = wire.get(&format!("/actors?{query}{after}")).unwrap().status(200).json();
            ids.extend(page["actors"].as_array().unwrap().iter().map(|actor| actor["actor"].clone()));
            let Some(next) = page["next"].as_str() else { break ids };
            after = format!("&after={next}");
        }
    };
    assert_eq!(list(&mut wire, "limit=1000").len(), 4);
    assert_eq!(list(&mut wire, "limit=1"), list(&mut wire, "limit=1000"));
    assert_eq!(list(&mut wire, "limit=2&all=true").len(), 5);
    for query in ["limit=0", "limit=1001", "all=yes", "after=a1", "befor=1", "limit=1&limit=2"] {
        wire.get(&format!("/actors?{query}")).unwrap().problem(400, "bad-query");
    }
}

#[test]
fn an_actor_is_paused_resumed_stopped_and_removed() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let status = |answer: Answer| answer.status(200).json()["status"].as_str().unwrap().to_owned();
    assert_eq!(status(order(&mut wire, "/pause", &json!({}))), "paused");
    let paused = wire.post("{\"add\":1}").unwrap();
    assert_eq!(paused.header("retry-after"), Some("1"));
    paused.problem(503, "paused");
    assert_eq!(status(wire.ask("POST", "/resume", "", b"").unwrap()), "running");
    wire.post("{\"add\":1}").unwrap().status(200);
    assert_eq!(status(order(&mut wire, "/stop", &json!({ "reason": "enough" }))), "stopped");
    let last = wire.get("/chain/3").unwrap().status(200).json();
    assert_eq!((&last["data"]["kind"], &last["data"]["reason"]), (&"stop".into(), &"enough".into()));
    wire.post("{\"add\":1}").unwrap().problem(410, "stopped");
    assert_eq!(wire.get("/state").unwrap().status(200).json()["count"], 1, "it can still be read");
    assert_eq!(status(wire.ask("DELETE", "/", "", b"").unwrap()), "removed");
    assert_eq!(wire.get("/actors").unwrap().json()["actors"], json!([]));
}

#[test]
fn a_fork_goes_its_own_way_and_a_rewound_actor_goes_back() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for _ in 0..3 {
        wire.post("{\"add\":1}").unwrap().status(200);
    }
    let fork = order(&mut wire, "/fork", &json!({ "at": 3, "name": "fork" })).status(201);
    assert_eq!(wire.get(fork.header("location").unwrap()).unwrap().json()["name"], "fork");
    let answer = wire.ask("POST", "/actors/fork", "", b"{\"add\":10}").unwrap().status(200).json();
    assert_eq!(answer["state"]["count"], 12);
    assert_eq!(wire.get("/state").unwrap().json()["count"], 3);
    order(&mut wire, "/fork", &json!({ "at": 9 })).problem(422, "no-such-seq");
    order(&mut wire, "/rewind", &json!({ "to": 0 })).problem(422, "no-such-seq");

    let before = wire.get("/").unwrap().json();
    let heir = order(&mut wire, "/rewind", &json!({ "to": 2, "reason": "two too many" })).status(200).json();
    assert_ne!(heir["actor"], before["actor"]);
    assert_eq!(wire.get("/").unwrap().json()["actor"], heir["actor"], "the root follows");
    assert_eq!(wire.post("{\"add\":5}").unwrap().status(200).json()["state"]["count"], 6);
    let old = format!("/actors/{}", before["actor"].as_str().unwrap());
    assert_eq!(wire.get(&old).unwrap().json()["successor"], heir["actor"]);
    let answer = wire.ask("POST", &old, "", b"{\"add\":1}").unwrap().status(200).json();
    assert_eq!(answer["state"]["count"], 7, "messages reach whoever took its place");
    order(&mut wire, &format!("{old}/pause"), &json!({})).problem(410, "stopped");
}

#[test]
fn a_message_that_comes_again_with_its_key_gets_its_first_answer_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let mut setup = setup(counter());
        let store: Arc<dyn Store> = Arc::new(DiskStore::open(folder.path().join("store")).unwrap());
        setup.settings.store = store;
        Server::with(setup)
    };
    let send =
        |wire: &mut Wire, body: &[u8]| wire.ask("POST", "/", "Idempotency-Key: once\r\n", body).unwrap();
    let mut server = open();
    let mut wire = server.wire();
    let first = send(&mut wire, b"{\"add\":2}").status(200);
    assert_eq!(send(&mut wire, b"{\"add\":2}").status(200).body, first.body);
    send(&mut wire, b"{\"add\":3}").problem(422, "key-reused");
    drop(wire);
    server.wait();
    server.running.stop();
    drop(server);
    let server = open();
    let mut wire = server.wire();
    assert_eq!(send(&mut wire, b"{\"add\":2}").status(200).body, first.body);
    send(&mut wire, b"{\"add\":3}").problem(422, "key-reused");
    assert_eq!(server.seq(), 2);
    let entry = wire.get("/chain/2").unwrap().status(200);
    assert_eq!(Entry::decode(&entry.body).unwrap().seq, 2);
}

#[test]
fn the_log_and_the_counters_tell_what_happened() {
    let server = Server::start(guests::logs(World::Actor));
    let mut wire = server.wire();
    wire.post("{}").unwrap().status(200);
    let log = wire.get("/log").unwrap().status(200);
    assert_eq!(log.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = log.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|line| line["level"].is_string() && line["at"].is_u64()), "{lines:?}");
    assert_eq!(lines.last().unwrap()["seq"], 2);
    assert_eq!(wire.get("/log?from=3").unwrap().status(200).text(), "");
    let top = wire.get("/top").unwrap().status(200).json();
    assert_eq!((&top["node"]["accepted"], &top["actors"][0]["handled"]), (&1.into(), &1.into()));
    assert_eq!(top["actors"][0]["actor"], server.running.actor.id().to_string());
}
