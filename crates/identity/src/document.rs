//! The DID document of a key: what its DID says by itself, in the form that other programs read.

use serde::Serialize;
use troupe_chain::DidKey;

/// What a document is written in: the words of DIDs, and of keys in multibase.
const CONTEXT: [&str; 2] = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"];

/// The DID document of a key, as the method `did:key` makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyDocument {
    #[serde(rename = "@context")]
    context: [&'static str; 2],
    id: String,
    verification_method: [Method; 1],
    authentication: [String; 1],
    assertion_method: [String; 1],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    id: String,
    r#type: &'static str,
    controller: String,
    public_key_multibase: String,
}

impl KeyDocument {
    /// The document of a key.
    pub fn of(did: &DidKey) -> Self {
        let did = did.to_string();
        let key = did.trim_start_matches("did:key:").to_owned();
        let id = format!("{did}#{key}");
        let method =
            Method { id: id.clone(), r#type: "Multikey", controller: did.clone(), public_key_multibase: key };
        Self {
            context: CONTEXT,
            id: did,
            verification_method: [method],
            authentication: [id.clone()],
            assertion_method: [id],
        }
    }
}
