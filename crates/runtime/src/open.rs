//! Begins an actor, or finds where a stored one stands.
//!
//! Invariant: a chain is resumed only from a state whose bytes match its name, reached through entries that replay to
//! the head. How long that takes depends on the distance to the last snapshot, never on the length of the chain.

use std::sync::Arc;

use bytes::Bytes;

use troupe_chain::{
    Body, CannotCheck, Engine, Entry, Genesis, Hash, Machine, Machines, Outcome, Replayer, Sender, Tip,
};
use troupe_store::{Append, NewEntry, Store, StoreError};

use crate::{Actor, OpenError, Options, View};

/// What an actor begins with.
pub struct NewActor {
    /// Its first entry.
    pub genesis: Genesis,
    /// The bytes of the component that genesis names.
    pub code: Bytes,
    /// The bytes of the configuration that genesis names.
    pub config: Option<Bytes>,
}

impl Actor {
    /// Begins an actor: runs `init` and stores genesis and init in one append.
    ///
    /// # Errors
    /// [`OpenError`]; then the store has no trace of it but the component.
    pub fn create(
        store: Arc<dyn Store>,
        machine: Arc<dyn Machine>,
        new: NewActor,
        options: Options,
    ) -> Result<Self, OpenError> {
        let (mut tip, genesis) = Tip::start(new.genesis, options.clock.now());
        let context = tip.next_context(Sender::Http { key: None }, options.clock.now());
        let step = machine.init(&context, new.config.as_deref()).map_err(OpenError::Aborted)?;
        let init = tip.init(&context, &step).map_err(OpenError::Init)?;
        store.put_shared(&Hash::of(&new.code), &new.code)?;
        if let Some(config) = &new.config {
            store.put_shared(&Hash::of(config), config)?;
        }
        let Outcome::Accepted(accepted) = step.outcome else {
            return Err(OpenError::Broken("init led to an entry without a state".into()));
        };
        let state = Bytes::from(accepted.state);
        let mut blobs = vec![(Hash::of(&state), state.clone())];
        blobs.extend(accepted.sends.into_iter().map(|send| (Hash::of(&send.message), send.message.into())));
        let entries = [genesis, init].map(|linked| NewEntry {
            name: linked.name,
            seq: linked.entry.seq,
            bytes: linked.bytes.into(),
        });
        store.commit(&[Append {
            chain: tip.chain,
            expected: None,
            entries: entries.into(),
            blobs,
            rows: Vec::new(),
        }])?;
        let record = |line| crate::LogRecord { chain: tip.chain, seq: context.seq, line };
        let records: Vec<_> = step.log.iter().map(record).collect();
        if !records.is_empty() {
            (options.log)(&records);
        }
        Self::start(store, machine, View { tip, state }, options)
    }

    /// Goes on with a stored actor from its head.
    ///
    /// # Errors
    /// [`OpenError`] if the store has no such chain, or what it has is damaged or does not replay.
    pub fn resume<M>(
        store: Arc<dyn Store>,
        chain: Hash,
        machines: &M,
        options: impl FnOnce(&Genesis) -> Options,
    ) -> Result<Self, OpenError>
    where
        M: Machines,
        M::Machine: 'static,
    {
        let head = store.head(&chain)?.ok_or(OpenError::NoChain(chain))?;
        let genesis = genesis_of(&*store, &chain)?;
        let options = options(&genesis);
        let machine: Arc<dyn Machine> = Arc::new(find_machine(&*store, &genesis, machines)?);
        let view = recover(&*store, &chain, head.seq, &genesis, Arc::clone(&machine), machines.engine())?;
        if view.tip.entry != head.entry {
            return Err(OpenError::Broken(format!(
                "the head should be {}, found {}",
                head.entry, view.tip.entry
            )));
        }
        Self::start(store, machine, view, options)
    }
}

/// The state of a stored chain after the entry at `seq`, replayed from the last snapshot before it.
///
/// # Errors
/// [`OpenError`], also if the chain is shorter.
pub fn state_at<M>(store: &dyn Store, chain: Hash, machines: &M, seq: u64) -> Result<View, OpenError>
where
    M: Machines,
    M::Machine: 'static,
{
    let head = store.head(&chain)?.ok_or(OpenError::NoChain(chain))?;
    if seq == 0 || seq > head.seq {
        let what = format!("there is no state at seq {seq}: states are at 1 to {}", head.seq);
        return Err(OpenError::Broken(what));
    }
    let genesis = genesis_of(store, &chain)?;
    let machine: Arc<dyn Machine> = Arc::new(find_machine(store, &genesis, machines)?);
    recover(store, &chain, seq, &genesis, machine, machines.engine())
}

/// The first entry of a stored chain.
///
/// # Errors
/// [`OpenError`] if there is none, or it is damaged.
pub fn genesis_of(store: &dyn Store, chain: &Hash) -> Result<Genesis, OpenError> {
    let (name, entry) = read_entry(store, chain, 0)?;
    match entry.body {
        Body::Genesis(genesis) if name == *chain => Ok(*genesis),
        _ => Err(OpenError::Broken(format!("the entry at seq 0 is not the genesis of {chain}"))),
    }
}

fn read_entry(store: &dyn Store, chain: &Hash, seq: u64) -> Result<(Hash, Entry), OpenError> {
    let bytes = read_bytes(store, chain, seq)?;
    let entry =
        Entry::decode(&bytes).map_err(|error| OpenError::Broken(format!("entry at seq {seq}: {error}")))?;
    Ok((Hash::of(&bytes), entry))
}

fn read_bytes(store: &dyn Store, chain: &Hash, seq: u64) -> Result<Bytes, OpenError> {
    let missing = || OpenError::Broken(format!("the entry at seq {seq} is missing"));
    store.entry(chain, seq)?.ok_or_else(missing)
}

fn find_machine<M: Machines>(
    store: &dyn Store,
    genesis: &Genesis,
    machines: &M,
) -> Result<M::Machine, OpenError> {
    let code = match &genesis.code {
        troupe_chain::Code::Component(name) => {
            let code = store.shared(name)?;
            let code = code.ok_or_else(|| OpenError::Broken(format!("the component {name} is missing")))?;
            if Hash::of(&code) != *name {
                return Err(OpenError::Broken(format!("the component's bytes do not hash to {name}")));
            }
            code
        }
        troupe_chain::Code::Native(_) => Bytes::new(),
    };
    machines.machine(genesis, &code).map_err(OpenError::NoMachine)
}

/// Finds the last stored state at or before `seq` and replays from there.
fn recover(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    genesis: &Genesis,
    machine: Arc<dyn Machine>,
    own_engine: &Engine,
) -> Result<View, OpenError> {
    let (tip, state) = last_snapshot(store, chain, seq, genesis)?;
    let mut replayer = Replayer::resume(machine, own_engine.clone(), tip, state.to_vec());
    for seq in replayer.tip().seq + 1..=seq {
        let bytes = read_bytes(store, chain, seq)?;
        replayer.step(&bytes, |field, name| {
            let unreadable = |error: StoreError| troupe_chain::Unreadable(error.to_string());
            let missing = CannotCheck::MissingBlob { seq, field, name: *name };
            store.blob(chain, name).map_err(unreadable)?.ok_or(missing)
        })?;
    }
    let (tip, state) = replayer.into_tip();
    Ok(View { tip, state: state.into() })
}

fn last_snapshot(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    genesis: &Genesis,
) -> Result<(Tip, Bytes), OpenError> {
    for seq in (1..=seq).rev() {
        let (name, entry) = read_entry(store, chain, seq)?;
        let Some(state) = entry.state() else { continue };
        let Some(bytes) = store.blob(chain, &state)? else { continue };
        if Hash::of(&bytes) != state {
            return Err(OpenError::Broken(format!(
                "the state stored for seq {seq} does not hash to {state}"
            )));
        }
        let engine = engine_at(store, chain, seq)?.unwrap_or_else(|| genesis.engine.clone());
        let tip = Tip { chain: *chain, entry: name, seq, at: entry.at, state: Some(state), engine };
        return Ok((tip, bytes));
    }
    Err(OpenError::Broken("no state is stored".into()))
}

/// The name under which a chain's `n`th change of engine is found, so that it need not be searched for. It names a
/// position, not bytes; no entry mentions it, so it never leaves the store.
fn engine_change_name(n: u64) -> Hash {
    Hash::of(format!("troupe: engine change {n}").as_bytes())
}

/// What is stored beside the `n`th engine entry of a chain, counted from 1: whoever copies a chain stores it too.
pub fn engine_change_blob(n: u64, seq: u64) -> (Hash, Bytes) {
    (engine_change_name(n), Bytes::copy_from_slice(&seq.to_le_bytes()))
}

/// The positions of the engine entries, and how many there are.
pub(crate) fn engine_change(store: &dyn Store, chain: &Hash) -> Result<(Vec<u64>, u64), StoreError> {
    let mut positions = Vec::new();
    while let Some(bytes) = store.blob(chain, &engine_change_name(positions.len() as u64 + 1))? {
        let Ok(bytes) = bytes.as_ref().try_into() else { break };
        positions.push(u64::from_le_bytes(bytes));
    }
    let count = positions.len() as u64;
    Ok((positions, count))
}

fn engine_at(store: &dyn Store, chain: &Hash, seq: u64) -> Result<Option<Engine>, OpenError> {
    let (positions, _) = engine_change(store, chain)?;
    let Some(position) = positions.into_iter().rfind(|position| *position <= seq) else { return Ok(None) };
    match read_entry(store, chain, position)?.1.body {
        Body::Engine(engine) => Ok(Some(engine)),
        _ => Err(OpenError::Broken(format!("the entry at seq {position} should name an engine"))),
    }
}
