//! Group commit: makes batches durable, and only then lets out what depends on them.
//!
//! A batch is committed by the sequencer's own thread while syncing is quick, which saves a change of thread; once
//! syncing takes longer than that, a thread of its own does it, and the sequencer runs on meanwhile.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use troupe_chain::LogLine;
use troupe_store::{Append, Store};

use crate::shared::Shared;
use crate::{Answer, LogRecord, LogSink, Metrics, SendError, View};

/// Who waits for the outcome of a message.
pub(crate) type Reply = oneshot::Sender<Result<Answer, SendError>>;

/// Syncing that takes longer than this, on average, gets a thread of its own.
const INLINE_UP_TO: Duration = Duration::from_micros(300);
/// How many batches may wait for the committer's thread; then the sequencer waits too.
const MAX_QUEUED: usize = 16;

/// No more batches are committed together once they have so many bytes. With the largest batch that one message leads to
/// on top, this is below what a store takes at once.
const MAX_GROUP_BYTES: usize = 16 << 20;

/// Entries to commit together, and whom to answer afterwards.
pub(crate) struct Batch {
    /// The sequencer's generation when the batch was begun.
    pub(crate) generation: u64,
    pub(crate) append: Append,
    /// The size of `append`, in bytes.
    pub(crate) bytes: usize,
    pub(crate) completions: Vec<Completion>,
    /// What readers see once this is committed.
    pub(crate) view: Option<View>,
}

/// An outcome and who waits for it.
pub(crate) struct Completion {
    pub(crate) reply: Reply,
    pub(crate) outcome: Result<Answer, SendError>,
    /// The position of the entry that the message led to, or would have.
    pub(crate) seq: u64,
    /// What the actor wrote to its log meanwhile.
    pub(crate) log: Vec<LogLine>,
}

impl Batch {
    fn complete(self, shared: &Shared, log: &LogSink) {
        let chain = self.append.chain;
        if let Some(view) = self.view {
            *shared.view.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(view);
        }
        let records: Vec<_> = self
            .completions
            .iter()
            .flat_map(|one| one.log.iter().map(|line| LogRecord { chain, seq: one.seq, line }))
            .collect();
        if !records.is_empty() {
            log(&records);
        }
        for Completion { reply, outcome, .. } in self.completions {
            // Whoever asked may have gone away; the entry stands all the same.
            let _ = reply.send(outcome);
        }
    }

    fn fail(self, error: &SendError) {
        for Completion { reply, .. } in self.completions {
            let _ = reply.send(Err(error.clone()));
        }
    }
}

/// Commits batches of one sequencer, in order.
pub(crate) struct Committer {
    work: Arc<Work>,
    queue: Option<SyncSender<Batch>>,
    thread: Option<JoinHandle<()>>,
}

/// What the sequencer's and the committer's thread share.
struct Work {
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
    log: LogSink,
    /// The recent time of a commit, in nanoseconds.
    recent_ns: AtomicU64,
    /// How many batches the thread has yet to finish.
    queued: AtomicU64,
    /// The newest generation that has failed, plus one; 0 for none.
    void_below: AtomicU64,
    halted: AtomicBool,
}

impl Committer {
    pub(crate) fn start(store: Arc<dyn Store>, shared: Arc<Shared>, log: LogSink) -> io::Result<Self> {
        let work = Arc::new(Work {
            store,
            shared,
            log,
            recent_ns: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            void_below: AtomicU64::new(0),
            halted: AtomicBool::new(false),
        });
        let (queue, batches) = sync_channel(MAX_QUEUED);
        let thread = {
            let work = Arc::clone(&work);
            std::thread::Builder::new().name("troupe-commit".into()).spawn(move || work.serve(&batches))?
        };
        Ok(Self { work, queue: Some(queue), thread: Some(thread) })
    }

    /// Commits a batch, here or on the committer's thread, and answers whoever waits for it.
    pub(crate) fn commit(&self, batch: Batch) {
        let idle = self.work.queued.load(Ordering::Acquire) == 0;
        let quick = u128::from(self.work.recent_ns.load(Ordering::Relaxed)) <= INLINE_UP_TO.as_nanos();
        if idle && (quick || batch.append.entries.is_empty()) {
            self.work.commit(vec![batch]);
            return;
        }
        self.work.queued.fetch_add(1, Ordering::AcqRel);
        if let Some(queue) = &self.queue
            && let Err(error) = queue.send(batch)
        {
            self.work.queued.fetch_sub(1, Ordering::AcqRel);
            error.0.fail(&SendError::Stopped);
        }
    }

    /// Waits until everything handed over is committed and answered.
    pub(crate) fn finish(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Work {
    fn serve(&self, batches: &Receiver<Batch>) {
        while let Ok(first) = batches.recv() {
            let mut bytes = first.bytes;
            let mut group = vec![first];
            while bytes < MAX_GROUP_BYTES
                && let Ok(next) = batches.try_recv()
            {
                bytes += next.bytes;
                group.push(next);
            }
            let count = group.len() as u64;
            self.commit(group);
            self.queued.fetch_sub(count, Ordering::AcqRel);
        }
    }

    fn commit(&self, group: Vec<Batch>) {
        let (valid, void): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|batch| batch.generation >= self.void_below.load(Ordering::Acquire));
        for batch in void {
            batch.fail(&self.void_error());
        }
        let mut appends = Vec::with_capacity(valid.len());
        let mut done = Vec::with_capacity(valid.len());
        for mut batch in valid {
            let entries = std::mem::take(&mut batch.append.entries);
            if !entries.is_empty() {
                let blobs = std::mem::take(&mut batch.append.blobs);
                appends.push(Append {
                    chain: batch.append.chain,
                    expected: batch.append.expected,
                    entries,
                    blobs,
                    rows: std::mem::take(&mut batch.append.rows),
                });
            }
            done.push(batch);
        }
        match self.write(&appends) {
            Ok(()) => done.into_iter().for_each(|batch| batch.complete(&self.shared, &self.log)),
            Err(error) => self.fail(done, &error),
        }
    }

    fn write(&self, appends: &[Append]) -> Result<(), SendError> {
        if appends.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let result = self.store.commit(appends);
        let took = began.elapsed();
        let recent = self.recent_ns.load(Ordering::Relaxed);
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.recent_ns.store(recent - recent / 8 + took_ns / 8, Ordering::Relaxed);
        let metrics = &self.shared.metrics;
        metrics.commit_time.record(took);
        Metrics::add(if result.is_ok() { &metrics.commits } else { &metrics.commit_errors }, 1);
        result.map_err(|error| SendError::from(&error))
    }

    /// Voids everything that was run on from the failed batches.
    fn fail(&self, failed: Vec<Batch>, error: &SendError) {
        if matches!(error, SendError::OutcomeUnknown(_) | SendError::Halted(_)) {
            self.halted.store(true, Ordering::Release);
        }
        if let Some(generation) = failed.iter().map(|batch| batch.generation).max() {
            self.void_below.store(generation + 1, Ordering::Release);
            self.shared.generation.store(generation + 1, Ordering::Release);
        }
        for batch in failed {
            batch.fail(error);
        }
    }

    fn void_error(&self) -> SendError {
        let why = "an earlier message could not be recorded".to_owned();
        if self.halted.load(Ordering::Acquire) { SendError::Halted(why) } else { SendError::StoreFull(why) }
    }
}
