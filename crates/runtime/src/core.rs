//! What all actors of a node share, and how they are found.
//!
//! Invariant: there is one cell for each chain that is in use, so one sequencer. Finding it takes the lock of one in many
//! maps for reading; nothing that is on the way of every message is locked for writing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use bytes::Bytes;
use troupe_chain::{Effect, Hash, LogLine, Machine, Notice, Outside, Rules, Tip};
use troupe_store::{Row, Store};

use crate::agenda::{Agenda, Item, What};
use crate::batch::{After, Batch};
use crate::cell::{Cell, Hold, Posted, weight};
use crate::commit::Committer;
use crate::cron;
use crate::effects::{Origin, undelivered};
use crate::job::{Delivery, Job, Letter, Own, Settle};
use crate::names::Names;
use crate::open::{AnyMachines, code_of, entry_of, genesis_of, recover, rules_changes};
use crate::outside::CallBase;
use crate::pool::Pool;
use crate::rows::{
    ACTOR, Due, REQUEST, REST, Record, Status, TIMER, actor_key, effect_key, get, number, put,
};
use crate::sequencer::Loaded;
use crate::shared::Options;
use crate::watch::Watchers;
use crate::{LogRecord, Metrics, OpenError, SendError};

/// How many maps the cells are spread over.
const MAPS: usize = 64;
/// How many letters may wait for room in one mailbox, by reference.
const MAX_PARKED: usize = 100_000;

/// An actor that was not used during so many sweeps leaves memory.
const IDLE_SWEEPS: u64 = 12;

type Cells = HashMap<Hash, Arc<Cell>, foldhash::fast::RandomState>;

/// What all actors of a node share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) machines: Box<AnyMachines>,
    pub(crate) options: Options,
    pub(crate) names: Names,
    pub(crate) agenda: Agenda,
    pub(crate) pool: Pool,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) metrics: Metrics,
    pub(crate) committer: Committer,
    pub(crate) stopping: AtomicBool,
    cells: Vec<RwLock<Cells>>,
    /// Machines by what they were made for.
    known: Mutex<Vec<(Arc<Rules>, Arc<dyn Machine>)>>,
    /// Bytes of loaded states, and what goes with them.
    loaded_bytes: AtomicU64,
    /// Actors whose mailbox has parked letters.
    congested: Mutex<Vec<Weak<Cell>>>,
    tick: AtomicU64,
    /// How many chains there are.
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
            pool,
            watchers: Arc::default(),
            metrics: Metrics::default(),
            committer,
            stopping: AtomicBool::new(false),
            cells: (0..MAPS).map(|_| RwLock::default()).collect(),
            known: Mutex::default(),
            loaded_bytes: AtomicU64::new(0),
            congested: Mutex::default(),
            tick: AtomicU64::new(0),
            chains: AtomicU64::new(chains),
        }
    }

    fn cells_of(&self, id: &Hash) -> &RwLock<Cells> {
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

    /// Commits a group of batches and gives their actors up.
    pub(crate) fn commit(&self, group: Vec<Batch>) {
        let cells: Vec<_> = group.iter().map(|batch| Arc::clone(&batch.cell)).collect();
        self.committer.commit(self, group);
        for cell in &cells {
            self.release(cell);
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

    /// Puts a job from outside into an actor's mailbox.
    ///
    /// # Errors
    /// The job, and why it is not in.
    pub(crate) fn post(&self, id: &Hash, job: Job) -> Result<(), (Job, SendError)> {
        if self.stopping.load(Ordering::Acquire) {
            return Err((job, SendError::Stopped));
        }
        let mut job = job;
        loop {
            let cell = match self.cell(id) {
                Ok(Some(cell)) => cell,
                Ok(None) => return Err((job, SendError::Unknown)),
                Err(error) => return Err((job, error)),
            };
            match cell.post(job, self.options.mailbox) {
                Posted::Wake => {
                    self.schedule(&cell);
                    return Ok(());
                }
                Posted::Waiting => return Ok(()),
                Posted::Full(job) => {
                    Metrics::add(&self.metrics.busy, 1);
                    return Err((job, SendError::Busy("the mailbox is full".into())));
                }
                Posted::Retired(back) => job = back,
            }
        }
    }

    /// Puts a job from the node itself or another actor into an actor's mailbox.
    pub(crate) fn post_internal(&self, id: &Hash, job: Job) {
        let mut job = job;
        loop {
            let cell = match (&job, self.cell_in_memory(id)) {
                (_, Some(cell)) => cell,
                (Job::Begin(begin), None) => self.new_cell(id, !begin.genesis.grants.is_empty()),
                (_, None) => match self.cell(id) {
                    Ok(Some(cell)) => cell,
                    // A cell without a chain turns away what comes.
                    Ok(None) => self.new_cell(id, false),
                    Err(error) => {
                        self.note(id, 0, &format!("a letter waits for the next start: {error}"));
                        return;
                    }
                },
            };
            match cell.deliver(job, self.options.mailbox, MAX_PARKED) {
                Posted::Wake => return self.schedule(&cell),
                Posted::Waiting => {
                    if cell.has_parked() {
                        let mut congested = self.congested.lock().unwrap_or_else(PoisonError::into_inner);
                        if !congested.iter().any(|one| one.as_ptr() == Arc::as_ptr(&cell)) {
                            congested.push(Arc::downgrade(&cell));
                        }
                    }
                    return;
                }
                // What cannot be parked is of the node itself and always finds room, or one letter too many.
                Posted::Full(Job::Letter(letter)) => match letter.settle {
                    Settle::Delivery(delivery) => return self.too_busy(id, &delivery),
                    settle => {
                        job = Job::Letter(Letter { settle, ..letter });
                        match cell.post(job, usize::MAX) {
                            Posted::Wake => return self.schedule(&cell),
                            Posted::Retired(back) => job = back,
                            Posted::Waiting | Posted::Full(_) => return,
                        }
                    }
                },
                Posted::Full(_) => return,
                Posted::Retired(back) => job = back,
            }
        }
    }

    /// Tells a sender that there was no room for too long.
    fn too_busy(&self, receiver: &Hash, delivery: &Delivery) {
        let told =
            undelivered(delivery, Notice::Busy, Some(*receiver), None, "the mailbox was full for too long");
        self.post_internal(&delivery.sender, Job::Letter(told));
    }

    /// Takes parked letters into the mailbox, as far as there is room.
    pub(crate) fn unpark(&self, cell: &Arc<Cell>) {
        while let Some(delivery) = cell.unpark(self.options.mailbox) {
            match self.letter_of(&delivery) {
                Ok(Some(letter)) => _ = cell.post(Job::Letter(letter), usize::MAX),
                Ok(None) => {}
                Err(error) => {
                    self.note(&cell.id, 0, &format!("a letter waits for the next start: {error}"));
                }
            }
        }
    }

    /// Reads a letter again that was parked.
    fn letter_of(&self, delivery: &Delivery) -> Result<Option<Letter>, OpenError> {
        let Some((entry, read)) = entry_of(&*self.store, &delivery.sender, delivery.of.seq)? else {
            return Ok(None);
        };
        let n = delivery.of.n as usize;
        let Some((_, name)) = read.body.effects().get(n).and_then(|effect| effect.blobs().next()) else {
            return Ok(None);
        };
        let Some(message) = self.store.blob(&delivery.sender, &name)? else { return Ok(None) };
        let from = troupe_chain::Sender::Actor(troupe_chain::EffectRef {
            chain: delivery.sender,
            entry,
            n: delivery.of.n,
        });
        let settle = Settle::Delivery(*delivery);
        Ok(Some(Letter { from, message, settle, attempts: 0, trace: 0 }))
    }

    /// Does what is due at `now`; returns whether there was anything.
    pub(crate) fn do_what_is_due(&self, now: u64) -> bool {
        let due = self.agenda.take(now, 10_000);
        let any = !due.is_empty();
        for item in due {
            match item.what {
                What::Timer(_) | What::Request(_) => self.remind(&item, now),
                What::Rest => self.wake(&item.chain),
            }
        }
        let congested: Vec<_> = {
            let mut congested = self.congested.lock().unwrap_or_else(PoisonError::into_inner);
            congested.retain(|cell| cell.upgrade().is_some_and(|cell| cell.has_parked()));
            congested.iter().filter_map(Weak::upgrade).collect()
        };
        for cell in congested {
            for delivery in cell.expired(now) {
                self.too_busy(&cell.id, &delivery);
            }
        }
        any
    }

    /// Brings an actor what is due for it.
    fn remind(&self, item: &Item, now: u64) {
        let letter = match item.what {
            What::Timer(of) => self.timer_letter(item, of, now),
            What::Request(of) => {
                let open = effect_key(REQUEST, &item.chain, of.seq, number(of.n));
                let own = Own { rows: vec![Row::remove(open.clone())], needs: Some(open) };
                Ok(Some(Letter::notice(of, Notice::Late, (None, None), "no reply came in time", own)))
            }
            What::Rest => return,
        };
        match letter {
            Ok(Some(letter)) => self.post_internal(&item.chain, Job::Letter(letter)),
            Ok(None) => {}
            Err(error) => self.note(&item.chain, 0, &format!("a timer waits for the next start: {error}")),
        }
    }

    fn timer_letter(
        &self,
        item: &Item,
        set: troupe_chain::EffectId,
        now: u64,
    ) -> Result<Option<Letter>, OpenError> {
        let key = effect_key(TIMER, &item.chain, set.seq, number(set.n));
        // One that was cancelled, or has gone off, has no row.
        let Some(due) = get::<Due>(&*self.store, &key)? else { return Ok(None) };
        let Some((_, entry)) = entry_of(&*self.store, &item.chain, set.seq)? else { return Ok(None) };
        let Some(effect) = entry.body.effects().get(set.n as usize) else { return Ok(None) };
        let Some((_, name)) = effect.blobs().next() else { return Ok(None) };
        let Some(message) = self.store.blob(&item.chain, &name)? else { return Ok(None) };
        let (due, row) = match effect {
            Effect::Cron { cron, .. } => match cron::last_and_next(cron.as_str(), due.at, now) {
                Ok((last, next)) => {
                    self.agenda.add(Item { at: next, ..*item });
                    (last, put(key.clone(), &Due { at: next }))
                }
                Err(_) => (due.at, Row::remove(key.clone())),
            },
            _ => (due.at, Row::remove(key.clone())),
        };
        let from = troupe_chain::Sender::Timer { set, due: troupe_chain::Timestamp(due) };
        let settle = Settle::Own(Own { rows: vec![row], needs: Some(key) });
        Ok(Some(Letter { from, message, settle, attempts: 0, trace: 0 }))
    }

    /// Lets an actor go on that has rested.
    fn wake(&self, id: &Hash) {
        let Ok(Some(cell)) = self.cell(id) else { return };
        if cell.held() == Hold::Recovering {
            // Resuming removes the row, too.
            self.post_internal(id, Job::Pause { pause: false, done: None });
        }
    }

    /// Hands what waits for an actor that has ended to the fork that took its place, or turns it away.
    pub(crate) fn ended(&self, cell: &Arc<Cell>, heir: Option<Hash>) {
        let wake = cell.hold(Hold::Nothing);
        if let Some(heir) = heir {
            let (jobs, parked) = cell.drain();
            for job in jobs {
                self.post_internal(&heir, job);
            }
            for delivery in parked {
                if let Ok(Some(letter)) = self.letter_of(&delivery) {
                    self.post_internal(&heir, Job::Letter(letter));
                }
            }
        }
        if wake {
            self.schedule(cell);
        }
    }

    /// Loads what an actor's next message starts from; `None` if its chain is not begun.
    pub(crate) fn load(&self, cell: &Cell) -> Result<Option<Loaded>, OpenError> {
        let store = &*self.store;
        let Some(head) = store.head(&cell.id)? else { return Ok(None) };
        let genesis = genesis_of(store, &cell.id)?;
        let find = |rules: &Rules| self.machine_for(rules, None).map_err(OpenError::NoMachine);
        let view = recover(store, &cell.id, head.seq, &genesis, &self.machines, find)?;
        if view.tip.entry != head.entry {
            return Err(OpenError::Broken(format!(
                "the head should be {}, found {}",
                head.entry, view.tip.entry
            )));
        }
        let mut tip = view.tip.clone();
        tip.rules = self.intern(&tip.rules);
        let machine = find(&tip.rules)?;
        let record = get::<Record>(store, &actor_key(ACTOR, &cell.id))?.unwrap_or_default();
        if record.status == Status::Paused && cell.held() == Hold::Nothing {
            cell.hold(Hold::Paused);
        }
        if get::<Due>(store, &actor_key(REST, &cell.id))?.is_some() && cell.held() == Hold::Nothing {
            cell.hold(Hold::Recovering);
        }
        let stored = match &tip.state {
            Some(state) => store.blob(&cell.id, state)?.is_some(),
            None => false,
        };
        self.loaded_bytes.fetch_add(weight(&view.state), Ordering::Relaxed);
        let loaded = Loaded {
            new_engine: tip.rules.engine != *self.machines.engine(),
            max_message: self.max_message(&tip.rules),
            tip,
            state: view.state.clone(),
            machine,
            record,
            generation: cell.generation.load(Ordering::Acquire),
            rules_changes: rules_changes(store, &cell.id)?.len() as u64,
            since_snapshot: if stored { 0 } else { u64::MAX },
            closing: Default::default(),
            keys: Default::default(),
        };
        cell.set_view(view);
        Ok(Some(loaded))
    }

    /// The limit `message` of rules.
    pub(crate) fn max_message(&self, rules: &Rules) -> u64 {
        let limit = rules.limits.iter().find(|(name, _)| name.as_str() == "message");
        limit.map_or(self.options.max_message, |(_, limit)| *limit)
    }

    /// Finds or makes the machine that rules ask for; `code` saves reading it.
    pub(crate) fn machine_for(
        &self,
        rules: &Rules,
        code: Option<&Bytes>,
    ) -> Result<Arc<dyn Machine>, String> {
        let same = |known: &Rules| {
            known.code == rules.code
                && known.limits == rules.limits
                && known.world == rules.world
                && known.grants == rules.grants
        };
        let find = || {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.iter().find(|(known, _)| same(known)).map(|(_, machine)| Arc::clone(machine))
        };
        if let Some(machine) = find() {
            return Ok(machine);
        }
        let code = match code {
            Some(code) => code.clone(),
            None => code_of(&*self.store, rules).map_err(|error| error.to_string())?,
        };
        let machine = self.machines.machine(rules, &code)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= 1024 {
            known.remove(0);
        }
        known.push((Arc::new(rules.clone()), Arc::clone(&machine)));
        Ok(machine)
    }

    /// The same rules, shared with other actors that have them.
    pub(crate) fn intern(&self, rules: &Arc<Rules>) -> Arc<Rules> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.iter().find(|(known, _)| **known == **rules);
        same.map_or_else(|| Arc::clone(rules), |(known, _)| Arc::clone(known))
    }

    /// The state after an entry of any chain, by name where it is stored.
    pub(crate) fn state_of(&self, chain: &Hash, seq: u64, name: &Hash) -> Result<Bytes, SendError> {
        let host = |error: OpenError| SendError::Host(error.to_string());
        if let Some(state) = self.store.blob(chain, name).map_err(|error| host(error.into()))? {
            return Ok(state);
        }
        let genesis = genesis_of(&*self.store, chain).map_err(host)?;
        let find = |rules: &Rules| self.machine_for(rules, None).map_err(OpenError::NoMachine);
        let view = recover(&*self.store, chain, seq, &genesis, &self.machines, find).map_err(host)?;
        Ok(view.state)
    }

    /// The outside for one transition.
    pub(crate) fn outside<'a>(&'a self, loaded: &'a Loaded, message: Hash) -> Box<dyn Outside + 'a> {
        self.outside_of(&loaded.tip.rules, &loaded.tip, message)
    }

    pub(crate) fn outside_of<'a>(
        &'a self,
        rules: &'a Rules,
        tip: &Tip,
        message: Hash,
    ) -> Box<dyn Outside + 'a> {
        match &self.options.outside {
            Some(world) if !rules.grants.is_empty() => {
                let base = CallBase { chain: tip.chain, parent: tip.entry, message };
                world.open(&rules.grants, base)
            }
            _ => Box::new(troupe_chain::Nowhere),
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

    /// Takes actors out of memory that have nothing to do: those that were not used for a while, and more of them if all
    /// together need more than they may.
    pub(crate) fn sweep(&self, everything: bool) {
        let now = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        let over = self.loaded_bytes.load(Ordering::Relaxed) > self.options.memory;
        let idle = if everything {
            0
        } else if over {
            1
        } else {
            IDLE_SWEEPS
        };
        for cells in &self.cells {
            let is_idle = |cell: &Cell| cell.used.load(Ordering::Relaxed) + idle <= now;
            if !cells.read().unwrap_or_else(PoisonError::into_inner).values().any(|cell| is_idle(cell)) {
                continue;
            }
            let mut cells = cells.write().unwrap_or_else(PoisonError::into_inner);
            cells.retain(|_, cell| {
                if !is_idle(cell) {
                    return true;
                }
                let Ok(mut loaded) = cell.loaded.try_lock() else { return true };
                if !cell.retire() {
                    return true;
                }
                if let Some(loaded) = loaded.take() {
                    self.unload(&loaded);
                }
                false
            });
            cells.shrink_to_fit();
        }
    }

    /// Whether loaded states need more memory than they may.
    pub(crate) fn is_over_memory(&self) -> bool {
        self.loaded_bytes.load(Ordering::Relaxed) > self.options.memory
    }

    /// Counts a state as no longer in memory.
    pub(crate) fn unload(&self, loaded: &Loaded) {
        let bytes = weight(&loaded.state);
        let _ = self
            .loaded_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| Some(all.saturating_sub(bytes)));
    }

    /// Counts a state that takes the place of another.
    pub(crate) fn weigh(&self, before: u64, now: u64) {
        let _ = self.loaded_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| {
            Some((all + now).saturating_sub(before))
        });
    }

    /// Notes that an actor is used now.
    pub(crate) fn touch(&self, cell: &Cell) {
        cell.used.store(self.tick.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// How many actors are in memory, and the bytes they need.
    pub(crate) fn in_memory(&self) -> (usize, u64) {
        let cells = self.cells.iter().map(|cells| cells.read().unwrap_or_else(PoisonError::into_inner).len());
        (cells.sum(), self.loaded_bytes.load(Ordering::Relaxed))
    }

    /// The effects of a stored entry, for a start.
    pub(crate) fn resume_effect(
        &self,
        key: &[u8],
        pending: crate::rows::Pending,
    ) -> Result<Option<After>, OpenError> {
        let Some((chain, seq, n)) = crate::rows::read_effect_key(key) else { return Ok(None) };
        if n == crate::rows::FORK {
            return self.resume_fork(chain, seq, pending);
        }
        let Some((entry, read)) = entry_of(&*self.store, &chain, seq)? else { return Ok(None) };
        let effects = read.body.effects();
        let payload = match effects.get(n as usize).and_then(|effect| effect.blobs().next()) {
            Some((_, name)) => self.store.blob(&chain, &name)?,
            None => None,
        };
        let genesis = genesis_of(&*self.store, &chain)?;
        let rules = crate::open::rules_at(&*self.store, &chain, seq, &genesis)?;
        let origin = Origin { chain, entry, seq, at: read.at, effects };
        if let crate::rows::Pending::Spawn(id) = pending
            && let Some(Effect::Spawn(spawn)) = effects.get(n as usize)
            && let Some(name) = &spawn.name
        {
            self.names.reserve(name.as_str(), Hash::from_bytes(id));
        }
        Ok(Some(self.perform(&origin, n as usize, pending, payload, 0, &rules)))
    }

    fn resume_fork(
        &self,
        chain: Hash,
        seq: u64,
        pending: crate::rows::Pending,
    ) -> Result<Option<After>, OpenError> {
        use crate::rows::Pending;
        let genesis = genesis_of(&*self.store, &chain)?;
        match pending {
            Pending::Recover { restart } => {
                if let Ok(Some(cell)) = self.cell(&chain) {
                    cell.hold(Hold::Recovering);
                }
                Ok(Some(self.recover_job(chain, genesis.init_from(), seq, restart)))
            }
            Pending::Fork { to, at } => {
                let Some((stop, read)) = entry_of(&*self.store, &chain, seq)? else { return Ok(None) };
                let Some((entry, target)) = entry_of(&*self.store, &chain, at)? else { return Ok(None) };
                let Some(state) = target.state() else { return Ok(None) };
                let rules = crate::open::rules_at(&*self.store, &chain, seq, &genesis)?;
                let record = get::<Record>(&*self.store, &actor_key(ACTOR, &chain))?.unwrap_or_default();
                let failed = record.restarts.last().is_some_and(|last| *last == read.at.0);
                let heir = self.heir(&record, failed, read.at.0, Vec::new());
                let begin = crate::job::Begin {
                    genesis: self.fork_genesis(&rules, chain, entry, at, state, stop),
                    at: read.at,
                    code: None,
                    config: None,
                    name: None,
                    supervision: record.supervision(),
                    row: Some((chain, troupe_chain::EffectId { seq, n: crate::rows::FORK.into() })),
                    heir: Some(heir),
                    done: None,
                };
                Ok(Some(After::Post(Hash::from_bytes(to), Job::Begin(Box::new(begin)))))
            }
            _ => Ok(None),
        }
    }
}
