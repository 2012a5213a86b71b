//! DIDs in place of a node's key: whoever the DID names must have signed.
//!
//! Invariant: what a DID comes to is Ed25519 keys, and nothing of it is asked of the node that is checked.

use troupe::did::Documents;
use troupe_chain::DidKey;
use troupe_chain::note::PublicKey;
use troupe_identity::{Fetch, NotResolved};

use super::failure::Failure;

/// What every DID begins with.
const SCHEME: &str = "did:";

/// A DID, and the keys of whom it names.
#[derive(Debug, Clone)]
pub(super) struct Did {
    text: String,
    keys: Vec<DidKey>,
}

impl Did {
    /// Whether a text is meant as a DID.
    pub(super) fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Finds out the keys of a DID: what a did:key says itself, or the document of a did:web, over HTTPS.
    pub(super) fn resolve(text: &str) -> Result<Self, Failure> {
        Self::resolve_with(text, &Documents::default())
    }

    fn resolve_with(text: &str, documents: &dyn Fetch) -> Result<Self, Failure> {
        let resolved = troupe_identity::resolve(text, documents).map_err(|error| {
            let failure = Failure::cannot(&error);
            match error {
                NotResolved::Method(_) => {
                    failure.help("`troupe checkpoint` and `troupe key show` print the did:key of a node")
                }
                _ => failure,
            }
        })?;
        if resolved.keys.is_empty() {
            return Err(Failure::cannot(format_args!("{text} has no key that counts"))
                .help(format_args!("`troupe id resolve {text}` says why")));
        }
        Ok(Self { text: resolved.did, keys: resolved.keys })
    }

    /// Whether a key is one of those.
    pub(super) fn has(&self, key: &PublicKey) -> bool {
        self.keys.contains(&key.did())
    }
}

impl std::fmt::Display for Did {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use troupe_chain::note::{KeyKind, SecretKey};

    use super::*;

    fn key(seed: u8) -> PublicKey {
        SecretKey::from_seed("node.example".parse().unwrap(), KeyKind::Log, &[seed; 32]).public().clone()
    }

    #[test]
    fn a_did_has_its_own_key_and_no_other() {
        let did = Did::resolve(&key(1).did().to_string()).unwrap();
        assert!(did.has(&key(1)) && !did.has(&key(2)));
    }

    /// One document, wherever it is asked for.
    struct One(String);

    impl Fetch for One {
        fn fetch(&self, _: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.clone().into_bytes())
        }
    }

    #[test]
    fn the_keys_of_a_did_web_are_those_of_its_document() {
        let multibase = key(1).did().to_string().replace("did:key:", "");
        let document = |listed: &str| {
            One(format!(
                r##"{{"id":"did:web:node.example","verificationMethod":[{{"id":"#k","type":"Multikey",
                "controller":"did:web:node.example","publicKeyMultibase":"{multibase}"}}],"authentication":[{listed}]}}"##
            ))
        };
        let did = Did::resolve_with("did:web:node.example", &document("\"#k\"")).unwrap();
        assert!(did.has(&key(1)) && !did.has(&key(2)));
        let failure = Did::resolve_with("did:web:node.example", &document("")).unwrap_err();
        assert!(failure.to_string().contains("has no key that counts"), "{failure}");
    }

    #[test]
    fn what_is_no_did_of_a_key_is_refused() {
        for text in ["did:key:z6Mk", "did:plc:abc", "did:"] {
            let failure = Did::resolve(text).unwrap_err();
            assert!(failure.to_string().contains("is of no method that is resolved here"), "{failure}");
        }
    }
}
