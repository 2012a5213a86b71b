//! What comes through an actor's mailbox.
//!
//! Invariant: a letter that another actor, a timer or the node itself sent has a row in the store until it is settled,
//! and there is one such letter in memory for each such row; so it is neither lost nor handled twice.

use bytes::Bytes;
use tokio::sync::oneshot;
use troupe_chain::{EffectId, Genesis, Hash, Notice, Rules, Sender, Text};
use troupe_store::Row;

use crate::trace::Trace;
use crate::{Answer, SendError, Upgraded};

/// Who waits for the outcome of a message.
pub(crate) type Reply = oneshot::Sender<Result<Answer, SendError>>;

/// Who waits for something other than a message.
pub(crate) type Done<T> = oneshot::Sender<Result<T, SendError>>;

/// What comes through the mailbox.
pub(crate) enum Job {
    /// A message.
    Letter(Letter),
    /// The first entries of the chain.
    Begin(Box<Begin>, Option<Done<()>>),
    /// The last entry of the chain.
    Stop(Box<StopOrder>, Option<Done<()>>),
    /// Other rules.
    Upgrade(Box<UpgradeOrder>),
    /// Back to an earlier state, as another chain that takes over the name.
    Rewind(Box<RewindOrder>, Option<Done<Hash>>),
    /// No more messages, or messages again.
    Pause { pause: bool, done: Option<Done<()>> },
    /// A child was to be started again too often: what it does about failures, the parent does about itself. The row of
    /// the child's failure goes with that.
    Escalate { child: Hash, of: EffectId },
    /// An actor that was started again has rested.
    Wake,
    /// Keys that may count no more.
    Forget(Vec<Hash>),
}

/// A message and what becomes of it.
pub(crate) struct Letter {
    pub(crate) from: Sender,
    pub(crate) message: Bytes,
    pub(crate) settle: Settle,
    /// How often it ran out of time.
    pub(crate) attempts: u8,
    /// Where it belongs in traces.
    pub(crate) trace: Trace,
}

/// What is done with a letter once it is handled, and what if it is not.
pub(crate) enum Settle {
    /// Somebody outside is answered. The key is the hash of an `Idempotency-Key`.
    Caller(Option<Reply>),
    /// A row goes with the entry; what refuses it is told to the sender.
    Delivery(Delivery),
    /// Rows change with the entry, or without one if it is refused; nobody is told but the log.
    Own(Own),
}

/// The rows of a letter that an actor has from itself or from the node.
pub(crate) struct Own {
    /// What changes.
    pub(crate) rows: Vec<Row>,
    /// A row that must still be there, otherwise the letter comes too late.
    pub(crate) needs: Option<Bytes>,
}

/// A letter from another actor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    /// The sender.
    pub(crate) sender: Hash,
    /// The sender's effect.
    pub(crate) of: EffectId,
    /// Until when a reply is wanted, for a request.
    pub(crate) reply_by: Option<u64>,
    /// Until when it waits for room in the mailbox.
    pub(crate) wait_until: u64,
}

/// How a chain begins.
#[derive(Clone)]
pub(crate) struct Begin {
    pub(crate) genesis: Genesis,
    /// When: the time of genesis. The id depends on it.
    pub(crate) at: troupe_chain::Timestamp,
    pub(crate) code: Option<Bytes>,
    pub(crate) config: Option<Bytes>,
    pub(crate) name: Option<Text>,
    pub(crate) supervision: troupe_chain::Supervision,
    /// The effect to settle: the parent's spawn, or the fork that a failure led to.
    pub(crate) row: Option<(Hash, EffectId)>,
    /// For a fork: what is kept from the chain it takes the place of, and until when it rests.
    pub(crate) heir: Option<Heir>,
}

/// What a fork that takes another chain's place has from it.
#[derive(Clone)]
pub(crate) struct Heir {
    pub(crate) record: crate::rows::Record,
    pub(crate) rest_until: Option<u64>,
}

/// The end of a chain.
#[derive(Clone)]
pub(crate) struct StopOrder {
    pub(crate) from: Sender,
    pub(crate) reason: Text,
    /// The effect to settle.
    pub(crate) row: Option<(Hash, EffectId)>,
    pub(crate) remove: bool,
}

/// Back to an earlier state.
#[derive(Clone)]
pub(crate) struct RewindOrder {
    /// The seq of the state to go back to.
    pub(crate) to: RewindTo,
    pub(crate) from: Sender,
    pub(crate) reason: Text,
    /// The failure that led to it: the row of its supervision.
    pub(crate) failure: Option<u64>,
}

/// Which state an actor goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RewindTo {
    /// The one after this entry.
    Seq(u64),
    /// The one before the last message that was accepted.
    BeforeLast,
}

/// Other rules for a chain.
pub(crate) struct UpgradeOrder {
    pub(crate) rules: Rules,
    pub(crate) code: Bytes,
    pub(crate) done: Done<Upgraded>,
}

impl Job {
    /// Whether it is a letter of which [`Letter::is_own_echo`] is true.
    pub(crate) fn is_own_echo(&self) -> bool {
        matches!(self, Self::Letter(letter) if letter.is_own_echo())
    }
}

impl Letter {
    /// Whether it comes back from a timer or a request of the actor's own: then it is for no other chain, not even for one
    /// that takes the actor's place.
    pub(crate) fn is_own_echo(&self) -> bool {
        let echoes = match &self.from {
            Sender::Timer { .. } | Sender::Reply { .. } => true,
            Sender::Notice { about, .. } => matches!(about, Notice::Late | Notice::NoReply),
            _ => false,
        };
        echoes && matches!(self.settle, Settle::Own(_))
    }

    /// A letter from outside.
    pub(crate) fn from_caller(from: Sender, message: Bytes, reply: Option<Reply>) -> Self {
        Self { from, message, settle: Settle::Caller(reply), attempts: 0, trace: Trace::default() }
    }

    /// What the node tells an actor about one of its effects.
    pub(crate) fn notice(
        of: EffectId,
        about: Notice,
        other: (Option<Hash>, Option<Hash>),
        reason: &str,
        own: Own,
    ) -> Self {
        let from = Sender::Notice { of, about, chain: other.0, entry: other.1 };
        let message = notice_body(about, reason);
        Self { from, message, settle: Settle::Own(own), attempts: 0, trace: Trace::default() }
    }
}

/// The message of a notice: a JSON object for whoever does not look at the sender.
fn notice_body(about: Notice, reason: &str) -> Bytes {
    let mut body = format!("{{\"notice\":\"{}\"", about.as_str());
    if !reason.is_empty() {
        body.push_str(",\"reason\":\"");
        for c in reason.chars().take(1000) {
            match c {
                '"' | '\\' => body.extend(['\\', c]),
                c if c.is_control() => body.push(' '),
                c => body.push(c),
            }
        }
        body.push('"');
    }
    body.push('}');
    body.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_a_json_object_whatever_the_reason() {
        let body = notice_body(Notice::Refused, "no \"more\"\n\\ ü");
        assert_eq!(body, "{\"notice\":\"refused\",\"reason\":\"no \\\"more\\\" \\\\ ü\"}".as_bytes());
        assert_eq!(notice_body(Notice::Late, ""), "{\"notice\":\"late\"}".as_bytes());
    }
}
