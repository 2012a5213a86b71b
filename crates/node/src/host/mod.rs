//! Wires components, a store and sequencers into a node of actors.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use troupe_chain::{Code, Files, Genesis, GrantedFile, Hash, Rules, Supervision, Text};
use troupe_component::{
    Allocation, BadGrant, BadLimit, CodeCache, CodeWatch, Grants, Limits, LoadError, MAX_FILE_BYTES, Missing,
    Sandbox, SandboxConfig,
};
use troupe_runtime::{Actor, Actors, Entropy, NewActor, OpenError, Options, SendError, World};
use troupe_store::{Store, StoreError};

use crate::dag::Dag;
use crate::logs::Logs;
use crate::machines::AllMachines;
use crate::outside::Web;

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

/// What to run, where a node has one actor only.
#[derive(Clone)]
pub struct Setup {
    /// How the node is run.
    pub settings: Settings,
    /// The component's bytes.
    pub component: Bytes,
    /// The configuration for `init`.
    pub config: Option<Bytes>,
    /// Limits that differ from the default, by name. An actor that is resumed keeps those of its genesis.
    pub limits: Vec<(String, u64)>,
    /// Capabilities. An actor that is resumed keeps those of its genesis.
    pub grants: Vec<Text>,
    /// The bytes of the files that they grant, as far as the store does not have them.
    pub files: Files,
    /// What is done about its failures, once it is begun.
    pub supervision: Supervision,
    /// Its name on the node, once it is begun.
    pub name: Option<Text>,
}

/// A node that has one actor, with all that it was made of.
pub struct Running {
    /// The node.
    pub host: Host,
    /// The actor.
    pub actor: Actor,
    /// Its first entry.
    pub genesis: Genesis,
    /// The bytes of its component.
    pub component: Bytes,
    /// Whether it was found in the store, rather than begun.
    pub resumed: bool,
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
        let machines = AllMachines::new(sandbox.clone());
        let actors = Actors::open(self.store, machines, self.options)?;
        self.web.set_commons(crate::commons::reads::answers(actors.views()));
        Ok(Host { actors, sandbox, logs, entropy, dag })
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

impl Setup {
    /// The usual way to run a component.
    pub fn new(component: impl Into<Bytes>, store: Arc<dyn Store>) -> Self {
        Self {
            settings: Settings::new(store),
            component: component.into(),
            config: None,
            limits: Vec::new(),
            grants: Vec::new(),
            files: Files::new(),
            supervision: Supervision::default(),
            name: None,
        }
    }

    /// Begins the actor, or goes on with the one that the store holds.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn open(self) -> Result<Running, SetupError> {
        let store = Arc::clone(&self.settings.store);
        let chains = store.chains()?;
        let known = match chains.as_slice() {
            [] => None,
            [(chain, _)] => Some(*chain),
            several => Some(self.only_heir(several).ok_or(SetupError::Several(several.len()))?),
        };
        if let Some(chain) = known {
            let genesis = troupe_runtime::genesis_of(&*store, &chain)?;
            self.check_same(&chain, &genesis, &troupe_runtime::rules_of(&*store, &chain)?)?;
        }
        let host = self.settings.clone().open()?;
        let actor = match known {
            Some(chain) => host.actors.get(chain)?,
            None => host.start_blocking(Start {
                component: ComponentSource::Bytes(self.component.clone()),
                config: self.config.clone(),
                limits: self.limits.clone(),
                grants: self.grants.clone(),
                files: self.files.clone(),
                name: self.name.clone(),
                governed: false,
                supervision: self.supervision,
            })?,
        };
        // Whether it can go on at all shows now, and not with the first message.
        actor.view()?;
        let genesis = actor.genesis()?;
        Ok(Running { host, actor, genesis, component: self.component, resumed: known.is_some() })
    }

    /// Of several chains, the one that all others were taken back to.
    fn only_heir(&self, chains: &[(Hash, troupe_store::Head)]) -> Option<Hash> {
        let genesis = |chain: &Hash| troupe_runtime::genesis_of(&*self.settings.store, chain).ok();
        let forked: Vec<Hash> =
            chains.iter().filter_map(|(chain, _)| genesis(chain)?.fork.map(|fork| fork.chain)).collect();
        let mut last = chains.iter().filter(|(chain, _)| !forked.contains(chain));
        match (last.next(), last.next()) {
            (Some((chain, _)), None) if forked.len() + 1 == chains.len() => Some(*chain),
            _ => None,
        }
    }

    /// Whatever was asked for must be what the stored actor was begun with, or upgraded to.
    fn check_same(&self, chain: &Hash, genesis: &Genesis, rules: &Rules) -> Result<(), SetupError> {
        let differs = |what: &str, stored: String, given: String| {
            Err(SetupError::Differs { chain: *chain, what: what.to_owned(), stored, given })
        };
        let component = Hash::of(&self.component);
        if rules.code != Code::Component(component) {
            let stored = match &rules.code {
                Code::Component(name) => name.to_string(),
                Code::Native(name) => name.to_string(),
            };
            return differs("component", stored, component.to_string());
        }
        if let Some(config) = self.config.as_deref().map(Hash::of)
            && genesis.config != Some(config)
            && genesis.fork.is_none()
        {
            let stored = genesis.config.map_or("none".into(), |name| name.to_string());
            return differs("config", stored, config.to_string());
        }
        for (name, value) in &self.limits {
            let stored = Text::new(name.as_str()).ok().and_then(|name| rules.limits.get(&name));
            if stored != Some(value) {
                let stored = stored.map_or("none".into(), u64::to_string);
                return differs(&format!("limit `{name}`"), stored, value.to_string());
            }
        }
        if !self.grants.is_empty() && self.grants != rules.grants {
            let list = |grants: &[Text]| {
                let list = grants.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
                if list.is_empty() { "none".to_owned() } else { list }
            };
            return differs("list of grants", list(&rules.grants), list(&self.grants));
        }
        Ok(())
    }
}

impl Running {
    /// What an HTTP server before it serves: this actor at the root.
    pub fn site(&self) -> Arc<crate::http::Site> {
        Arc::new(self.into())
    }

    /// The files that the actor is granted.
    ///
    /// # Errors
    /// [`OpenError`] if one of them is missing.
    pub fn files(&self) -> Result<Files, OpenError> {
        troupe_runtime::files_of(&**self.host.actors.store(), &self.genesis.rules())
    }

    /// Stops the node: what waits is handled and committed first.
    pub fn stop(&self) {
        self.host.actors.shutdown();
    }
}
