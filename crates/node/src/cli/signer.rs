//! Whose key signs what a command sends: `--as`, the keyring, and where passphrases and PINs come from.
//!
//! Invariant: a passphrase is never an argument, which every user of the machine could see.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use troupe::environment::Surroundings;
use troupe::manifest::IdentitySettings;
use troupe_identity::{
    BadKeyFile, DeviceError, DeviceSigner, FileSigner, IdName, Kept, KeyRecord, Keyring, KeyringError,
    Passphrase, SealError, Signer, Token,
};
use zeroize::Zeroizing;

use super::failure::Failure;
use super::passphrase::{self, type_in};

/// Names the folder of keys.
const KEYS: &str = "TROUPE_KEYS";
/// Has the passphrase.
const PASSPHRASE: &str = "TROUPE_PASSPHRASE";
/// The fewest characters of a new passphrase.
const MIN_PASSPHRASE: usize = 8;
/// The most bytes of a passphrase.
const MAX_PASSPHRASE: u64 = 1024;

/// Whose key signs.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct SignerArgs {
    /// The key to sign with: a name that `troupe id list` shows, or a key file
    #[arg(long = "as", value_name = "NAME|FILE", env = "TROUPE_AS", help_heading = "Identity")]
    signer: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Where the passphrase of a key is.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PassphraseArgs {
    /// The file with the key's passphrase [default: what TROUPE_PASSPHRASE has, else it is asked for]
    #[arg(long, value_name = "FILE", help_heading = "Identity")]
    passphrase_file: Option<PathBuf>,
}

impl SignerArgs {
    /// The key that was named, ready to sign.
    pub(super) fn open(&self) -> Result<Box<dyn Signer>, Failure> {
        self.named(self.signer.as_deref().ok_or_else(missing)?)
    }

    /// Another key, by the same means.
    pub(super) fn named(&self, named: &str) -> Result<Box<dyn Signer>, Failure> {
        // No name has a dot or a slash.
        if named.contains(['.', '/']) {
            let passphrase = self.passphrase.known(named)?;
            let signer = FileSigner::open(named, &passphrase).map_err(|error| explain(&error.into()))?;
            return Ok(Box::new(signer));
        }
        let name: IdName = named.parse().map_err(Failure::cannot)?;
        open(&keyring()?, &name, &self.passphrase)
    }

    /// The key that `troupe id rotate` made to take the place of the one that signs, and what it is the next of.
    pub(super) fn next(&self) -> Result<(Box<dyn Signer>, IdName), Failure> {
        let name: Option<IdName> = self.signer.as_deref().and_then(|named| named.parse().ok());
        let name =
            name.ok_or_else(|| Failure::cannot("whose next key?").help("--as NAME, or give a key file"))?;
        let keyring = keyring()?;
        let record = keyring.find(&name).map_err(|error| explain(&error))?;
        let none = || explain(&KeyringError::NotRotating(name.clone()));
        let next = record.next.as_ref().ok_or_else(none)?;
        Ok((open_key(&keyring, &name, next, &self.passphrase)?, name))
    }
}

/// Nobody said whose key signs.
pub(super) fn missing() -> Failure {
    Failure::cannot("whose key signs this?")
        .help("--as NAME, or TROUPE_AS; `troupe id list` shows names, `troupe id new NAME` makes a key")
}

/// Opens the key in force of a name.
pub(super) fn open(
    keyring: &Keyring,
    name: &IdName,
    passphrase: &PassphraseArgs,
) -> Result<Box<dyn Signer>, Failure> {
    let record = keyring.find(name).map_err(|error| explain(&error))?;
    open_key(keyring, name, &record.key, passphrase)
}

fn open_key(
    keyring: &Keyring,
    name: &IdName,
    key: &KeyRecord,
    passphrase: &PassphraseArgs,
) -> Result<Box<dyn Signer>, Failure> {
    if let (Kept::Pkcs11 { id, .. }, Some(token)) = (&key.kept, key.kept.device()) {
        let signer = DeviceSigner::open(&token, &passphrase.pin(&token)?, id);
        let signer = signer.map_err(|error| explain_device(&error))?;
        if *signer.did() != key.did {
            let what = format!("the token's key is {}, and the record says {}", signer.did(), key.did);
            return Err(Failure::is_false(what));
        }
        return Ok(Box::new(signer));
    }
    let passphrase = passphrase.known(name.as_str())?;
    let signer = keyring.open(name, key, &passphrase).map_err(|error| explain(&error))?;
    Ok(Box::new(signer))
}

/// The folder of keys of this user.
pub(super) fn keyring() -> Result<Keyring, Failure> {
    let path = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let config = path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let config = config.or_else(|| Some(path("HOME")?.join(".config")));
    let folder = path(KEYS).or_else(|| Some(config?.join("troupe").join("keys")));
    folder.map(Keyring::new).ok_or_else(|| {
        Failure::cannot("this user has no folder for keys").help(format_args!("set {KEYS} to a folder"))
    })
}

/// What beside a configuration says whether a node has a key.
pub(super) fn surroundings() -> Surroundings {
    Surroundings {
        keyring: keyring().ok(),
        passphrase: std::env::var_os(PASSPHRASE).is_some(),
        log_passphrase: passphrase::is_in_environment(),
    }
}

/// Opens the key that a node acts with.
pub(super) fn of_node(identity: &IdentitySettings) -> Result<Option<Box<dyn Signer>>, Failure> {
    let Some(key) = &identity.key else { return Ok(None) };
    let signer = open_with(key, identity.passphrase_file.clone());
    signer.map(Some).map_err(|failure| failure.while_("the node's identity"))
}

/// Opens a key that a configuration names, with the passphrase of a file, else of the environment or the terminal.
pub(super) fn open_with(named: &str, passphrase_file: Option<PathBuf>) -> Result<Box<dyn Signer>, Failure> {
    SignerArgs { signer: Some(named.to_owned()), passphrase: PassphraseArgs { passphrase_file } }.open()
}

impl PassphraseArgs {
    /// The passphrase of a key that there is.
    pub(super) fn known(&self, of: &str) -> Result<Passphrase, Failure> {
        match self.given()? {
            Some(passphrase) => Ok(Passphrase::new(passphrase)),
            None => ask(&format!("passphrase of {of}: ")).map(Passphrase::new),
        }
    }

    /// The PIN of a device: it comes from where a passphrase does.
    pub(super) fn pin(&self, token: &Token) -> Result<Passphrase, Failure> {
        match self.given()? {
            Some(pin) => Ok(Passphrase::new(pin)),
            None => ask(&format!("PIN of the {token}: ")).map(Passphrase::new),
        }
    }

    /// The passphrase that a new key gets: asked for twice, since a mistake would lose the key.
    pub(super) fn chosen(&self, of: &str) -> Result<Passphrase, Failure> {
        let passphrase = match self.given()? {
            Some(passphrase) => passphrase,
            None => {
                let first = Zeroizing::new(ask(&format!("new passphrase of {of}: "))?);
                let again = Zeroizing::new(ask("the same again: ")?);
                if first != again {
                    return Err(Failure::cannot("these are two different passphrases; no key was made"));
                }
                first.to_string()
            }
        };
        let passphrase = Zeroizing::new(passphrase);
        if passphrase.chars().count() < MIN_PASSPHRASE {
            return Err(Failure::cannot(format_args!(
                "a passphrase has at least {MIN_PASSPHRASE} characters; no key was made"
            ))
            .help("several words are easier to remember and harder to guess than one"));
        }
        Ok(Passphrase::new(passphrase.to_string()))
    }

    fn given(&self) -> Result<Option<String>, Failure> {
        if let Some(path) = &self.passphrase_file {
            return read(path).map(Some);
        }
        match std::env::var(PASSPHRASE) {
            Ok(passphrase) => Ok(Some(passphrase)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::cannot(format_args!("{PASSPHRASE} is not UTF-8")))
            }
        }
    }
}

/// The first line of a file that nobody else may read.
fn read(path: &Path) -> Result<String, Failure> {
    let cannot = |error: io::Error| Failure::cannot(format_args!("cannot read {}: {error}", path.display()));
    let file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    // What a shell makes of a command's output is no regular file, and is gone in a moment.
    if metadata.is_file() && others_read(&metadata) {
        return Err(Failure::cannot(format_args!("{}: others may read the passphrase", path.display()))
            .help(format_args!("chmod 600 {}", path.display())));
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_PASSPHRASE as usize + 1));
    file.take(MAX_PASSPHRASE + 1).read_to_string(&mut text).map_err(cannot)?;
    let line = text.lines().next().unwrap_or_default();
    if text.len() as u64 > MAX_PASSPHRASE || line.is_empty() {
        return Err(Failure::cannot(format_args!("{} has no passphrase in its first line", path.display())));
    }
    Ok(line.to_owned())
}

fn others_read(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

fn ask(prompt: &str) -> Result<String, Failure> {
    let typed = type_in(prompt).map_err(|error| {
        Failure::cannot(format_args!("there is no terminal to ask for the passphrase at: {error}"))
            .help(format_args!("--passphrase-file FILE, or {PASSPHRASE}"))
    })?;
    Ok(typed.to_string())
}

/// How one of several tokens is named.
const WHICH: &str = "--token LABEL, --serial SERIAL or --slot N says which is meant";

/// What went wrong with a device, and what to do.
pub(super) fn explain_device(error: &DeviceError) -> Failure {
    let failure = Failure::cannot(error);
    match error {
        DeviceError::Module { .. } => {
            failure.help("the library of the device, such as /usr/lib/softhsm/libsofthsm2.so")
        }
        DeviceError::NoToken { .. } => {
            failure.help(WHICH).help("the device's own tools set a token up, with a label and a PIN")
        }
        DeviceError::SeveralTokens { .. } => failure.help(WHICH),
        DeviceError::Pin => failure.help("after a few more a device locks itself"),
        DeviceError::Refused { .. } => failure.help("the device must have EdDSA over Ed25519 (PKCS#11 3.0)"),
        _ => failure,
    }
}

/// What went wrong with a key, and what to do.
pub(super) fn explain(error: &KeyringError) -> Failure {
    let failure = Failure::cannot(error);
    match error {
        KeyringError::NotFound { name, .. } => failure
            .help(format_args!("`troupe id list` shows the names; `troupe id new {name}` makes a key"))
            .help(format_args!("{KEYS} names another folder")),
        KeyringError::Exists { .. } => failure.help("choose another name; nothing is ever written over"),
        KeyringError::File(BadKeyFile::Sealed(SealError::Passphrase)) => {
            failure.help("without it the key is lost: members who are named for it may `recover` the member")
        }
        KeyringError::Rotating { name, .. } => {
            failure.help(format_args!("`troupe id rotate {name} --finish` or `--abandon` ends that rotation"))
        }
        KeyringError::NotRotating(name) => failure.help(format_args!("`troupe id rotate {name}` makes one")),
        _ => failure,
    }
}
