//! Other code for an actor: tried first, then done.

use serde_json::{Value, json};
use troupe_testing::{Call, Guest, World, guests};

use crate::server::{Server, counter};
use crate::wire::{Answer, Wire};

fn upload(wire: &mut Wire, component: &[u8]) -> String {
    let answer = wire.ask("POST", "/components", "", component).unwrap().status(201);
    answer.json()["component"].as_str().unwrap().to_owned()
}

fn upgrade(wire: &mut Wire, body: &Value) -> Answer {
    wire.ask("POST", "/upgrade", "", body.to_string().as_bytes()).unwrap()
}

#[test]
fn an_upgrade_goes_on_from_the_state_with_other_code() {
    let server = Server::start(guests::echo(World::Simple));
    let mut wire = server.wire();
    wire.post("{\"a\":1}").unwrap().status(200);
    let other = upload(&mut wire, &guests::append(World::Simple));
    let done = upgrade(&mut wire, &json!({ "component": other })).status(200).json();
    assert_eq!((&done["seq"], &done["state"]), (&3.into(), &json!({ "a": 1 })));
    assert_eq!(wire.get("/").unwrap().json()["component"], other);
    assert_eq!(wire.get("/chain/3").unwrap().json()["data"]["kind"], "upgrade");
    wire.post("{\"b\":2}").unwrap().status(200);
    assert_eq!(wire.get("/state").unwrap().text(), "{\"a\":1}{\"b\":2}");
}

#[test]
fn limits_are_changed_alone_and_what_cannot_be_changes_nothing() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let component = wire.get("/").unwrap().json()["component"].clone();
    upgrade(&mut wire, &json!({ "limits": { "fuel": 7_000_000 } })).status(200);
    let info = wire.get("/").unwrap().json();
    assert_eq!((&info["limits"]["fuel"], &info["component"]), (&7_000_000.into(), &component));
    for body in [
        json!({ "limits": { "patience": 1 } }),
        json!({ "grants": ["clock"] }),
        json!({ "component": "0".repeat(64) }),
    ] {
        upgrade(&mut wire, &body).problem(422, "cannot-begin");
    }
    upgrade(&mut wire, &json!({ "limits": { "state": 1 } })).problem(422, "not-carried-over");
    assert_eq!(server.seq(), 2);
}

#[test]
fn a_dry_run_of_the_same_code_finds_nothing_and_changes_nothing() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for _ in 0..5 {
        wire.post("{\"add\":1}").unwrap().status(200);
    }
    let told = upgrade(&mut wire, &json!({ "dry-run": true })).status(200).json();
    let expect = json!({
        "messages": 5, "differs": [], "different": 0, "same": true,
        "carried-over": { "ok": true, "state": { "count": 5 } },
    });
    assert_eq!(told, expect);
    let some = upgrade(&mut wire, &json!({ "dry-run": true, "messages": 2 })).status(200).json();
    assert_eq!(some["messages"], 2);
    assert_eq!(server.seq(), 6);
}

#[test]
fn a_dry_run_says_what_would_have_been_otherwise_and_goes_on_from_there() {
    let server = Server::start(guests::echo(World::Simple));
    let mut wire = server.wire();
    for body in ["{\"a\":1}", "{\"b\":2}"] {
        wire.post(body).unwrap().status(200);
    }
    let other = upload(&mut wire, &guests::append(World::Simple));
    let told = upgrade(&mut wire, &json!({ "component": other, "dry-run": true })).status(200).json();
    let expect = json!({
        "messages": 2,
        "differs": [{ "seq": 3, "field": "state", "recorded": "{\"b\":2}", "would": "{\"a\":1}{\"b\":2}" }],
        "different": 1,
        "same": false,
        "carried-over": { "ok": true, "state": { "b": 2 } },
    });
    assert_eq!(told, expect);
    assert_eq!(wire.get("/").unwrap().json()["seq"], 3);
}

#[test]
fn a_dry_run_tells_outcomes_that_would_have_been_others() {
    let trap = Guest::new(World::Simple).body(Call::Handle, "(unreachable)").component();
    let server = Server::start(trap);
    let mut wire = server.wire();
    wire.post("{\"a\":1}").unwrap().status(500);
    let other = upload(&mut wire, &guests::echo(World::Simple));
    let told = upgrade(&mut wire, &json!({ "component": other, "dry-run": true })).status(200).json();
    let first = &told["differs"][0];
    assert_eq!((&first["field"], &first["would"]), (&"outcome".into(), &"accepted".into()));
    assert!(first["recorded"].as_str().unwrap().starts_with("failed: trap"), "{first}");
    let refuses = upload(&mut wire, &guests::fails_in(Call::MessageContract, "no more"));
    let told = upgrade(&mut wire, &json!({ "component": refuses, "dry-run": true })).status(200).json();
    assert!(told["differs"][0]["would"].as_str().unwrap().contains("no more"), "{told}");
}

#[test]
fn a_dry_run_asks_nobody_outside_and_plays_what_was_recorded() {
    let server = Server::start(guests::echo(World::Actor));
    let mut wire = server.wire();
    wire.post("{\"a\":1}").unwrap().status(200);
    let asks = upload(&mut wire, &guests::fetches_in(Call::Handle));
    let body = json!({ "component": asks, "grants": ["http:example.net"], "dry-run": true });
    let told = upgrade(&mut wire, &body).status(200).json();
    assert!(told["differs"].as_array().unwrap().iter().any(|one| one["field"] == "calls"), "{told}");
}

#[test]
fn a_dry_run_over_what_was_erased_says_so() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    // Each is another, for the same bytes would be erased with it.
    for add in 1..=3 {
        wire.post(format!("{{\"add\":{add}}}")).unwrap().status(200);
    }
    let erase = |wire: &mut Wire, from: u64, field: &str| {
        let order = json!({ "do": "erase", "from": from, "fields": [field], "reason": "asked to" });
        wire.ask("POST", "/redactions", "", order.to_string().as_bytes()).unwrap().status(200);
    };
    erase(&mut wire, 3, "message");
    upgrade(&mut wire, &json!({ "dry-run": true })).problem(410, "erased");
    upgrade(&mut wire, &json!({ "dry-run": true, "messages": 1 })).status(200);
    // It is played from the first state.
    erase(&mut wire, 1, "state");
    upgrade(&mut wire, &json!({ "dry-run": true, "messages": 0 })).problem(410, "erased");
}
