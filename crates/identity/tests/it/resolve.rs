//! DIDs and the keys behind them: whom a document speaks for, and which of its keys count.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use troupe_identity::{Fetch, KeyDocument, NotResolved, Resolved, SecretKey, Signer as _, WebDid, resolve};

const DID: &str = "did:web:coop.example";

/// Answers with the same document whatever is asked for, and remembers what was.
struct Web {
    document: Result<Vec<u8>, String>,
    asked: RefCell<Vec<String>>,
}

impl Web {
    fn of(document: &Value) -> Self {
        Self { document: Ok(document.to_string().into_bytes()), asked: RefCell::default() }
    }
}

impl Fetch for Web {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        self.asked.borrow_mut().push(url.to_owned());
        self.document.clone()
    }
}

fn key(of: u8) -> SecretKey {
    SecretKey::from_seed(&[of; 32])
}

fn multibase(of: u8) -> String {
    key(of).did().to_string().trim_start_matches("did:key:").to_owned()
}

fn method(id: &str, kind: &str, name: &str, value: Value) -> Value {
    json!({ "id": format!("{DID}#{id}"), "type": kind, "controller": DID, name: value })
}

fn jwk(of: u8) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key(of).did().as_bytes()) })
}

fn document(methods: &[Value]) -> Value {
    let ids: Vec<_> = methods.iter().map(|method| method["id"].clone()).collect();
    json!({ "id": DID, "verificationMethod": methods, "authentication": ids })
}

fn resolved(document: &Value) -> Resolved {
    resolve(DID, &Web::of(document)).unwrap()
}

#[test]
fn a_did_web_says_where_its_document_is() {
    for (did, url) in [
        ("did:web:coop.example", "https://coop.example/.well-known/did.json"),
        ("did:web:coop.example:members:anna", "https://coop.example/members/anna/did.json"),
        ("did:web:coop.example%3A8443", "https://coop.example:8443/.well-known/did.json"),
        ("did:web:localhost%3a1:A_b.c-1", "https://localhost:1/A_b.c-1/did.json"),
    ] {
        assert_eq!(did.parse::<WebDid>().unwrap().url(), url);
    }
}

#[test]
fn whatever_two_readers_might_take_for_two_addresses_is_refused() {
    let long = format!("did:web:coop.example:{}", "a".repeat(256));
    for did in [
        "did:web:",
        "did:web::a",
        "did:web:coop.example:",
        "did:web:coop.example::a",
        "did:web:coop.example:..:a",
        "did:web:coop.example:.",
        "did:web:coop.example:a%2fb",
        "did:web:coop.example/a",
        "did:web:coop.example?a",
        "did:web:coop.example#a",
        "did:web:anna@coop.example",
        "did:web:Coop.example",
        "did:web:coop.example.",
        "did:web:-a.example",
        "did:web:127.0.0.1",
        "did:web:2130706433",
        "did:web:0x7f.1",
        "did:web:[::1]",
        "did:web:coop.example%3A",
        "did:web:coop.example%3A0",
        "did:web:coop.example%3A080",
        "did:web:coop.example%3A65536",
        "did:web:coop.example%3A80%3A81",
        "did:web:coop.example%2fa",
        "did:web:caf\u{e9}.example",
        &long,
    ] {
        assert!(matches!(resolve(did, &Web::of(&json!({}))), Err(NotResolved::Web(_))), "{did}");
    }
}

#[test]
fn a_did_key_is_its_own_key_and_other_methods_are_refused() {
    let web = Web::of(&json!({}));
    let did = key(1).did().to_string();
    let resolved = resolve(&did, &web).unwrap();
    assert_eq!((resolved.did, resolved.keys), (did, vec![key(1).did().clone()]));
    for did in ["did:ion:abc", "did:key:z6Mk", "anna", "", "https://coop.example"] {
        assert!(matches!(resolve(did, &web), Err(NotResolved::Method(_))), "{did}");
    }
    assert!(web.asked.borrow().is_empty());
}

#[test]
fn a_key_is_read_in_each_of_its_forms() {
    let document = document(&[
        method("1", "Multikey", "publicKeyMultibase", multibase(1).into()),
        method("2", "Ed25519VerificationKey2020", "publicKeyMultibase", multibase(2).into()),
        method("3", "JsonWebKey2020", "publicKeyJwk", jwk(3)),
        method("4", "JsonWebKey", "publicKeyJwk", jwk(4)),
    ]);
    let web = Web::of(&document);
    let resolved = resolve(DID, &web).unwrap();
    assert_eq!(resolved.keys, [1, 2, 3, 4].map(|of| key(of).did().clone()));
    assert!(resolved.passed_over.is_empty());
    assert_eq!(*web.asked.borrow(), ["https://coop.example/.well-known/did.json"]);
}

#[test]
fn a_key_may_stand_in_the_list_itself_and_ids_may_leave_out_the_did() {
    let short =
        json!({ "id": "#1", "type": "Multikey", "controller": DID, "publicKeyMultibase": multibase(1) });
    let embedded = method("2", "Multikey", "publicKeyMultibase", multibase(2).into());
    let document = json!({ "id": DID, "verificationMethod": [short], "authentication": ["#1", embedded] });
    assert_eq!(resolved(&document).keys, [1, 2].map(|of| key(of).did().clone()));
}

#[test]
fn what_does_not_count_is_passed_over_with_the_reason() {
    let change = |name: &str, value: Value| {
        let mut method = method("1", "Multikey", "publicKeyMultibase", multibase(1).into());
        method[name] = value;
        method
    };
    // Of the identity point: it verifies what nobody signed.
    let weak =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([&[1][..], &[0; 31]].concat()) });
    for (method, reason) in [
        (change("controller", "did:web:other.example".into()), "another DID controls it"),
        (change("id", "did:web:coop.example.evil.example#1".into()), "its id is of another DID"),
        (change("id", "did:web:coop.example".into()), "its id is of another DID"),
        (
            change("type", "EcdsaSecp256k1VerificationKey2019".into()),
            "its type is not one of those that count",
        ),
        (change("type", "JsonWebKey2020".into()), "it is no Ed25519 public key"),
        (
            change("publicKeyMultibase", "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme".into()),
            "it is no Ed25519 public key",
        ),
        (method("1", "JsonWebKey2020", "publicKeyJwk", weak), "it is no Ed25519 public key"),
        (
            method("1", "JsonWebKey2020", "publicKeyJwk", json!({ "kty": "EC", "crv": "P-256" })),
            "it is no Ed25519 public key",
        ),
    ] {
        let found = resolved(&document(&[method]));
        assert!(found.keys.is_empty());
        assert_eq!(found.passed_over.len(), 1);
        assert_eq!(found.passed_over[0].1, reason);
    }
    let mut unused = document(&[change("type", "Multikey".into())]);
    unused["authentication"] = json!([]);
    assert_eq!(resolved(&unused).passed_over[0].1, "it is not for authentication");
}

#[test]
fn a_document_speaks_for_its_own_did_alone() {
    let methods = vec![method("1", "Multikey", "publicKeyMultibase", multibase(1).into()); 65];
    for (document, what) in [
        (json!({ "id": "did:web:other.example" }), "did:web:other.example"),
        (serde_json::to_value(KeyDocument::of(key(1).did())).unwrap(), "did:key:"),
        (json!({}), "missing field `id`"),
        (json!([]), "invalid"),
        (document(&methods), "more than 64"),
    ] {
        let error = resolve(DID, &Web::of(&document)).unwrap_err();
        assert!(matches!(error, NotResolved::Document { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
    let twice = format!("{{\"id\":\"{DID}\",\"id\":\"{DID}\"}}");
    let web = Web { document: Ok(twice.into_bytes()), asked: RefCell::default() };
    assert!(matches!(resolve(DID, &web), Err(NotResolved::Document { .. })));
    let web = Web { document: Err("it is away".into()), asked: RefCell::default() };
    let error = resolve(DID, &web).unwrap_err().to_string();
    assert!(error.contains("coop.example/.well-known/did.json: it is away"), "{error}");
}

proptest! {
    #[test]
    fn texts_of_any_kind_lead_nowhere_else(rest in "[ -~]{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let did = format!("did:web:{rest}");
        let web = Web { document: Ok(bytes), asked: RefCell::default() };
        prop_assert!(resolve(&did, &web).is_err());
        for url in web.asked.borrow().iter() {
            prop_assert!(url.starts_with("https://") && url.ends_with("/did.json") && !url.contains(['?', '#', '@', '%']), "{url}");
            prop_assert!(!url.contains("/../") && !url.contains("/./"), "{url}");
        }
    }
}
