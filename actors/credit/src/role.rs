//! Which of the roles an actor has, as its configuration says and its state keeps.

use serde::{Deserialize, Serialize};

use crate::auditor::Auditor;
use crate::clearing::Clearing;
use crate::member::Member;
use crate::wire::{Incoming, Join, Step, decode, encode};

/// What an actor is started with.
#[derive(Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case", deny_unknown_fields)]
enum Config {
    Member { name: String, limit: i64, clearing: String },
    Clearing { auditor: String, most: i64 },
    Auditor,
}

/// The state of an actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    Member(Box<Member>),
    Clearing(Clearing),
    Auditor(Auditor),
}

impl Role {
    /// The first state, made by the entry at `seq`.
    pub(crate) fn new(seq: u64, config: Option<&[u8]>) -> Result<(Self, Step), String> {
        let config = config.ok_or("a configuration says the role: member, clearing or auditor")?;
        match decode("a configuration", config)? {
            Config::Member { name, limit, clearing } => {
                let (member, step) = Member::new(seq, Join { name, limit }, clearing)?;
                Ok((Self::Member(Box::new(member)), step))
            }
            Config::Clearing { auditor, most } => {
                Ok((Self::Clearing(Clearing::new(auditor, most)?), Step::default()))
            }
            Config::Auditor => Ok((Self::Auditor(Auditor::default()), Step::default())),
        }
    }

    /// Reads a state.
    pub(crate) fn decode(state: &[u8]) -> Result<Self, String> {
        decode("a state", state)
    }

    /// Writes the state.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        encode(self)
    }

    /// Takes a message, or says why it is refused; then the state is of no more use.
    pub(crate) fn step(&mut self, incoming: &Incoming<'_>) -> Result<Step, String> {
        match self {
            Self::Member(member) => member.step(incoming),
            Self::Clearing(clearing) => clearing.step(incoming),
            Self::Auditor(auditor) => auditor.step(incoming),
        }
    }

    /// Whether an actor may be like this.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Member(member) => member.check(),
            Self::Clearing(clearing) => clearing.check(),
            Self::Auditor(auditor) => auditor.check(),
        }
    }
}
