//! The threads that serve actors: a run queue for each core, and spare threads for those that are held up.
//!
//! Invariant: an actor is in at most one queue. A worker that is in one call for long hands its queue to a spare thread,
//! so that a slow actor stalls nobody; what other actors came to before is committed by whoever serves the queue next.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::cell::Cell;
use crate::core::Core;

/// A call that lasts longer than this holds its worker up.
const SLOW: Duration = Duration::from_millis(2);
/// No more threads than this, beside the usual ones, serve one queue.
const MAX_SPARES: usize = 32;
/// How many jobs are committed together at most, if there are so many.
const MAX_GROUP_JOBS: usize = 512;
/// How long a group is filled, in microseconds.
const MAX_GROUP_US: u128 = 1500;
/// How many bytes a group has before it is committed.
const MAX_GROUP_BYTES: usize = 4 << 20;
/// How long a spare thread waits for another use.
const SPARE_IDLE: Duration = Duration::from_secs(5);

/// The run queues.
pub(crate) struct Pool {
    shards: Vec<Shard>,
    began: Instant,
    stopping: AtomicBool,
    /// How many calls run.
    busy: AtomicUsize,
}

struct Shard {
    queue: Mutex<Queue>,
    wake: Condvar,
    /// What was done since the last commit.
    group: Mutex<Vec<Batch>>,
    /// When each running call began, in microseconds since the pool did; 0 for none.
    calls: Vec<AtomicU64>,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Arc<Cell>>,
    /// Workers that wait for something to do.
    idle: usize,
    /// Workers there are.
    workers: usize,
    /// Workers that are held up.
    held_up: usize,
    /// Which places among the calls are taken, a bit each.
    slots: u64,
}

/// A call that runs; dropping it ends the call.
pub(crate) struct Call<'a> {
    slot: Option<&'a AtomicU64>,
    pool: &'a Pool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.store(0, Ordering::Release);
            self.pool.busy.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

thread_local! {
    /// The shard of this worker, and its place among the calls there.
    static SLOT: std::cell::Cell<Option<(usize, usize)>> = const { std::cell::Cell::new(None) };
}

impl Pool {
    pub(crate) fn new(shards: usize) -> Self {
        let shard = || Shard {
            queue: Mutex::default(),
            wake: Condvar::new(),
            group: Mutex::default(),
            calls: (0..=MAX_SPARES).map(|_| AtomicU64::new(0)).collect(),
        };
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            began: Instant::now(),
            stopping: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
        }
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    fn queue(&self, shard: usize) -> MutexGuard<'_, Queue> {
        self.shards[shard].queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an actor into its run queue.
    pub(crate) fn push(&self, cell: Arc<Cell>) {
        let shard = cell.shard;
        let mut queue = self.queue(shard);
        queue.ready.push_back(cell);
        let (wake, waiting) = (queue.idle > 0, queue.ready.len());
        drop(queue);
        if wake {
            self.shards[shard].wake.notify_one();
        } else if waiting > 1 {
            self.wake_thief(shard);
        }
    }

    /// Wakes a worker that has nothing to do, for a queue whose own has too much.
    fn wake_thief(&self, shard: usize) {
        let cpu = self.shards.len() - 1;
        if shard >= cpu {
            return;
        }
        let idle = |other: &usize| {
            *other != shard && self.shards[*other].queue.try_lock().is_ok_and(|queue| queue.idle > 0)
        };
        if let Some(other) = (0..cpu).find(idle) {
            self.shards[other].wake.notify_one();
        }
    }

    /// Takes the actor at a place chosen among those that are ready, for a caller that has no threads.
    pub(crate) fn pick(&self, choose: &mut dyn FnMut(usize) -> usize) -> Option<Arc<Cell>> {
        let total: usize = (0..self.shards.len()).map(|shard| self.queue(shard).ready.len()).sum();
        let mut at = (total > 0).then(|| choose(total).min(total - 1))?;
        for shard in 0..self.shards.len() {
            let mut queue = self.queue(shard);
            if at < queue.ready.len() {
                return queue.ready.remove(at);
            }
            at -= queue.ready.len();
        }
        None
    }

    /// Whether others wait for the worker of this run queue: to be served, or for what they came to, to be committed.
    pub(crate) fn is_awaited(&self, shard: usize) -> bool {
        !self.queue(shard).ready.is_empty() || !self.group(shard).is_empty()
    }

    /// How many actors wait to be served.
    pub(crate) fn ready(&self) -> usize {
        (0..self.shards.len()).map(|shard| self.queue(shard).ready.len()).sum()
    }

    /// Says that a call into a machine begins.
    pub(crate) fn enter(&self) -> Call<'_> {
        let slot = SLOT.get().and_then(|(shard, slot)| self.shards.get(shard)?.calls.get(slot));
        if let Some(slot) = slot {
            let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
            slot.store(now, Ordering::Release);
            self.busy.fetch_add(1, Ordering::AcqRel);
        }
        Call { slot, pool: self }
    }

    /// Starts the workers and the monitor.
    pub(crate) fn start(
        core: &Arc<Core>,
        threads: &mut Vec<std::thread::JoinHandle<()>>,
    ) -> std::io::Result<()> {
        for shard in 0..core.pool.shards() {
            {
                let mut queue = core.pool.queue(shard);
                (queue.workers, queue.slots) = (1, 1);
            }
            threads.push(spawn(core, "troupe-actors", move |core| core.pool.work(&core, shard, 0))?);
        }
        threads.push(spawn(core, "troupe-monitor", |core| core.pool.watch_over(&core))?);
        Ok(())
    }

    /// Ends the workers once their queues are empty.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for shard in &self.shards {
            let _queue = shard.queue.lock().unwrap_or_else(PoisonError::into_inner);
            shard.wake.notify_all();
        }
    }

    /// Serves one queue; `slot` 0 is its own worker, others are spare.
    fn work(&self, core: &Arc<Core>, shard: usize, slot: usize) {
        SLOT.set(Some((shard, slot)));
        loop {
            let Some(first) = self.next(shard, slot) else { break };
            self.round(core, shard, first);
            // The one that was held up is back.
            if slot > 0 && self.is_superfluous(shard) {
                break;
            }
        }
        self.commit(core, shard);
        let mut queue = self.queue(shard);
        queue.workers -= 1;
        queue.slots &= !(1 << slot);
        drop(queue);
        self.shards[shard].wake.notify_all();
    }

    /// Waits until all workers have ended.
    pub(crate) fn wait_for_workers(&self) {
        for shard in &self.shards {
            let mut queue = shard.queue.lock().unwrap_or_else(PoisonError::into_inner);
            while queue.workers > 0 {
                queue = shard.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn is_superfluous(&self, shard: usize) -> bool {
        let queue = self.queue(shard);
        queue.workers > 1 + queue.held_up && queue.ready.is_empty()
    }

    /// Waits for an actor that is ready; `None` if this worker is to end.
    fn next(&self, shard: usize, slot: usize) -> Option<Arc<Cell>> {
        let mut queue = self.queue(shard);
        loop {
            if let Some(cell) = queue.ready.pop_front() {
                return Some(cell);
            }
            if self.stopping.load(Ordering::Acquire) {
                return None;
            }
            drop(queue);
            if let Some(cell) = self.steal(shard) {
                return Some(cell);
            }
            queue = self.queue(shard);
            // Whoever says so while the queue is let go of wakes nobody.
            if !queue.ready.is_empty() || self.stopping.load(Ordering::Acquire) {
                continue;
            }
            queue.idle += 1;
            let wait = if slot == 0 { Duration::from_secs(3600) } else { SPARE_IDLE };
            let (back, waited) =
                self.shards[shard].wake.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner);
            queue = back;
            queue.idle -= 1;
            if slot > 0 && waited.timed_out() && queue.ready.is_empty() {
                return None;
            }
        }
    }

    /// Takes an actor from a queue that has more than its worker can do.
    fn steal(&self, shard: usize) -> Option<Arc<Cell>> {
        // The last shard is for actors that may wait for the outside: its own threads serve it, and nothing else.
        let cpu = self.shards.len() - 1;
        if shard >= cpu {
            return None;
        }
        (0..cpu).filter(|other| *other != shard).find_map(|other| {
            let mut queue = self.shards[other].queue.try_lock().ok()?;
            if queue.ready.len() > 1 { queue.ready.pop_back() } else { None }
        })
    }

    /// Serves actors until a group is full or nobody is ready, and commits.
    fn round(&self, core: &Arc<Core>, shard: usize, first: Arc<Cell>) {
        let began = Instant::now();
        let mut next = Some(first);
        let (mut jobs, mut bytes) = (0, 0);
        while let Some(cell) = next {
            match core.guarded_turn(&cell) {
                Some(batch) => {
                    jobs += batch.completions.len();
                    bytes += batch.bytes;
                    self.group(shard).push(batch);
                }
                None => core.release(&cell),
            }
            let full = jobs >= MAX_GROUP_JOBS || bytes >= MAX_GROUP_BYTES;
            if full || began.elapsed().as_micros() > MAX_GROUP_US {
                break;
            }
            next = self.queue(shard).ready.pop_front();
        }
        self.commit(core, shard);
        // Whoever was woken by this, and has no core, need not wait until the system takes one from this thread.
        std::thread::yield_now();
    }

    fn group(&self, shard: usize) -> MutexGuard<'_, Vec<Batch>> {
        self.shards[shard].group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits what was done, and gives the actors up that it is from.
    fn commit(&self, core: &Arc<Core>, shard: usize) {
        let group = std::mem::take(&mut *self.group(shard));
        if !group.is_empty() {
            core.commit(group);
        }
    }

    /// Looks for workers that are held up, while any is at work.
    fn watch_over(&self, core: &Arc<Core>) {
        while !self.stopping.load(Ordering::Acquire) {
            let idle = self.busy.load(Ordering::Acquire) == 0;
            std::thread::sleep(if idle { 5 * SLOW } else { SLOW });
            for shard in 0..self.shards.len() {
                self.relieve(core, shard);
            }
        }
    }

    /// Gives a queue another thread if all that serve it are held up.
    fn relieve(&self, core: &Arc<Core>, shard: usize) {
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let is_slow = |call: &&AtomicU64| {
            let began = call.load(Ordering::Acquire);
            began > 0 && u128::from(now.saturating_sub(began)) > SLOW.as_micros()
        };
        let slow = self.shards[shard].calls.iter().filter(is_slow).count();
        let waits = !self.group(shard).is_empty();
        let mut queue = self.queue(shard);
        queue.held_up = slow;
        let needed = (!queue.ready.is_empty() || waits) && queue.idle == 0;
        if slow < queue.workers || !needed || queue.workers > MAX_SPARES {
            return;
        }
        let Some(slot) = (1..=MAX_SPARES).find(|slot| queue.slots & (1 << slot) == 0) else { return };
        queue.slots |= 1 << slot;
        queue.workers += 1;
        drop(queue);
        let started = spawn(core, "troupe-spare", move |core| {
            core.pool.commit(&core, shard);
            core.pool.work(&core, shard, slot);
        });
        if started.is_err() {
            let mut queue = self.queue(shard);
            queue.workers -= 1;
            queue.slots &= !(1 << slot);
        }
    }
}

fn spawn(
    core: &Arc<Core>,
    name: &str,
    run: impl FnOnce(Arc<Core>) + Send + 'static,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let core = Arc::clone(core);
    // The guest's stack limit is at most 1 MiB; the host's own frames need far less than the rest.
    std::thread::Builder::new().name(name.into()).stack_size(4 << 20).spawn(move || run(core))
}
