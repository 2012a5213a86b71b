//! The explorer's files: what they are served with. What the page does, browsers try out in `cargo xtask test explorer`.

use crate::server::{Server, counter};

#[test]
fn the_explorer_is_told_to_load_nothing_from_elsewhere() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    assert_eq!(wire.get("/ui").unwrap().status(308).header("location"), Some("ui/"));
    for (path, content_type) in [
        ("/ui/", "text/html; charset=utf-8"),
        ("/ui/app.js", "text/javascript; charset=utf-8"),
        ("/ui/worker.js", "text/javascript; charset=utf-8"),
        ("/ui/style.css", "text/css; charset=utf-8"),
        ("/ui/verifier.wasm", "application/wasm"),
    ] {
        let answer = wire.get(path).unwrap().status(200);
        assert_eq!(answer.header("content-type"), Some(content_type));
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("http"), "{policy}");
    }
    wire.get("/ui/secret").unwrap().problem(404, "not-found");
    wire.get("/ui/../state").unwrap().problem(404, "not-found");
}

#[test]
fn a_file_that_is_the_same_is_not_sent_again() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let first = wire.get("/ui/app.js").unwrap().status(200);
    let known = format!("If-None-Match: {}\r\n", first.header("etag").expect("a tag"));
    let again = wire.ask("GET", "/ui/app.js", &known, b"").unwrap().status(304);
    assert!(again.text().is_empty());
    let other = wire.ask("GET", "/ui/style.css", &known, b"").unwrap().status(200);
    assert!(!other.text().is_empty());
}
