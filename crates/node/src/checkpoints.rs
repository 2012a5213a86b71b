//! The thread that takes committed entries up into the node's logs, signs them, and asks the witnesses.
//!
//! Invariant: it waits for nobody who sends messages, and nobody waits for it but for the writes of the store: one group
//! of rows for each round, and a round only after a multiple of the time that the last one took.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use troupe_api::Courier;
use troupe_log::{NodeLog, PushError, Submit, Submitted};

/// The time between two rounds, at least.
const INTERVAL: Duration = Duration::from_secs(1);
/// A round that took long is followed by a rest of so many times as long.
const REST: u32 = 50;
/// The time until witnesses are asked again that did not cosign, and the store again that failed.
const AGAIN: Duration = Duration::from_secs(5);

/// What grows a node's logs. Dropping it ends the thread.
pub struct Checkpoints {
    log: Arc<NodeLog>,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Begins to grow the logs. `activity` changes with whatever is committed; `note` gets what a person should know.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(
        log: NodeLog,
        activity: impl Fn() -> u64 + Send + 'static,
        note: impl Fn(&str) + Send + 'static,
    ) -> io::Result<Self> {
        let log = Arc::new(log);
        let (stop, stopped) = sync_channel(0);
        let growing = Arc::clone(&log);
        let grow = move || {
            let mut rounds = Rounds { log: growing, noted: Vec::new() };
            let mut seen = None;
            loop {
                let now = activity();
                let wait = if seen == Some(now) { INTERVAL } else { rounds.round(&note) };
                // What is not finished is taken up again although nothing was committed since.
                seen = (wait == INTERVAL).then_some(now);
                match stopped.recv_timeout(wait) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("troupe-checkpoints".into()).spawn(grow)?;
        Ok(Self { log, stop: Some(stop), thread: Some(thread) })
    }

    /// The logs.
    pub fn log(&self) -> &Arc<NodeLog> {
        &self.log
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Rounds {
    log: Arc<NodeLog>,
    /// What was said last: it is not said again.
    noted: Vec<String>,
}

impl Rounds {
    /// Does a round, and says how long to rest. [`INTERVAL`] means that everything is done.
    fn round(&mut self, note: &impl Fn(&str)) -> Duration {
        let begun = Instant::now();
        let (notes, wait) = match self.log.round(&Post(Courier::default())) {
            Ok(round) if round.more => (round.notes, Duration::ZERO),
            Ok(round) if round.notes.is_empty() => (round.notes, INTERVAL),
            Ok(round) => (round.notes, AGAIN),
            Err(error) => (vec![error.to_string()], AGAIN),
        };
        notes.iter().filter(|text| !self.noted.contains(text)).for_each(|text| note(text));
        self.noted = notes;
        let rest = begun.elapsed().saturating_mul(REST);
        // A backlog is worked off with as long a rest as it takes, and no longer.
        if wait.is_zero() { begun.elapsed() } else { rest.max(wait) }
    }
}

/// Brings submissions to witnesses over HTTP.
struct Post(Courier);

impl Submit for Post {
    fn submit(&self, url: &str, body: &str) -> Result<Submitted, PushError> {
        let (status, body) = self.0.post(url, body).map_err(PushError)?;
        Ok(Submitted { status, body })
    }
}
