//! Why a message got no answer, and why an actor did not start.

use troupe_chain::{Abort, Failed, Hash, NotVerified, Redaction, Rejection};
use troupe_store::{CommitError, StoreError};

/// Why a message was not handled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// The message is larger than the actor's limit. Nothing was recorded.
    #[error("the message has {size} bytes, the actor takes at most {limit}")]
    TooLarge {
        /// The message's size in bytes.
        size: u64,
        /// The actor's limit in bytes.
        limit: u64,
    },
    /// The message contract refused it. Nothing was recorded.
    #[error("rejected: {0}")]
    Rejected(Rejection),
    /// The actor took it and failed; the failure is recorded, the state is as before.
    #[error("the actor failed: {failed}")]
    Failed {
        /// Why.
        failed: Failed,
        /// The name of the failure's entry.
        hash: Hash,
        /// Its position.
        seq: u64,
    },
    /// The mailbox is full, or the host has no room for an instance. Nothing was recorded; try again.
    #[error("busy: {0}")]
    Busy(String),
    /// The wall-clock deadline passed before the outcome was known. Nothing was recorded.
    #[error("out of time after {0} ms; nothing was recorded")]
    OutOfTime(u64),
    /// The store has no room. Nothing was recorded.
    #[error("not recorded: {0}")]
    StoreFull(String),
    /// Writing failed on the way: whether the message is recorded shows after a restart.
    #[error("it is not known whether the message was recorded: {0}")]
    OutcomeUnknown(String),
    /// The store takes no more writes. Nothing was recorded.
    #[error("not recorded: {0}")]
    Halted(String),
    /// The node is stopping. Nothing was recorded.
    #[error("the node is stopping")]
    Stopped,
    /// The actor's chain has ended. Nothing was recorded.
    #[error("the actor has stopped{}", heir.map_or(String::new(), |heir| format!("; {heir} took its place")))]
    Ended {
        /// The fork that took its place.
        heir: Option<Hash>,
    },
    /// The actor takes no messages until it is resumed. Nothing was recorded.
    #[error("the actor is paused")]
    Paused,
    /// There is no such actor.
    #[error("there is no such actor")]
    Unknown,
    /// The name belongs to another actor. Nothing was recorded.
    #[error("the name `{0}` is taken")]
    NameTaken(String),
    /// The node has as many actors as it may have.
    #[error("the node has {0} actors, those that stopped among them, and may have no more")]
    TooMany(u64),
    /// The actor could not be begun. Nothing was recorded.
    #[error("the actor cannot begin: {0}")]
    CannotBegin(String),
    /// The `Idempotency-Key` was used with another message.
    #[error("the key was used before, with another message, which led to the entry at seq {seq}")]
    KeyReused {
        /// The entry that the other message led to.
        seq: u64,
    },
    /// The state could not be carried over to the new code. Nothing was recorded.
    #[error("the state cannot be carried over: {0}")]
    NotCarriedOver(Failed),
    /// The chain has no state at that position.
    #[error("there is no state at seq {seq}: states are at 1 to {last}")]
    NoSuchSeq {
        /// The position that was asked for.
        seq: u64,
        /// The last position.
        last: u64,
    },
    /// What is asked for was redacted.
    #[error("it was {0}")]
    Redacted(Redaction),
    /// The host failed. Nothing was recorded.
    #[error("{0}; nothing was recorded")]
    Host(String),
}

impl From<Abort> for SendError {
    fn from(abort: Abort) -> Self {
        match abort {
            Abort::OutOfTime(ms) => Self::OutOfTime(ms),
            Abort::Busy(why) => Self::Busy(why),
            Abort::Host(why) => Self::Host(why),
        }
    }
}

impl From<&CommitError> for SendError {
    fn from(error: &CommitError) -> Self {
        let text = chain_of(error);
        match error {
            CommitError::Full(_) => Self::StoreFull(text),
            CommitError::OutcomeUnknown(_) => Self::OutcomeUnknown(text),
            CommitError::Halted(_) => Self::Halted(text),
            CommitError::Invalid { .. } | CommitError::HeadMoved { .. } | CommitError::Read(_) => {
                Self::Host(text)
            }
        }
    }
}

/// An error with everything that led to it, in one line.
pub(crate) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Why an actor did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The actor could not be begun.
    #[error(transparent)]
    Begin(#[from] SendError),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// There is no such chain.
    #[error("the store has no chain {0}")]
    NoChain(Hash),
    /// What the store holds is not the chain it should be.
    #[error("the stored chain cannot be resumed: {0}")]
    Broken(String),
    /// Replaying the messages since the last snapshot came to something else.
    #[error("the stored chain cannot be resumed: {0}")]
    Replay(#[from] NotVerified),
    /// What a state is replayed from was redacted, and no state after it is stored.
    #[error("the state is not known: what entry {seq} needs was {redaction}")]
    Redacted {
        /// The entry that cannot be replayed.
        seq: u64,
        /// What became of what it needs.
        redaction: Redaction,
    },
    /// There is no machine for it.
    #[error("the stored chain cannot be resumed: {0}")]
    NoMachine(String),
    /// The thread could not be started.
    #[error("the threads that serve actors cannot start: {0}")]
    Thread(#[source] std::io::Error),
}
