//! `troupe commons begin`: a commons out of a charter.

use std::path::{Path, PathBuf};

use troupe::commons::read_charter;
use troupe_api::Info;
use troupe_commons::Charter;

use crate::cli::failure::{Done, Failure};
use crate::cli::node::NodeArgs;
use crate::cli::parse;
use crate::cli::screen::{BOLD, GOOD, Screen, plural};
use crate::cli::signer::SignerArgs;

/// Begin the commons of a running node
///
/// The charter says what it is called, its founders with their keys (did:key) and what mana they begin with, and the
/// parameters that are not to have their defaults. One of the founders signs. A node has one commons; its chain cannot be begun again.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe commons begin charter.toml --as ada\n  \
    troupe commons begin charter.json --as ada --node https://node.example\n\n\
    A charter:\n  \
    name = \"Harbour\"\n  \
    parameters = { mana-rate = 200, quorum-floor = 500_000 }\n  \
    [[founders]]\n  \
    did = \"did:key:z6Mk…\"\n  \
    mana = 1000")]
pub(crate) struct Begin {
    /// The charter: a JSON or TOML file
    #[arg(value_name = "CHARTER")]
    charter: PathBuf,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn begin(screen: &Screen, command: &Begin) -> Done {
    let charter = load(&command.charter)?;
    let info: Info =
        command.node.connect()?.signed_by(command.signer.open()?.into()).post("/commons/begin", &charter)?;
    if screen.json {
        return Ok(screen.json(&info)?);
    }
    screen.line(format_args!("{GOOD}begun{GOOD:#} {BOLD}{}{BOLD:#}", charter.name))?;
    screen.field("chain", &info.actor)?;
    screen.field("founders", plural(charter.founders.len() as u64, "member"))?;
    Ok(screen.field("next", "troupe commons show")?)
}

/// Reads a charter from a file.
pub(in crate::cli) fn load(path: &Path) -> Result<Charter, Failure> {
    let bytes = parse::file(path)?;
    let text = String::from_utf8_lossy(&bytes);
    read_charter(&text).map_err(|error| {
        Failure::cannot(error).while_(path.display()).help("`troupe commons begin --help` shows a charter")
    })
}
