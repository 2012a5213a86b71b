//! DIDs in place of a node's key: whoever the DID names must have signed.
//!
//! Invariant: what a DID comes to is Ed25519 keys, and nothing of it is asked of the node that is checked.

use troupe_chain::DidKey;
use troupe_chain::note::PublicKey;

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

    /// Finds out the keys of a DID.
    pub(super) fn resolve(text: &str) -> Result<Self, Failure> {
        let method =
            text.strip_prefix(SCHEME).and_then(|rest| rest.split_once(':')).map(|(method, _)| method);
        let keys = match method {
            Some("key") => vec![text.parse::<DidKey>().map_err(|error| {
                Failure::cannot(error).help("`troupe checkpoint` and `troupe key show` print that of a node")
            })?],
            _ => {
                return Err(Failure::cannot(format_args!(
                    "`{text}` is a DID of a method that is not known here"
                ))
                .help("give a did:key: `troupe checkpoint` and `troupe key show` print that of a node"));
            }
        };
        Ok(Self { text: text.to_owned(), keys })
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

    #[test]
    fn what_is_no_did_of_a_key_is_refused() {
        for (text, why) in [
            ("did:key:z6Mk", "is no DID of an Ed25519 key"),
            ("did:plc:abc", "a method that is not known here"),
            ("did:", "a method that is not known here"),
        ] {
            let failure = Did::resolve(text).unwrap_err();
            assert!(failure.to_string().contains(why), "{failure}");
        }
    }
}
