//! The passphrase of a key: from a file, the environment, or whoever sits at the terminal.
//!
//! Invariant: it is never an argument, which others on the machine can see, and what is typed of it is not shown.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rpassword::ConfigBuilder;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use troupe_log::{KeyFileError, Passphrase, SealError};
use zeroize::Zeroizing;

use super::failure::{Failure, chain_of};
use super::parse;

/// The variable that holds a passphrase.
const VARIABLE: &str = "TROUPE_KEY_PASSPHRASE";
/// The most bytes of a passphrase.
const MAX_PASSPHRASE: usize = 1024;

/// Where a passphrase is.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct KeyPassphraseArgs {
    /// The file that holds the passphrase of the key that signs, and nothing else [default: the variable
    /// TROUPE_KEY_PASSPHRASE]
    #[arg(long, value_name = "FILE", help_heading = "Checkpoints")]
    key_passphrase_file: Option<PathBuf>,
}

impl KeyPassphraseArgs {
    /// A passphrase in this file, if one is said.
    pub(super) fn new(key_passphrase_file: Option<PathBuf>) -> Self {
        Self { key_passphrase_file }
    }

    /// The file that is named, if one is.
    pub(super) fn file(&self) -> Option<&Path> {
        self.key_passphrase_file.as_deref()
    }

    /// The passphrase that a file or the environment gives.
    pub(super) fn given(&self) -> Result<Option<Passphrase>, Failure> {
        let (text, of) = match &self.key_passphrase_file {
            Some(path) => {
                let bytes = Zeroizing::new(parse::file(path)?);
                let text = std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()));
                (text, path.display().to_string())
            }
            None => match std::env::var(VARIABLE) {
                Ok(text) => (Some(Zeroizing::new(text)), VARIABLE.to_owned()),
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(std::env::VarError::NotUnicode(_)) => (None, VARIABLE.to_owned()),
            },
        };
        let bad = |what| Failure::cannot(format_args!("{of} holds no passphrase: {what}"));
        let text = text.ok_or_else(|| bad("it is not UTF-8"))?;
        let line = text.trim_end_matches(['\r', '\n']);
        match line.len() {
            0 => Err(bad("it is empty")),
            1..=MAX_PASSPHRASE if !line.contains('\n') => Ok(Some(Passphrase::new(line.to_owned()))),
            1..=MAX_PASSPHRASE => Err(bad("it has several lines")),
            _ => Err(bad("it is longer than 1024 bytes")),
        }
    }

    /// The passphrase of the key in a file: the one that is given, or else, if the key is encrypted and somebody sits at the
    /// terminal, the one that they type.
    pub(super) fn of_key(&self, path: &Path) -> Result<Option<Passphrase>, Failure> {
        let given = self.given()?;
        let is_asked = given.is_none()
            && io::stdin().is_terminal()
            && troupe_log::is_key_encrypted(path).map_err(|error| explain(&error))?.unwrap_or_default();
        if is_asked { ask(&format!("Passphrase of {}: ", path.display())).map(Some) } else { Ok(given) }
    }
}

/// Whether the environment gives a passphrase.
pub(super) fn is_in_environment() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The passphrase for a key that is to be encrypted, asked for twice.
pub(super) fn ask_for_new() -> Result<Passphrase, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::cannot("no passphrase is given").help(HOW));
    }
    let _hidden = Hidden::now().map_err(unreadable)?;
    let first = ask("New passphrase: ")?;
    if ask("Again: ")? != first {
        return Err(Failure::cannot("the two are not the same; nothing was changed"));
    }
    Ok(first)
}

/// How a passphrase is given.
const HOW: &str = "--key-passphrase-file FILE or the variable TROUPE_KEY_PASSPHRASE gives it; at a terminal it is asked for";

/// Why there is no key, and what to do.
pub(super) fn explain(error: &KeyFileError) -> Failure {
    let failure = Failure::cannot(chain_of(error));
    match error {
        KeyFileError::Encrypted { .. } => failure.help(HOW),
        KeyFileError::Plain { path } => failure
            .help(format_args!("`troupe key encrypt {}` encrypts it", path.display()))
            .help("or give none: neither --key-passphrase-file, nor TROUPE_KEY_PASSPHRASE, nor `key-passphrase-file`"),
        KeyFileError::Sealed { error: SealError::Passphrase, .. } => failure
            .help("nothing opens it but its passphrase; a copy of the key that was kept elsewhere may take its place"),
        _ => failure,
    }
}

fn ask(prompt: &str) -> Result<Passphrase, Failure> {
    let text = type_in(prompt).map_err(unreadable)?;
    match text.len() {
        0 => Err(Failure::cannot("no passphrase is given")),
        1..=MAX_PASSPHRASE => Ok(Passphrase::new(text.to_string())),
        _ => Err(Failure::cannot("a passphrase has at most 1024 bytes")),
    }
}

fn unreadable(error: io::Error) -> Failure {
    Failure::cannot(format_args!("cannot read a passphrase: {error}"))
}

/// Asks whoever sits at the terminal, without showing what is typed: at the one that is the input, or else, since input may
/// come from elsewhere, at the one that the command was begun from.
pub(super) fn type_in(prompt: &str) -> io::Result<Zeroizing<String>> {
    let _hidden = Hidden::now()?;
    let config = ConfigBuilder::new();
    let config = match io::stdin().is_terminal() {
        true => config.input_file_path("/dev/stdin").output_writer(io::stderr()),
        false => config,
    };
    rpassword::prompt_password_with_config(prompt, config.build()).map(Zeroizing::new)
}

/// The terminal, while it shows nothing of what is typed.
///
/// The library hides what is typed after it has asked: what is pasted or typed ahead would be shown until then, and between
/// two questions.
struct Hidden {
    terminal: OwnedFd,
    before: Termios,
}

impl Hidden {
    fn now() -> io::Result<Self> {
        let terminal = match io::stdin().is_terminal() {
            true => io::stdin().as_fd().try_clone_to_owned()?,
            false => File::open("/dev/tty")?.into(),
        };
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO;
        tcsetattr(&terminal, OptionalActions::Now, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
