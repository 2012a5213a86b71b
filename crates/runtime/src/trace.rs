//! What a trace shows of transitions: a span each, linked by what the chain says of who sent the message.
//!
//! Invariant: a span's id is the beginning of its entry's name, so that whoever has the chain finds the entry, and the
//! span of what an entry sent knows its parent from the message's sender. The trace's id is in memory only: what is
//! delivered again after a restart begins a trace of its own.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use troupe_chain::{Context, Fuel, Hash, Linked, Sender};

use crate::core::Core;
use crate::job::Letter;

/// Where a message belongs in traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trace {
    /// The trace; 0 for none yet.
    pub id: u128,
    /// The span that led to the message; 0 for none.
    pub parent: u64,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The trace, and the span that this one follows.
    pub trace: Trace,
    /// The span's id.
    pub id: u64,
    /// The actor.
    pub chain: Hash,
    /// The position of the entry that the message led to, or would have.
    pub seq: u64,
    /// `message`, `failure` or `rejected`.
    pub outcome: &'static str,
    /// The kind of the sender.
    pub from: &'static str,
    /// When the machine was called, in nanoseconds since 1970.
    pub began: u64,
    /// When it returned.
    pub ended: u64,
    /// What the call used.
    pub fuel: Fuel,
}

/// Takes spans, once what they show is durable. It must not wait.
pub type SpanSink = Arc<dyn Fn(Span) + Send + Sync>;

impl Span {
    /// The span of a call that has just returned. `entry` is the entry that it led to, or the message where it led to none.
    pub(crate) fn of(
        context: &Context,
        chain: Hash,
        trace: Trace,
        entry: &Hash,
        outcome: &'static str,
        began: u64,
    ) -> Self {
        let (from, sent_by) = sent_by(&context.from);
        let trace = match trace {
            Trace { id: 0, .. } => Trace { id: trace_id(entry), parent: 0 },
            Trace { id, parent: 0 } => Trace { id, parent: sent_by },
            whole => whole,
        };
        let (id, ended) = (span_id(entry), now());
        Self { trace, id, chain, seq: context.seq, outcome, from, began, ended, fuel: Fuel(0) }
    }
}

impl Core {
    /// The trace that goes on with what an entry asks for.
    pub(crate) fn trace_of(&self, letter: &Letter, linked: &Linked) -> Trace {
        if self.options.spans.is_none() {
            return Trace::default();
        }
        let id = if letter.trace.id == 0 { trace_id(&linked.name) } else { letter.trace.id };
        Trace { id, parent: span_id(&linked.name) }
    }
}

/// The system's time in nanoseconds since 1970. Traces of a node are compared with those of other programs.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The span of an entry.
pub(crate) fn span_id(entry: &Hash) -> u64 {
    let mut id = [0; 8];
    id.copy_from_slice(&entry.as_bytes()[..8]);
    u64::from_be_bytes(id).max(1)
}

/// The trace that begins with an entry.
pub(crate) fn trace_id(entry: &Hash) -> u128 {
    let mut id = [0; 16];
    id.copy_from_slice(&entry.as_bytes()[8..24]);
    u128::from_be_bytes(id).max(1)
}

/// The kind of a sender, and the span that sent the message, as far as the sender says it.
pub(crate) fn sent_by(from: &Sender) -> (&'static str, u64) {
    match from {
        Sender::Http { .. } => ("http", 0),
        Sender::Did { .. } => ("did", 0),
        Sender::Actor(by) => ("actor", span_id(&by.entry)),
        Sender::Parent(by) => ("parent", span_id(&by.entry)),
        Sender::Timer { .. } => ("timer", 0),
        Sender::Reply { entry, .. } => ("reply", span_id(entry)),
        Sender::Notice { entry, .. } => ("notice", entry.as_ref().map_or(0, span_id)),
    }
}
