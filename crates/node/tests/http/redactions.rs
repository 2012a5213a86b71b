//! Payloads that were taken back, as readers see them.

use serde_json::json;
use troupe::access::{Policy, Scope, Scopes, TokenFile, Tokens};
use troupe::http::ServerLimits;
use troupe_chain::Hash;

use crate::server::{Server, counter, setup};

fn order(what: &str, from: u64, fields: &[&str]) -> Vec<u8> {
    json!({ "do": what, "from": from, "fields": fields, "reason": "on request" }).to_string().into_bytes()
}

#[test]
fn an_erased_blob_is_gone_with_the_reason_and_the_time() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    wire.post("{\"add\":7}").unwrap().status(200);
    wire.post("{\"add\":1}").unwrap().status(200);
    let path = format!("/blobs/{}", Hash::of(b"{\"add\":7}"));
    wire.get(&path).unwrap().status(200);
    let done =
        wire.ask("POST", "/redactions", "", &order("erase", 2, &["message"])).unwrap().status(200).json();
    assert_eq!((&done["done"], &done["copies"], &done["snapshot"]), (&json!("erased"), &json!(1), &json!(3)));
    let problem = wire.get(&path).unwrap().problem(410, "erased");
    assert_eq!(problem["detail"], "on request");
    assert!(problem["at"].as_u64().is_some());
    let listed = wire.get("/redactions").unwrap().status(200).json();
    assert_eq!(listed["redactions"][0]["seq"], 2);
    assert_eq!(listed["redactions"][0]["kind"], "erased");
    let again = wire.ask("POST", "/redactions", "", &order("erase", 2, &["message"])).unwrap();
    again.problem(422, "cannot-redact");
    // What comes again is there again.
    wire.post("{\"add\":7}").unwrap().status(200);
    wire.get(&path).unwrap().status(200);
}

#[test]
fn what_cannot_be_taken_back_is_refused() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    wire.post("{\"add\":7}").unwrap().status(200);
    let mut ask = |body: &[u8]| wire.ask("POST", "/redactions", "", body).unwrap();
    ask(&order("erase", 2, &["state"])).problem(422, "cannot-redact");
    ask(&order("erase", 9, &[])).problem(422, "cannot-redact");
    ask(&order("erase", 2, &["component-hash"])).problem(422, "cannot-redact");
    ask(&order("forget", 2, &[])).problem(400, "bad-body");
    ask(b"{\"do\":\"erase\",\"from\":2,\"reason\":\"\xc3\xbc\"}").problem(400, "bad-body");
    ask(b"{\"do\":\"withhold\",\"from\":2,\"everywhere\":true}").problem(400, "bad-body");
}

#[test]
fn an_answer_that_was_erased_is_not_given_to_its_key_again() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let key = "Idempotency-Key: \"once\"\r\n";
    wire.ask("POST", "/", key, b"{\"add\":7}").unwrap().status(200);
    wire.ask("POST", "/", key, b"{\"add\":7}").unwrap().status(200);
    wire.post("{\"add\":1}").unwrap().status(200);
    wire.ask("POST", "/redactions", "", &order("erase", 2, &[])).unwrap().status(200);
    wire.ask("POST", "/", key, b"{\"add\":7}").unwrap().problem(410, "erased");
    assert_eq!(server.seq(), 3);
}

#[test]
fn what_is_withheld_is_for_whoever_may_manage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let file = TokenFile::new(&path);
    let make = |scopes: &[Scope]| {
        let made = file.create("one", Scopes::new(scopes.to_vec()).unwrap()).unwrap();
        format!("Authorization: Bearer {}\r\n", made.secret.expose())
    };
    let [reader, manager] = [make(&[Scope::Read, Scope::Send]), make(&[Scope::Read, Scope::Manage])];
    let policy = Policy { tokens: Some(Tokens::open(&path).unwrap()), ..Policy::default() };
    let running = setup(counter()).open().unwrap();
    let server = Server::within(ServerLimits::default(), running, |site| site.guarded(policy, None));
    let mut wire = server.wire();
    wire.ask("POST", "/", &reader, b"{\"add\":7}").unwrap().status(200);
    wire.ask("POST", "/redactions", &reader, &order("withhold", 2, &[])).unwrap().problem(403, "forbidden");
    wire.ask("POST", "/redactions", &manager, &order("withhold", 2, &[])).unwrap().status(200);
    let blob = format!("/blobs/{}", Hash::of(b"{\"add\":7}"));
    for path in [&*blob, "/state"] {
        let problem = wire.ask("GET", path, &reader, b"").unwrap().problem(410, "withheld");
        assert_eq!(problem["detail"], "on request");
        wire.ask("GET", path, &manager, b"").unwrap().status(200);
    }
    let listed = wire.ask("GET", "/redactions?limit=1", &reader, b"").unwrap().status(200).json();
    assert!(
        listed["next"].is_string() && listed["redactions"][0]["by"].as_str().unwrap().starts_with("token ")
    );
    wire.ask("POST", "/redactions", &manager, &order("release", 2, &[])).unwrap().status(200);
    wire.ask("GET", &blob, &reader, b"").unwrap().status(200);
}
