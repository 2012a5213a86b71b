//! What an actor says that it takes, and what a refusal says of it.

use serde_json::json;
use troupe_testing::{Call, Guest, World};

use crate::server::{Server, counter, setup};
use crate::streams::{ask, connect, hear};

/// Refuses everything, and says that it takes `{"n":N}` with N of at least 1.
fn picky(description: &str) -> Vec<u8> {
    let mut guest = Guest::new(World::Actor);
    let no = guest.constant(b"no");
    guest.describing(description).body(Call::MessageContract, format!("(call $refuse {no})")).component()
}

const DESCRIPTION: &str =
    r#"{"message":{"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":1}}}}"#;

#[test]
fn a_schema_is_shown_as_the_actor_says_it() {
    let server = Server::with(setup(picky(DESCRIPTION)));
    let mut wire = server.wire();
    assert_eq!(wire.get("/schema").unwrap().status(200).text(), DESCRIPTION);
    let server = Server::start(counter());
    assert_eq!(server.wire().get("/schema").unwrap().status(200).json(), json!({}));
}

#[test]
fn a_refusal_says_which_part_of_the_message_does_not_fit() {
    let server = Server::with(setup(picky(DESCRIPTION)));
    let mut wire = server.wire();
    let problem = wire.post(r#"{"n":0}"#).unwrap().problem(422, "rejected");
    assert_eq!(problem["detail"], "no");
    assert_eq!(problem["fields"], json!([{"path": "/n", "problem": "must be at least 1, and is 0"}]));
    let problem = wire.post("{}").unwrap().problem(422, "rejected");
    assert_eq!(problem["fields"], json!([{"path": "", "problem": "`n` is missing"}]));
    // The schema finds nothing wrong; the contract decides.
    let problem = wire.post(r#"{"n":1}"#).unwrap().problem(422, "rejected");
    assert!(problem.get("fields").is_none(), "{problem}");
}

#[test]
fn a_refusal_over_a_socket_says_it_too() {
    let server = Server::with(setup(picky(DESCRIPTION)));
    let mut socket = connect(&server, "/socket");
    ask(&mut socket, &json!({ "id": 7, "message": { "n": 0 } }));
    let told = hear(&mut socket);
    assert_eq!((&told["id"], &told["error"]["code"]), (&json!(7), &json!("rejected")));
    assert_eq!(told["error"]["fields"], json!([{"path": "/n", "problem": "must be at least 1, and is 0"}]));
    ask(&mut socket, &json!({ "id": 8, "message": { "n": 1 } }));
    assert!(hear(&mut socket)["error"].get("fields").is_none());
}

#[test]
fn a_schema_that_cannot_be_used_says_nothing() {
    let server = Server::with(setup(picky(r#"{"message":{"type":"number of things"}}"#)));
    let problem = server.wire().post(r#"{"n":0}"#).unwrap().problem(422, "rejected");
    assert!(problem.get("fields").is_none(), "{problem}");
}
