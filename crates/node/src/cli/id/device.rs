//! Keys that are made in a device.

use troupe_identity::{DeviceSigner, IdName, Kept, KeyRecord, Keyring, Signer as _, Token};

use super::super::failure::{Done, Failure};
use super::super::parse::now;
use super::super::screen::Screen;
use super::super::signer::{PassphraseArgs, explain, explain_device};
use super::print;

/// `troupe id new --pkcs11`.
pub(super) fn new(
    screen: &Screen,
    keyring: &Keyring,
    name: &IdName,
    token: &Token,
    passphrase: &PassphraseArgs,
) -> Done {
    keyring.require_new(name).map_err(|error| explain(&error))?;
    let record = keyring.create_in_device(name, make(name, token, passphrase)?);
    print(screen, keyring, name, &record.map_err(|error| explain(&error))?)
}

/// Makes a key in the device that has the one of a record.
pub(super) fn make(name: &IdName, token: &Token, passphrase: &PassphraseArgs) -> Result<KeyRecord, Failure> {
    let pin = passphrase.pin(token)?;
    let signer = DeviceSigner::create(token, &pin, &format!("troupe {name}"));
    let signer = signer.map_err(|error| explain_device(&error))?;
    let (id, module, found) = (signer.id().to_owned(), token.module.clone(), signer.token().clone());
    let kept = Kept::Pkcs11 { id, module, serial: Some(found.serial), token: found.label };
    Ok(KeyRecord { created: now(), did: signer.did().clone(), kept })
}
