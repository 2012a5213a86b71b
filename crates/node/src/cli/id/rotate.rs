//! `troupe id rotate`: another key in the place of one, in two steps, so that there is always one that signs.

use troupe_identity::{IdName, Keyring, WORK_FACTOR};

use super::super::failure::Done;
use super::super::parse::now;
use super::super::screen::Screen;
use super::super::signer::{PassphraseArgs, explain};
use super::{device, generate, print};

#[derive(clap::Args)]
pub(super) struct Rotate {
    /// The name of the key
    name: IdName,
    /// The commons has taken the next key: from now on it signs
    #[arg(long, conflicts_with = "abandon")]
    finish: bool,
    /// Forget the next key
    #[arg(long)]
    abandon: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(super) fn rotate(screen: &Screen, keyring: &Keyring, command: &Rotate) -> Done {
    let name = &command.name;
    if command.finish {
        let record = keyring.finish_rotation(name).map_err(|error| explain(&error))?;
        return print(screen, keyring, name, &record);
    }
    if command.abandon {
        let record = keyring.abandon_rotation(name).map_err(|error| explain(&error))?;
        return print(screen, keyring, name, &record);
    }
    let record = keyring.find(name).map_err(|error| explain(&error))?;
    if record.next.is_none() {
        let begun = match record.key.kept.device() {
            None => {
                let passphrase = command.passphrase.chosen(&format!("the next key of {name}"))?;
                keyring.begin_rotation(name, generate()?, &passphrase, WORK_FACTOR, now())
            }
            Some(token) => {
                keyring.begin_rotation_in_device(name, device::make(name, &token, &command.passphrase)?)
            }
        };
        print(screen, keyring, name, &begun.map_err(|error| explain(&error))?)?;
    } else {
        print(screen, keyring, name, &record)?;
    }
    screen.note("the old key signs until the commons has taken the next one:");
    screen.note(format_args!("  troupe member rotate --as {name}"));
    screen.note(format_args!("  troupe id rotate {name} --finish"));
    Ok(())
}
