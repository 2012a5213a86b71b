//! `troupe id resolve`: the keys behind a DID.

use serde_json::json;
use troupe::did::Documents;
use troupe_identity::NotResolved;

use super::super::failure::{Done, Failure};
use super::super::screen::{Screen, excerpt};

pub(super) fn resolve(screen: &Screen, did: &str) -> Done {
    let resolved = troupe_identity::resolve(did, &Documents::default()).map_err(|error| {
        let failure = Failure::cannot(&error);
        match error {
            NotResolved::Web(_) => {
                failure.help("a did:web is a host and a path: did:web:coop.example:members:anna")
            }
            _ => failure,
        }
    })?;
    if screen.json {
        let keys: Vec<_> = resolved.keys.iter().map(ToString::to_string).collect();
        let passed_over: Vec<_> =
            resolved.passed_over.iter().map(|(id, reason)| json!({ "id": id, "reason": reason })).collect();
        return Ok(screen.json(&json!({ "did": resolved.did, "keys": keys, "passed-over": passed_over }))?);
    }
    screen.field("did", &resolved.did)?;
    for key in &resolved.keys {
        screen.field("key", key)?;
    }
    for (id, reason) in &resolved.passed_over {
        screen.field("not", format_args!("{}: {reason}", excerpt(id, 100)))?;
    }
    if resolved.keys.is_empty() {
        return Err(Failure::is_false(format_args!("{did} has no key that counts"))
            .help("its document must list an Ed25519 key in `authentication`"));
    }
    Ok(())
}
