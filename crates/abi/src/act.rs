//! What a guest does in the name of its principal: a message to the commons that leaves once the entry is committed.
//!
//! Invariant: who it is for is what the chain was granted, never what the guest says; and nothing leaves of a call that
//! traps later. So a trap, a crash or a retry spends nothing, and nothing twice.

use serde_json::{Map, Value, json};
use troupe_chain::{Asked, Hash, MAX_INTEGER, Text};

use crate::{Given, HostError};

/// The actor that acts are sent to, by its name on the node.
pub const COMMONS: &str = "commons";

/// An act of the principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Spends mana on fees.
    Spend,
    /// Gives from the budget.
    Credit,
    /// Submits a job.
    Submit,
    /// Makes a proposal.
    Propose,
    /// Opens one.
    Open,
    /// Votes.
    Ballot,
    /// Sends a receipt.
    Anchor,
    /// Says that a vote is over.
    Close,
    /// Says that a timelock is over.
    Execute,
}

impl Act {
    /// The message to the commons.
    pub(crate) fn asked(self, principal: Hash, given: &[Given<'_>]) -> Result<Asked, HostError> {
        let message = self.message(principal, given)?;
        let bytes = serde_json::to_vec(&message).map_err(|_| HostError::Malformed)?;
        let to = Text::new(COMMONS).map_err(|_| HostError::Malformed)?;
        Ok(Asked::send(to, bytes))
    }

    fn message(self, principal: Hash, given: &[Given<'_>]) -> Result<Value, HostError> {
        let act = match (self, given) {
            (Self::Spend, [Given::Id(account), Given::Amount(amount)]) => {
                if !account.is_empty() && id(account)? != principal {
                    return Err(HostError::Denied);
                }
                json!({ "spend": { "amount": integer(*amount)? } })
            }
            (Self::Credit, [Given::Id(account), Given::Amount(amount)]) => {
                json!({ "credit": { "amount": integer(*amount)?, "to": id(account)?.to_string() } })
            }
            (Self::Submit, [Given::Document(job)]) => json!({ "submit": { "jobs": [object(job)?] } }),
            (Self::Propose, [Given::Document(motion)]) => json!({ "propose": object(motion)? }),
            (Self::Open, [Given::Id(proposal)]) => {
                json!({ "open": { "proposal": id(proposal)?.to_string() } })
            }
            (Self::Ballot, [Given::Document(ballot)]) => {
                let ballot = object(ballot)?;
                // A ballot may be cast for those who delegated; that is the principal's to decide, not a guest's.
                if ballot.contains_key("for") {
                    return Err(HostError::Denied);
                }
                json!({ "ballot": ballot })
            }
            (Self::Anchor, [Given::Document(receipt)]) => json!({ "receipt": object(receipt)? }),
            (Self::Close, [Given::Id(proposal)]) => return due("close", proposal),
            (Self::Execute, [Given::Id(proposal)]) => return due("execute", proposal),
            _ => return Err(HostError::Malformed),
        };
        Ok(json!({ "act": act, "for": principal.to_string() }))
    }
}

/// What anybody may say once it is due.
fn due(what: &str, proposal: &str) -> Result<Value, HostError> {
    Ok(json!({ "tick": { what: id(proposal)?.to_string() } }))
}

/// A name of 64 hex digits.
pub(crate) fn id(text: &str) -> Result<Hash, HostError> {
    text.parse().map_err(|_| HostError::Malformed)
}

fn integer(amount: u64) -> Result<u64, HostError> {
    if amount <= MAX_INTEGER { Ok(amount) } else { Err(HostError::Malformed) }
}

/// A JSON object; written again, its keys are in ascending order.
fn object(bytes: &[u8]) -> Result<Map<String, Value>, HostError> {
    serde_json::from_slice(bytes).map_err(|_| HostError::Malformed)
}
