//! What jobs write while they run, for whoever watches them.
//!
//! Invariant: nobody waits. A job has room for so many bytes of lines; the oldest make room for those that come, and a reader
//! that comes late learns how many it missed. Nothing here is part of a chain: a line may be of an entry that is never
//! committed, and comes again if its input is run again. The lines of a job are kept as long as it runs or somebody reads them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use tokio::sync::watch;
use troupe_chain::{Context, Hash};
use troupe_commons::Id;
use troupe_component::{LineSink, Listener, Stream};
use troupe_runtime::Clock;

/// The most bytes of lines that are kept of a job, with what is kept beside each.
pub const MAX_BYTES: usize = 256 << 10;
/// The bytes that are kept beside a line.
const OVERHEAD: usize = size_of::<Line>();

/// The lines of the jobs that run on a node. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    /// How many runs are heard: as long as there is none, no transition looks further.
    heard: AtomicUsize,
    /// The runs, by their chains.
    runs: RwLock<HashMap<Hash, Arc<Run>>>,
    jobs: Mutex<HashMap<Id, Weak<Lines>>>,
}

struct Run {
    executor: Id,
    chain: Hash,
    /// What is run up to here was run before: it is not told again.
    after: AtomicU64,
    lines: Arc<Lines>,
}

/// A line that a job wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who runs it.
    pub executor: Id,
    /// The chain.
    pub chain: Hash,
    /// The position of the entry that is being made.
    pub seq: u64,
    /// Which line of the entry it is, from 1 on: from 1 again if the input is run again.
    pub n: u64,
    /// When it was written, in milliseconds since 1970.
    pub at: u64,
    /// Where.
    pub stream: Stream,
    /// The text.
    pub text: Arc<str>,
}

/// The last lines of one job.
pub struct Lines {
    kept: Mutex<Kept>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
    /// How many lines made room.
    dropped: u64,
}

/// What a reader gets of the lines of a job.
#[derive(Debug, Default)]
pub struct Read {
    /// The lines.
    pub lines: Vec<Line>,
    /// How many before them are gone that it has not had.
    pub missed: u64,
    /// Where to go on.
    pub next: u64,
}

impl Live {
    /// With the times of a clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (heard, runs, jobs) = Default::default();
        Self(Arc::new(Shared { clock, heard, runs, jobs }))
    }

    /// What hears the guests of a node.
    pub fn listener(&self) -> Listener {
        let live = self.clone();
        Listener::new(move |context| live.begin(context))
    }

    /// The lines of a job, whether it runs or not.
    pub fn lines(&self, job: Id) -> Arc<Lines> {
        let mut jobs = lock(&self.0.jobs);
        if let Some(lines) = jobs.get(&job).and_then(Weak::upgrade) {
            return lines;
        }
        jobs.retain(|_, lines| lines.strong_count() > 0);
        let lines = Arc::new(Lines { kept: Mutex::default(), changed: watch::channel(()).0 });
        jobs.insert(job, Arc::downgrade(&lines));
        lines
    }

    /// Hears what an executor's run of a job writes, until the answer is dropped.
    pub fn hear(&self, job: Id, executor: Id, chain: Hash) -> Hearing {
        let lines = self.lines(job);
        let run = Arc::new(Run { executor, chain, after: AtomicU64::new(u64::MAX), lines });
        self.runs_mut(|runs| runs.insert(chain, Arc::clone(&run)));
        run.lines.changed.send_replace(());
        Hearing { live: self.clone(), run }
    }

    fn runs_mut(&self, change: impl FnOnce(&mut HashMap<Hash, Arc<Run>>) -> Option<Arc<Run>>) {
        let mut runs = self.0.runs.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut runs);
        self.0.heard.store(runs.len(), Ordering::Release);
    }

    /// Who hears a transition.
    fn begin(&self, context: &Context) -> Option<LineSink> {
        if self.0.heard.load(Ordering::Acquire) == 0 {
            return None;
        }
        let runs = self.0.runs.read().unwrap_or_else(PoisonError::into_inner);
        let run = Arc::clone(runs.get(&context.chain)?);
        let (seq, clock) = (context.seq, Arc::clone(&self.0.clock));
        if seq <= run.after.load(Ordering::Acquire) {
            return None;
        }
        let mut n = 0;
        Some(Box::new(move |stream, text| {
            n += 1;
            let (executor, chain, at) = (run.executor, run.chain, clock.now().0);
            run.lines.push(Line { executor, chain, seq, n, at, stream, text: text.into() });
        }))
    }
}

/// Hears one run.
pub struct Hearing {
    live: Live,
    run: Arc<Run>,
}

impl Hearing {
    /// Hears what is run from now on: entries after `seq`.
    pub fn after(&self, seq: u64) {
        self.run.after.store(seq, Ordering::Release);
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.live.runs_mut(|runs| runs.remove(&self.run.chain));
        self.run.lines.changed.send_replace(());
    }
}

impl Line {
    fn bytes(&self) -> usize {
        OVERHEAD + self.text.len()
    }
}

impl Lines {
    fn push(&self, line: Line) {
        let mut kept = lock(&self.kept);
        kept.bytes += line.bytes();
        kept.lines.push_back(line);
        while kept.bytes > MAX_BYTES
            && let Some(oldest) = kept.lines.pop_front()
        {
            kept.bytes -= oldest.bytes();
            kept.dropped += 1;
        }
        drop(kept);
        self.changed.send_replace(());
    }

    /// Is told when there are more lines, and when a run begins or ends.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The lines from a number on, as far as they are kept.
    pub fn read(&self, next: u64) -> Read {
        let kept = lock(&self.kept);
        let missed = kept.dropped.saturating_sub(next);
        let skip = usize::try_from(next.saturating_sub(kept.dropped)).unwrap_or(usize::MAX);
        let lines = kept.lines.iter().skip(skip).cloned().collect();
        Read { lines, missed, next: kept.dropped + kept.lines.len() as u64 }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use troupe_chain::{Level, Sender, Timestamp};
    use troupe_runtime::SystemClock;

    use super::*;

    fn id(name: &str) -> Id {
        Id(Hash::of(name.as_bytes()))
    }

    fn context(chain: &str, seq: u64) -> Context {
        let chain = Hash::of(chain.as_bytes());
        Context { chain, from: Sender::Http { key: None }, at: Timestamp(0), seq, seed: None }
    }

    fn hearing() -> (Live, Hearing) {
        let live = Live::new(Arc::new(SystemClock));
        let hearing = live.hear(id("job"), id("executor"), Hash::of(b"chain"));
        (live, hearing)
    }

    const INFO: Stream = Stream::Log(Level::Info);

    #[test]
    fn only_the_entries_of_a_run_that_are_being_made_are_heard() {
        let (live, hearing) = hearing();
        assert!(live.begin(&context("chain", 2)).is_none(), "nothing is heard before it says from where");
        hearing.after(1);
        assert!(live.begin(&context("chain", 1)).is_none(), "an entry that was made before");
        assert!(live.begin(&context("another", 2)).is_none());
        let mut sink = live.begin(&context("chain", 2)).unwrap();
        sink(INFO, "one");
        sink(Stream::Output, "two");
        let read = live.lines(id("job")).read(0);
        let found: Vec<_> = read.lines.iter().map(|line| (line.seq, line.n, &*line.text)).collect();
        assert_eq!(found, [(2, 1, "one"), (2, 2, "two")]);
        drop(hearing);
        assert!(live.begin(&context("chain", 3)).is_none());
        drop(sink);
        assert_eq!(live.lines(id("job")).read(0).next, 0, "nobody read them any more");
    }

    #[test]
    fn a_reader_that_is_slow_learns_how_many_lines_it_missed() {
        let (live, hearing) = hearing();
        hearing.after(1);
        let lines = live.lines(id("job"));
        let mut sink = live.begin(&context("chain", 2)).unwrap();
        sink(INFO, "first");
        let Read { next, .. } = lines.read(0);
        let text = "x".repeat(MAX_BYTES / 10);
        for _ in 0..100 {
            sink(INFO, &text);
            assert!(lock(&lines.kept).bytes <= MAX_BYTES);
        }
        let read = lines.read(next);
        assert_eq!(read.missed + read.lines.len() as u64, 100);
        assert_eq!((read.lines.len(), read.next), (9, 101));
        let again = lines.read(read.next);
        assert_eq!((again.lines.len(), again.missed), (0, 0));
        // Whoever comes now has missed the first one, too.
        assert_eq!(lines.read(0).missed, 92);
    }

    #[test]
    fn a_reader_that_was_there_before_the_run_is_told_of_it() {
        let live = Live::new(Arc::new(SystemClock));
        let lines = live.lines(id("job"));
        let mut told = lines.watch();
        let hearing = live.hear(id("job"), id("executor"), Hash::of(b"chain"));
        assert!(told.has_changed().unwrap());
        told.mark_unchanged();
        hearing.after(1);
        live.begin(&context("chain", 2)).unwrap()(INFO, "one");
        assert!(told.has_changed().unwrap());
        assert_eq!(lines.read(0).lines.len(), 1);
    }
}
