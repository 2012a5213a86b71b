//! What the roles tell each other, who a message is from, and what a step comes to.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The largest amount, limit and balance: far from where sums of them could overflow.
pub(crate) const MOST: i64 = 1_000_000_000_000;
/// The longest name, address and id, in bytes.
const NAME_LIMIT: usize = 64;
/// The longest description, in bytes.
const WHAT_LIMIT: usize = 200;

/// Who sent a message, as far as the rules look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Somebody outside, over HTTP or with a signature.
    Outside,
    /// Another actor, by its id.
    Actor(String),
    /// The receiver of a request, by its id.
    Reply(EffectId, String),
    /// The runtime, about an effect.
    Notice(EffectId, String),
    /// A timer or a parent, of which this actor makes no use.
    Other,
}

/// An effect of the actor itself. In JSON `[seq, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EffectId(pub(crate) u64, pub(crate) u32);

/// A message with what the chain says of it.
pub(crate) struct Incoming<'a> {
    pub(crate) from: From,
    pub(crate) seq: u64,
    pub(crate) bytes: &'a [u8],
}

/// What a step asks of the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Send(String, Vec<u8>),
    Request(String, Vec<u8>),
}

/// What a message led to beside the new state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) asks: Vec<Ask>,
    pub(crate) reply: Option<Vec<u8>>,
}

/// A message that a person sends to a member, or an actor to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Message {
    /// A person tells a member to pay.
    Order(Order),
    /// A member asks the clearing house to be one; a person tells a member to ask again.
    Join(Join),
    /// A member asks the clearing house to pay.
    Transfer(Order),
    /// The clearing house tells a member that it was paid.
    Credit(Credit),
    /// The clearing house tells the auditor what was paid.
    Paid(Paid),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// The receiver's name.
    pub(crate) to: String,
    pub(crate) amount: i64,
    /// What it is for.
    pub(crate) what: String,
    pub(crate) id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    pub(crate) name: String,
    /// How far the balance may be below zero.
    pub(crate) limit: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credit {
    /// The payer's name.
    pub(crate) from: String,
    pub(crate) amount: i64,
    pub(crate) what: String,
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

/// A member's balance after a step of the clearing house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) balance: i64,
    /// The position of the clearing house's entry, by which the later of two is told.
    pub(crate) at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paid {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) amount: i64,
    /// The balances of both, afterwards.
    pub(crate) balances: (i64, i64),
}

impl Order {
    /// Checks what does not depend on a state.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_name("to", &self.to)?;
        check_name("id", &self.id)?;
        check_amount("amount", self.amount, 1)?;
        if self.what.len() > WHAT_LIMIT || self.what.chars().any(char::is_control) {
            return Err(format!("`what` is one line of at most {WHAT_LIMIT} bytes"));
        }
        Ok(())
    }
}

/// Names stand in addresses and logs: visible ASCII.
pub(crate) fn check_name(field: &str, name: &str) -> Result<(), String> {
    if (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("`{field}` is 1 to {NAME_LIMIT} visible ASCII characters"))
}

pub(crate) fn check_amount(field: &str, amount: i64, least: i64) -> Result<(), String> {
    if (least..=MOST).contains(&amount) {
        Ok(())
    } else {
        Err(format!("`{field}` is from {least} to {MOST}"))
    }
}

pub(crate) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("not {what}: {error}"))
}

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| format!("cannot be written: {error}"))
}
