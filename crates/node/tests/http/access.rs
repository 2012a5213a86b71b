//! Who is let through.

use std::num::NonZero;

use troupe::access::{Policy, RateLimit, Scope, Scopes, TokenFile, Tokens};
use troupe::http::ServerLimits;

use crate::server::{Server, counter, setup};

struct Guarded {
    server: Server,
    _folder: tempfile::TempDir,
    tokens: Vec<(Scope, String)>,
}

/// A server that asks everybody for a token, with one of each scope.
fn guarded(public_read: bool) -> Guarded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let file = TokenFile::new(&path);
    let make = |scope| {
        let made = file.create("one", Scopes::new(vec![scope]).unwrap()).unwrap();
        (scope, made.secret.expose().to_owned())
    };
    let tokens = Scope::ALL.map(make).to_vec();
    let policy = Policy { tokens: Some(Tokens::open(&path).unwrap()), public_read, ..Policy::default() };
    let running = setup(counter()).open().unwrap();
    let server = Server::within(ServerLimits::default(), running, |site| site.guarded(policy, None));
    Guarded { server, _folder: folder, tokens }
}

#[test]
fn every_path_needs_its_scope_and_only_healthz_and_the_explorer_need_none() {
    let guarded = guarded(false);
    let mut wire = guarded.server.wire();
    let document = troupe_api::OPENAPI.parse::<serde_json::Value>().unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path =
            path.replace("{actor}", "nobody").replace("{entry}", "0").replace("{hash}", &"0".repeat(64));
        let path = path.replace("{file}", "app.js");
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let says = operation["description"].as_str().unwrap();
            let needs = Scope::ALL.into_iter().find(|scope| says.ends_with(&format!("the scope `{scope}`.")));
            let Some(needs) = needs else {
                let status = match (&*path, &*method) {
                    ("/healthz" | "/ui/" | "/ui/app.js", "GET") => 200,
                    ("/ui", "GET") => 308,
                    _ => panic!("{method} {path} needs nothing"),
                };
                wire.get(&path).unwrap().status(status);
                continue;
            };
            let denied = wire.ask(&method, &path, "", b"").unwrap();
            assert_eq!(denied.header("www-authenticate"), Some("Bearer realm=\"troupe\""), "{method} {path}");
            denied.problem(401, "unauthorized");
            for (scope, token) in &guarded.tokens {
                if *scope == Scope::Manage || *scope == needs {
                    continue;
                }
                let header = format!("Authorization: Bearer {token}\r\n");
                let denied = wire.ask(&method, &path, &header, b"").unwrap();
                assert!(!denied.text().contains(&token[20..]), "a secret is told");
                denied.problem(403, "forbidden");
            }
        }
    }
}

#[test]
fn a_token_lets_through_what_its_scope_allows() {
    let guarded = guarded(false);
    let mut wire = guarded.server.wire();
    for (scope, token) in &guarded.tokens {
        let header = format!("Authorization: Bearer {token}\r\n");
        let (reads, sends) = (*scope != Scope::Send, *scope != Scope::Read);
        let answer = wire.ask("GET", "/state", &header, b"").unwrap();
        assert_eq!(answer.status == 200, reads, "{scope}");
        let answer = wire.ask("POST", "/", &header, b"{\"add\":1}").unwrap();
        assert_eq!(answer.status == 200, sends, "{scope}");
        let answer = wire.ask("POST", "/pause", &header, b"").unwrap();
        assert_eq!(answer.status == 200, *scope == Scope::Manage, "{scope}");
    }
    let wrong = "Authorization: Bearer troupe_000000000000_00\r\n";
    wire.ask("GET", "/state", wrong, b"").unwrap().problem(401, "unauthorized");
}

#[test]
fn everybody_may_read_where_reading_is_public_and_nothing_else() {
    let guarded = guarded(true);
    let mut wire = guarded.server.wire();
    wire.get("/state").unwrap().status(200);
    wire.get("/socket").unwrap().problem(401, "unauthorized");
    wire.post("{\"add\":1}").unwrap().problem(401, "unauthorized");
    wire.ask("POST", "/stop", "", b"").unwrap().problem(401, "unauthorized");
    assert_eq!(guarded.server.seq(), 1);
}

#[test]
fn this_machine_needs_no_token_unless_a_page_of_another_origin_asks() {
    let policy = Policy { loopback_free: true, ..Policy::default() };
    let running = setup(counter()).open().unwrap();
    let server = Server::within(ServerLimits::default(), running, |site| site.guarded(policy, None));
    let mut wire = server.wire();
    let addr = server.addr;
    let mut ask = |headers: &str| {
        wire.send(format!("POST / HTTP/1.1\r\nContent-Length: 9\r\n{headers}\r\n{{\"add\":1}}")).unwrap();
        wire.read(true).unwrap().status
    };
    assert_eq!(ask(&format!("Host: {addr}\r\n")), 200);
    assert_eq!(ask(&format!("Host: {addr}\r\nOrigin: http://{addr}\r\n")), 200);
    assert_eq!(ask(&format!("Host: {addr}\r\nOrigin: http://evil.example\r\n")), 403);
    assert_eq!(ask(&format!("Host: {addr}\r\nSec-Fetch-Site: cross-site\r\n")), 403);
    assert_eq!(ask("Host: evil.example\r\n"), 403);
    assert_eq!(server.seq(), 3);
}

#[test]
fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let rate = RateLimit::new(NonZero::new(1).unwrap());
    let running = setup(counter()).open().unwrap();
    let server = Server::within(ServerLimits::default(), running, |site| {
        site.guarded(Policy { public_read: true, ..Policy::default() }, Some(rate))
    });
    let mut wire = server.wire();
    let answers: Vec<_> = (0..20).map(|_| wire.get("/state").unwrap()).collect();
    assert_eq!(answers[0].status, 200);
    let limited = answers.iter().find(|answer| answer.status == 429).expect("twenty at once are too many");
    assert_eq!(limited.header("retry-after"), Some("1"));
    limited.problem(429, "too-many-requests");
    for _ in 0..20 {
        wire.get("/healthz").unwrap().status(200);
    }
}

#[test]
fn a_signature_stands_for_a_token_where_it_is_checked_and_nowhere_else() {
    let guarded = guarded(false);
    let mut wire = guarded.server.wire();
    let mut ask = |method, path| wire.ask(method, path, "Signature-Input: x\r\n", b"{}").unwrap();
    ask("POST", "/commons").problem(401, "unsigned");
    for (method, path) in [("GET", "/commons"), ("POST", "/commons/begin"), ("POST", "/"), ("POST", "/stop")]
    {
        ask(method, path).problem(401, "unauthorized");
    }
}
