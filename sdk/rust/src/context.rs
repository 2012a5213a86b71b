//! What an actor is told beside a message.

use serde::{Deserialize, Serialize};

use crate::host::Host;

/// Who sent a message, when, and the way to ask for effects.
///
/// Effects are methods that need `&mut Context`. The contracts are given less than that, so that they cannot ask for any.
#[derive(Debug)]
#[non_exhaustive]
pub struct Context {
    /// Who sent the message.
    pub from: Sender,
    /// The entry's time: milliseconds since 1970, never less than that of the entry before.
    pub at: u64,
    /// The entry's position in the chain. A message never has 0 (genesis) or 1 (init).
    pub seq: u64,
    pub(crate) host: Host,
}

impl Context {
    pub(crate) fn new(from: Sender, at: u64, seq: u64) -> Self {
        Self { from, at, seq, host: Host::new(seq) }
    }
}

/// An effect of this actor: number `n`, from 0, of the entry at position `seq`. It can be kept in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The position of the entry.
    pub seq: u64,
    /// The number of the effect within it, from 0.
    pub n: u32,
}

/// An effect of another actor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EffectRef {
    /// The other actor's id (64 hex digits).
    pub chain: String,
    /// The name of its entry (64 hex digits).
    pub entry: String,
    /// The number of the effect within that entry, from 0.
    pub n: u32,
}

/// Who sent a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// An HTTP client that did not say who it is.
    Http,
    /// Whoever holds the key of this DID, and signed the message with it.
    Did(String),
    /// Another actor.
    Actor(EffectRef),
    /// A timer of this actor.
    Timer {
        /// What [`Context::set_timer`] or [`Context::set_cron`] gave.
        set: EffectId,
        /// When it was due: milliseconds since 1970.
        due: u64,
    },
    /// The receiver of a request of this actor.
    Reply {
        /// What [`Context::request`] gave.
        to: EffectId,
        /// The id of the actor that replied.
        chain: String,
        /// The name of its entry, whose reply this is.
        entry: String,
    },
    /// The runtime, about an effect of this actor.
    Notice {
        /// The effect.
        of: EffectId,
        /// What became of it.
        about: About,
        /// The id of the other actor, where there is one.
        chain: Option<String>,
        /// The name of the other actor's entry that led to this, where there is one.
        entry: Option<String>,
    },
    /// The actor that started this one.
    Parent(EffectRef),
}

impl Sender {
    /// The case in a word: `http`, `did`, `actor`, `timer`, `reply`, `notice` or `parent`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Did(_) => "did",
            Self::Actor(_) => "actor",
            Self::Timer { .. } => "timer",
            Self::Reply { .. } => "reply",
            Self::Notice { .. } => "notice",
            Self::Parent(_) => "parent",
        }
    }
}

/// What became of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A message was not delivered: its receiver's mailbox was full for too long.
    Busy,
    /// A child failed on a message, or a receiver on a request.
    Failed,
    /// The actor was taken back to an earlier state after it had asked for this; it is not answered.
    Lapsed,
    /// No reply came within the time that the request gave.
    Late,
    /// A request was handled, and there is no reply.
    NoReply,
    /// A message was not handled: its receiver ran out of wall-clock time again and again.
    OutOfTime,
    /// A child was paused.
    Paused,
    /// A message broke its contract; or a child could not be started, a timer not be set.
    Refused,
    /// A child was started again as another chain, named by the notice.
    Restarted,
    /// A child was started.
    Started,
    /// A child has stopped, or a message's receiver had.
    Stopped,
    /// A message's receiver is not known.
    Unknown,
}
