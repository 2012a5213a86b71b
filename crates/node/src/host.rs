//! Wires a component, a store and a sequencer into a running actor.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use troupe_chain::{Code, Genesis, Hash, Text};
use troupe_component::{Allocation, BadLimit, Limits, LoadError, Sandbox, SandboxConfig};
use troupe_runtime::{Actor, Clock, LogSink, NewActor, OpenError, Options, SystemClock};
use troupe_store::{Store, StoreError};

/// What to run and how.
#[derive(Clone)]
pub struct Setup {
    /// The component's bytes.
    pub component: Bytes,
    /// The configuration for `init`.
    pub config: Option<Bytes>,
    /// Limits that differ from the default, by name. An actor that is resumed keeps those of its genesis.
    pub limits: Vec<(String, u64)>,
    /// Keeps the chain.
    pub store: Arc<dyn Store>,
    /// How long one message may take; `None` leaves it to fuel alone.
    pub deadline: Option<Duration>,
    /// How instances get their memory.
    pub allocation: Allocation,
    /// Where compiled code is kept.
    pub cache: Option<PathBuf>,
    /// How many messages may wait.
    pub mailbox: usize,
    /// How many entries there are at most from one stored state to the next; 1 stores each.
    pub snapshot_every: u64,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who gets the actor's log lines.
    pub log: LogSink,
}

/// A running actor with all that it was made of.
pub struct Running {
    /// The actor.
    pub actor: Actor,
    /// Its first entry.
    pub genesis: Genesis,
    /// The bytes of its component.
    pub component: Bytes,
    /// Runs components, also to verify.
    pub sandbox: Sandbox,
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
    /// The actor did not start.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The store holds an actor that was begun with something else.
    #[error(
        "the store holds the actor {chain}, whose {what} is {stored}, not {given}: use another store, or leave it out"
    )]
    Differs {
        /// The actor in the store.
        chain: Hash,
        /// "component", "config" or a limit.
        what: String,
        /// What the actor was begun with.
        stored: String,
        /// What was asked for.
        given: String,
    },
    /// The store holds several actors.
    #[error("the store holds {0} actors; this runs one")]
    Several(usize),
    /// No randomness for the nonce.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

impl Setup {
    /// The usual way to run a component.
    pub fn new(component: impl Into<Bytes>, store: Arc<dyn Store>) -> Self {
        Self {
            component: component.into(),
            config: None,
            limits: Vec::new(),
            store,
            deadline: Some(Duration::from_secs(10)),
            allocation: SandboxConfig::default().allocation,
            cache: None,
            mailbox: 1024,
            snapshot_every: 1,
            clock: Arc::new(SystemClock),
            log: Arc::new(|_| {}),
        }
    }

    /// Begins the actor, or goes on with the one that the store holds.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn open(self) -> Result<Running, SetupError> {
        let sandbox = Sandbox::new(SandboxConfig {
            allocation: self.allocation,
            cache: self.cache.clone(),
            deadline: self.deadline,
        });
        match self.store.chains()?.as_slice() {
            [] => self.create(sandbox),
            [(chain, _)] => self.resume(*chain, sandbox),
            several => Err(SetupError::Several(several.len())),
        }
    }

    fn create(self, sandbox: Sandbox) -> Result<Running, SetupError> {
        let mut limits = Limits::default();
        for (name, value) in &self.limits {
            limits.set(name, *value)?;
        }
        let machine = sandbox.load(&self.component, &limits)?;
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(SetupError::NoRandomness)?;
        let genesis = Genesis {
            code: Code::Component(machine.hash()),
            world: Text::new(machine.world().name()).map_err(|error| OpenError::Broken(error.to_string()))?,
            config: self.config.as_deref().map(Hash::of),
            limits: limits.to_entry(),
            engine: sandbox.engine().clone(),
            grants: Vec::new(),
            owner: None,
            nonce: Hash::from_bytes(nonce),
        };
        let new =
            NewActor { genesis: genesis.clone(), code: self.component.clone(), config: self.config.clone() };
        let options = self.options(&sandbox, &limits);
        let actor = Actor::create(Arc::clone(&self.store), Arc::new(machine), new, options)?;
        Ok(Running { actor, genesis, component: self.component, sandbox, resumed: false })
    }

    fn resume(self, chain: Hash, sandbox: Sandbox) -> Result<Running, SetupError> {
        let genesis = troupe_runtime::genesis_of(&*self.store, &chain)?;
        self.check_same(&chain, &genesis)?;
        let limits = Limits::from_entry(&genesis.limits)?;
        let options = self.options(&sandbox, &limits);
        let actor = Actor::resume(Arc::clone(&self.store), chain, &sandbox, |_| options)?;
        Ok(Running { actor, genesis, component: self.component, sandbox, resumed: true })
    }

    /// Whatever was asked for must be what the stored actor was begun with.
    fn check_same(&self, chain: &Hash, genesis: &Genesis) -> Result<(), SetupError> {
        let differs = |what: &str, stored: String, given: String| {
            Err(SetupError::Differs { chain: *chain, what: what.to_owned(), stored, given })
        };
        let component = Hash::of(&self.component);
        if genesis.code != Code::Component(component) {
            let stored = match &genesis.code {
                Code::Component(name) => name.to_string(),
                Code::Native(name) => name.to_string(),
            };
            return differs("component", stored, component.to_string());
        }
        if let Some(config) = self.config.as_deref().map(Hash::of)
            && genesis.config != Some(config)
        {
            let stored = genesis.config.map_or("none".into(), |name| name.to_string());
            return differs("config", stored, config.to_string());
        }
        for (name, value) in &self.limits {
            let stored = Text::new(name.as_str()).ok().and_then(|name| genesis.limits.get(&name));
            if stored != Some(value) {
                let stored = stored.map_or("none".into(), u64::to_string);
                return differs(&format!("limit `{name}`"), stored, value.to_string());
            }
        }
        Ok(())
    }

    fn options(&self, sandbox: &Sandbox, limits: &Limits) -> Options {
        Options {
            mailbox: self.mailbox,
            max_message: limits.message,
            snapshot_every: self.snapshot_every.max(1),
            engine: sandbox.engine().clone(),
            clock: Arc::clone(&self.clock),
            log: Arc::clone(&self.log),
        }
    }
}
