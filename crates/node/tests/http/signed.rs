//! Requests that act on the commons: whose they are, and every way in which they are nobody's.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use troupe_api::Client;
use troupe_identity::http::{Request, SignedFields, sign};
use troupe_identity::{SecretKey, Signer as _};

use crate::server::{Server, counter};
use crate::wire::Answer;

/// Below the commons, and nothing is there: whoever gets `not-found` was let through.
const PATH: &str = "/commons/nothing-is-here";
const BODY: &[u8] = b"{}";

fn server() -> Server {
    Server::start(counter())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn signed(path: &str, times: (u64, u64), nonce: &str) -> SignedFields {
    let request = Request { method: "POST", authority: "localhost", path, query: None, fields: &[] };
    sign(&SecretKey::from_seed(&[3; 32]), &request, BODY, times, nonce).unwrap()
}

/// Sends what was signed to [`PATH`].
fn send(server: &Server, fields: &SignedFields, body: &[u8]) -> Answer {
    let headers = format!(
        "Content-Digest: {}\r\nSignature-Input: {}\r\nSignature: {}\r\n",
        fields.content_digest, fields.signature_input, fields.signature
    );
    server.wire().ask("POST", PATH, &headers, body).unwrap()
}

#[test]
fn what_acts_on_the_commons_has_to_be_signed_and_says_how() {
    let server = server();
    for (method, path) in [("POST", "/commons"), ("DELETE", "/commons/jobs/1"), ("PUT", "/commons/")] {
        let answer = server.wire().ask(method, path, "", BODY).unwrap();
        let accepted = answer.header("accept-signature").unwrap();
        assert!(accepted.contains("\"content-digest\"") && accepted.contains(";nonce;keyid"), "{accepted}");
        answer.problem(401, "unsigned");
    }
    server.wire().get(PATH).unwrap().problem(404, "not-found");
}

#[test]
fn a_request_counts_once_for_whoever_signed_it() {
    let server = server();
    let fields = signed(PATH, (now(), now() + 60), "1");
    send(&server, &fields, BODY).problem(404, "not-found");
    send(&server, &fields, BODY).problem(409, "replayed");
    send(&server, &signed(PATH, (now(), now() + 60), "2"), BODY).problem(404, "not-found");
}

#[test]
fn another_request_than_was_signed_is_nobodys() {
    let server = server();
    let good = signed(PATH, (now(), now() + 60), "1");
    send(&server, &good, b"{\"a\":1}").problem(401, "bad-signature");
    send(&server, &signed("/commons", (now(), now() + 60), "1"), BODY).problem(401, "bad-signature");
    let uncovered = good.signature_input.replace(" \"content-digest\"", "");
    send(&server, &SignedFields { signature_input: uncovered, ..good.clone() }, BODY)
        .problem(401, "bad-signature");
    let did = SecretKey::from_seed(&[3; 32]).did().to_string();
    let other = good.signature_input.replace(&did, &SecretKey::from_seed(&[4; 32]).did().to_string());
    send(&server, &SignedFields { signature_input: other, ..good.clone() }, BODY)
        .problem(401, "bad-signature");
    send(&server, &good, BODY).problem(404, "not-found");
}

#[test]
fn a_signature_of_another_time_is_not_good_now() {
    let server = server();
    for times in [(now() - 120, now() - 60), (now() + 120, now() + 180), (now(), now() + 3600)] {
        send(&server, &signed(PATH, times, "1"), BODY).problem(401, "stale-signature");
    }
    // What the process before may have seen.
    let before = send(&server, &signed(PATH, (now() - 30, now() + 60), "1"), BODY);
    assert!(String::from_utf8_lossy(&before.body).contains("before this node started"));
    before.problem(401, "stale-signature");
}

#[test]
fn the_client_signs_by_itself() {
    let server = server();
    let client = Client::new(&format!("http://{}", server.addr)).unwrap();
    let code = |client: &Client| {
        let error = client.call("POST", "/commons/nothing-is-here?x=1", Some(("application/json", BODY)));
        error.unwrap_err().problem().unwrap().code.as_str()
    };
    assert_eq!(code(&client), "unsigned");
    let client = client.signed_by(Arc::new(SecretKey::from_seed(&[3; 32])));
    assert_eq!((code(&client), code(&client)), ("not-found", "not-found"));
    assert!(client.info().is_ok());
}
