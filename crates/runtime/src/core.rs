//! What all actors of a node share, and how they are found.
//!
//! Invariant: there is one cell for each chain that is in use, so one sequencer. Finding it takes the lock of one in many
//! maps for reading; nothing that is on the way of every message is locked for writing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use troupe_chain::{Abort, Context, Hash, LogLine, Machine, Rules, Sender, Tip};
use troupe_store::Store;

use crate::agenda::Agenda;
use crate::batch::Batch;
use crate::cell::Cell;
use crate::commit::Committer;
use crate::job::Letter;
use crate::keys::KeySearch;
use crate::names::Names;
use crate::open::{AnyMachines, genesis_of};
use crate::pool::Pool;
use crate::shared::Options;
use crate::watch::Watchers;
use crate::{LogRecord, Metrics, SendError};

/// How many maps the cells are spread over.
const MAPS: usize = 64;

pub(crate) type Cells = HashMap<Hash, Arc<Cell>, foldhash::fast::RandomState>;

/// A machine and what it was made for.
type Known = (Arc<Rules>, Arc<dyn Machine>);

/// What all actors of a node share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) machines: Box<AnyMachines>,
    pub(crate) options: Options,
    pub(crate) names: Names,
    pub(crate) agenda: Agenda,
    pub(crate) key_search: Mutex<KeySearch>,
    pub(crate) pool: Pool,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) metrics: Metrics,
    pub(crate) committer: Committer,
    pub(crate) stopping: AtomicBool,
    /// Whether nothing is served any more.
    pub(crate) finished: AtomicBool,
    pub(crate) cells: Vec<RwLock<Cells>>,
    /// Machines by what they were made for.
    pub(crate) known: Mutex<Vec<Known>>,
    /// Bytes of loaded states, and what goes with them.
    pub(crate) loaded_bytes: AtomicU64,
    /// Actors whose mailbox has parked letters.
    pub(crate) congested: Mutex<Vec<Weak<Cell>>>,
    /// Actors that wait before they try something again.
    stalled: Mutex<Vec<Weak<Cell>>>,
    pub(crate) tick: AtomicU64,
    /// How many chains there are, with those that are being begun.
    pub(crate) chains: AtomicU64,
}

impl Core {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        machines: Box<AnyMachines>,
        options: Options,
        committer: Committer,
        chains: u64,
    ) -> Self {
        // One more for actors that may ask the outside.
        let pool = Pool::new(options.threads.max(1) + 1);
        Self {
            store,
            machines,
            options,
            names: Names::default(),
            agenda: Agenda::default(),
            key_search: Mutex::default(),
            pool,
            watchers: Arc::default(),
            metrics: Metrics::default(),
            committer,
            stopping: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            cells: (0..MAPS).map(|_| RwLock::default()).collect(),
            known: Mutex::default(),
            loaded_bytes: AtomicU64::new(0),
            congested: Mutex::default(),
            stalled: Mutex::default(),
            tick: AtomicU64::new(0),
            chains: AtomicU64::new(chains),
        }
    }

    /// The context of the entry after `tip`, with a seed if the machine draws.
    pub(crate) fn next_context(
        &self,
        tip: &Tip,
        from: Sender,
        machine: &dyn Machine,
    ) -> Result<Context, Abort> {
        let context = tip.next_context(from, self.options.clock.now());
        let seed = machine.draws().then(|| self.options.entropy.seed()).transpose()?;
        Ok(Context { seed, ..context })
    }

    pub(crate) fn cells_of(&self, id: &Hash) -> &RwLock<Cells> {
        &self.cells[usize::from(id.as_bytes()[0]) % MAPS]
    }

    /// Finds what a name or an id stands for; an id is taken at its word.
    pub(crate) fn resolve(&self, name_or_id: &str) -> Option<Hash> {
        if name_or_id.len() == 64
            && let Ok(id) = name_or_id.parse()
        {
            return Some(id);
        }
        self.names.find(name_or_id)
    }

    /// The cell of an actor, if it is in memory.
    pub(crate) fn cell_in_memory(&self, id: &Hash) -> Option<Arc<Cell>> {
        self.cells_of(id).read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The cell of an actor; `None` if the store has no such chain.
    pub(crate) fn cell(&self, id: &Hash) -> Result<Option<Arc<Cell>>, SendError> {
        if let Some(cell) = self.cell_in_memory(id) {
            return Ok(Some(cell));
        }
        let head = self.store.head(id).map_err(|error| SendError::Host(crate::error::chain_of(&error)))?;
        if head.is_none() {
            return Ok(None);
        }
        let genesis = genesis_of(&*self.store, id).map_err(|error| SendError::Host(error.to_string()))?;
        Ok(Some(self.new_cell(id, !genesis.grants.is_empty())))
    }

    /// The cell of an actor, whether its chain is begun or not.
    pub(crate) fn new_cell(&self, id: &Hash, granted: bool) -> Arc<Cell> {
        let shards = self.pool.shards() - 1;
        let own = u64::from_le_bytes(id.as_bytes()[8..16].try_into().unwrap_or_default()) % shards as u64;
        let shard = if granted { shards } else { own as usize };
        let mut cells = self.cells_of(id).write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(cells.entry(*id).or_insert_with(|| Arc::new(Cell::new(*id, shard))))
    }

    /// Whether there is a place for one more chain at the moment: cheaper to ask than to be refused one.
    pub(crate) fn has_place(&self) -> Result<(), SendError> {
        let most = self.options.max_actors;
        if self.chains.load(Ordering::Relaxed) < most { Ok(()) } else { Err(SendError::TooMany(most)) }
    }

    /// Takes one of the places that there are for chains. A fork that goes on in the place of another chain always gets one.
    pub(crate) fn take_place(&self, is_heir: bool) -> Result<(), SendError> {
        let most = if is_heir { u64::MAX } else { self.options.max_actors };
        let one_more = |chains: u64| (chains < most).then_some(chains + 1);
        let taken = self.chains.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.map(|_| ()).map_err(|_| SendError::TooMany(self.options.max_actors))
    }

    /// Gives the place of a chain up that was not begun after all.
    pub(crate) fn give_up_place(&self) {
        self.chains.fetch_sub(1, Ordering::Relaxed);
    }

    /// Visits every cell in memory.
    pub(crate) fn each_cell(&self, mut visit: impl FnMut(&Arc<Cell>)) {
        for cells in &self.cells {
            let cells: Vec<_> =
                cells.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
            cells.iter().for_each(&mut visit);
        }
    }

    /// Puts an actor into its run queue.
    pub(crate) fn schedule(&self, cell: &Arc<Cell>) {
        self.pool.push(Arc::clone(cell));
    }

    /// Gives an actor up after a turn, and schedules it again if it has more to do.
    pub(crate) fn release(&self, cell: &Arc<Cell>) {
        if cell.release() {
            self.schedule(cell);
        }
    }

    /// Lets an actor wait before it tries again what failed for want of room.
    pub(crate) fn stall(&self, cell: &Arc<Cell>) {
        cell.stall();
        let mut stalled = self.stalled.lock().unwrap_or_else(PoisonError::into_inner);
        if !stalled.iter().any(|one| one.as_ptr() == Arc::as_ptr(cell)) {
            stalled.push(Arc::downgrade(cell));
        }
    }

    /// Lets actors try again; returns whether there were any. Once nothing is written any more, that turns away what waits.
    pub(crate) fn unstall(&self) -> bool {
        let stalled = std::mem::take(&mut *self.stalled.lock().unwrap_or_else(PoisonError::into_inner));
        for cell in stalled.iter().filter_map(Weak::upgrade) {
            if cell.unstall() {
                self.schedule(&cell);
            }
        }
        !stalled.is_empty()
    }

    /// Commits a group of batches and gives their actors up.
    pub(crate) fn commit(&self, group: Vec<Batch>) {
        let cells: Vec<_> = group.iter().map(|batch| (Arc::clone(&batch.cell), batch.is_nobodys)).collect();
        self.committer.commit(self, group);
        for (cell, is_nobodys) in &cells {
            self.release(cell);
            if *is_nobodys {
                self.discard(cell);
            }
        }
    }

    /// A turn that a panic does not take the worker down with: the actor starts again from what is committed.
    pub(crate) fn guarded_turn(&self, cell: &Arc<Cell>) -> Option<Batch> {
        let turn = std::panic::AssertUnwindSafe(|| self.turn(cell));
        match std::panic::catch_unwind(turn) {
            Ok(batch) => batch,
            Err(_) => {
                cell.loaded.clear_poison();
                cell.generation.fetch_add(1, Ordering::AcqRel);
                self.note(&cell.id, 0, "a turn of this actor panicked; what it had begun is lost");
                None
            }
        }
    }

    /// Writes what became of a letter that nobody is told about.
    pub(crate) fn note_dropped(&self, cell: &Cell, letter: &Letter, why: &str) {
        Metrics::add(&self.metrics.dropped, 1);
        let kind = match &letter.from {
            troupe_chain::Sender::Timer { .. } => "a timer".to_owned(),
            troupe_chain::Sender::Reply { .. } => "a reply".to_owned(),
            troupe_chain::Sender::Notice { about, .. } => format!("a notice ({})", about.as_str()),
            _ => "a message".to_owned(),
        };
        self.note(&cell.id, 0, &format!("{kind} was not taken: {why}"));
    }

    /// Writes a line about an actor to the node's log.
    pub(crate) fn note(&self, chain: &Hash, seq: u64, line: &str) {
        let line = LogLine { level: troupe_chain::Level::Warn, line: format!("node: {line}") };
        (self.options.log)(&[LogRecord { chain: *chain, seq, line: &line }]);
    }
}
