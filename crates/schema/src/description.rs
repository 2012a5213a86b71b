//! What an actor says that it takes: `troupe:actor/description`.

use serde_json::{Map, Value};

use crate::{BadSchema, Schema};

/// The members that a description may have.
pub const PARTS: [&str; 4] = ["message", "state", "config", "reply"];

/// The schemas of an actor. It is shown to people and decides nothing.
#[derive(Debug, Clone)]
pub struct Description {
    /// What it takes.
    pub message: Option<Schema>,
    /// What it may be.
    pub state: Option<Schema>,
    /// What it is begun with.
    pub config: Option<Schema>,
    /// What it replies.
    pub reply: Option<Schema>,
}

/// A description that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDescription {
    /// It is not JSON.
    #[error("it is not a JSON object: {0}")]
    NotAnObject(String),
    /// It has a member that no description has.
    #[error("it has a member `{0}`; there are message, state, config and reply")]
    Member(String),
    /// One of its schemas cannot be used.
    #[error("its `{part}` is no schema: {why}")]
    Schema {
        /// The member.
        part: &'static str,
        /// Why.
        why: BadSchema,
    },
}

impl Description {
    /// Reads what an actor exports.
    ///
    /// # Errors
    /// [`BadDescription`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, BadDescription> {
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| BadDescription::NotAnObject(error.to_string()))?;
        if let Some(other) = members.keys().find(|key| !PARTS.contains(&key.as_str())) {
            return Err(BadDescription::Member(other.clone()));
        }
        let part = |part: &'static str| {
            let schema = members.get(part).map(|schema| Schema::new(schema.clone()));
            schema.transpose().map_err(|why| BadDescription::Schema { part, why })
        };
        Ok(Self {
            message: part("message")?,
            state: part("state")?,
            config: part("config")?,
            reply: part("reply")?,
        })
    }
}
