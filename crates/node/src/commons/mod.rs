//! The commons of a node: one actor with a name of its own, on the native machine `commons@1`.
//!
//! Invariant: what is read of it is what is committed, and what was signed is for its chain alone.

pub(crate) mod reads;

pub use troupe_commons::view;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use troupe_chain::{Code, Genesis, Hash, Supervision, Text};
use troupe_commons::jobs::Phase;
use troupe_commons::view::JobView;
use troupe_commons::{Charter, Id, MACHINE, MAX_MESSAGE, State, WORLD, governance, to_bytes};
use troupe_runtime::{Actor, NewActor, SendError, View};

use crate::host::{Host, SetupError};

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

/// A job, with what the executors of the node that was asked say last of it: why one does not bid, or gave it back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NotedJob {
    /// The job.
    #[serde(flatten)]
    pub view: JobView,
    /// What they say: who does, too, if there are several and they do not say the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where a job stands, as its events say it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobPhase {
    /// What the phase is called.
    pub name: String,
    /// The phase.
    pub phase: Phase,
    /// Who had it before and did not finish it.
    pub tried: Vec<Id>,
    /// How many inputs there are.
    pub inputs: usize,
    /// How many executors run it.
    pub replicas: u64,
    /// What the executors of the node say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
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

/// The DID of a chain begins so, where it is named as the owner of another.
const CHAIN_DID: &str = "did:troupe:";

/// Why an actor is not upgraded to some code.
#[derive(Debug, thiserror::Error)]
pub enum NotPermitted {
    /// Its commons is not here.
    #[error("{0} decides on the upgrades of this actor, and is not the commons of this node")]
    Elsewhere(Text),
    /// The members have not.
    #[error(
        "the members have not permitted this: `troupe propose upgrade {target} {code}` puts it to the vote"
    )]
    Not {
        /// The actor.
        target: Hash,
        /// The code.
        code: String,
    },
    /// It cannot be told.
    #[error(transparent)]
    Unknown(#[from] SendError),
}

impl Host {
    /// What a genesis names as its owner whose upgrades the members of the node's commons decide on.
    pub(crate) fn governor(&self) -> Result<Text, SetupError> {
        let none = || SendError::CannotBegin("this node has no commons whose members could decide".into());
        let commons = self.commons()?.ok_or_else(none)?;
        Ok(Text::new(format!("{CHAIN_DID}{}", commons.id()))
            .map_err(|error| SendError::CannotBegin(error.to_string()))?)
    }

    /// Whether an actor may be upgraded to this code, as far as members of a commons decide on that.
    ///
    /// # Errors
    /// [`NotPermitted`].
    pub fn check_permitted(&self, actor: &Actor, code: &Code) -> Result<(), NotPermitted> {
        let owner = actor.genesis()?.owner.filter(|owner| owner.as_str().starts_with(CHAIN_DID));
        let Some(owner) = owner else { return Ok(()) };
        let commons =
            self.commons()?.filter(|commons| owner.as_str() == format!("{CHAIN_DID}{}", commons.id()));
        let commons = commons.ok_or(NotPermitted::Elsewhere(owner))?;
        let missing = || SendError::Host("what the state of the commons names is not at hand".into());
        let committed = Committed::of(commons.view()?).ok_or_else(missing)?;
        let code = match code {
            Code::Component(name) => name.to_string(),
            Code::Native(name) => name.to_string(),
        };
        if governance::permits_upgrade(&committed.state, Id(actor.id()), &code) {
            return Ok(());
        }
        Err(NotPermitted::Not { target: actor.id(), code })
    }

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
            nonce: self.nonce()?,
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
