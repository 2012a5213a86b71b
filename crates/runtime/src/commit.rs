//! Group commit: makes batches of many actors durable at once, and only then lets out what depends on them.
//!
//! A group is committed by the worker that made it while syncing is quick, which saves a change of thread; once syncing
//! takes longer than that, a thread of its own does it, and the workers run on meanwhile.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use troupe_chain::Hash;

use crate::batch::Batch;
use crate::core::Core;
use crate::{Metrics, SendError};

/// Syncing that takes longer than this, on average, gets a thread of its own: about as long as a turn lasts. With another
/// thread, an actor that never has nothing to do gets half as much again done; but where it wants all cores, whoever is quick
/// to answer waits longer for one.
const INLINE_UP_TO: Duration = Duration::from_millis(1);
/// How many groups may wait for the committer's thread; then the workers wait too. Whoever is quick to answer waits behind
/// all of them, so they are few.
pub(crate) const MAX_QUEUED: usize = 2;
/// No more batches are committed together once they have so many bytes. With the largest batch that one message leads to
/// on top, this is below what a store takes at once.
const MAX_GROUP_BYTES: usize = 16 << 20;
/// How long a store counts as full after a commit found no room.
const FULL_FOR: Duration = Duration::from_secs(10);

/// Commits the batches of all actors; those of one actor in order.
pub(crate) struct Committer {
    queue: Mutex<Option<SyncSender<Vec<Batch>>>>,
    /// The recent time of a commit, in nanoseconds.
    recent_ns: AtomicU64,
    /// How many groups the thread has yet to finish.
    queued: AtomicU64,
    halted: AtomicBool,
    /// When a commit last found no room, unless one succeeded since.
    full: Mutex<Option<Instant>>,
}

impl Committer {
    pub(crate) fn new(queue: Option<SyncSender<Vec<Batch>>>) -> Self {
        Self {
            queue: Mutex::new(queue),
            recent_ns: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            halted: AtomicBool::new(false),
            full: Mutex::new(None),
        }
    }

    /// Commits a group, here or on the committer's thread, and does what follows.
    ///
    /// A batch of an actor that has another on its way to the thread goes the same way, so that their order stays.
    pub(crate) fn commit(&self, core: &Core, group: Vec<Batch>) {
        if group.is_empty() {
            return;
        }
        let idle = self.queued.load(Ordering::Acquire) == 0;
        let quick = u128::from(self.recent_ns.load(Ordering::Relaxed)) <= INLINE_UP_TO.as_nanos();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match queue {
            Some(queue) if !(idle && (quick || group.iter().all(Batch::is_empty))) => {
                self.queued.fetch_add(1, Ordering::AcqRel);
                if let Err(error) = queue.send(group) {
                    self.queued.fetch_sub(1, Ordering::AcqRel);
                    error.0.into_iter().for_each(|batch| batch.fail(core, &SendError::Stopped));
                }
            }
            Some(_) => self.write(core, group),
            None => {
                // Whoever comes after the thread was told to end waits until it has: it may have earlier batches.
                while self.queued.load(Ordering::Acquire) > 0 {
                    std::thread::yield_now();
                }
                self.write(core, group);
            }
        }
    }

    /// Serves the committer's thread.
    pub(crate) fn serve(&self, core: &Core, groups: &Receiver<Vec<Batch>>) {
        while let Ok(mut group) = groups.recv() {
            let mut count = 1;
            let mut bytes: usize = group.iter().map(|batch| batch.bytes).sum();
            while bytes < MAX_GROUP_BYTES
                && let Ok(next) = groups.try_recv()
            {
                bytes += next.iter().map(|batch| batch.bytes).sum::<usize>();
                group.extend(next);
                count += 1;
            }
            self.write(core, group);
            self.queued.fetch_sub(count, Ordering::AcqRel);
        }
    }

    /// Lets the thread end once it has done what it has.
    pub(crate) fn finish(&self) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn write(&self, core: &Core, group: Vec<Batch>) {
        let is_void = |batch: &Batch| batch.generation < batch.cell.generation.load(Ordering::Acquire);
        let (void, mut valid): (Vec<_>, Vec<_>) = group.into_iter().partition(is_void);
        for batch in void {
            batch.fail(core, &self.void_error());
        }
        let has_append: Vec<_> = valid.iter().map(|batch| !batch.is_empty()).collect();
        let appends: Vec<_> =
            valid.iter_mut().filter(|batch| !batch.is_empty()).map(Batch::take_append).collect();
        let result = if appends.is_empty() { Ok(()) } else { self.append(core, &appends) };
        match result {
            Ok(()) => {
                shortest_first(&mut valid);
                valid.into_iter().for_each(|batch| batch.complete(core));
            }
            // The store takes one of them not at all; the others need not share its fate.
            Err(SendError::Host(_)) if appends.len() > 1 => {
                let mut appends = appends.into_iter();
                for (batch, has_append) in valid.into_iter().zip(has_append) {
                    let append = if has_append { appends.next() } else { None };
                    if is_void(&batch) {
                        batch.fail(core, &self.void_error());
                        continue;
                    }
                    match append.map_or(Ok(()), |append| self.append(core, &[append])) {
                        Ok(()) => batch.complete(core),
                        Err(error) => self.fail(core, vec![batch], &error),
                    }
                }
            }
            Err(error) => self.fail(core, valid, &error),
        }
    }

    fn append(&self, core: &Core, appends: &[troupe_store::Append]) -> Result<(), SendError> {
        if self.is_halted() {
            return Err(SendError::Halted("an earlier write failed".into()));
        }
        let began = Instant::now();
        let commit = std::panic::AssertUnwindSafe(|| core.store.commit(appends));
        let result = match std::panic::catch_unwind(commit) {
            Ok(result) => result.map_err(|error| SendError::from(&error)),
            Err(_) => Err(SendError::OutcomeUnknown("the store panicked".into())),
        };
        let took = began.elapsed();
        let recent = self.recent_ns.load(Ordering::Relaxed);
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.recent_ns.store(recent - recent / 8 + took_ns / 8, Ordering::Relaxed);
        let metrics = &core.metrics;
        metrics.commit_time.record(took);
        Metrics::add(if result.is_ok() { &metrics.commits } else { &metrics.commit_errors }, 1);
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) =
            matches!(result, Err(SendError::StoreFull(_))).then(Instant::now);
        result
    }

    /// Voids everything that was run on from the failed batches.
    fn fail(&self, core: &Core, failed: Vec<Batch>, error: &SendError) {
        if matches!(error, SendError::OutcomeUnknown(_) | SendError::Halted(_)) {
            self.halted.store(true, Ordering::Release);
        }
        for batch in &failed {
            batch.cell.generation.fetch_max(batch.generation + 1, Ordering::AcqRel);
        }
        for batch in failed {
            batch.fail(core, error);
        }
    }

    /// Whether nothing is written any more.
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// Whether there was no room a moment ago.
    pub(crate) fn is_full(&self) -> bool {
        let full = *self.full.lock().unwrap_or_else(PoisonError::into_inner);
        full.is_some_and(|since| since.elapsed() < FULL_FOR)
    }

    fn void_error(&self) -> SendError {
        let why = "an earlier message could not be recorded".to_owned();
        if self.is_halted() { SendError::Halted(why) } else { SendError::StoreFull(why) }
    }
}

/// Puts batches in the order in which whoever waits is told: first those of actors that did little. Telling takes a while,
/// and who asked for one thing does not wait until who asked for hundreds is told. Those of one actor stay in order.
fn shortest_first(batches: &mut [Batch]) {
    if batches.len() < 2 {
        return;
    }
    let mut done: HashMap<Hash, usize, foldhash::fast::RandomState> = HashMap::default();
    for batch in &*batches {
        *done.entry(batch.cell.id).or_default() += batch.completions.len();
    }
    batches.sort_by_cached_key(|batch| done.get(&batch.cell.id).copied());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::Completion;
    use crate::cell::Cell;

    #[test]
    fn whoever_asked_for_little_is_told_first_and_each_actor_in_order() {
        let cell = |name: &[u8]| Arc::new(Cell::new(Hash::of(name), 0));
        let (flooded, calm, other) = (cell(b"flooded"), cell(b"calm"), cell(b"other"));
        let batch = |cell: &Arc<Cell>, seqs: std::ops::Range<u64>| Batch {
            completions: seqs.map(|seq| Completion::of_job(seq, Vec::new())).collect(),
            ..Batch::new(cell, 0, None)
        };
        // The flooded actor's second batch is as short as those of the others.
        let mut group =
            [batch(&flooded, 1..9), batch(&calm, 1..2), batch(&flooded, 9..10), batch(&other, 1..2)];
        shortest_first(&mut group);
        let told = group.iter().map(|batch| (batch.cell.id, batch.completions[0].seq));
        let expected = [(calm.id, 1), (other.id, 1), (flooded.id, 1), (flooded.id, 9)];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
