//! DIDs on the web, fetched from a server with a certificate made here.

use std::sync::Arc;

use axum::Router;
use axum::http::header::LOCATION;
use axum::routing::get;
use troupe::did::Documents;
use troupe::http::TlsAcceptor;
use troupe_identity::{Fetch as _, NotResolved, Resolved, SecretKey, Signer as _, resolve};

/// A server of documents, and what to trust it by.
struct Web {
    port: u16,
    pem: String,
    _runtime: tokio::runtime::Runtime,
}

fn start() -> Web {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = pair.cert.pem();
    std::fs::write(&cert, &pem).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let tls = TlsAcceptor::load(&cert, &key).unwrap();
    let runtime = troupe::http::runtime().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let document = |did: String| {
        let key = SecretKey::from_seed(&[7; 32]).did().to_string();
        let method = serde_json::json!({
            "id": "#key", "type": "Multikey", "controller": did,
            "publicKeyMultibase": key.trim_start_matches("did:key:"),
        });
        serde_json::json!({ "id": did, "authentication": [method] }).to_string()
    };
    let (coop, anna) = (document(did(port, "")), document(did(port, ":anna")));
    let router = Router::new()
        .route("/.well-known/did.json", get(|| async move { coop }))
        .route("/anna/did.json", get(|| async move { anna }))
        .route("/large/did.json", get(|| async { " ".repeat((64 << 10) + 1) }))
        .route(
            "/moved/did.json",
            get(|| async { (axum::http::StatusCode::FOUND, [(LOCATION, "/anna/did.json")]) }),
        );
    runtime.spawn(troupe::http::serve_router(listener, router, Some(tls), std::future::pending()));
    Web { port, pem, _runtime: runtime }
}

fn did(port: u16, path: &str) -> String {
    format!("did:web:localhost%3A{port}{path}")
}

impl Web {
    fn resolve(&self, path: &str) -> Result<Resolved, NotResolved> {
        let documents = Documents::within(self.pem.as_bytes(), Arc::new(|_| true)).unwrap();
        resolve(&did(self.port, path), &documents)
    }
}

#[test]
fn the_document_of_a_did_web_is_fetched_and_read() {
    let web = start();
    for path in ["", ":anna"] {
        let resolved = web.resolve(path).unwrap();
        assert_eq!(resolved.keys, [SecretKey::from_seed(&[7; 32]).did().clone()]);
    }
}

#[test]
fn what_is_too_large_moved_or_missing_is_no_document() {
    let web = start();
    for (path, what) in
        [(":large", "more than 65536 bytes"), (":moved", "not followed"), (":ben", "status 404")]
    {
        let error = web.resolve(path).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn only_https_of_a_host_that_is_known_and_public_is_asked() {
    let web = start();
    let url = format!("https://localhost:{}/.well-known/did.json", web.port);
    let error = Documents::default().fetch(&url).unwrap_err();
    assert!(error.contains("private"), "{error}");
    let plain = Documents::default().fetch(&url.replace("https", "http")).unwrap_err();
    assert!(plain.contains("only https"), "{plain}");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let stranger = Documents::within(other.cert.pem().as_bytes(), Arc::new(|_| true)).unwrap();
    assert!(stranger.fetch(&url).is_err(), "another certificate is trusted");
    assert!(Documents::within(b"nothing", Arc::new(|_| true)).is_err());
}
