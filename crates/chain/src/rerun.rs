//! Runs one entry again and hands out all that comes of it, for whoever wants to see it rather than compare it.

use crate::history::{History, Machines};
use crate::link::Tip;
use crate::machine::{Context, Machine, Outside, Step};
use crate::recorded::{Fetch, fetch, find_blob, find_machine, played};
use crate::replay::machine_after;
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
    let mut tip = before.clone();
    let state = match &entry.body {
        Body::Genesis(_) | Body::Engine(_) | Body::Stop(_) => return Ok(None),
        Body::Init(_) if genesis.fork.is_some() => return Ok(None),
        Body::Init(_) => None,
        Body::Message(_) | Body::Failure(_) => Some(fetch(seq, "state", &state_of(before)?, &mut blob)?),
        Body::Upgrade(_) => {
            // An upgrade holds for its own entry already.
            tip.check(&entry.encode())?;
            Some(fetch(seq, "state", &state_of(before)?, &mut blob)?)
        }
    };
    let machine = match state {
        Some(_) => machine_after(history, machines, &tip, before.seq)?,
        None => find_machine(machines, &tip, 0, &mut blob)?,
    };
    let same_engine = tip.rules.engine == *machines.engine();
    let again = Rerun { machine: &machine, same_engine, chain: tip.chain, genesis };
    again.run(entry, state.as_ref().map_or(&[], AsRef::as_ref), blob)
}

fn state_of(tip: &Tip) -> Result<Hash, NotVerified> {
    tip.state.ok_or_else(|| CannotCheck::Empty.into())
}

/// What single entries of a chain are run again with.
#[derive(Debug)]
pub struct Rerun<'a, M> {
    /// The machine that the rules of the entry ask for.
    pub machine: &'a M,
    /// Whether it runs on the engine that the rules name.
    pub same_engine: bool,
    /// The chain's id.
    pub chain: Hash,
    /// Its first entry.
    pub genesis: &'a Genesis,
}

impl<M: Machine> Rerun<'_, M> {
    /// Runs an entry again in the state before it, which for an `init` is nothing; as [`rerun`].
    ///
    /// # Errors
    /// As [`rerun`].
    pub fn run<B: AsRef<[u8]>>(
        &self,
        entry: &Entry,
        state: &[u8],
        mut blob: impl Fetch<B>,
    ) -> Result<Option<Step>, NotVerified> {
        let Self { machine, same_engine, chain, genesis } = *self;
        let (seq, mut blob) = (entry.seq, &mut blob);
        let from = entry.body.from().cloned().unwrap_or_else(|| genesis.init_from());
        let context = Context { chain, from, at: entry.at, seq, seed: entry.body.seed() };
        let (message, calls) = match &entry.body {
            Body::Init(init) if genesis.fork.is_none() => (None, &init.calls),
            Body::Message(message) => (Some(message.message), &message.calls),
            Body::Failure(failure) => (Some(failure.message), &failure.calls),
            Body::Upgrade(upgrade) => (None, &upgrade.calls),
            Body::Init(_) | Body::Genesis(_) | Body::Engine(_) | Body::Stop(_) => return Ok(None),
        };
        let config = genesis.config.filter(|_| matches!(entry.body, Body::Init(_)));
        let config = config.map(|name| fetch(0, "config", &name, &mut blob)).transpose()?;
        let message = message.map(|name| fetch(seq, "message", &name, &mut blob)).transpose()?;
        let run = |outside: &mut dyn Outside| match (&entry.body, &message) {
            (_, Some(message)) => machine.apply(&context, outside, message.as_ref(), state),
            (Body::Upgrade(_), None) => machine.migrate(&context, outside, state),
            (_, None) => machine.init(&context, outside, config.as_ref().map(AsRef::as_ref)),
        };
        played(seq, same_engine, calls, &mut blob, run).map(Some)
    }
}
