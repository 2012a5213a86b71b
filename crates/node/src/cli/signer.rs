//! Whose key signs what a command sends.
//!
//! Invariant: a passphrase is never an argument, which every user of the machine could see.

use std::path::{Path, PathBuf};

use troupe_identity::{FileSigner, Passphrase, Signer};

use super::failure::Failure;
use super::parse;

/// Has the passphrase.
const PASSPHRASE: &str = "TROUPE_PASSPHRASE";

/// Whose key signs.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct SignerArgs {
    /// The key to sign with: a key file
    #[arg(long = "as", value_name = "FILE", env = "TROUPE_AS", help_heading = "Identity")]
    signer: Option<String>,
    /// The file with the key's passphrase [default: what TROUPE_PASSPHRASE has]
    #[arg(long, value_name = "FILE", help_heading = "Identity")]
    passphrase_file: Option<PathBuf>,
}

impl SignerArgs {
    /// The key that was named, ready to sign.
    pub(super) fn open(&self) -> Result<Box<dyn Signer>, Failure> {
        let named = self.signer.as_deref().ok_or_else(|| {
            Failure::cannot("whose key signs this?").help("--as FILE, or the variable TROUPE_AS")
        })?;
        self.open_named(named)
    }

    /// Another key, under the same passphrase.
    pub(super) fn open_named(&self, named: &str) -> Result<Box<dyn Signer>, Failure> {
        let signer = FileSigner::open(named, &self.passphrase()?);
        Ok(Box::new(signer.map_err(|error| Failure::cannot(error).while_(named))?))
    }

    fn passphrase(&self) -> Result<Passphrase, Failure> {
        let text = match &self.passphrase_file {
            Some(path) => first_line(path)?,
            None => std::env::var(PASSPHRASE).map_err(|_| {
                Failure::cannot("the key's passphrase is needed")
                    .help(format_args!("--passphrase-file FILE, or {PASSPHRASE}"))
            })?,
        };
        Ok(Passphrase::new(text))
    }
}

fn first_line(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(&parse::file(path)?).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
