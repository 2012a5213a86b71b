//! The actors of a node: start them, find them, list them, and see them through a stop.

use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use troupe_chain::{Genesis, Hash, Machines, Sender, Supervision, Text, Timestamp, Tip};
use troupe_store::Store;

use crate::commit::{Committer, MAX_QUEUED};
use crate::core::Core;
use crate::job::{Begin, Job};
use crate::open::Boxed;
use crate::pool::Pool;
use crate::rows::{ACTOR, Record, Status, actor_key, get};
use crate::{Actor, Metrics, OpenError, Options, SendError, Views, Watch};

/// How often memory is looked after, at least.
const SWEEP: Duration = Duration::from_secs(5);

/// The actors of a node. Cheap to clone; they stop when [`Actors::shutdown`] is called or the last clone is dropped.
#[derive(Clone)]
pub struct Actors {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// What an actor begins with.
#[derive(Debug, Clone)]
pub struct NewActor {
    /// Its first entry.
    pub genesis: Genesis,
    /// The bytes of the component that genesis names; `None` if the node has it.
    pub code: Option<Bytes>,
    /// The bytes of the configuration that genesis names.
    pub config: Option<Bytes>,
    /// Its name on this node.
    pub name: Option<Text>,
    /// What is done about its failures.
    pub supervision: Supervision,
}

/// An actor of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its id.
    pub id: Hash,
    /// The position of its last entry.
    pub seq: u64,
    /// What the node knows of it.
    pub record: Record,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages handled, failures, and fuel used, since it was last loaded.
    pub counts: [u64; 3],
    /// Whether its state is in memory.
    pub loaded: bool,
}

impl Actors {
    /// Opens the actors that a store holds, and goes on with what was under way.
    ///
    /// No actor is loaded: each is when it gets a message. The time this takes grows with what is under way and with the
    /// number of names, not with the histories.
    ///
    /// # Errors
    /// [`OpenError`] if the store fails or the threads cannot be started.
    pub fn open<M>(store: Arc<dyn Store>, machines: M, options: Options) -> Result<Self, OpenError>
    where
        M: Machines + Send + Sync + 'static,
        M::Machine: 'static,
    {
        let unfinished = crate::redact::finish_redactions(&*store).map_err(|error| match error {
            crate::RedactError::Store(error) => OpenError::Store(error),
            error => OpenError::Broken(error.to_string()),
        })?;
        let chains = store.chains()?.len() as u64;
        let has_threads = options.threads > 0;
        let (queue, groups) = sync_channel(MAX_QUEUED);
        let committer = Committer::new(has_threads.then_some(queue));
        let core = Arc::new(Core::new(store, Box::new(Boxed(machines)), options, committer, chains));
        unfinished.iter().for_each(|what| core.note(&Hash::of(b""), 0, what));
        crate::resume::resume(&core)?;
        let inner = Inner { core: Arc::clone(&core), threads: Mutex::default() };
        let actors = Self { inner: Arc::new(inner) };
        if has_threads {
            let mut threads = actors.inner.threads.lock().unwrap_or_else(PoisonError::into_inner);
            let started = start_threads(&core, groups, &mut threads);
            drop(threads);
            started.map_err(OpenError::Thread)?;
        }
        Ok(actors)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    /// What actors have committed, without keeping the node.
    pub fn views(&self) -> Views {
        Views::new(self.core())
    }

    /// Begins an actor and returns once its first entries are durable.
    ///
    /// # Errors
    /// [`SendError`]; then there is no such actor.
    pub async fn start(&self, new: NewActor) -> Result<Actor, SendError> {
        let (id, answer) = self.begin(new)?;
        answer.await.unwrap_or(Err(SendError::Stopped))?;
        Ok(Actor::new(self.clone(), id))
    }

    /// As [`Actors::start`], for threads that may block.
    ///
    /// # Errors
    /// As [`Actors::start`].
    pub fn start_blocking(&self, new: NewActor) -> Result<Actor, SendError> {
        let (id, answer) = self.begin(new)?;
        self.wait(answer)?;
        Ok(Actor::new(self.clone(), id))
    }

    /// Waits for an answer; without threads, by serving actors here.
    pub(crate) fn wait<T>(
        &self,
        mut answer: oneshot::Receiver<Result<T, SendError>>,
    ) -> Result<T, SendError> {
        if self.core().options.threads > 0 {
            // Within a task, what is polled may be told to yield first, and nobody would wake it.
            let answer = tokio::task::unconstrained(answer);
            return crate::wait::wait_for(answer).unwrap_or(Err(SendError::Stopped));
        }
        loop {
            match answer.try_recv() {
                Ok(result) => return result,
                Err(oneshot::error::TryRecvError::Closed) => return Err(SendError::Stopped),
                Err(oneshot::error::TryRecvError::Empty) => {
                    if !self.step(&mut |_| 0) && !self.tick() {
                        return Err(SendError::Host("nothing is left to do, and there is no answer".into()));
                    }
                }
            }
        }
    }

    fn begin(&self, new: NewActor) -> Result<(Hash, oneshot::Receiver<Result<(), SendError>>), SendError> {
        let core = self.core();
        if core.stopping.load(Ordering::Acquire) {
            return Err(SendError::Stopped);
        }
        core.has_place()?;
        new.genesis.check().map_err(|error| SendError::CannotBegin(error.to_string()))?;
        let at = core.options.clock.now();
        let id = id_of(&new.genesis, at);
        if let Some(name) = &new.name
            && !core.names.reserve(name.as_str(), id)
        {
            return Err(SendError::NameTaken(name.to_string()));
        }
        let (done, answer) = oneshot::channel();
        let begin = Begin {
            genesis: new.genesis,
            at,
            code: new.code,
            config: new.config,
            name: new.name,
            supervision: new.supervision,
            row: None,
            heir: None,
        };
        core.post_internal(&id, Job::Begin(Box::new(begin), Some(done)));
        Ok((id, answer))
    }

    /// Finds an actor by its id (64 hex digits) or its name.
    ///
    /// # Errors
    /// [`SendError::Unknown`] if there is none.
    pub fn find(&self, name_or_id: &str) -> Result<Actor, SendError> {
        let id = self.core().resolve(name_or_id).ok_or(SendError::Unknown)?;
        self.get(id)
    }

    /// Finds an actor by its id.
    ///
    /// # Errors
    /// [`SendError::Unknown`] if there is none.
    pub fn get(&self, id: Hash) -> Result<Actor, SendError> {
        match self.core().cell(&id)? {
            Some(_) => Ok(Actor::new(self.clone(), id)),
            None => Err(SendError::Unknown),
        }
    }

    /// Routes a message to an actor by id or name, and waits until its outcome is durable.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn route(&self, from: Sender, to: &str, message: Bytes) -> Result<crate::Answer, SendError> {
        self.find(to)?.send(from, message).await
    }

    /// Lists actors in order of their ids, from after one on, at most `limit`; those that were removed are left out
    /// unless `all` is set.
    ///
    /// # Errors
    /// [`SendError::Host`] if the store fails.
    pub fn list(&self, after: Option<Hash>, limit: usize, all: bool) -> Result<Vec<Listed>, SendError> {
        let core = self.core();
        let host = |error: troupe_store::StoreError| SendError::Host(crate::error::chain_of(&error));
        let mut listed = Vec::new();
        let chains = core.store.chains().map_err(host)?;
        let from = after.map_or(0, |after| chains.partition_point(|(id, _)| *id <= after));
        for (id, head) in chains.into_iter().skip(from) {
            if listed.len() >= limit {
                break;
            }
            let record =
                get::<Record>(&*core.store, &actor_key(ACTOR, &id)).map_err(host)?.unwrap_or_default();
            if record.status == Status::Removed && !all {
                continue;
            }
            listed.push(self.listed(id, head.seq, record));
        }
        Ok(listed)
    }

    pub(crate) fn listed(&self, id: Hash, seq: u64, record: Record) -> Listed {
        let cell = self.core().cell_in_memory(&id);
        let counts = cell.as_ref().map_or([0; 3], |cell| {
            [&cell.counts.handled, &cell.counts.failed, &cell.counts.fuel]
                .map(|count| count.load(Ordering::Relaxed))
        });
        Listed {
            id,
            seq,
            record,
            waiting: cell.as_ref().map_or(0, |cell| cell.waiting() as u64),
            counts,
            loaded: cell.is_some_and(|cell| cell.view().is_some()),
        }
    }

    /// The actors that use most, by messages handled since they were loaded; for a live view.
    pub fn busiest(&self, limit: usize) -> Vec<(Hash, [u64; 3], u64)> {
        let mut busy = Vec::new();
        self.core().each_cell(|cell| {
            let counts = [&cell.counts.handled, &cell.counts.failed, &cell.counts.fuel]
                .map(|count| count.load(Ordering::Relaxed));
            busy.push((cell.id, counts, cell.waiting() as u64));
        });
        busy.sort_by_key(|(_, [handled, ..], waiting)| std::cmp::Reverse((*waiting, *handled)));
        busy.truncate(limit);
        busy
    }

    /// What the actors have done since they were opened.
    pub fn metrics(&self) -> &Metrics {
        &self.core().metrics
    }

    /// How many actors there are, how many are in memory, and the bytes that those need.
    pub fn usage(&self) -> (u64, usize, u64) {
        let (cells, bytes) = self.core().in_memory();
        (self.core().chains.load(Ordering::Relaxed), cells, bytes)
    }

    /// How many names, and how many timers, requests and rests there are.
    pub fn due(&self) -> (usize, usize) {
        (self.core().names.len(), self.core().agenda.len())
    }

    /// The store that keeps the chains.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.core().store
    }

    /// The settings.
    pub fn options(&self) -> &Options {
        &self.core().options
    }

    /// Sees when a chain grows.
    pub fn watch(&self, id: Hash, seq: u64) -> Watch {
        self.core().watchers.watch(id, seq)
    }

    /// Serves one of the actors that are ready, chosen by its place, and commits what comes of it; `false` if none is.
    /// For nodes without threads.
    pub fn step(&self, choose: &mut dyn FnMut(usize) -> usize) -> bool {
        let core = self.core();
        let Some(cell) = core.pool.pick(choose) else { return false };
        match core.guarded_turn(&cell) {
            Some(batch) => core.commit(vec![batch]),
            None => core.release(&cell),
        }
        true
    }

    /// How many actors are ready to be served.
    pub fn ready(&self) -> usize {
        self.core().pool.ready()
    }

    /// Does what is due by the clock; returns whether there was anything. For nodes without threads.
    pub fn tick(&self) -> bool {
        self.core().do_what_is_due(self.core().options.clock.now().0)
    }

    /// When something is due next, in milliseconds since 1970.
    pub fn next_due(&self) -> Option<u64> {
        self.core().agenda.next()
    }

    /// Takes every actor out of memory that has nothing to do.
    pub fn unload_idle(&self) {
        self.core().sweep(true);
    }

    /// Whether nothing is written any more, since a write failed.
    pub fn is_halted(&self) -> bool {
        self.core().committer.is_halted()
    }

    /// Whether the last commit found no room in the store, and that was lately: after a while another may be tried.
    pub fn is_full(&self) -> bool {
        self.core().committer.is_full()
    }

    /// Handles what is in the mailboxes, commits it, and ends the threads. What cannot be handled in time stays in the
    /// store and goes on at the next start.
    pub fn shutdown(&self) {
        self.inner.shutdown();
    }
}

impl Inner {
    fn shutdown(&self) {
        let core = &self.core;
        core.stopping.store(true, Ordering::Release);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        core.agenda.stop();
        core.pool.stop();
        // The workers first: the committer's thread has yet to write what they hand to it.
        core.pool.wait_for_workers();
        core.committer.finish();
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
        core.finished.store(true, Ordering::SeqCst);
        // Whoever still waits is told.
        core.each_cell(|cell| cell.close());
    }
}

fn start_threads(
    core: &Arc<Core>,
    groups: std::sync::mpsc::Receiver<Vec<crate::batch::Batch>>,
    threads: &mut Vec<JoinHandle<()>>,
) -> std::io::Result<()> {
    let builder = |name: &str| std::thread::Builder::new().name(name.into());
    let committing = Arc::clone(core);
    threads.push(builder("troupe-commit").spawn(move || committing.committer.serve(&committing, &groups))?);
    let timing = Arc::clone(core);
    threads.push(builder("troupe-timers").spawn(move || keep_time(&timing))?);
    Pool::start(core, threads)
}

/// Does what is due, and looks after memory.
fn keep_time(core: &Core) {
    let mut swept = std::time::Instant::now();
    let wait = Duration::from_millis(100);
    while core.agenda.wait(core.options.clock.now().0, wait) {
        core.do_what_is_due(core.options.clock.now().0);
        if swept.elapsed() >= SWEEP || core.is_over_memory() {
            core.sweep(false);
            swept = std::time::Instant::now();
        }
    }
}

/// The id of the chain that begins with a genesis at a time.
fn id_of(genesis: &Genesis, at: Timestamp) -> Hash {
    Tip::start(genesis.clone(), at).0.chain
}
