//! The leaves of states that name more than they hold, as rows: what makes such a state whole again after a start.
//!
//! Invariant: the rows of a chain are the leaves of one state, which its first row names; they change in the append that
//! stores this state. Rows that are not that are worth nothing, and the chain is replayed from genesis instead.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use troupe_chain::{Abort, Genesis, Hash, Leaf, Machine, Tip};
use troupe_store::{MAX_ROW_VALUE_BYTES, Row, Store, StoreError};

use crate::OpenError;
use crate::batch::Batch;
use crate::core::Core;
use crate::open::{read_entry, rules_at};
use crate::rows::{LEAF, actor_key, put};
use crate::sequencer::Loaded;

/// Why there is no fork of such a chain: whoever verified it would need the leaves that it begins with.
pub(crate) const NO_FORK: &str = "a state of this actor is known only by all that led to it: it cannot go back, and no other can branch off from it";

/// What a row may hold beside a leaf's value.
const ROOM: usize = 1024;
/// How many rows are read at once.
const PAGE: usize = 10_000;

/// The state that the rows of a chain are the leaves of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    seq: u64,
    state: [u8; 32],
}

/// A leaf. A value that is too large for a row is a blob of the chain.
#[derive(Debug, Serialize, Deserialize)]
enum StoredLeaf<'a> {
    Whole(&'a [u8], &'a [u8]),
    Blob(&'a [u8], [u8; 32]),
}

/// What the rows of a chain say, once what is on its way has arrived.
#[derive(Default)]
pub(crate) struct Written {
    /// The state whose leaves they are.
    state: Option<Bytes>,
    /// Rows that are of no use, to be removed with the next state.
    stale: Vec<Bytes>,
}

/// What makes rows the leaves of another state: rows, and blobs for what they cannot hold.
struct Changes {
    rows: Vec<Row>,
    blobs: Vec<(Hash, Bytes)>,
}

/// A stored state with its leaves, and the machine that has them.
pub(crate) struct Start<M> {
    pub(crate) machine: M,
    pub(crate) tip: Tip,
    pub(crate) state: Bytes,
}

impl Written {
    /// Reads the rows of a chain into `machine`, if they are of a state at or before `seq`.
    pub(crate) fn read<M: Machine>(
        store: &dyn Store,
        chain: &Hash,
        seq: u64,
        genesis: &Genesis,
        machine: M,
    ) -> Result<(Self, Option<Start<M>>), OpenError> {
        if let Some((tip, state)) = stored(store, chain, seq, genesis)? {
            let mut leaves = Leaves::new(store, chain);
            let restored = machine.restore(&state, &mut leaves);
            leaves.failed.map_or(Ok(()), Err)?;
            if restored.is_ok() {
                let written = Self { state: Some(state.clone()), stale: Vec::new() };
                return Ok((written, Some(Start { machine, tip, state })));
            }
        }
        let mut leaves = Leaves::new(store, chain);
        let mut stale = Vec::new();
        while let Some((key, _)) = leaves.row() {
            stale.push(key);
        }
        leaves.failed.map_or(Ok((Self { state: None, stale }, None)), |error| Err(error.into()))
    }

    /// The state whose leaves the rows are.
    pub(crate) fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    /// Whether the rows are the leaves of this state.
    pub(crate) fn is_of(&self, state: &[u8]) -> bool {
        self.state.as_deref() == Some(state)
    }

    /// What makes the rows the leaves of the state at `tip`.
    fn advance(&mut self, machine: &dyn Machine, tip: &Tip, state: &Bytes) -> Result<Changes, Abort> {
        let leaves = machine.leaves(self.state.as_deref(), state)?;
        let mut rows: Vec<Row> = self.stale.drain(..).map(Row::remove).collect();
        let mut blobs = Vec::new();
        for Leaf { key, value } in leaves {
            let row = leaf_key(&tip.chain, &key);
            rows.push(match value {
                None => Row::remove(row),
                Some(value) if key.len() + value.len() + ROOM > MAX_ROW_VALUE_BYTES => {
                    let name = Hash::of(&value);
                    blobs.push((name, value.into()));
                    put(row, &StoredLeaf::Blob(&key, *name.as_bytes()))
                }
                Some(value) => put(row, &StoredLeaf::Whole(&key, &value)),
            });
        }
        let stored = Stored { seq: tip.seq, state: *Hash::of(state).as_bytes() };
        rows.push(put(actor_key(LEAF, &tip.chain), &stored));
        self.state = Some(state.clone());
        Ok(Changes { rows, blobs })
    }
}

impl Core {
    /// Stores the state, and its leaves if it has any. Where the machine cannot say them, the stored state stays the one
    /// before, and the node's log says so: a start has more to replay.
    pub(crate) fn store_state(&self, loaded: &mut Loaded, batch: &mut Batch, name: Hash) {
        if loaded.machine.kept_states().is_some() {
            match loaded.written.advance(&*loaded.machine, &loaded.tip, &loaded.state) {
                Ok(Changes { rows, blobs }) => {
                    batch.push_rows(rows);
                    for (name, bytes) in blobs {
                        batch.push_blob(name, bytes);
                    }
                }
                Err(abort) => {
                    let line =
                        format!("the state was not stored, a start replays from the one before: {abort}");
                    self.note(&loaded.tip.chain, loaded.tip.seq, &line);
                    return;
                }
            }
        }
        batch.push_blob(name, loaded.state.clone());
        loaded.since_snapshot = 0;
    }
}

/// The row of a leaf: after that of its state, as keys go.
fn leaf_key(chain: &Hash, key: &[u8]) -> Bytes {
    [&[LEAF][..], chain.as_bytes(), Hash::of(key).as_bytes()].concat().into()
}

/// The state that the rows are of, and where the chain stood, if that is not after `seq`.
fn stored(
    store: &dyn Store,
    chain: &Hash,
    seq: u64,
    genesis: &Genesis,
) -> Result<Option<(Tip, Bytes)>, OpenError> {
    let row = store.row(&actor_key(LEAF, chain))?;
    let Some(stored) = row.and_then(|row| postcard::from_bytes::<Stored>(&row).ok()) else { return Ok(None) };
    let state = Hash::from_bytes(stored.state);
    if stored.seq > seq || stored.seq == 0 {
        return Ok(None);
    }
    let Some(bytes) = store.blob(chain, &state)? else { return Ok(None) };
    let (name, entry) = read_entry(store, chain, stored.seq)?;
    let rules = Arc::new(rules_at(store, chain, stored.seq, genesis)?);
    let tip = Tip {
        chain: *chain,
        entry: name,
        seq: stored.seq,
        at: entry.at,
        state: Some(state),
        rules,
        stopped: false,
    };
    Ok(Some((tip, bytes)))
}

/// The leaves of a chain as they are read, until one cannot be.
struct Leaves<'a> {
    store: &'a dyn Store,
    chain: &'a Hash,
    page: std::vec::IntoIter<(Bytes, Bytes)>,
    after: Option<Bytes>,
    is_last: bool,
    failed: Option<StoreError>,
}

impl<'a> Leaves<'a> {
    fn new(store: &'a dyn Store, chain: &'a Hash) -> Self {
        let (page, after) = (Vec::new().into_iter(), Some(actor_key(LEAF, chain)));
        Self { store, chain, page, after, is_last: false, failed: None }
    }

    fn row(&mut self) -> Option<(Bytes, Bytes)> {
        if self.page.len() == 0 && !self.is_last && self.failed.is_none() {
            match self.store.rows(&actor_key(LEAF, self.chain), self.after.as_deref(), PAGE) {
                Ok(rows) => {
                    self.is_last = rows.len() < PAGE;
                    self.after = rows.last().map(|(key, _)| key.clone());
                    self.page = rows.into_iter();
                }
                Err(error) => self.failed = Some(error),
            }
        }
        self.page.next()
    }

    /// A leaf; `None` if the row is none.
    fn leaf(&self, row: &[u8]) -> Result<Option<Leaf>, StoreError> {
        Ok(match postcard::from_bytes::<StoredLeaf<'_>>(row) {
            Ok(StoredLeaf::Whole(key, value)) => Some(Leaf { key: key.into(), value: Some(value.into()) }),
            Ok(StoredLeaf::Blob(key, name)) => {
                let value = self.store.blob(self.chain, &Hash::from_bytes(name))?;
                Some(Leaf { key: key.into(), value: value.map(Into::into) })
            }
            Err(_) => None,
        })
    }
}

impl Iterator for Leaves<'_> {
    type Item = Leaf;

    fn next(&mut self) -> Option<Leaf> {
        let (_, row) = self.row()?;
        self.leaf(&row).unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }
}
