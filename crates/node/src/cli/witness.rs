//! `troupe witness`: sees to it that logs only grow, and says so.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use troupe::http::{serve_router, witness_router};
use troupe_chain::note::{KeyName, PublicKey};
use troupe_log::{WITNESS_KEY_FILE, WitnessError};

use super::failure::{Done, Failure, chain_of};
use super::passphrase::{KeyPassphraseArgs, explain};
use super::screen::{BOLD, Screen, count};
use super::server::{self, Stop};
use super::signing;

/// Cosign the checkpoints of logs, each only as long as it goes on from the last
///
/// Serves `add-checkpoint` of C2SP tlog-witness. What was cosigned is on disk before it is answered. One folder is one
/// witness: a copy of it, or one set back to an older state, could cosign two histories.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe witness --log 'troupe.node/0123456789abcdef+1a2b3c4d+AbCd…'\n  \
    troupe witness --addr 0.0.0.0:8090 --folder /var/lib/witness --name witness.example --log KEY1 --log KEY2\n\n\
    Then, at the node, with the key that the witness prints:\n  \
    troupe serve --witness 'http://127.0.0.1:8090=KEY'")]
pub(crate) struct Witness {
    /// Where to listen; port 0 takes any free one
    #[arg(long, visible_alias = "listen", value_name = "HOST:PORT", default_value = "127.0.0.1:8090")]
    addr: String,
    /// The key of a log to cosign; may be given again
    #[arg(long, value_name = "KEY", required = true, value_parser = signing::log_key)]
    log: Vec<PublicKey>,
    /// The folder of its key and its memory
    #[arg(long, value_name = "FOLDER", default_value = "troupe.witness")]
    folder: PathBuf,
    /// Its name, when its key is made [default: troupe.witness and 16 digits]
    #[arg(long, value_name = "NAME", value_parser = signing::key_name)]
    name: Option<KeyName>,
    #[command(flatten)]
    passphrase: KeyPassphraseArgs,
}

pub(super) fn witness(screen: &Screen, command: Witness) -> Done {
    let runtime =
        troupe::http::runtime().map_err(|error| Failure::cannot(format_args!("cannot start: {error}")))?;
    let (listener, local) = runtime.block_on(server::listen(&command.addr))?;
    let passphrase = command.passphrase.of_key(&command.folder.join(WITNESS_KEY_FILE))?;
    let opened =
        troupe_log::Witness::open(&command.folder, command.name.as_ref(), command.log, passphrase.as_ref());
    let witness = opened.map_err(|error| match error {
        WitnessError::Key(error) => explain(&error),
        error => Failure::cannot(chain_of(&error)),
    });
    let witness = Arc::new(witness?);
    let mut stop = {
        let _context = runtime.enter();
        Stop::watch().map_err(|error| Failure::cannot(format_args!("cannot watch for signals: {error}")))?
    };
    let url = format!("http://{local}");
    if screen.json {
        let logs: Vec<_> = witness
            .logs()
            .iter()
            .map(|(log, size)| json!({ "log": log.to_string(), "size": size }))
            .collect();
        screen.json(&json!({ "url": url, "key": witness.key().to_string(), "logs": logs }))?;
    } else {
        screen.field("key", format_args!("{BOLD}{}{BOLD:#}", witness.key()))?;
        for (log, size) in witness.logs() {
            screen.field("log", format_args!("{log}, cosigned up to {}", count(size)))?;
        }
        screen.line(format_args!("listening on {BOLD}{url}{BOLD:#}"))?;
    }
    let until = async move { stop.asked().await };
    let served = runtime.block_on(serve_router(listener, witness_router(witness), None, until));
    served.map_err(|error| Failure::cannot(format_args!("the server failed: {error}")))
}
