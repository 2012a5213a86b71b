//! Runs one entry again and hands out all that comes of it, for whoever wants to see it rather than compare it.

use crate::history::{History, Machines};
use crate::link::Tip;
use crate::machine::{Context, Machine, Outside, Step, hand_over};
use crate::replay::{Replayer, fetch, find_blob, find_machine, played};
use crate::verdict::{CannotCheck, NotVerified};
use crate::{Body, Entry, Genesis, Hash};

/// Runs the entry that follows `before` again, in the state there. `None` if nothing is run for such an entry. For an
/// `init`, `genesis` says the configuration and who asked for it.
///
/// # Errors
/// [`NotVerified`] if the calls to the outside are not those that were recorded, or it cannot be run here.
pub fn rerun<H: History, M: Machines>(
    history: &H,
    machines: &M,
    genesis: &Genesis,
    before: &Tip,
    entry: &Entry,
) -> Result<Option<Step>, NotVerified> {
    let seq = entry.seq;
    let mut blob = |field: &'static str, name: &Hash| find_blob(history, seq, field, name);
    // An upgrade holds for its own entry already.
    let mut tip = before.clone();
    let from = entry.body.from().cloned().unwrap_or_else(|| genesis.init_from());
    let context = Context { chain: tip.chain, from, at: entry.at, seq, seed: entry.body.seed() };
    let same_engine = tip.rules.engine == *machines.engine();
    match &entry.body {
        Body::Init(init) if before.state.is_none() => {
            let config =
                genesis.config.as_ref().map(|name| fetch(0, "config", name, &mut blob)).transpose()?;
            let machine = find_machine(machines, &tip, 0, &mut blob)?;
            let run = |outside: &mut dyn Outside| {
                machine.init(&context, outside, config.as_ref().map(AsRef::as_ref))
            };
            played(seq, same_engine, &init.calls, &mut blob, run).map(Some)
        }
        Body::Message(_) | Body::Failure(_) => {
            let (message, calls) = match &entry.body {
                Body::Message(message) => (&message.message, &message.calls),
                Body::Failure(failure) => (&failure.message, &failure.calls),
                _ => return Ok(None),
            };
            let machine = machine_after(history, machines, &tip, before.seq)?;
            let state = fetch(seq, "state", &state_of(before)?, &mut blob)?;
            let message = fetch(seq, "message", message, &mut blob)?;
            let run = |outside: &mut dyn Outside| {
                machine.apply(&context, outside, message.as_ref(), state.as_ref())
            };
            played(seq, same_engine, calls, &mut blob, run).map(Some)
        }
        Body::Upgrade(upgrade) => {
            tip.check(&entry.encode())?;
            let machine = machine_after(history, machines, &tip, before.seq)?;
            let state = fetch(seq, "state", &state_of(before)?, &mut blob)?;
            let run = |outside: &mut dyn Outside| machine.migrate(&context, outside, state.as_ref());
            played(seq, same_engine, &upgrade.calls, &mut blob, run).map(Some)
        }
        Body::Init(_) | Body::Genesis(_) | Body::Engine(_) | Body::Stop(_) => Ok(None),
    }
}

fn state_of(tip: &Tip) -> Result<Hash, NotVerified> {
    tip.state.ok_or_else(|| CannotCheck::Empty.into())
}

/// Finds the machine that the rules at `tip` ask for, ready to go on after the entry at `after`: one whose states name more
/// than they hold gets it from a replay of all before.
pub(crate) fn machine_after<H: History, M: Machines>(
    history: &H,
    machines: &M,
    tip: &Tip,
    after: u64,
) -> Result<M::Machine, NotVerified> {
    let machine =
        find_machine(machines, tip, after, &mut |field, name| find_blob(history, after, field, name))?;
    if machine.kept_states().is_none() {
        return Ok(machine);
    }
    let mut entries = history.entries();
    let genesis = entries.next().ok_or(CannotCheck::Empty)?.map_err(CannotCheck::from)?;
    let mut replayer = Replayer::begin(history, machines, genesis.as_ref())?;
    for bytes in entries {
        let seq = replayer.tip().seq + 1;
        if seq > after {
            break;
        }
        let bytes = bytes.map_err(CannotCheck::from)?;
        replayer.step(bytes.as_ref(), |field, name| find_blob(history, seq, field, name))?;
    }
    let (_, state, reached) = replayer.into_parts();
    hand_over(&reached, &machine, &state);
    Ok(machine)
}
