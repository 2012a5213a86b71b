//! `POST /`: what is taken, what is refused, and that only what is taken leaves an entry.

use troupe_chain::{Entry, Hash};
use troupe_testing::{Call, Place, World, guests};

use crate::server::{Server, counter, setup};

#[test]
fn a_message_is_answered_with_its_entry_its_state_and_its_reply() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let answer = wire.post("{\"add\":2}").unwrap().status(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let json = answer.json();
    assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["hash", "reply", "seq", "state"]);
    assert_eq!((&json["seq"], &json["state"]["count"], &json["reply"]), (&2.into(), &2.into(), &().into()));
    let entry = wire.get(&format!("/chain/{}", json["hash"].as_str().unwrap())).unwrap().status(200);
    assert_eq!(Hash::of(&entry.body).to_string(), json["hash"]);
}

#[test]
fn a_body_that_is_no_json_object_is_400_and_leaves_no_entry() {
    let server = Server::start(guests::echo(World::Simple));
    let mut wire = server.wire();
    for body in [
        &b""[..],
        b"  ",
        b"1",
        b"null",
        b"\"text\"",
        b"[]",
        b"[{\"a\":1}]",
        b"{",
        b"{\"a\":1",
        b"{\"a\":1}}",
        b"{\"a\":1} {\"b\":2}",
        b"{\"a\":1,}",
        b"{a:1}",
        b"{'a':1}",
        b"{\"a\":01}",
        b"{\"a\":NaN}",
        b"{\"a\":\"\x01\"}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"\xef\xbb\xbf{\"a\":1}",
        b"\0{\"a\":1}",
        b"{\"a\":1}\0",
        b"\xff\xfe{\0}\0",
    ] {
        wire.post(body).unwrap().problem(400, "not-a-json-object");
    }
    assert_eq!(server.seq(), 1);
}

#[test]
fn whatever_is_a_json_object_reaches_the_actor_byte_by_byte() {
    let server = Server::start(guests::echo(World::Simple));
    let mut wire = server.wire();
    for body in
        ["{}", " \r\n\t{ \"a\" : 1 } \n", "{\"a\":1,\"a\":2}", "{\"\u{e9}\":\"\\u00e9\"}", "{\"a\":1e999}"]
    {
        let answer = wire.post(body).unwrap().status(200);
        let message = format!("/blobs/{}", Hash::of(body.as_bytes()));
        assert_eq!(wire.get(&message).unwrap().status(200).body, body.as_bytes());
        assert_eq!(wire.get("/state").unwrap().body, body.as_bytes());
        assert!(answer.text().contains(body), "{}", answer.text());
    }
}

#[test]
fn a_body_nested_without_end_is_no_danger() {
    let server = Server::start(guests::echo(World::Simple));
    let mut wire = server.wire();
    let depth = 150_000;
    let open = "{\"a\":".repeat(depth);
    wire.post(&open).unwrap().problem(400, "not-a-json-object");
    let whole = format!("{open}1{}", "}".repeat(depth));
    let answer = wire.post(&whole).unwrap();
    assert!(matches!(answer.status, 200 | 400), "{}", answer.status);
    assert_eq!(wire.get("/healthz").unwrap().status, 200);
}

#[test]
fn a_message_above_the_limit_is_413_whether_its_length_is_announced_or_not() {
    let mut setup = setup(guests::echo(World::Simple));
    setup.limits = vec![("message".into(), 1000)];
    let server = Server::with(setup);
    let body = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    let chunked = |length: usize| {
        let head = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (first, rest) = (&body(length)[..100], &body(length)[100..]);
        format!("{head}64\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", rest.len())
    };
    server.wire().post(body(1000)).unwrap().status(200);
    let problem = server.wire().post(body(1001)).unwrap().problem(413, "too-large");
    assert!(problem["detail"].as_str().unwrap().contains("1000"), "{problem}");
    for (length, status) in [(1000, 200), (1001, 413), (100_000, 413)] {
        let mut wire = server.wire();
        wire.send(chunked(length)).unwrap();
        wire.read(true).unwrap().status(status);
    }
    // What is announced is refused before it comes.
    for length in ["1001", "1000000000000", "18446744073709551614"] {
        let mut wire = server.wire();
        wire.send(format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")).unwrap();
        let answer = wire.read(true).unwrap();
        assert!(matches!(answer.status, 413 | 431 | 400), "{length}: {}", answer.status);
    }
    assert_eq!(server.seq(), 3);
}

#[test]
fn a_refusal_of_the_contract_is_422_with_its_reason_and_leaves_no_entry() {
    let server = Server::start(guests::fails_in(Call::MessageContract, "not \"on\" Sundays"));
    let mut wire = server.wire();
    let problem = wire.post("{}").unwrap().problem(422, "rejected");
    assert_eq!(problem["detail"], "not \"on\" Sundays");
    assert_eq!((&problem["hash"], &problem["seq"]), (&().into(), &().into()));
    assert_eq!(server.seq(), 1);
    Server::start(counter()).wire().post("{\"subtract\":1}").unwrap().problem(422, "rejected");
}

#[test]
fn a_failure_of_the_actor_is_500_with_the_failure_s_entry() {
    for (component, error) in [
        (guests::trap_in(World::Simple, Place::Call(Call::Handle)), "trap:unreachable"),
        (guests::trap_in(World::Actor, Place::Call(Call::Handle)), "trap:unreachable"),
        (guests::fails_in(Call::Handle, "out of milk"), "refused"),
    ] {
        let server = Server::start(component);
        let mut wire = server.wire();
        let before = wire.get("/state").unwrap().body;
        let problem = wire.post("{\"a\":1}").unwrap().problem(500, "failed");
        assert_eq!(problem["seq"], 2);
        assert!(problem["error"].as_str().unwrap().starts_with(error), "{problem}");
        let entry = wire.get(&format!("/chain/{}", problem["hash"].as_str().unwrap())).unwrap().status(200);
        assert_eq!(Entry::decode(&entry.body).unwrap().body.kind(), "failure");
        assert_eq!(entry.json()["data"]["kind"], "failure");
        assert_eq!(wire.get("/state").unwrap().body, before);
        assert_eq!(server.seq(), 2);
    }
}

#[test]
fn whoever_prefers_little_gets_the_entry_alone() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for (prefer, minimal) in [
        ("return=minimal", true),
        ("respond-async, Return=Minimal", true),
        ("return=\"minimal\"", true),
        ("return=minimal; why=not", true),
        ("return = minimal", true),
        ("return=representation", false),
        ("minimal", false),
        ("handling=\"return=minimal\"", false),
    ] {
        let answer = wire.ask("POST", "/", &format!("Prefer: {prefer}\r\n"), b"{\"add\":1}").unwrap();
        let answer = answer.status(200);
        let applied = minimal.then_some("return=minimal");
        assert_eq!(answer.header("preference-applied"), applied, "{prefer}");
        assert_eq!(answer.json().as_object().unwrap().len(), if minimal { 2 } else { 4 }, "{prefer}");
    }
}

#[test]
fn bytes_that_are_not_json_come_in_base64() {
    let server = Server::start(guests::huge_state(World::Simple, 5));
    let mut wire = server.wire();
    let answer = wire.post("{}").unwrap().status(200).json();
    assert_eq!(answer["state"], serde_json::json!({ "base64": "eHh4eHg=" }));
    let state = wire.get("/state").unwrap().status(200);
    assert_eq!(
        (state.header("content-type"), &*state.body),
        (Some("application/octet-stream"), &b"xxxxx"[..])
    );

    let server = Server::start(guests::replies());
    let mut wire = server.wire();
    let answer = wire.post("{\"a\": [1]}").unwrap().status(200).json();
    assert_eq!(answer["reply"], serde_json::json!({ "a": [1] }));
    assert_eq!(answer["state"], serde_json::json!({ "base64": "" }));
}
