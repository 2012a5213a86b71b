//! What grows a chain: a deterministic transition function, and what goes into and comes out of it.

use std::any::Any;
use std::sync::Arc;

use crate::entry::Timestamp;
use crate::{Asked, FailureCode, Fuel, Hash, Sender, Text};

/// A deterministic transition function: the same arguments and the same answers from outside always lead to the same
/// [`Step`].
///
/// States, messages and configurations are bytes. A state may name more than it holds: the root of a map whose leaves the
/// machine keeps. No outcome depends on what is kept; a machine that no longer has what a state names aborts.
pub trait Machine: Send + Sync {
    /// Makes the first state. There is nothing to refuse, so this is [`Outcome::Accepted`] or [`Outcome::Failed`].
    ///
    /// # Errors
    /// [`Abort`] if the outcome is not known; nothing may be recorded.
    fn init(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        config: Option<&[u8]>,
    ) -> Result<Step, Abort>;

    /// Takes one message in a state.
    ///
    /// # Errors
    /// [`Abort`] if the outcome is not known; nothing may be recorded.
    fn apply(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort>;

    /// Carries over a state that other code led to: [`Outcome::Accepted`] or [`Outcome::Failed`].
    ///
    /// # Errors
    /// [`Abort`] if the outcome is not known; nothing may be recorded.
    fn migrate(&self, context: &Context, outside: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort>;

    /// The leaves that a state names beside its bytes, as far as they differ from those that `before` names. None for a
    /// machine whose states hold all there is.
    ///
    /// # Errors
    /// [`Abort`] if the machine no longer has them.
    fn leaves(&self, before: Option<&[u8]>, state: &[u8]) -> Result<Vec<Leaf>, Abort> {
        let _ = (before, state);
        Ok(Vec::new())
    }

    /// Takes up a state, given all the leaves that it names, in any order.
    ///
    /// # Errors
    /// [`Abort`] if they are not those.
    fn restore(&self, state: &[u8], leaves: &mut dyn Iterator<Item = Leaf>) -> Result<(), Abort> {
        let _ = (state, leaves);
        Ok(())
    }

    /// How many states it keeps the leaves of, of those it reached last: leaves must be written down before that many have
    /// followed. `None` for a machine whose states hold all there is.
    fn kept_states(&self) -> Option<u64> {
        None
    }

    /// What a state names beside its bytes, if the machine has it. It costs nothing.
    fn held(&self, state: &[u8]) -> Option<Held> {
        let _ = state;
        None
    }

    /// Takes up what another machine of its kind [`held`](Self::held); what is not of its kind is left.
    fn hold(&self, held: Held) {
        let _ = held;
    }

    /// Whether it can tell a notice from a message: what cannot gets none.
    fn takes_notices(&self) -> bool {
        true
    }

    /// Whether it draws randomness: then each context has a seed, and each entry of it says which; else none does.
    fn draws(&self) -> bool {
        false
    }
}

/// What a state names beside its bytes, in memory: for another machine of the kind, and for readers who know the kind.
pub type Held = Arc<dyn Any + Send + Sync>;

/// Lets a machine go on from a state that another one reached.
pub fn hand_over(from: &impl Machine, to: &impl Machine, state: &[u8]) {
    if let Some(held) = from.held(state) {
        to.hold(held);
    }
}

/// A part of a state that names more than it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What tells it from the state's others.
    pub key: Vec<u8>,
    /// What it says; `None` where it was there and no longer is.
    pub value: Option<Vec<u8>>,
}

/// The world as a transition may ask it, where it was granted to. A machine records each call in [`Step::calls`].
pub trait Outside {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Abort`] if there is none. What the world refuses is an answer, not an error.
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort>;
}

/// An outside that answers nothing, for machines that were granted nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Outside for Nowhere {
    fn call(&mut self, function: &Text, _: &[u8]) -> Result<Vec<u8>, Abort> {
        Err(Abort::Host(format!("nothing outside answers `{function}`")))
    }
}

/// A call to the outside and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The function, as `interface.function`.
    pub function: Text,
    /// The request.
    pub input: Vec<u8>,
    /// The answer.
    pub output: Vec<u8>,
}

impl<M: Machine + ?Sized> Machine for Arc<M> {
    fn init(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        config: Option<&[u8]>,
    ) -> Result<Step, Abort> {
        (**self).init(context, outside, config)
    }

    fn apply(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        (**self).apply(context, outside, message, state)
    }

    fn migrate(&self, context: &Context, outside: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        (**self).migrate(context, outside, state)
    }

    fn leaves(&self, before: Option<&[u8]>, state: &[u8]) -> Result<Vec<Leaf>, Abort> {
        (**self).leaves(before, state)
    }

    fn restore(&self, state: &[u8], leaves: &mut dyn Iterator<Item = Leaf>) -> Result<(), Abort> {
        (**self).restore(state, leaves)
    }

    fn kept_states(&self) -> Option<u64> {
        (**self).kept_states()
    }

    fn held(&self, state: &[u8]) -> Option<Held> {
        (**self).held(state)
    }

    fn hold(&self, held: Held) {
        (**self).hold(held);
    }

    fn takes_notices(&self) -> bool {
        (**self).takes_notices()
    }

    fn draws(&self) -> bool {
        (**self).draws()
    }
}

/// What an entry records of the outside, and a transition may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The chain that the entry is for.
    pub chain: Hash,
    /// Who sent the message; for `init` what [`Genesis::init_from`](crate::Genesis::init_from) says.
    pub from: Sender,
    /// The entry's time.
    pub at: Timestamp,
    /// The entry's position.
    pub seq: u64,
    /// What all randomness of the transition comes from, where the machine draws.
    pub seed: Option<Hash>,
}

/// What a transition came to.
#[derive(Debug)]
pub struct Step {
    /// The outcome.
    pub outcome: Outcome,
    /// What it used.
    pub fuel: Fuel,
    /// The calls to the outside, in order.
    pub calls: Vec<Answered>,
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
    /// What is to be done once this is committed, in order.
    pub effects: Vec<Asked>,
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
