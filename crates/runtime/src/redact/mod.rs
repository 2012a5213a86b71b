//! Takes payloads back: erases their bytes from the store, or keeps them from readers.
//!
//! Invariant: an actor can be resumed after an erasure as before. The state at its head is stored first; nothing that is
//! under way, and no entry after that state, needs what is erased.
//!
//! Deliberately absent: any change of a chain. A redaction is a row beside it.

mod in_use;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use troupe_chain::{Hash, Machines, Text, Timestamp};
use troupe_store::{Append, CommitError, Erased, Row, Store, StoreError};

use self::in_use::in_use;
use self::rows::{Marked, Stage, key, marked, read_key, row};
pub use self::rows::{RedactedBlob, imported_redaction, redaction_of, redactions_of};
use crate::open::{entry_of, genesis_of, recover};
use crate::rows::{REDACTION, scan};
use crate::{OpenError, View};

/// The most entries that one order is about.
pub const MAX_REDACTED_ENTRIES: u64 = 10_000;

/// Why nothing is erased of a chain whose states are known by their leaves alone.
const NO_ERASURE: &str =
    "every state of this actor follows from all of its messages: nothing can be erased, only withheld";

/// How often an erasure is tried on an actor that goes on meanwhile.
const ATTEMPTS: usize = 5;

/// Payloads of an entry that can be redacted, by the field that names them.
pub const REDACTABLE: [&str; 7] =
    ["message", "state", "reply", "calls.in", "calls.out", "effects.message", "fork.state"];

/// What is to become of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedactWhat {
    /// Overwrite the bytes, for good.
    Erase,
    /// Keep the bytes from readers.
    Withhold,
    /// Hand out again what was withheld.
    Release,
}

/// Which payloads, what is to become of them, and why.
#[derive(Debug, Clone)]
pub struct RedactOrder {
    /// What is to become of them.
    pub what: RedactWhat,
    /// The first entry.
    pub from: u64,
    /// The last entry.
    pub to: u64,
    /// Which fields of these, out of [`REDACTABLE`]; none for all.
    pub fields: Vec<String>,
    /// Why, for whoever finds that they are not there.
    pub reason: Text,
    /// Who asks for it, as far as that is known.
    pub by: String,
}

/// What a redaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The blobs: the entry and the field that first name each, where it was found by these, and its name.
    pub blobs: Vec<(Option<u64>, String, Hash)>,
    /// Copies that were overwritten.
    pub copies: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The state from which the actor can be resumed, where something was erased.
    pub snapshot: Option<u64>,
    /// Other chains of the store that have the same bytes.
    pub elsewhere: Vec<Hash>,
}

/// Why nothing was redacted.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// The order makes no sense.
    #[error("{0}")]
    Order(String),
    /// The entries have nothing of what was asked for.
    #[error("entries {from} to {to} have no such payload, or it is redacted already")]
    Nothing {
        /// The first entry.
        from: u64,
        /// The last entry.
        to: u64,
    },
    /// What is to be erased is the state that the actor goes on from.
    #[error("the bytes are the current state, at seq {0}: without them the actor could not go on")]
    CurrentState(u64),
    /// Something that is not done yet needs it.
    #[error("the bytes are still needed: {0}")]
    UnderWay(String),
    /// The same bytes came again and again while they were to be erased.
    #[error("the actor took the same bytes again while they were to be erased; pause it and try again")]
    Busy,
    /// The actor cannot be read.
    #[error("the actor's current state cannot be read: {0}")]
    Open(#[from] OpenError),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The store took no row.
    #[error("nothing was recorded: {0}")]
    Commit(#[from] CommitError),
}

/// What is to be redacted of a chain: each name, with the entry and field that it was found by.
type Names = BTreeMap<Hash, (Option<u64>, String)>;

/// Redacts payloads of entries of a chain; `view` says where the chain stands. Components and configurations, which
/// chains share, are not reached.
///
/// # Errors
/// [`RedactError`]. After [`RedactError::Store`] it may be done at the next start.
pub fn redact(
    store: &dyn Store,
    chain: &Hash,
    view: &dyn Fn() -> Result<View, OpenError>,
    order: &RedactOrder,
    at: Timestamp,
) -> Result<Redacted, RedactError> {
    let names = names_of(store, chain, order)?;
    redact_names(store, chain, view, order, &names, at)
}

/// As [`redact`], of payloads that are known by their names.
///
/// # Errors
/// As [`redact`].
pub fn redact_by_name(
    store: &dyn Store,
    chain: &Hash,
    view: &dyn Fn() -> Result<View, OpenError>,
    order: &RedactOrder,
    names: &[Hash],
    at: Timestamp,
) -> Result<Redacted, RedactError> {
    let names = names.iter().map(|name| (*name, (None, String::new()))).collect();
    redact_names(store, chain, view, order, &names, at)
}

/// Where a stored chain stands, for [`redact`] of a store that no node has open.
///
/// # Errors
/// [`OpenError`].
pub fn view_of<M: Machines>(store: &dyn Store, chain: &Hash, machines: &M) -> Result<View, OpenError> {
    let head = store.head(chain)?.ok_or(OpenError::NoChain(*chain))?;
    let genesis = genesis_of(store, chain)?;
    let find = |rules: &troupe_chain::Rules| crate::open::find_machine(store, rules, machines);
    Ok(recover(store, chain, head.seq, &genesis, machines, find)?.view)
}

/// Finds what an order is about, without what is redacted so already.
fn names_of(store: &dyn Store, chain: &Hash, order: &RedactOrder) -> Result<Names, RedactError> {
    let RedactOrder { from, to, .. } = *order;
    let head = store.head(chain)?.ok_or(OpenError::NoChain(*chain))?;
    if from > to || to > head.seq {
        let what = format!("there are no entries {from} to {to}: the last is at {}", head.seq);
        return Err(RedactError::Order(what));
    }
    if to - from >= MAX_REDACTED_ENTRIES {
        let what = format!("{} entries are more than {MAX_REDACTED_ENTRIES} at once", to - from + 1);
        return Err(RedactError::Order(what));
    }
    if let Some(field) = order.fields.iter().find(|field| !REDACTABLE.contains(&field.as_str())) {
        let what = format!("`{field}` is none of {}", REDACTABLE.join(", "));
        return Err(RedactError::Order(what));
    }
    let mut names = Names::new();
    for seq in from..=to {
        let Some((_, entry)) = entry_of(store, chain, seq)? else { continue };
        for (field, name) in entry.blobs() {
            let is_meant = order.fields.is_empty() || order.fields.iter().any(|one| one == field);
            if !is_meant || !REDACTABLE.contains(&field) || names.contains_key(&name) {
                continue;
            }
            let stage = marked(store, chain, &name)?.map(|marked| marked.stage);
            let is_there = store.blob(chain, &name)?.is_some();
            let is_open = match order.what {
                // What came again after it was erased is there again.
                RedactWhat::Erase => is_there || stage == Some(Stage::Erasing),
                RedactWhat::Withhold => is_there && stage != Some(Stage::Withheld),
                RedactWhat::Release => stage == Some(Stage::Withheld),
            };
            if is_open {
                names.insert(name, (Some(seq), field.to_owned()));
            }
        }
    }
    Ok(names)
}

fn redact_names(
    store: &dyn Store,
    chain: &Hash,
    view: &dyn Fn() -> Result<View, OpenError>,
    order: &RedactOrder,
    names: &Names,
    at: Timestamp,
) -> Result<Redacted, RedactError> {
    if names.is_empty() {
        return Err(RedactError::Nothing { from: order.from, to: order.to });
    }
    let blobs = names.iter().map(|(name, (seq, field))| (*seq, field.clone(), *name)).collect();
    let mark = |stage, snapshot| {
        let marked = |(name, (seq, field)): (&Hash, &(Option<u64>, String))| {
            let (reason, by) = (order.reason.to_string(), order.by.clone());
            row(
                chain,
                name,
                &Marked { stage, at: at.0, seq: *seq, field: field.clone(), reason, by, snapshot },
            )
        };
        names.iter().map(marked).collect::<Vec<_>>()
    };
    match order.what {
        RedactWhat::Withhold => {
            commit(store, chain, mark(Stage::Withheld, 0), Vec::new())?;
            Ok(Redacted { blobs, ..Redacted::default() })
        }
        RedactWhat::Release => {
            let rows = names.keys().map(|name| Row::remove(key(chain, name))).collect();
            commit(store, chain, rows, Vec::new())?;
            Ok(Redacted { blobs, ..Redacted::default() })
        }
        RedactWhat::Erase => {
            let all: Vec<Hash> = names.keys().copied().collect();
            for _ in 0..ATTEMPTS {
                let view = view()?;
                if view.held.is_some() {
                    return Err(RedactError::Order(NO_ERASURE.into()));
                }
                let snapshot = view.tip.seq;
                let state = Hash::of(&view.state);
                if names.contains_key(&state) {
                    return Err(RedactError::CurrentState(snapshot));
                }
                if let Some(what) = in_use(store, chain, names)? {
                    return Err(RedactError::UnderWay(what));
                }
                let before = unmark(store, chain, names)?;
                let is_stored = store.blob(chain, &state)?.is_some();
                let kept = if is_stored { Vec::new() } else { vec![(state, view.state.clone())] };
                commit(store, chain, mark(Stage::Erasing, snapshot), kept)?;
                let Some(erased) = erase(store, chain, &all, snapshot)? else {
                    commit(store, chain, before, Vec::new())?;
                    continue;
                };
                commit(store, chain, mark(Stage::Erased, snapshot), Vec::new())?;
                let Erased { copies, bytes, elsewhere } = erased;
                return Ok(Redacted { blobs, copies, bytes, snapshot: Some(snapshot), elsewhere });
            }
            Err(RedactError::Busy)
        }
    }
}

/// The rows that put back what is known of blobs now.
fn unmark(store: &dyn Store, chain: &Hash, names: &Names) -> Result<Vec<Row>, StoreError> {
    let row_of = |name: &Hash| {
        let key = key(chain, name);
        Ok(Row { value: store.row(&key)?, key })
    };
    names.keys().map(row_of).collect()
}

/// Erases blobs, unless something needs them that is not before `snapshot`.
fn erase(
    store: &dyn Store,
    chain: &Hash,
    names: &[Hash],
    snapshot: u64,
) -> Result<Option<Erased>, StoreError> {
    let wanted: Names = names.iter().map(|name| (*name, (None, String::new()))).collect();
    let allow = || {
        let is_free = || -> Result<bool, StoreError> {
            let last = store.head(chain)?.map_or(0, |head| head.seq);
            for seq in snapshot + 1..=last {
                let Some((_, entry)) = entry_of(store, chain, seq)? else { return Ok(false) };
                if entry.blobs().iter().any(|(_, name)| wanted.contains_key(name)) {
                    return Ok(false);
                }
            }
            Ok(in_use(store, chain, &wanted)?.is_none())
        };
        // Of what cannot be read nothing is erased.
        is_free().unwrap_or(false)
    };
    store.erase(chain, names, &allow)
}

fn commit(
    store: &dyn Store,
    chain: &Hash,
    rows: Vec<Row>,
    blobs: Vec<(Hash, Bytes)>,
) -> Result<(), RedactError> {
    if rows.is_empty() && blobs.is_empty() {
        return Ok(());
    }
    Ok(store.commit(&[Append { chain: *chain, expected: None, entries: Vec::new(), blobs, rows }])?)
}

/// Finishes the erasures that a crash cut short; returns what could not be, for a person to read.
///
/// # Errors
/// [`RedactError`] if the store fails.
pub fn finish_redactions(store: &dyn Store) -> Result<Vec<String>, RedactError> {
    let mut open: BTreeMap<(Hash, u64), Vec<(Hash, Marked)>> = BTreeMap::new();
    scan::<Marked>(store, &[REDACTION], |key, marked| {
        if let (Stage::Erasing, Some((chain, name))) = (marked.stage, read_key(key)) {
            open.entry((chain, marked.snapshot)).or_default().push((name, marked));
        }
        Ok(())
    })?;
    let mut left = Vec::new();
    for ((chain, snapshot), blobs) in open {
        let names: BTreeSet<Hash> = blobs.iter().map(|(name, _)| *name).collect();
        let names: Vec<Hash> = names.into_iter().collect();
        if erase(store, &chain, &names, snapshot)?.is_some() {
            let done = |(name, marked): &(Hash, Marked)| {
                row(&chain, name, &Marked { stage: Stage::Erased, ..marked.clone() })
            };
            commit(store, &chain, blobs.iter().map(done).collect(), Vec::new())?;
        } else {
            let rows = names.iter().map(|name| Row::remove(key(&chain, name))).collect();
            commit(store, &chain, rows, Vec::new())?;
            left.push(format!("what was to be erased of {chain} came again, and was not: ask for it again"));
        }
    }
    Ok(left)
}
