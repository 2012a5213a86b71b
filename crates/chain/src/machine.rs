//! What grows a chain: a deterministic transition function, and what goes into and comes out of it.

use crate::entry::{Sender, Timestamp};
use crate::{FailureCode, Fuel, Text};

/// A deterministic transition function: the same arguments always lead to the same [`Step`].
///
/// States, messages and configurations are bytes. Nothing is kept between calls.
pub trait Machine: Send + Sync {
    /// Makes the first state. There is nothing to refuse, so this is [`Outcome::Accepted`] or [`Outcome::Failed`].
    ///
    /// # Errors
    /// [`Abort`] if the outcome is not known; nothing may be recorded.
    fn init(&self, context: &Context, config: Option<&[u8]>) -> Result<Step, Abort>;

    /// Takes one message in a state.
    ///
    /// # Errors
    /// [`Abort`] if the outcome is not known; nothing may be recorded.
    fn apply(&self, context: &Context, message: &[u8], state: &[u8]) -> Result<Step, Abort>;
}

impl<M: Machine + ?Sized> Machine for std::sync::Arc<M> {
    fn init(&self, context: &Context, config: Option<&[u8]>) -> Result<Step, Abort> {
        (**self).init(context, config)
    }

    fn apply(&self, context: &Context, message: &[u8], state: &[u8]) -> Result<Step, Abort> {
        (**self).apply(context, message, state)
    }
}

/// What an entry records of the outside, and a transition may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Who sent the message. [`Sender::Http`] without a key for `init`.
    pub from: Sender,
    /// The entry's time.
    pub at: Timestamp,
    /// The entry's position.
    pub seq: u64,
}

/// What a transition came to.
#[derive(Debug)]
pub struct Step {
    /// The outcome.
    pub outcome: Outcome,
    /// What it used.
    pub fuel: Fuel,
    /// What the actor wrote to its log, in order. Not part of the chain.
    pub log: Vec<LogLine>,
}

/// Accepted, rejected or failed.
#[derive(Debug)]
pub enum Outcome {
    /// A new state, recorded.
    Accepted(Accepted),
    /// The message breaks its contract: answered, not recorded.
    Rejected(Rejection),
    /// The actor took the message and failed: recorded, the state stays.
    Failed(Failed),
}

/// What an accepted message leads to.
#[derive(Debug)]
pub struct Accepted {
    /// The new state.
    pub state: Vec<u8>,
    /// The reply.
    pub reply: Option<Vec<u8>>,
    /// The messages to send once this is committed.
    pub sends: Vec<Outgoing>,
}

/// A message to another actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The receiver's id or name.
    pub to: Text,
    /// The message.
    pub message: Vec<u8>,
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Rejection {
    /// What a person reads.
    pub reason: String,
}

/// Why an actor failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Failed {
    /// What the chain records.
    pub code: FailureCode,
    /// What a person reads. Not part of the chain.
    pub detail: String,
}

/// A line of an actor's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// The text.
    pub line: String,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever develops the actor.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
}

impl Level {
    /// The level in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The machine could not say what the outcome is. Nothing may be recorded; the same call may succeed later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Abort {
    /// The wall-clock deadline passed before the outcome was known.
    #[error("out of time after {0} ms")]
    OutOfTime(u64),
    /// The host has no room for another instance now.
    #[error("the host is busy: {0}")]
    Busy(String),
    /// The host failed; this is not the actor's doing.
    #[error("the host failed: {0}")]
    Host(String),
}
