//! `troupe state`: the state of an actor, now or at any earlier entry.

use troupe::copy::copy;
use troupe_store::{MemoryStore, Store};

use super::failure::{Done, Failure, chain_of};
use super::place::{Place, Source, Whose};
use super::screen::Screen;
use super::verify;

/// Print the state of an actor, now or at an earlier entry
///
/// Prints the bytes as they are; on a terminal, JSON is laid out. A state that was not kept is replayed.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe state counter\n  \
    troupe state troupe.store --actor counter\n  \
    troupe state http://127.0.0.1:8080\n  \
    troupe state counter.store --at 17\n  \
    troupe state export.car | jq .count")]
pub(crate) struct State {
    /// The folder of a store, a bundle, the URL of a node or an actor, or the name of an actor of the node
    #[arg(value_name = "STORE|URL|BUNDLE|ACTOR")]
    place: String,
    /// The position of the entry after which the state is wanted [default: the last]
    #[arg(long, value_name = "SEQ")]
    at: Option<u64>,
    #[command(flatten)]
    whose: Whose,
}

pub(super) fn state(screen: &Screen, command: &State) -> Done {
    let source = Place::find(&command.place)?.open(screen, &command.whose);
    let source = source.map_err(|error| error.into_failure(&command.place))?;
    let seq = command.at.unwrap_or(source.seq());
    if seq == 0 || seq > source.seq() {
        let what = format!("there is no state at seq {seq}: states are at 1 to {}", source.seq());
        return Err(Failure::cannot(what));
    }
    let (seq, state) = match &source {
        Source::Remote(remote) if command.at.is_none() => {
            let state = remote.client().state()?;
            (state.seq, state.bytes)
        }
        Source::Store(store, history) => (seq, replayed(screen, &**store, history.chain(), seq)?),
        Source::Bundle(_) | Source::Remote(_) => {
            let store = MemoryStore::new();
            copy(&source, &store, seq, |_| {})?;
            let chain = store.chains()?.first().map(|(chain, _)| *chain);
            let chain = chain.ok_or_else(|| Failure::cannot("there are no entries"))?;
            (seq, replayed(screen, &store, chain, seq)?)
        }
    };
    print(screen, seq, &state)
}

fn replayed(
    screen: &Screen,
    store: &dyn Store,
    chain: troupe_chain::Hash,
    seq: u64,
) -> Result<Vec<u8>, Failure> {
    let machines = verify::machines(screen);
    let view = troupe_runtime::state_at(store, chain, &machines, seq);
    Ok(view.map_err(|error| Failure::cannot(chain_of(&error)))?.state.to_vec())
}

fn print(screen: &Screen, seq: u64, state: &[u8]) -> Done {
    if screen.json {
        let name = troupe_chain::Hash::of(state).to_string();
        let state = troupe_api::Payload(state).to_value();
        return Ok(screen.json(&serde_json::json!({ "seq": seq, "name": name, "state": state }))?);
    }
    if !screen.is_terminal() {
        return Ok(screen.bytes(state)?);
    }
    match serde_json::from_slice::<serde_json::Value>(state) {
        Ok(value) => Ok(screen.line(format_args!("{value:#}"))?),
        Err(_) => {
            screen.bytes(state)?;
            Ok(screen.line("")?)
        }
    }
}
