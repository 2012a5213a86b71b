//! Why a message got no answer, and why an actor did not start.

use troupe_chain::{Abort, Failed, Hash, NotVerified, Rejection};
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
    /// The actor was stopped.
    #[error("the actor is stopped")]
    Stopped,
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
    /// `init` failed, so there is no actor.
    #[error("the actor cannot begin: init failed, {0}")]
    Init(Failed),
    /// `init` came to no outcome.
    #[error("the actor cannot begin: {0}")]
    Aborted(Abort),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The first entries could not be stored.
    #[error("the actor cannot begin: {0}")]
    Commit(#[from] CommitError),
    /// There is no such chain.
    #[error("the store has no chain {0}")]
    NoChain(Hash),
    /// What the store holds is not the chain it should be.
    #[error("the stored chain cannot be resumed: {0}")]
    Broken(String),
    /// Replaying the messages since the last snapshot came to something else.
    #[error("the stored chain cannot be resumed: {0}")]
    Replay(#[from] NotVerified),
    /// There is no machine for it.
    #[error("the stored chain cannot be resumed: {0}")]
    NoMachine(String),
    /// The thread could not be started.
    #[error("the sequencer's thread cannot start: {0}")]
    Thread(#[source] std::io::Error),
}
