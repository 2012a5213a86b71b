//! The charter: what a commons begins with, the config of its chain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::mana::{self, Owner};
use crate::members::{self, Status};
use crate::parameters::{PARAMETERS, Parameter};
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Mana, Millis, State, VERSION};

/// The most founders.
pub const MAX_FOUNDERS: usize = 10_000;

/// What a commons begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// Its first members.
    pub founders: Vec<Founder>,
    /// What it is called.
    pub name: String,
    /// Parameters that are not to have their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, u64>,
    /// The version, 1.
    pub v: u64,
}

/// A first member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Founder {
    /// Their key.
    pub did: String,
    /// What they begin with.
    pub mana: Mana,
}

impl Charter {
    /// The first state.
    pub(crate) fn begin(&self, seq: u64, at: Millis) -> Result<State, Refusal> {
        require(self.v == VERSION, Code::Bounds, "expected version 1")?;
        let few = (1..=MAX_FOUNDERS).contains(&self.founders.len());
        require(few, Code::Bounds, "there are 1 to 10000 founders")?;
        if let Some(name) = self.parameters.keys().find(|name| Parameter::find(name).is_none()) {
            return refuse(Code::NotFound, format!("there is no parameter `{name}`"));
        }
        let mut state = State::default();
        for parameter in PARAMETERS {
            // All of them, so that replay never uses a default from code.
            let value = self.parameters.get(parameter.name).copied().unwrap_or(parameter.default);
            parameter.set(&mut state, at, value)?;
        }
        for founder in &self.founders {
            let id = members::invite(&mut state, &founder.did)?;
            members::set_status(&mut state, id, (seq, at), &[Status::Invited], Status::Active)?;
            mana::transfer(&mut state, at, (Owner::Issuance, Owner::Member(id)), founder.mana)?;
        }
        Ok(state)
    }
}
