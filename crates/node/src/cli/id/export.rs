//! `troupe id export`: what others may have of a key, and what only its owner may.

use std::path::Path;

use serde_json::json;
use troupe_identity::{IdName, KeyDocument, Keyring, private};

use super::super::failure::{Done, Failure};
use super::super::screen::Screen;
use super::super::signer::explain;

/// Prints the DID document.
pub(super) fn document(screen: &Screen, keyring: &Keyring, name: &IdName) -> Done {
    let record = keyring.find(name).map_err(|error| explain(&error))?;
    let document = KeyDocument::of(&record.key.did);
    if screen.json {
        return Ok(screen.json(&document)?);
    }
    let text = serde_json::to_string_pretty(&document).map_err(Failure::cannot)?;
    Ok(screen.line(text)?)
}

/// Writes the encrypted file into a new one, for its owner alone.
pub(super) fn secret(screen: &Screen, keyring: &Keyring, name: &IdName, to: &Path) -> Done {
    let record = keyring.find(name).map_err(|error| explain(&error))?;
    let sealed = keyring.sealed(name, &record.key).map_err(|error| explain(&error))?;
    private::create(to, &sealed).map_err(Failure::cannot)?;
    if screen.json {
        return Ok(screen.json(&json!({ "did": record.key.did.to_string(), "file": to }))?);
    }
    screen.line(format_args!("wrote {}, encrypted with the passphrase of {name}", to.display()))?;
    Ok(())
}
