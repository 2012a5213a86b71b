//! `troupe id`: the keys of the person at the command line.
//!
//! Keys are in a folder ([`troupe_identity::Keyring`]), each encrypted with a passphrase; everything but `export --secret`
//! shows what anybody may know.

mod device;
mod export;
mod resolve;
mod rotate;

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use troupe_chain::Timestamp;
use troupe_identity::{IdName, IdRecord, Kept, KeyRecord, Keyring, SecretKey, Token, WORK_FACTOR};

use super::failure::{Done, Failure};
use super::parse::{self, now, utc};
use super::screen::Screen;
use super::signer::{PassphraseArgs, SignerArgs, explain, keyring};
use super::table::{Align, Table};

/// Make, show and rotate the keys that you act with
///
/// A key is a DID, such as did:key:z6Mk…, and a secret, which is kept in a file under a passphrase: `age -d` opens it too.
/// The keys are in the folder that TROUPE_KEYS names, else in troupe/keys of the user's configuration.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe id new anna\n  \
    troupe id list\n  \
    troupe id export anna > anna.did.json\n  \
    troupe id rotate anna")]
pub(crate) struct Id {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make a key
    ///
    /// The passphrase comes from --passphrase-file or TROUPE_PASSPHRASE, or is asked for twice.
    #[command(after_help = "Examples:\n  \
        troupe id new anna\n  \
        troupe id new ci --passphrase-file passphrase.txt\n  \
        troupe id new anna --pkcs11 /usr/lib/softhsm/libsofthsm2.so --token office\n  \
        troupe --json id new anna | jq -r .did")]
    New {
        /// What to call it: a to z, 0 to 9, - and _
        name: IdName,
        /// Make it in a device that never gives it away: the device's library
        ///
        /// Its PIN comes from where a passphrase does. If the library has several tokens, the next three say which.
        #[arg(long, value_name = "MODULE")]
        pkcs11: Option<PathBuf>,
        /// The token's label
        #[arg(long, value_name = "LABEL", requires = "pkcs11")]
        token: Option<String>,
        /// The token's serial number, where several have the same label
        #[arg(long, value_name = "SERIAL", requires = "pkcs11")]
        serial: Option<String>,
        /// The slot that the token is in, as the library numbers it
        #[arg(long, value_name = "N", requires = "pkcs11")]
        slot: Option<u64>,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// List the keys
    #[command(after_help = "Examples:\n  \
        troupe id list\n  \
        troupe --json id list | jq -r .did")]
    List,
    /// Show a key: its DID, where it is, and what it was before
    #[command(after_help = "Examples:\n  \
        troupe id show anna\n  \
        troupe --json id show anna | jq -r .did")]
    Show {
        /// Its name
        name: IdName,
    },
    /// Print the DID document of a key, or write its encrypted file
    #[command(after_help = "Examples:\n  \
        troupe id export anna > anna.did.json\n  \
        troupe id export anna --secret anna.age")]
    Export {
        /// Its name
        name: IdName,
        /// Write the file with the secret there, encrypted as it is, to be imported elsewhere
        #[arg(long, value_name = "FILE")]
        secret: Option<PathBuf>,
    },
    /// Take up a key from an encrypted file
    #[command(after_help = "Examples:\n  \
        troupe id import anna anna.age")]
    Import {
        /// What to call it
        name: IdName,
        /// The file that `troupe id export --secret` wrote
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Check that a key opens with its passphrase, and signs
    #[command(after_help = "Examples:\n  \
        troupe id check --as anna\n  \
        troupe id check --as backup/anna.age")]
    Check {
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Find the keys of any DID: did:key, and did:web over HTTPS
    ///
    /// Keys count that the DID's document lists for authentication, as Multikey, Ed25519VerificationKey2020 or JsonWebKey2020
    /// of Ed25519. Addresses that are private are not asked, and redirects are not followed.
    #[command(after_help = "Examples:\n  \
        troupe id resolve did:web:coop.example\n  \
        troupe --json id resolve did:web:coop.example:members:anna | jq -r .keys[0]")]
    Resolve {
        /// The DID
        did: String,
    },
    /// Make another key that is to take the place of one
    ///
    /// The old key signs until the commons has taken the new one; --finish says that it has. A member's id stays the same.
    #[command(after_help = "Examples:\n  \
        troupe id rotate anna              # makes the next key\n  \
        troupe id rotate anna --finish     # from now on it signs\n  \
        troupe id rotate anna --abandon    # forgets it")]
    Rotate(rotate::Rotate),
}

pub(super) fn id(screen: &Screen, command: &Id) -> Done {
    let keyring = keyring()?;
    match &command.task {
        Task::New { name, pkcs11: Some(module), token: label, serial, slot, passphrase } => {
            let (module, label, serial) = (module.clone(), label.clone(), serial.clone());
            let token = Token { module, label, serial, slot: *slot };
            device::new(screen, &keyring, name, &token, passphrase)
        }
        Task::New { name, passphrase, .. } => new(screen, &keyring, name, passphrase),
        Task::List => list(screen, &keyring),
        Task::Show { name } => show(screen, &keyring, name),
        Task::Export { name, secret: None } => export::document(screen, &keyring, name),
        Task::Export { name, secret: Some(to) } => export::secret(screen, &keyring, name, to),
        Task::Import { name, file, passphrase } => import(screen, &keyring, name, file, passphrase),
        Task::Check { signer } => check(screen, signer),
        Task::Resolve { did } => resolve::resolve(screen, did),
        Task::Rotate(command) => rotate::rotate(screen, &keyring, command),
    }
}

fn new(screen: &Screen, keyring: &Keyring, name: &IdName, passphrase: &PassphraseArgs) -> Done {
    keyring.require_new(name).map_err(|error| explain(&error))?;
    let passphrase = passphrase.chosen(name.as_str())?;
    let key = generate()?;
    let record = keyring.create(name, key, &passphrase, WORK_FACTOR, now());
    print(screen, keyring, name, &record.map_err(|error| explain(&error))?)?;
    screen.note("keep the passphrase: nobody can open the key without it");
    Ok(())
}

fn import(
    screen: &Screen,
    keyring: &Keyring,
    name: &IdName,
    file: &std::path::Path,
    passphrase: &PassphraseArgs,
) -> Done {
    keyring.require_new(name).map_err(|error| explain(&error))?;
    let sealed = parse::file(file)?;
    let passphrase = passphrase.known(&file.display().to_string())?;
    let record = keyring.import(name, &sealed, &passphrase, now());
    print(screen, keyring, name, &record.map_err(|error| explain(&error).while_(file.display()))?)
}

fn list(screen: &Screen, keyring: &Keyring) -> Done {
    let names = keyring.list().map_err(|error| explain(&error))?;
    if screen.json {
        for (name, record) in &names {
            screen.json(&value(keyring, name, record))?;
        }
        return Ok(());
    }
    if names.is_empty() {
        screen.note(format_args!("there are no keys in {}", keyring.folder().display()));
        screen.note("`troupe id new NAME` makes one");
        return Ok(());
    }
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("DID", Align::Left),
        ("MADE (UTC)", Align::Left),
        ("IN", Align::Left),
        ("", Align::Left),
    ]);
    for (name, IdRecord { key, next, .. }) in &names {
        let kept = match &key.kept {
            Kept::File { .. } => "file".to_owned(),
            Kept::Pkcs11 { token, .. } => format!("token {token}"),
        };
        let rotating = if next.is_some() { "has a next key" } else { "" };
        table.row(vec![
            name.to_string(),
            key.did.to_string(),
            utc(Timestamp(key.created)),
            kept,
            rotating.into(),
        ]);
    }
    table.print(screen)
}

fn show(screen: &Screen, keyring: &Keyring, name: &IdName) -> Done {
    print(screen, keyring, name, &keyring.find(name).map_err(|error| explain(&error))?)
}

fn check(screen: &Screen, signer: &SignerArgs) -> Done {
    /// What is signed to try a key: nothing that anybody takes for anything else.
    const TRIAL: &[u8] = b"troupe.trial/v1\n";
    let signer = signer.open()?;
    let signature = signer.sign(TRIAL).map_err(Failure::cannot)?;
    if !signer.did().verify(TRIAL, &signature) {
        return Err(Failure::is_false(format_args!("what signed is not the key of {}", signer.did())));
    }
    if screen.json {
        return Ok(screen.json(&json!({ "did": signer.did().to_string(), "signs": true }))?);
    }
    Ok(screen.line(format_args!("{} signs", signer.did()))?)
}

/// Prints what is known of a name.
fn print(screen: &Screen, keyring: &Keyring, name: &IdName, record: &IdRecord) -> Done {
    if screen.json {
        return Ok(screen.json(&value(keyring, name, record))?);
    }
    screen.field("name", name)?;
    screen.field("did", &record.key.did)?;
    screen.field("made", utc(Timestamp(record.key.created)))?;
    screen.field("in", place(keyring, name, &record.key))?;
    if let Some(next) = &record.next {
        screen.field("next", &next.did)?;
    }
    for former in &record.former {
        screen.field("formerly", &former.did)?;
    }
    Ok(())
}

fn value(keyring: &Keyring, name: &IdName, record: &IdRecord) -> Value {
    let former: Vec<_> = record.former.iter().map(|key| key.did.to_string()).collect();
    json!({
        "name": name.as_str(), "did": record.key.did.to_string(), "created": record.key.created,
        "in": place(keyring, name, &record.key), "next": record.next.as_ref().map(|key| key.did.to_string()),
        "former": former,
    })
}

fn place(keyring: &Keyring, name: &IdName, key: &KeyRecord) -> String {
    match (&key.kept, keyring.path_of(name, key)) {
        (Kept::Pkcs11 { id, module, serial, token }, _) => {
            let serial = serial.as_ref().map(|serial| format!(" with serial {serial}")).unwrap_or_default();
            format!("key {id} of token {token}{serial}, {}", module.display())
        }
        (_, Ok(path)) => path.display().to_string(),
        (_, Err(error)) => error.to_string(),
    }
}

fn generate() -> Result<SecretKey, Failure> {
    SecretKey::generate().map_err(Failure::cannot)
}
