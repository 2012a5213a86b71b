//! What the parts of a node's actors hand to each other: their settings, their answers, and what is committed.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Hash, Held, LogLine, Machine, Tip};

use crate::outside::World;
use crate::trace::SpanSink;
use crate::{Clock, Entropy, SystemClock, SystemEntropy};

/// How actors are run. Nothing in it decides an outcome.
#[derive(Clone)]
pub struct Options {
    /// How many messages may wait for one actor; one more is turned away as busy.
    pub mailbox: usize,
    /// The largest message taken, in bytes, by an actor whose limits do not say it.
    pub max_message: u64,
    /// How many entries there are at most from one stored state to the next; 1 stores each. What a start replays is
    /// less than this.
    pub snapshot_every: u64,
    /// How many threads serve actors, beside those for actors that ask the outside; 0 for none: then the caller serves
    /// them with [`Actors::step`](crate::Actors::step).
    pub threads: usize,
    /// How many bytes of states are kept in memory before those that were not used lately are left to the store.
    pub memory: u64,
    /// How long a message of another actor waits for room in a mailbox, in milliseconds.
    pub delivery_timeout: u64,
    /// How long a key is remembered, in milliseconds.
    pub key_window: u64,
    /// How many actors there may be, counting those that stopped and those that other actors begin.
    pub max_actors: u64,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where seeds come from.
    pub entropy: Arc<dyn Entropy>,
    /// Who gets the actors' log lines.
    pub log: LogSink,
    /// The world that actors may ask, where they are granted to.
    pub outside: Option<Arc<dyn World>>,
    /// Who gets a span for each transition, for traces.
    pub spans: Option<SpanSink>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mailbox: 1024,
            max_message: 1 << 20,
            snapshot_every: 1,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory: 256 << 20,
            delivery_timeout: 30_000,
            key_window: 24 * 3_600_000,
            max_actors: 1_000_000,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            log: Arc::new(|_| {}),
            outside: None,
            spans: None,
        }
    }
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
    /// What the state names beside its bytes, for readers who know the kind of machine.
    pub held: Option<Held>,
}

impl View {
    pub(crate) fn new(tip: Tip, state: Bytes, machine: &impl Machine) -> Self {
        let held = machine.held(&state);
        Self { tip, state, held }
    }
}

/// What an upgrade led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The name of the entry.
    pub hash: Hash,
    /// Its position.
    pub seq: u64,
    /// The state, carried over.
    pub state: Bytes,
}

impl Default for Upgraded {
    fn default() -> Self {
        Self { hash: Hash::of(b""), seq: 0, state: Bytes::new() }
    }
}
