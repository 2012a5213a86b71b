//! `troupe key`: the key that a node or a witness signs with.

use std::path::{Path, PathBuf};

use serde_json::json;
use troupe_chain::note::KeyKind;
use troupe_log::{NODE_KEY_FILE, Passphrase, WITNESS_KEY_FILE, is_key_encrypted, load_key, save_key};

use super::failure::{Done, Failure};
use super::passphrase::{self, KeyPassphraseArgs, explain};
use super::screen::{BOLD, Screen};

/// Show the key that a node or a witness signs with, encrypt it, or decrypt it
///
/// The key is in `node.key` in the folder of a store, or in `witness.key` in that of a witness. Encrypted, it is a file in
/// the age format, which `age --decrypt` opens too. A process that runs has read its key already: the next start asks for
/// the passphrase.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe key show troupe.store\n  \
    troupe key encrypt troupe.store\n  \
    troupe serve --store troupe.store --key-passphrase-file /run/secrets/troupe")]
pub(crate) struct Key {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show the public key, and the same as a DID
    #[command(after_help = "Examples:\n  \
        troupe key show troupe.store\n  \
        troupe verify $(troupe --json key show troupe.store | jq -r .did) --url http://127.0.0.1:8080")]
    Show(Place),
    /// Encrypt the key with a passphrase
    #[command(after_help = "Examples:\n  \
        troupe key encrypt troupe.store\n  \
        troupe key encrypt troupe.witness --key-passphrase-file passphrase.txt")]
    Encrypt(Place),
    /// Take the passphrase off the key
    #[command(after_help = "Examples:\n  \
        troupe key decrypt troupe.store\n  \
        TROUPE_KEY_PASSPHRASE=… troupe key decrypt troupe.witness")]
    Decrypt(Place),
}

#[derive(clap::Args)]
struct Place {
    /// The folder of a store or a witness, or the file of a key
    #[arg(value_name = "FOLDER|FILE", default_value = "troupe.store")]
    place: PathBuf,
    #[command(flatten)]
    passphrase: KeyPassphraseArgs,
}

impl Place {
    fn file(&self) -> Result<PathBuf, Failure> {
        if !self.place.is_dir() {
            return Ok(self.place.clone());
        }
        let files = [NODE_KEY_FILE, WITNESS_KEY_FILE].map(|file| self.place.join(file));
        files.into_iter().find(|file| file.exists()).ok_or_else(|| {
            Failure::cannot(format_args!("there is no key in {}", self.place.display()))
                .help("a node makes its key, `node.key`, when it is started; a witness makes `witness.key`")
        })
    }
}

pub(super) fn key(screen: &Screen, command: &Key) -> Done {
    match &command.action {
        Action::Show(place) => show(screen, place),
        Action::Encrypt(place) => {
            let path = place.file()?;
            if is_encrypted(&path)? {
                return Err(Failure::cannot(format_args!("{} is encrypted already", path.display()))
                    .help("for another passphrase, `troupe key decrypt` it first"));
            }
            let passphrase = match place.passphrase.given()? {
                Some(passphrase) => passphrase,
                None => passphrase::ask_for_new()?,
            };
            change(screen, &path, None, Some(&passphrase))
        }
        Action::Decrypt(place) => {
            let path = place.file()?;
            if !is_encrypted(&path)? {
                return Err(Failure::cannot(format_args!("{} is not encrypted", path.display())));
            }
            let passphrase = place.passphrase.of_key(&path)?;
            change(screen, &path, passphrase.as_ref(), None)
        }
    }
}

fn is_encrypted(path: &Path) -> Result<bool, Failure> {
    match is_key_encrypted(path).map_err(|error| explain(&error))? {
        Some(is_encrypted) => Ok(is_encrypted),
        None => Err(Failure::cannot(format_args!("{} is not there", path.display()))),
    }
}

fn show(screen: &Screen, place: &Place) -> Done {
    let path = place.file()?;
    let is_encrypted = is_encrypted(&path)?;
    let passphrase = if is_encrypted { place.passphrase.of_key(&path)? } else { None };
    let key = load_key(&path, passphrase.as_ref()).map_err(|error| explain(&error))?;
    let public = key.public();
    let signs = match public.kind() {
        KeyKind::Log => "checkpoints of a node's log",
        KeyKind::Witness => "cosignatures of a witness",
    };
    if screen.json {
        return Ok(screen.json(&json!({
            "file": path, "encrypted": is_encrypted, "key": public.to_string(), "did": public.did().to_string(),
        }))?);
    }
    screen
        .field("file", format_args!("{}{}", path.display(), if is_encrypted { ", encrypted" } else { "" }))?;
    screen.field("signs", signs)?;
    screen.field("key", format_args!("{BOLD}{public}{BOLD:#}"))?;
    Ok(screen.field("did", public.did())?)
}

fn change(screen: &Screen, path: &Path, from: Option<&Passphrase>, to: Option<&Passphrase>) -> Done {
    let key = load_key(path, from).map_err(|error| explain(&error))?;
    save_key(path, &key, to).map_err(|error| explain(&error))?;
    if screen.json {
        let value = json!({ "file": path, "encrypted": to.is_some(), "key": key.public().to_string() });
        return Ok(screen.json(&value)?);
    }
    let (done, next) = match to {
        Some(_) => {
            ("encrypted", "the next start asks for the passphrase; copies made before are as they were")
        }
        None => ("decrypted", "whoever reads the file can sign"),
    };
    screen.line(format_args!("{done} {}", path.display()))?;
    screen.field("key", key.public())?;
    Ok(screen.field("note", next)?)
}
