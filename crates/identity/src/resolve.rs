//! The keys behind a DID: what its name says by itself, or a document that was fetched for it.
//!
//! A key counts if its document lists it for authentication, says that the DID controls it, and gives it as an Ed25519 key in
//! one of three forms: `Multikey` and `Ed25519VerificationKey2020` with `publicKeyMultibase`, `JsonWebKey2020` (or
//! `JsonWebKey`) with `publicKeyJwk` of type `OKP`. All else is passed over, with the reason.
//!
//! Invariant: a document speaks for its own DID alone. Nothing is fetched here: [`Fetch`] does, within its own limits.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use troupe_chain::DidKey;

use crate::web::{BadWebDid, WebDid};

/// The most bytes of a document.
pub const MAX_DOCUMENT_BYTES: u64 = 64 << 10;
/// The most verification methods of a document that are looked at.
const MAX_METHODS: usize = 64;

/// Brings documents: over HTTPS, at most [`MAX_DOCUMENT_BYTES`] of them, in bounded time.
pub trait Fetch {
    /// The bytes at an `https` address.
    ///
    /// # Errors
    /// Why there are none, for a person.
    fn fetch(&self, url: &str) -> Result<Vec<u8>, String>;
}

/// A DID and the keys that act for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The DID.
    pub did: String,
    /// The keys that count, in the order of the document.
    pub keys: Vec<DidKey>,
    /// The verification methods that do not count: their ids, and why.
    pub passed_over: Vec<(String, &'static str)>,
}

/// A DID leads to no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotResolved {
    /// It is of another method than `did:key` and `did:web`.
    #[error("{0:?} is of no method that is resolved here: did:key of an Ed25519 key, and did:web")]
    Method(String),
    /// The `did:web` cannot be read.
    #[error(transparent)]
    Web(#[from] BadWebDid),
    /// The document was not fetched.
    #[error("the document of {did} at {url}: {reason}")]
    Fetch {
        /// The DID.
        did: String,
        /// Where its document should be.
        url: String,
        /// Why it was not fetched.
        reason: String,
    },
    /// What was fetched is no document of that DID.
    #[error("what is at {url} is no document of {did}: {reason}")]
    Document {
        /// The DID.
        did: String,
        /// Where it is.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Finds the keys of a DID.
///
/// # Errors
/// [`NotResolved`]. A document without a key that counts is resolved, and says so.
pub fn resolve(did: &str, fetch: &dyn Fetch) -> Result<Resolved, NotResolved> {
    if let Ok(key) = did.parse::<DidKey>() {
        return Ok(Resolved { did: did.to_owned(), keys: vec![key], passed_over: Vec::new() });
    }
    if !did.starts_with("did:web:") {
        return Err(NotResolved::Method(did.chars().take(256).collect()));
    }
    let web: WebDid = did.parse()?;
    let url = web.url();
    let fetched = fetch.fetch(&url);
    let bytes =
        fetched.map_err(|reason| NotResolved::Fetch { did: did.to_owned(), url: url.clone(), reason })?;
    read(did, &bytes).map_err(|reason| NotResolved::Document { did: did.to_owned(), url, reason })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: String,
    #[serde(default)]
    verification_method: Vec<Method>,
    #[serde(default)]
    authentication: Vec<Reference>,
}

/// A verification method, as far as it may be a key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    id: String,
    r#type: String,
    controller: String,
    public_key_multibase: Option<String>,
    public_key_jwk: Option<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
}

/// A verification method in a list: by its id, or itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Id(String),
    Method(Method),
}

/// Reads the document of a DID.
fn read(did: &str, bytes: &[u8]) -> Result<Resolved, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if document.id != did {
        let id: String = document.id.chars().take(256).collect();
        return Err(format!("it is the document of {id:?}"));
    }
    let (mut used, mut methods) = (BTreeSet::new(), Vec::new());
    for reference in document.authentication {
        match reference {
            Reference::Id(id) => used.insert(absolute(did, &id)),
            Reference::Method(method) => {
                let new = used.insert(absolute(did, &method.id));
                methods.push(method);
                new
            }
        };
    }
    methods.splice(0..0, document.verification_method);
    if methods.len() > MAX_METHODS {
        return Err(format!("it has more than {MAX_METHODS} verification methods"));
    }
    let mut resolved = Resolved { did: did.to_owned(), keys: Vec::new(), passed_over: Vec::new() };
    for method in methods {
        let id = absolute(did, &method.id);
        match key_of(did, &id, &method, &used) {
            Ok(key) if resolved.keys.contains(&key) => {}
            Ok(key) => resolved.keys.push(key),
            Err(reason) => resolved.passed_over.push((id.chars().take(256).collect(), reason)),
        }
    }
    Ok(resolved)
}

/// An id, which may leave out the DID.
fn absolute(did: &str, id: &str) -> String {
    if id.starts_with('#') { format!("{did}{id}") } else { id.to_owned() }
}

fn key_of(did: &str, id: &str, method: &Method, used: &BTreeSet<String>) -> Result<DidKey, &'static str> {
    if !id.strip_prefix(did).is_some_and(|rest| rest.starts_with('#')) {
        return Err("its id is of another DID");
    }
    if method.controller != did {
        return Err("another DID controls it");
    }
    if !used.contains(id) {
        return Err("it is not for authentication");
    }
    let key = match (method.r#type.as_str(), &method.public_key_multibase, &method.public_key_jwk) {
        ("Multikey" | "Ed25519VerificationKey2020", Some(multibase), _) => {
            format!("did:key:{multibase}").parse().ok()
        }
        ("JsonWebKey2020" | "JsonWebKey", _, Some(jwk)) => of_jwk(jwk),
        ("Multikey" | "Ed25519VerificationKey2020" | "JsonWebKey2020" | "JsonWebKey", _, _) => None,
        _ => return Err("its type is not one of those that count"),
    };
    key.ok_or("it is no Ed25519 public key")
}

fn of_jwk(Jwk { kty, crv, x }: &Jwk) -> Option<DidKey> {
    if kty != "OKP" || crv.as_deref() != Some("Ed25519") {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(x.as_deref()?).ok()?;
    DidKey::from_bytes(&bytes.try_into().ok()?).ok()
}
