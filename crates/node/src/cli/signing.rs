//! What a node signs with, and which witnesses it asks: arguments that `run` and `serve` share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use troupe::checkpoints::Checkpoints;
use troupe::manifest::{Layers, LogSettings, StorePlace};
use troupe_chain::note::{KeyKind, KeyName, PublicKey, SecretKey};
use troupe_log::{NODE_KEY_FILE, NodeLog, Passphrase, WitnessAt, create_key, load_or_create_key};
use troupe_runtime::Actors;

use super::failure::{Failure, chain_of};
use super::passphrase::{KeyPassphraseArgs, explain};
use super::screen::Screen;

/// What a key is named after that gets no other name.
const PREFIX: &str = "troupe.node";

/// What a node signs with, and which witnesses it asks.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct SigningArgs {
    /// A witness that is to cosign checkpoints: its URL and, after `=`, its key; may be given again
    #[arg(long, value_name = "URL=KEY", value_parser = witness_at, help_heading = "Checkpoints")]
    witness: Vec<WitnessAt>,
    /// The name of the node's log, when its key is made [default: troupe.node and 16 digits]
    #[arg(long, value_name = "NAME", value_parser = key_name, help_heading = "Checkpoints")]
    log_name: Option<KeyName>,
    #[command(flatten)]
    passphrase: KeyPassphraseArgs,
}

/// Reads the name of a log or a witness.
pub(super) fn key_name(text: &str) -> Result<KeyName, String> {
    text.parse().map_err(|error: troupe_chain::note::BadKey| error.to_string())
}

/// Reads a public key of a kind.
fn public_key(text: &str, kind: KeyKind) -> Result<PublicKey, String> {
    let key: PublicKey = text.parse().map_err(|error: troupe_chain::note::BadKey| error.to_string())?;
    match (key.kind() == kind, kind) {
        (true, _) => Ok(key),
        (false, KeyKind::Log) => Err("it is a witness's key, and a log's is needed".to_owned()),
        (false, KeyKind::Witness) => Err("it is a log's key, and a witness's is needed".to_owned()),
    }
}

/// Reads the key of a log.
pub(super) fn log_key(text: &str) -> Result<PublicKey, String> {
    public_key(text, KeyKind::Log)
}

/// Reads the key of a witness.
pub(super) fn witness_key(text: &str) -> Result<PublicKey, String> {
    public_key(text, KeyKind::Witness)
}

fn witness_at(text: &str) -> Result<WitnessAt, String> {
    let (url, key) = text.split_once('=').ok_or("expected URL=KEY, with the key that the witness prints")?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err("the URL must begin with http:// or https://".to_owned());
    }
    Ok(WitnessAt { url: url.to_owned(), key: witness_key(key)? })
}

impl SigningArgs {
    /// What the arguments say over a file.
    pub(super) fn argue(&self, layers: &mut Layers) {
        let name = self.log_name.as_ref().map(ToString::to_string);
        layers.argue("log.name", "--log-name", name, |config, name| config.log.name = Some(name));
        let (key, file) = ("log.key-passphrase-file", self.passphrase.file());
        layers.argue(key, "--key-passphrase-file", file, |config, path| {
            config.log.key_passphrase_file = Some(path.to_owned());
        });
        let witnesses = self.witness.iter().map(|witness| format!("{}={}", witness.url, witness.key));
        let witnesses = Some(witnesses.collect::<Vec<_>>()).filter(|said| !said.is_empty());
        layers.argue("log.witnesses", "--witness", witnesses, |config, said| config.log.witnesses = said);
    }

    /// What settings say.
    pub(super) fn of(settings: &LogSettings) -> Result<Self, Failure> {
        let cannot =
            |key: &str, error: String| Failure::cannot(format_args!("troupe.toml: `log.{key}`: {error}"));
        let witnesses = settings.witnesses.iter().map(|text| witness_at(text));
        let witness = witnesses.collect::<Result<_, _>>().map_err(|error| cannot("witnesses", error))?;
        let name = settings.name.as_deref().map(key_name).transpose();
        let log_name = name.map_err(|error| cannot("name", error))?;
        let passphrase = KeyPassphraseArgs::new(settings.key_passphrase_file.clone());
        Ok(Self { witness, log_name, passphrase })
    }

    /// Finds out before a store is opened whether its key can be read.
    pub(super) fn unlock(self, place: &StorePlace) -> Result<Signing, Failure> {
        let key_file = match place {
            StorePlace::Memory => None,
            StorePlace::Folder(folder) => Some(folder.join(NODE_KEY_FILE)),
        };
        let passphrase = key_file.as_ref().map(|path| self.passphrase.of_key(path)).transpose()?.flatten();
        let mut signing =
            Signing { witnesses: self.witness, name: self.log_name, key_file, passphrase, key: None };
        if signing.key_file.as_ref().is_some_and(|path| path.exists()) {
            signing.key = Some(signing.load_or_create()?);
        }
        Ok(signing)
    }
}

/// How a node signs, once its passphrase is known.
pub(super) struct Signing {
    witnesses: Vec<WitnessAt>,
    name: Option<KeyName>,
    /// Where the key is; a store in memory has none.
    key_file: Option<PathBuf>,
    passphrase: Option<Passphrase>,
    /// The key, if there is one yet.
    key: Option<SecretKey>,
}

impl Signing {
    fn load_or_create(&self) -> Result<SecretKey, Failure> {
        let (name, passphrase) = (self.name.as_ref(), self.passphrase.as_ref());
        let key = match &self.key_file {
            None => create_key(KeyKind::Log, PREFIX, name),
            Some(path) => load_or_create_key(path, KeyKind::Log, PREFIX, name, passphrase),
        };
        key.map_err(|error| explain(&error))
    }

    /// Begins to sign what the actors commit. The key is in the store's folder, and made if it is not there; a store in
    /// memory has one for as long as it is there itself.
    pub(super) fn begin(mut self, screen: &Screen, actors: &Actors) -> Result<Checkpoints, Failure> {
        let key = match self.key.take() {
            Some(key) => key,
            None => self.load_or_create()?,
        };
        let log = NodeLog::open(Arc::clone(actors.store()), key, self.witnesses).map_err(|error| {
            Failure::cannot(chain_of(&error))
                .help("the store belongs to the key that it was begun with: put its node.key back")
        })?;
        if let Some(former) = log.formerly() {
            screen.warn(format_args!(
                "the store was signed as `{former}` before; from now on as `{}`: whoever kept a checkpoint cannot compare",
                log.origin()
            ));
        }
        let (counting, noting) = (actors.clone(), *screen);
        let activity = move || counting.metrics().commits.load(Ordering::Relaxed);
        let note = move |text: &str| noting.warn(format_args!("checkpoints: {text}"));
        Checkpoints::start(log, activity, note)
            .map_err(|error| Failure::cannot(format_args!("cannot start: {error}")))
    }
}
