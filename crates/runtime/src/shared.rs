//! What the parts of a running actor hand to each other: its settings, its answers, and what is committed.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use troupe_chain::{Engine, Hash, LogLine, Tip};

use crate::{Clock, Metrics};

/// How an actor is run. Nothing in it decides an outcome.
#[derive(Clone)]
pub struct Options {
    /// How many messages may wait; one more is turned away as busy.
    pub mailbox: usize,
    /// The largest message taken, in bytes.
    pub max_message: u64,
    /// How many entries there are at most from one stored state to the next; 1 stores each. What a start replays is
    /// less than this.
    pub snapshot_every: u64,
    /// The engine that outcomes come from.
    pub engine: Engine,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who gets the actor's log lines.
    pub log: LogSink,
}

/// Takes the log lines of a whole batch, from a thread of the actor's, once the batch is committed. The actor waits for it.
pub type LogSink = Arc<dyn Fn(&[LogRecord<'_>]) + Send + Sync>;

/// A line of an actor's log and where it belongs.
#[derive(Debug)]
pub struct LogRecord<'a> {
    /// The actor's id.
    pub chain: Hash,
    /// The position of the entry that the message led to, or would have.
    pub seq: u64,
    /// The line.
    pub line: &'a LogLine,
}

/// What a handled message led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The name of the entry.
    pub hash: Hash,
    /// Its position.
    pub seq: u64,
    /// The new state.
    pub state: Bytes,
    /// The reply.
    pub reply: Option<Bytes>,
}

/// What is committed.
#[derive(Debug, Clone)]
pub struct View {
    /// The end of the chain.
    pub tip: Tip,
    /// The state there.
    pub state: Bytes,
}

/// What the sequencer, the committer and readers share.
pub(crate) struct Shared {
    /// What is committed; replaced, never changed.
    pub(crate) view: RwLock<Arc<View>>,
    /// Grows when a commit failed: what was run on from it is void.
    pub(crate) generation: AtomicU64,
    pub(crate) metrics: Metrics,
    /// Messages waiting in the mailbox.
    pub(crate) waiting: AtomicU64,
}

impl Shared {
    pub(crate) fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
