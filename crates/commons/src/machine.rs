//! The commons as a native machine: states are roots, and the maps that they name are kept here.
//!
//! Invariant: what is kept decides nothing but whether there is an outcome. A map is found by its root alone, and without it
//! the machine aborts. Cost: a state is a snapshot that shares what it has in common with others, so a command touches as
//! many nodes as its leaves are deep, whatever the number of accounts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use troupe_chain::{
    Abort, Accepted, Asked, Context, Failed, FailureCode, Fuel, Hash, Held, Leaf, Machine, Outcome, Outside,
    Rejection, Sender, Step, Timestamp,
};

use crate::apply::{Applied, Place};
use crate::canonical::{from_bytes, to_bytes};
use crate::charter::Charter;
use crate::command::{Due, Message};
use crate::map::Map;
use crate::refusal::{Code, Refusal};
use crate::state::{State, StateRecord};

/// The name of the machine in genesis.
pub const MACHINE: &str = "commons@1";
/// What stands for a world in a native machine's genesis.
pub const WORLD: &str = "troupe:commons/commons@1";
/// How many states are kept. Whoever writes leaves down asks for them before as many entries have followed.
pub const KEPT_STATES: usize = 256;

/// The commons: a [`Machine`]. It may serve several chains, but what one reaches takes the room of others' states: each has
/// better one of its own.
#[derive(Debug, Default)]
pub struct Commons {
    /// The last states reached, from the oldest on.
    recent: Mutex<VecDeque<(Hash, State)>>,
}

impl Commons {
    /// The state that these bytes name, if it is one of the last [`KEPT_STATES`].
    pub fn state(&self, state: &[u8]) -> Option<State> {
        self.find(state).ok()
    }

    fn find(&self, state: &[u8]) -> Result<State, Abort> {
        let record = StateRecord::read(state);
        let record = record.map_err(|error| Abort::Host(format!("the state is no commons': {error}")))?;
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent.iter().rev().find(|(root, _)| *root == record.root.0);
        let missing = || {
            let root = record.root;
            Abort::Host(format!(
                "the map with the root {root} is not at hand: replay from genesis, or restore it"
            ))
        };
        found.map(|(_, state)| state.clone()).ok_or_else(missing)
    }

    /// Keeps a state, and gives the bytes that name it.
    fn keep(&self, state: State) -> Vec<u8> {
        let (root, bytes) = (state.root(), state.record());
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        // Found again by its root, so once is enough; but as the newest.
        recent.retain(|(kept, _)| *kept != root);
        recent.push_back((root, state));
        let dropped = (recent.len() > KEPT_STATES).then(|| recent.pop_front());
        // Freed outside of the lock.
        drop(recent);
        drop(dropped);
        bytes
    }
}

impl Machine for Commons {
    fn init(&self, context: &Context, _: &mut dyn Outside, config: Option<&[u8]>) -> Result<Step, Abort> {
        let charter = from_bytes::<Charter>(config.unwrap_or_default());
        let charter = charter.map_err(|error| Refusal { code: Code::Malformed, what: error.to_string() });
        Ok(step(match charter.and_then(|charter| charter.begin(context.seq, context.at.0)) {
            Ok(state) => {
                Outcome::Accepted(Accepted { state: self.keep(state), reply: None, effects: Vec::new() })
            }
            Err(refusal) => failed(&format!("the charter: {refusal}")),
        }))
    }

    fn apply(
        &self,
        context: &Context,
        _: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        let before = self.find(state)?;
        let place = Place { chain: context.chain, at: context.at.0, seq: context.seq };
        let message = Message::read(message);
        let message = message.map_err(|error| Refusal { code: Code::Malformed, what: error.to_string() });
        let applied = message.and_then(|message| match (&message, &context.from) {
            (Message::Asked(asked), Sender::Actor(by)) => before.apply_asked(place, by, asked),
            _ => before.apply(place, &message),
        });
        Ok(step(match applied {
            Ok(applied) => Outcome::Accepted(self.accepted(context.at, applied)),
            Err(refusal) => Outcome::Rejected(Rejection { reason: refusal.to_string() }),
        }))
    }

    /// Carries a state over to this version, which is the first: from itself, if the members have permitted it.
    fn migrate(&self, context: &Context, _: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        let before = self.find(state)?;
        let permitted = crate::governance::permits_upgrade(&before, crate::Id(context.chain), MACHINE);
        Ok(step(if permitted {
            Outcome::Accepted(Accepted { state: self.keep(before), reply: None, effects: Vec::new() })
        } else {
            failed("the members have not permitted this upgrade")
        }))
    }

    fn leaves(&self, before: Option<&[u8]>, state: &[u8]) -> Result<Vec<Leaf>, Abort> {
        let before = before.map(|before| self.find(before)).transpose()?.unwrap_or_default();
        let state = self.find(state)?;
        let changed = state.map().since(before.map());
        let leaf =
            |(key, value): (&[u8], Option<&[u8]>)| Leaf { key: key.into(), value: value.map(Into::into) };
        Ok(changed.into_iter().map(leaf).collect())
    }

    fn restore(&self, state: &[u8], leaves: &mut dyn Iterator<Item = Leaf>) -> Result<(), Abort> {
        let record = StateRecord::read(state);
        let record = record.map_err(|error| Abort::Host(format!("the state is no commons': {error}")))?;
        let mut map = Map::default();
        for Leaf { key, value } in leaves {
            match value {
                Some(value) => map.insert(&key, value),
                None => drop(map.remove(&key)),
            }
        }
        if map.root() != record.root.0 {
            let (root, expected) = (map.root(), record.root);
            return Err(Abort::Host(format!("the leaves have the root {root}, not {expected}")));
        }
        self.keep(State::of(map));
        Ok(())
    }

    fn kept_states(&self) -> Option<u64> {
        Some(KEPT_STATES as u64)
    }

    fn held(&self, state: &[u8]) -> Option<Held> {
        Some(Arc::new(self.state(state)?))
    }

    fn hold(&self, held: Held) {
        if let Some(state) = held.downcast_ref::<State>() {
            self.keep(state.clone());
        }
    }

    fn takes_notices(&self) -> bool {
        false
    }
}

impl Commons {
    fn accepted(&self, at: Timestamp, applied: Applied) -> Accepted {
        let timer =
            |(due, tick): (u64, crate::Tick)| Asked::timer(due.saturating_sub(at.0), to_bytes(&Due { tick }));
        Accepted {
            effects: applied.due.into_iter().map(timer).collect(),
            reply: Some(to_bytes(&applied.reply)),
            state: self.keep(applied.state),
        }
    }
}

fn failed(detail: &str) -> Outcome {
    Outcome::Failed(Failed { code: FailureCode::Refused, detail: detail.into() })
}

/// A native machine runs no WebAssembly, so it uses no fuel.
fn step(outcome: Outcome) -> Step {
    Step { outcome, fuel: Fuel(0), calls: Vec::new(), log: Vec::new() }
}
