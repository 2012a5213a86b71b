//! Finds where a stored chain stands.
//!
//! Invariant: a chain is resumed only from a state whose bytes match its name, reached through entries that replay to
//! the head. How long that takes depends on the distance to the last snapshot, never on the length of the chain.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{
    Body, CannotCheck, Code, Entry, Files, Genesis, GrantedFile, Hash, Machine, Machines, NotVerified,
    Replayer, Rules, Tip,
};
use troupe_store::{Store, StoreError};

use crate::leaves::{Start, Written};
use crate::redact::redaction_of;
use crate::{OpenError, View};

/// The machines that actors run on, whatever they are.
pub(crate) type AnyMachines = dyn Machines<Machine = Arc<dyn Machine>> + Send + Sync;

/// Machines of one kind, as any.
pub(crate) struct Boxed<M>(pub(crate) M);

impl<M: Machines> Machines for Boxed<M>
where
    M::Machine: 'static,
{
    type Machine = Arc<dyn Machine>;

    fn engine(&self) -> &troupe_chain::Engine {
        self.0.engine()
    }

    fn machine(&self, rules: &Rules, code: &[u8], files: &Files) -> Result<Arc<dyn Machine>, String> {
        Ok(Arc::new(self.0.machine(rules, code, files)?))
    }

    fn world(&self, rules: &Rules, code: &[u8]) -> Result<troupe_chain::Text, String> {
        self.0.world(rules, code)
    }
}

/// The state of a stored chain after the entry at `seq`, replayed from the last snapshot before it.
///
/// # Errors
/// [`OpenError`], also if the chain is shorter.
pub fn state_at<M: Machines>(
    store: &dyn Store,
    chain: Hash,
    machines: &M,
    seq: u64,
) -> Result<View, OpenError> {
    let head = store.head(&chain)?.ok_or(OpenError::NoChain(chain))?;
    if seq == 0 || seq > head.seq {
        let what = format!("there is no state at seq {seq}: states are at 1 to {}", head.seq);
        return Err(OpenError::Broken(what));
    }
    let genesis = genesis_of(store, &chain)?;
    let find = |rules: &Rules| find_machine(store, rules, machines);
    Ok(recover(store, &chain, seq, &genesis, machines, find)?.view)
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

/// The rules at the head of a stored chain: those of its genesis, with every upgrade since.
///
/// # Errors
/// [`OpenError`] if there is no such chain, or it is damaged.
pub fn rules_of(store: &dyn Store, chain: &Hash) -> Result<Rules, OpenError> {
    let head = store.head(chain)?.ok_or(OpenError::NoChain(*chain))?;
    rules_at(store, chain, head.seq, &genesis_of(store, chain)?)
}

pub(crate) fn read_entry(store: &dyn Store, chain: &Hash, seq: u64) -> Result<(Hash, Entry), OpenError> {
    let bytes = read_bytes(store, chain, seq)?;
    let entry =
        Entry::decode(&bytes).map_err(|error| OpenError::Broken(format!("entry at seq {seq}: {error}")))?;
    Ok((Hash::of(&bytes), entry))
}

fn read_bytes(store: &dyn Store, chain: &Hash, seq: u64) -> Result<Bytes, OpenError> {
    let missing = || OpenError::Broken(format!("the entry at seq {seq} is missing"));
    store.entry(chain, seq)?.ok_or_else(missing)
}

/// Whether a chain names, in its genesis or a later change of rules, a blob that chains share: a component, a
/// configuration, a granted file.
///
/// # Errors
/// [`OpenError`] if the chain is damaged.
pub fn names_shared(store: &dyn Store, chain: &Hash, name: &Hash) -> Result<bool, OpenError> {
    for seq in std::iter::once(0).chain(rules_changes(store, chain)?) {
        let (_, entry) = read_entry(store, chain, seq)?;
        if entry.blobs().iter().any(|(field, named)| Entry::is_shared(field) && named == name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The bytes of the component that rules name; none for a native machine.
pub(crate) fn code_of(store: &dyn Store, rules: &Rules) -> Result<Bytes, OpenError> {
    let Code::Component(name) = &rules.code else { return Ok(Bytes::new()) };
    let code = store.shared(name)?;
    let code = code.ok_or_else(|| OpenError::Broken(format!("the component {name} is missing")))?;
    if Hash::of(&code) != *name {
        return Err(OpenError::Broken(format!("the component's bytes do not hash to {name}")));
    }
    Ok(code)
}

/// The bytes of each file that rules grant.
///
/// # Errors
/// [`OpenError::Broken`] if one is missing or damaged.
pub fn files_of(store: &dyn Store, rules: &Rules) -> Result<Files, OpenError> {
    let mut files = Files::new();
    for GrantedFile { name, path } in GrantedFile::all(&rules.grants) {
        if files.contains_key(&name) {
            continue;
        }
        let bytes = store.shared(&name)?;
        let bytes = bytes
            .ok_or_else(|| OpenError::Broken(format!("the granted file `{path}` is missing: {name}")))?;
        if Hash::of(&bytes) != name {
            return Err(OpenError::Broken(format!("the bytes of the file `{path}` do not hash to {name}")));
        }
        files.insert(name, bytes.as_ref().into());
    }
    Ok(files)
}

pub(crate) fn find_machine<M: Machines>(
    store: &dyn Store,
    rules: &Rules,
    machines: &M,
) -> Result<M::Machine, OpenError> {
    let code = code_of(store, rules)?;
    machines.machine(rules, &code, &files_of(store, rules)?).map_err(OpenError::NoMachine)
}

/// Where a chain was found to stand.
pub(crate) struct Recovered<M> {
    pub(crate) view: View,
    /// The machine that reached it, if there was any need for one.
    pub(crate) machine: Option<M>,
    /// What the rows of its leaves say.
    pub(crate) written: Written,
}

/// Finds the last stored state at or before `seq` and replays from there.
pub(crate) fn recover<M: Machines>(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    genesis: &Genesis,
    machines: &M,
    machine: impl Fn(&Rules) -> Result<M::Machine, OpenError>,
) -> Result<Recovered<M::Machine>, OpenError> {
    // Only a native machine has states that name more than they hold.
    if let Code::Native(_) = genesis.code {
        let first = machine(&rules_at(store, chain, seq, genesis)?)?;
        if first.kept_states().is_some() {
            let (written, start) = Written::read(store, chain, seq, genesis, first)?;
            let replayer = match start {
                Some(Start { machine, tip, state }) => {
                    Replayer::resume(machines, machine, tip, state.to_vec())
                }
                None => {
                    let genesis = read_bytes(store, chain, 0)?;
                    Replayer::begin_with(machines, &genesis, |field, name: &Hash| {
                        blob_of(store, chain, 0, field, name)
                    })?
                }
            };
            return replay_to(store, chain, seq, replayer, written);
        }
    }
    let (tip, state) = last_snapshot(store, chain, seq, genesis)?;
    let written = Written::default();
    if tip.seq == seq {
        return Ok(Recovered { view: View { tip, state, held: None }, machine: None, written });
    }
    let machine = machine(&tip.rules)?;
    replay_to(store, chain, seq, Replayer::resume(machines, machine, tip, state.to_vec()), written)
}

fn replay_to<M: Machines>(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    mut replayer: Replayer<'_, M>,
    written: Written,
) -> Result<Recovered<M::Machine>, OpenError> {
    for seq in replayer.tip().seq + 1..=seq {
        let bytes = read_bytes(store, chain, seq)?;
        let stepped = replayer.step(&bytes, |field, name: &Hash| blob_of(store, chain, seq, field, name));
        stepped.map_err(|error| redacted_or(store, chain, error))?;
    }
    let (tip, state, machine) = replayer.into_parts();
    Ok(Recovered { view: View::new(tip, state.into(), &machine), machine: Some(machine), written })
}

/// A blob that an entry of a stored chain names.
fn blob_of(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    field: &'static str,
    name: &Hash,
) -> Result<Bytes, CannotCheck> {
    let found = if Entry::is_shared(field) { store.shared(name) } else { store.blob(chain, name) };
    let found = found.map_err(|error| troupe_chain::Unreadable(error.to_string()))?;
    found.ok_or(CannotCheck::MissingBlob { seq, field, name: *name })
}

/// Says of a blob that is missing that it was redacted, if it was.
fn redacted_or(store: &dyn Store, chain: &Hash, error: NotVerified) -> OpenError {
    if let NotVerified::CannotCheck(CannotCheck::MissingBlob { seq, name, .. }) = error
        && let Ok(Some(redaction)) = redaction_of(store, chain, &name)
    {
        return OpenError::Redacted { seq, redaction };
    }
    error.into()
}

fn last_snapshot(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    genesis: &Genesis,
) -> Result<(Tip, Bytes), OpenError> {
    let mut stopped = false;
    for at in (1..=seq).rev() {
        let (name, entry) = read_entry(store, chain, at)?;
        // A stop has no state of its own; the one before it is stored.
        stopped |= matches!(entry.body, Body::Stop(_));
        let Some(state) = entry.state() else { continue };
        let Some(bytes) = store.blob(chain, &state)? else { continue };
        if Hash::of(&bytes) != state {
            return Err(OpenError::Broken(format!("the state stored for seq {at} does not hash to {state}")));
        }
        let rules = Arc::new(rules_at(store, chain, at, genesis)?);
        let tip = Tip {
            chain: *chain,
            entry: name,
            seq: at,
            at: entry.at,
            state: Some(state),
            rules,
            stopped: false,
        };
        if stopped && at + 1 == seq {
            let (name, entry) = read_entry(store, chain, seq)?;
            let tip = Tip { entry: name, seq, at: entry.at, stopped: true, ..tip };
            return Ok((tip, bytes));
        }
        return Ok((tip, bytes));
    }
    // None is there: what became of the earliest says why.
    for at in 1..=seq {
        let (_, entry) = read_entry(store, chain, at)?;
        let Some(state) = entry.state() else { continue };
        if let Some(redaction) = redaction_of(store, chain, &state)? {
            return Err(OpenError::Redacted { seq: at, redaction });
        }
    }
    Err(OpenError::Broken("no state is stored".into()))
}

/// The name under which a chain's `n`th change of rules is found, so that it need not be searched for. It names a
/// position, not bytes; no entry mentions it, so it never leaves the store.
fn rules_change_name(n: u64) -> Hash {
    Hash::of(format!("troupe: engine change {n}").as_bytes())
}

/// What is stored beside the `n`th engine or upgrade entry of a chain, counted from 1: whoever copies a chain stores it
/// too.
pub fn rules_change_blob(n: u64, seq: u64) -> (Hash, Bytes) {
    (rules_change_name(n), Bytes::copy_from_slice(&seq.to_le_bytes()))
}

/// The positions of the entries that change rules.
pub(crate) fn rules_changes(store: &dyn Store, chain: &Hash) -> Result<Vec<u64>, StoreError> {
    let mut positions = Vec::new();
    while let Some(bytes) = store.blob(chain, &rules_change_name(positions.len() as u64 + 1))? {
        let Ok(bytes) = bytes.as_ref().try_into() else { break };
        positions.push(u64::from_le_bytes(bytes));
    }
    Ok(positions)
}

pub(crate) fn rules_at(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    genesis: &Genesis,
) -> Result<Rules, OpenError> {
    let mut rules = genesis.rules();
    for position in rules_changes(store, chain)?.into_iter().filter(|position| *position <= seq) {
        match read_entry(store, chain, position)?.1.body {
            Body::Engine(engine) => rules.engine = engine,
            Body::Upgrade(upgrade) => {
                let engine = rules.engine;
                let troupe_chain::Upgrade { code, world, limits, grants, .. } = *upgrade;
                rules = Rules { code, world, limits, grants, engine };
            }
            _ => {
                let what = format!("the entry at seq {position} should change rules");
                return Err(OpenError::Broken(what));
            }
        }
    }
    Ok(rules)
}

/// A stored entry with its name; `None` if the chain has none there.
pub(crate) fn entry_of(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
) -> Result<Option<(Hash, Entry)>, StoreError> {
    let Some(bytes) = store.entry(chain, seq)? else { return Ok(None) };
    let entry = Entry::decode(&bytes).map_err(|error| StoreError::Index {
        action: "reading an entry",
        source: format!("the entry at seq {seq} of {chain}: {error}").into(),
    })?;
    Ok(Some((Hash::of(&bytes), entry)))
}
