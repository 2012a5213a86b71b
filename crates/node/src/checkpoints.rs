//! The thread that takes committed entries up into the node's logs, signs them, and asks the witnesses.
//!
//! Invariant: it waits for nobody who sends messages, and nobody waits for it but for the writes of the store: one group
//! of rows for each round, and a round only after a multiple of the time that the last one took.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

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
                let mut wait = INTERVAL;
                if seen != Some(now) {
                    let rest = rounds.round(&note);
                    // What is not finished is taken up again although nothing was committed since.
                    seen = rest.is_done.then_some(now);
                    wait = rest.wait;
                }
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
    /// Does a round.
    fn round(&mut self, note: &impl Fn(&str)) -> Rest {
        let (notes, rest) = match self.log.round(&Post(Courier::default())) {
            // A backlog is worked off in half of the time.
            Ok(round) if round.more => (round.notes, Rest { wait: round.time, is_done: false }),
            Ok(round) => {
                let is_done = round.notes.is_empty();
                let least = if is_done { INTERVAL } else { AGAIN };
                (round.notes, Rest { wait: round.time.saturating_mul(REST).max(least), is_done })
            }
            Err(error) => (vec![error.to_string()], Rest { wait: AGAIN, is_done: false }),
        };
        notes.iter().filter(|text| !self.noted.contains(text)).for_each(|text| note(text));
        self.noted = notes;
        rest
    }
}

/// What follows a round.
struct Rest {
    /// How long to wait for the next one.
    wait: Duration,
    /// Whether nothing is left until something is committed.
    is_done: bool,
}

/// Brings submissions to witnesses over HTTP.
struct Post(Courier);

impl Submit for Post {
    fn submit(&self, url: &str, body: &str) -> Result<Submitted, PushError> {
        let (status, body) = self.0.post(url, body).map_err(PushError)?;
        Ok(Submitted { status, body })
    }
}
