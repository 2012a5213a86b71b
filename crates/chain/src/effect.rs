//! What a transition asks of the world, and who sends a message: the two ends of every causal link.
//!
//! Invariant: an actor names its own effects by the position of the entry and their number in it, since it does not
//! know the name of an entry while that is being made; others name them by the name of the entry.

use crate::entry::{Code, Timestamp};
use crate::{Hash, Supervision, Text};

/// What a transition asks of the world once it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A message to another actor.
    Send {
        /// The receiver's id or name.
        to: Text,
        /// The message, a blob.
        message: Hash,
    },
    /// A message to another actor that is to be replied to.
    Request {
        /// The receiver's id or name.
        to: Text,
        /// The message, a blob.
        message: Hash,
        /// How long to wait for the reply, in milliseconds from the entry's time.
        timeout: u64,
    },
    /// A message to the actor itself, later.
    Timer {
        /// How much later, in milliseconds from the entry's time.
        after: u64,
        /// The message, a blob.
        message: Hash,
    },
    /// A message to the actor itself, again and again.
    Cron {
        /// When: minute, hour, day of month, month and day of week, in UTC; with a sixth field in front, seconds.
        cron: Text,
        /// The message, a blob.
        message: Hash,
    },
    /// Ends a timer of this actor that has not gone off yet; does nothing if it has.
    Cancel(EffectId),
    /// A new actor, with this one as its parent.
    Spawn(Box<Spawn>),
    /// The end of a child.
    Stop {
        /// The child's id or name.
        child: Text,
    },
    /// The end of the actor itself.
    Exit {
        /// Why.
        reason: Text,
    },
}

/// An effect of the actor itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId {
    /// The position of its entry.
    pub seq: u64,
    /// Its number within that entry, from 0.
    pub n: u64,
}

/// An effect of another actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectRef {
    /// The actor.
    pub chain: Hash,
    /// The name of its entry.
    pub entry: Hash,
    /// Its number within that entry, from 0.
    pub n: u64,
}

/// The actor that a transition asks for. Its limits are its parent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spawn {
    /// The code, which the node must have.
    pub code: Code,
    /// The configuration given to `init`, a blob.
    pub config: Option<Hash>,
    /// Capabilities, in ascending order; each must be the parent's too.
    pub grants: Vec<Text>,
    /// The name to give it.
    pub name: Option<Text>,
    /// What its node does about its failures.
    pub supervision: Supervision,
}

/// Who sent a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// An HTTP client; `key` is the hash of its `Idempotency-Key`.
    Http {
        /// The hash of the key, where one was given.
        key: Option<Hash>,
    },
    /// Whoever holds the key of a DID.
    Did {
        /// The DID.
        did: Text,
        /// The signature over the message.
        sig: Text,
    },
    /// Another actor, by the effect that sent it.
    Actor(EffectRef),
    /// A timer or a cron that this actor set.
    Timer {
        /// The effect that set it.
        set: EffectId,
        /// When it was to go off.
        due: Timestamp,
    },
    /// The reply to a request of this actor.
    Reply {
        /// The request.
        to: EffectId,
        /// The actor that replied.
        chain: Hash,
        /// Its entry, whose reply this is.
        entry: Hash,
    },
    /// The node, about an effect of this actor, or of the chain that it branched off from.
    Notice {
        /// The effect.
        of: EffectId,
        /// What became of it.
        about: Notice,
        /// The other actor, where there is one.
        chain: Option<Hash>,
        /// The other actor's entry that led to this, where there is one.
        entry: Option<Hash>,
    },
    /// The actor that started this one: for its `init`, and for a stop that it asked for.
    Parent(EffectRef),
}

macro_rules! notices {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What a node has to say about an effect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Notice { $($(#[doc = $doc])+ $variant,)+ }

        impl Notice {
            /// Every notice.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The notice as written in an entry.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads a notice; `None` if it is not one of the list.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

notices! {
    /// A message was not delivered: its receiver's mailbox was full for too long.
    Busy = "busy",
    /// A child failed on a message, or a receiver on a request.
    Failed = "failed",
    /// The actor that had set a timer or sent a request was taken back to an earlier state; neither is answered.
    Lapsed = "lapsed",
    /// No reply came within the time that the request gave.
    Late = "late",
    /// A request was handled, and there is no reply.
    NoReply = "no-reply",
    /// A message was not handled: its receiver ran out of wall-clock time again and again.
    OutOfTime = "out-of-time",
    /// A child was paused.
    Paused = "paused",
    /// A message broke its contract; or a child could not be started, a timer not be set.
    Refused = "refused",
    /// A child was started again as another chain, named by the notice.
    Restarted = "restarted",
    /// A child was started.
    Started = "started",
    /// A child has stopped, or a message's receiver had.
    Stopped = "stopped",
    /// A message's receiver is not known.
    Unknown = "unknown",
}

impl Effect {
    /// The blobs that this effect names, with the field that names each.
    pub fn blobs(&self) -> impl Iterator<Item = (&'static str, Hash)> {
        let one = match self {
            Self::Send { message, .. }
            | Self::Request { message, .. }
            | Self::Timer { message, .. }
            | Self::Cron { message, .. } => Some(("effects.message", *message)),
            Self::Spawn(spawn) => spawn.config.map(|config| ("effects.config", config)),
            Self::Cancel(_) | Self::Stop { .. } | Self::Exit { .. } => None,
        };
        one.into_iter()
    }

    /// What kind of effect it is, as written in the entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send",
            Self::Request { .. } => "request",
            Self::Timer { .. } => "timer",
            Self::Cron { .. } => "cron",
            Self::Cancel(_) => "cancel",
            Self::Spawn(_) => "spawn",
            Self::Stop { .. } => "stop",
            Self::Exit { .. } => "exit",
        }
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Send { to, message } => write!(f, "{message} to {to}"),
            Self::Request { to, message, timeout } => {
                write!(f, "request {message} to {to} within {timeout} ms")
            }
            Self::Timer { after, message } => write!(f, "{message} after {after} ms"),
            Self::Cron { cron, message } => write!(f, "{message} at `{cron}`"),
            Self::Cancel(id) => write!(f, "cancel {} of seq {}", id.n, id.seq),
            Self::Spawn(spawn) => match &spawn.name {
                Some(name) => write!(f, "spawn {name}"),
                None => f.write_str("spawn"),
            },
            Self::Stop { child } => write!(f, "stop {child}"),
            Self::Exit { reason } => write!(f, "exit, {reason}"),
        }
    }
}

/// An effect on its way into an entry, with the bytes of the blob that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The effect.
    pub effect: Effect,
    /// The message, or the configuration of a spawn.
    pub payload: Option<Vec<u8>>,
}

impl Asked {
    /// Asks for a message to be sent.
    pub fn send(to: Text, message: Vec<u8>) -> Self {
        let effect = Effect::Send { to, message: Hash::of(&message) };
        Self { effect, payload: Some(message) }
    }

    /// Asks for a message to be sent and replied to within `timeout` milliseconds.
    pub fn request(to: Text, message: Vec<u8>, timeout: u64) -> Self {
        let effect = Effect::Request { to, message: Hash::of(&message), timeout };
        Self { effect, payload: Some(message) }
    }

    /// Asks for a message to the actor itself after so many milliseconds.
    pub fn timer(after: u64, message: Vec<u8>) -> Self {
        let effect = Effect::Timer { after, message: Hash::of(&message) };
        Self { effect, payload: Some(message) }
    }

    /// Asks for a message to the actor itself at every time that fits.
    pub fn cron(cron: Text, message: Vec<u8>) -> Self {
        let effect = Effect::Cron { cron, message: Hash::of(&message) };
        Self { effect, payload: Some(message) }
    }

    /// Asks for a new actor; `config` takes the place of what `spawn` says of it.
    pub fn spawn(mut spawn: Spawn, config: Option<Vec<u8>>) -> Self {
        spawn.config = config.as_deref().map(Hash::of);
        Self { effect: Effect::Spawn(Box::new(spawn)), payload: config }
    }

    /// Asks for something that carries no bytes.
    pub fn bare(effect: Effect) -> Self {
        Self { effect, payload: None }
    }
}
