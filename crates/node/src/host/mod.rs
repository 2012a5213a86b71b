//! Wires components, a store and sequencers into a node of actors; [`Setup`] into one that has one actor.

mod setup;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use troupe_chain::{Code, Files, Genesis, GrantedFile, Hash, Supervision, Text};
use troupe_component::{
    Allocation, BadGrant, BadLimit, CodeCache, CodeWatch, Grants, Limits, LoadError, MAX_FILE_BYTES, Missing,
    Sandbox, SandboxConfig,
};
use troupe_runtime::{Actor, Actors, Entropy, NewActor, OpenError, Options, SendError, World};
use troupe_store::{Store, StoreError};

use crate::dag::Dag;
use crate::live::Live;
use crate::logs::Logs;
use crate::machines::AllMachines;
use crate::outside::Web;

pub use setup::{Running, Setup};

/// How a node is run.
#[derive(Clone)]
pub struct Settings {
    /// Keeps the chains.
    pub store: Arc<dyn Store>,
    /// How long one message may take; `None` leaves it to fuel alone.
    pub deadline: Option<Duration>,
    /// How instances get their memory.
    pub allocation: Allocation,
    /// Where compiled code is kept.
    pub cache: Option<CodeCache>,
    /// Whom to tell what is compiled.
    pub watch: CodeWatch,
    /// How actors are run.
    pub options: Options,
    /// What answers guests of the commons, once it is told where that is.
    web: Arc<Web>,
}

/// A node: its actors, and what runs them.
#[derive(Clone)]
pub struct Host {
    /// The actors.
    pub actors: Actors,
    /// Runs components, also to verify.
    pub sandbox: Sandbox,
    /// The last lines of their logs.
    pub logs: Logs,
    /// What jobs write while they run.
    pub live: Live,
    /// What no two chains have in common comes from there.
    pub entropy: Arc<dyn Entropy>,
    /// The blobs that it keeps by CID.
    pub dag: Arc<Dag>,
}

/// What an actor is begun with.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The component.
    pub component: ComponentSource,
    /// The configuration for `init`.
    pub config: Option<Bytes>,
    /// Limits that differ from the default, by name.
    pub limits: Vec<(String, u64)>,
    /// Capabilities.
    pub grants: Vec<Text>,
    /// The bytes of the files that they grant, as far as the node does not have them.
    pub files: Files,
    /// Its name on this node.
    pub name: Option<Text>,
    /// Whether the members of the node's commons decide on its upgrades.
    pub governed: bool,
    /// What is done about its failures.
    pub supervision: Supervision,
}

/// Where a component is.
#[derive(Debug, Clone)]
pub enum ComponentSource {
    /// Here.
    Bytes(Bytes),
    /// At the node, under this name.
    Stored(Hash),
}

impl Default for ComponentSource {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

/// Why nothing runs.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The component is not an actor.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A limit that cannot be used.
    #[error(transparent)]
    Limit(#[from] BadLimit),
    /// A capability that there is not.
    #[error(transparent)]
    Grant(#[from] BadGrant),
    /// The actors could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The actor could not be begun.
    #[error(transparent)]
    Begin(#[from] SendError),
    /// The node has no such component.
    #[error("the node has no component {0}")]
    NoComponent(Hash),
    /// A file that is granted is not there, or they are too large.
    #[error(transparent)]
    Files(#[from] Missing),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The store holds an actor that runs something else.
    #[error(
        "the store holds the actor {chain}, whose {what} is {stored}, not {given}: use another store, or leave it out"
    )]
    Differs {
        /// The actor in the store.
        chain: Hash,
        /// "component", "config" or a limit.
        what: String,
        /// What the actor runs.
        stored: String,
        /// What was asked for.
        given: String,
    },
    /// The store holds several actors.
    #[error("the store holds {0} actors; `troupe run` runs one, `troupe serve` runs all of them")]
    Several(usize),
    /// No randomness for the nonce.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(String),
}

impl Settings {
    /// The usual way to run a node.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let web = Arc::new(Web::default());
        Self {
            store,
            deadline: Some(Duration::from_secs(10)),
            allocation: SandboxConfig::default().allocation,
            cache: None,
            watch: CodeWatch::default(),
            options: Options { outside: Some(Arc::clone(&web) as Arc<dyn World>), ..Options::default() },
            web,
        }
    }

    /// Opens the actors that the store holds.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn open(mut self) -> Result<Host, SetupError> {
        let logs = Logs::default();
        self.options.log = logs.sink(Arc::clone(&self.options.clock), self.options.log);
        let entropy = Arc::clone(&self.options.entropy);
        let sandbox = Sandbox::new(SandboxConfig {
            allocation: self.allocation,
            cache: self.cache,
            watch: self.watch,
            deadline: self.deadline,
        });
        let dag = Arc::new(Dag::new(Arc::clone(&self.store), Arc::clone(&self.options.clock)));
        let live = Live::new(Arc::clone(&self.options.clock));
        // What is run for the record is heard, and no rehearsal or replay.
        let machines = AllMachines::new(sandbox.heard_by(live.listener()));
        let actors = Actors::open(self.store, machines, self.options)?;
        self.web.set_commons(crate::commons::reads::answers(actors.views()));
        Ok(Host { actors, sandbox, logs, live, entropy, dag })
    }

    /// Lets actors that were granted to ask the world.
    pub fn with_outside(mut self, world: Arc<dyn World>) -> Self {
        self.options.outside = Some(world);
        self
    }
}

impl Host {
    /// What makes the name of a new chain one that no other has.
    ///
    /// # Errors
    /// [`SetupError::NoRandomness`].
    pub fn nonce(&self) -> Result<Hash, SetupError> {
        self.entropy.seed().map_err(|abort| SetupError::NoRandomness(abort.to_string()))
    }

    /// Checks what an actor would be begun with, and makes its first entry.
    ///
    /// # Errors
    /// [`SetupError`] that says what is wrong with it.
    pub fn prepare(&self, start: Start) -> Result<NewActor, SetupError> {
        let mut limits = Limits::default();
        for (name, value) in &start.limits {
            limits.set(name, *value)?;
        }
        let code = match start.component {
            ComponentSource::Bytes(bytes) => bytes,
            ComponentSource::Stored(name) => {
                self.actors.store().shared(&name)?.ok_or(SetupError::NoComponent(name))?
            }
        };
        let mut grants = start.grants;
        grants.sort();
        grants.dedup();
        let machine = self.sandbox.load_granted(&code, &limits, &Grants::parse(&grants)?)?;
        self.keep_files(&grants, &start.files)?;
        let genesis = Genesis {
            code: Code::Component(machine.hash()),
            world: machine.world().text(),
            config: start.config.as_deref().map(Hash::of),
            limits: limits.to_entry(),
            engine: self.sandbox.engine().clone(),
            grants,
            owner: start.governed.then(|| self.governor()).transpose()?,
            nonce: self.nonce()?,
            fork: None,
            started_by: None,
        };
        let (name, supervision) = (start.name, start.supervision);
        Ok(NewActor { genesis, code: Some(code), config: start.config, name, supervision })
    }

    /// Takes the files that are granted into the store.
    ///
    /// # Errors
    /// [`SetupError::Files`] for one that is neither given nor there, and if they are too large together.
    pub fn keep_files(&self, grants: &[Text], given: &Files) -> Result<(), SetupError> {
        let store = self.actors.store();
        let mut all = 0_u64;
        for GrantedFile { name, path } in GrantedFile::all(grants) {
            let size = match given.get(&name) {
                Some(bytes) => {
                    store.put_shared(&name, bytes)?;
                    bytes.len()
                }
                None => {
                    let missing = || Missing::Bytes { path: path.to_owned(), name };
                    store.shared(&name)?.ok_or_else(missing)?.len()
                }
            };
            all = all.saturating_add(size as u64);
            if all > MAX_FILE_BYTES {
                return Err(Missing::TooLarge(all).into());
            }
        }
        Ok(())
    }

    /// Finds the machine for any chain.
    pub fn machines(&self) -> AllMachines {
        AllMachines::new(self.sandbox.clone())
    }

    /// Begins an actor and blocks until it is there.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn start_blocking(&self, start: Start) -> Result<Actor, SetupError> {
        Ok(self.actors.start_blocking(self.prepare(start)?)?)
    }

    /// Begins an actor from a name, the bytes of a component and a configuration.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn start_actor(
        &self,
        name: &str,
        component: impl Into<Bytes>,
        config: Option<Bytes>,
    ) -> Result<Actor, SetupError> {
        let name = Text::new(name).map_err(|error| SendError::CannotBegin(format!("the name: {error}")))?;
        let component = ComponentSource::Bytes(component.into());
        let start = Start { component, config, name: Some(name), ..Start::default() };
        Ok(self.actors.start(self.prepare(start)?).await?)
    }
}

/// 32 random bytes.
///
/// # Errors
/// [`SetupError::NoRandomness`].
pub fn random() -> Result<Hash, SetupError> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| SetupError::NoRandomness(error.to_string()))?;
    Ok(Hash::from_bytes(nonce))
}
