//! The commons of a node: one actor with a name of its own, on the native machine `commons@1`.
//!
//! Invariant: what is read of it is what is committed, and what was signed is for its chain alone.

pub mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use troupe_chain::{Code, Genesis, Hash, Supervision, Text};
use troupe_commons::{Charter, MACHINE, MAX_MESSAGE, State, WORLD, to_bytes};
use troupe_runtime::{Actor, NewActor, SendError, View};

use crate::host::{Host, SetupError, random};

/// The name of the actor.
pub const NAME: &str = "commons";
/// The limit of its genesis: a native machine needs no other.
const LIMIT: &str = "message";

/// A commons as it is committed: where its chain stands, and all that the state names.
#[derive(Clone)]
pub struct Committed {
    /// The end of its chain.
    pub view: Arc<View>,
    /// The state.
    pub state: State,
}

impl Committed {
    /// Looks into what an actor has committed; `None` if it is no commons.
    pub fn of(view: Arc<View>) -> Option<Self> {
        let state = view.held.as_ref()?.downcast_ref::<State>()?.clone();
        Some(Self { view, state })
    }
}

/// Why a charter cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the charter: {0}")]
pub struct BadCharter(pub String);

/// Reads a charter that people wrote: JSON, or TOML whose `v` may be left out.
///
/// # Errors
/// [`BadCharter`]. Whether its values can be used, the machine says when it begins.
pub fn read_charter(text: &str) -> Result<Charter, BadCharter> {
    let bad = |error: &dyn std::fmt::Display| BadCharter(error.to_string());
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| bad(&error));
    }
    let table: toml_edit::DocumentMut = text.parse().map_err(|error| bad(&error))?;
    let mut charter = json(table.as_item()).map_err(|what| bad(&what))?;
    if let Some(object) = charter.as_object_mut() {
        object.entry("v").or_insert(1.into());
    }
    serde_json::from_value(charter).map_err(|error| bad(&error))
}

/// A value of a TOML file as JSON: tables, lists, texts and whole numbers, which is all that a charter has.
fn json(item: &toml_edit::Item) -> Result<Value, String> {
    use toml_edit::Item;
    match item {
        Item::Table(table) => table.iter().map(|(key, item)| Ok((key.to_owned(), json(item)?))).collect(),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| json(&Item::Table(table.clone()))).collect(),
        Item::Value(value) => json_of(value),
        Item::None => Ok(Value::Null),
    }
}

fn json_of(value: &toml_edit::Value) -> Result<Value, String> {
    use toml_edit::Value as Toml;
    match value {
        Toml::String(text) => Ok(text.value().clone().into()),
        Toml::Integer(number) => Ok((*number.value()).into()),
        Toml::Array(list) => list.iter().map(json_of).collect(),
        Toml::InlineTable(table) => {
            table.iter().map(|(key, value)| Ok((key.to_owned(), json_of(value)?))).collect()
        }
        other => Err(format!("`{}` is neither a text nor a whole number", other.to_string().trim())),
    }
}

impl Host {
    /// What a commons is begun with.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn prepare_commons(&self, charter: &Charter) -> Result<NewActor, SetupError> {
        let text =
            |text: &str| Text::new(text).map_err(|error| SendError::CannotBegin(format!("{text}: {error}")));
        let config = to_bytes(charter);
        let genesis = Genesis {
            code: Code::Native(text(MACHINE)?),
            world: text(WORLD)?,
            config: Some(Hash::of(&config)),
            limits: BTreeMap::from([(text(LIMIT)?, MAX_MESSAGE as u64)]),
            engine: self.sandbox.engine().clone(),
            grants: Vec::new(),
            owner: None,
            nonce: random()?,
            fork: None,
            started_by: None,
        };
        let (config, name) = (Some(Bytes::from(config)), Some(text(NAME)?));
        Ok(NewActor { genesis, code: None, config, name, supervision: Supervision::default() })
    }

    /// The node's commons; `None` if none was begun.
    ///
    /// # Errors
    /// [`SendError`] if that cannot be told.
    pub fn commons(&self) -> Result<Option<Actor>, SendError> {
        let actor = match self.actors.find(NAME) {
            Ok(actor) => actor,
            Err(SendError::Unknown) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Another actor may have had the name first.
        let is_commons = matches!(&actor.genesis()?.code, Code::Native(name) if name.as_str() == MACHINE);
        Ok(is_commons.then_some(actor))
    }
}
