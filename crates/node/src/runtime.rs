//! One actor from a component file: load, start, handle messages.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Hash, Sender};
use troupe_component::LoadError;
use troupe_runtime::{Actor, SendError};
use troupe_store::{MemoryStore, Store};

use crate::host::{Running, Setup, SetupError};

/// An actor that is begun with [`Runtime::start`] and then takes messages.
///
/// Its chain is kept in memory, unless [`Runtime::with_setup`] is given another store.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = concat!(env!("CARGO_MANIFEST_DIR"), "/../../actors/counter/counter.wasm");
/// let mut runtime = troupe::Runtime::new(counter)?;
/// runtime.start()?;
/// let (hash, state) = runtime.handle_message(&b"{\"add\":2}"[..]).await?;
/// assert_eq!(&state[..], b"{\"count\":2}");
/// assert_eq!(runtime.head(), Some(hash));
/// # Ok(())
/// # }
/// ```
pub struct Runtime {
    setup: Setup,
    running: Option<Running>,
}

/// Why a runtime did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The component is not an actor, or cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The actor could not be begun or resumed.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A message came before [`Runtime::start`].
    #[error("the actor has not been started: call `start` before `handle_message`")]
    NotStarted,
    /// [`Runtime::start`] was called twice.
    #[error("the actor has been started already")]
    AlreadyStarted,
    /// The message led to no new state.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Runtime {
    /// Reads a component; its chain will be kept in memory.
    ///
    /// # Errors
    /// [`RuntimeError::Load`] if the file cannot be read. Whether it is an actor shows in [`Runtime::start`].
    pub fn new(component: impl AsRef<Path>) -> Result<Self, RuntimeError> {
        let path = component.as_ref();
        let bytes = std::fs::read(path)
            .map_err(|source| LoadError::File { path: path.display().to_string(), source })?;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        Ok(Self::with_setup(Setup::new(bytes, store)))
    }

    /// Takes every setting from `setup`.
    pub fn with_setup(setup: Setup) -> Self {
        Self { setup, running: None }
    }

    /// Runs `init` and records the first state, or goes on with the actor that the store holds.
    ///
    /// # Errors
    /// [`RuntimeError::Setup`] if the component is not an actor or the store has another one;
    /// [`RuntimeError::AlreadyStarted`].
    pub fn start(&mut self) -> Result<(), RuntimeError> {
        if self.running.is_some() {
            return Err(RuntimeError::AlreadyStarted);
        }
        self.running = Some(self.setup.clone().open()?);
        Ok(())
    }

    /// Handles a message and returns the name of its entry and the new state, once both are durable.
    ///
    /// # Errors
    /// [`RuntimeError::NotStarted`] before [`Runtime::start`]; [`RuntimeError::Send`] if the message was refused, the
    /// actor failed, or the outcome could not be recorded.
    pub async fn handle_message(&self, message: impl Into<Bytes>) -> Result<(Hash, Bytes), RuntimeError> {
        let actor = self.actor().ok_or(RuntimeError::NotStarted)?;
        let answer = actor.send(Sender::Http { key: None }, message.into()).await?;
        Ok((answer.hash, answer.state))
    }

    /// The name of the last entry; `None` before [`Runtime::start`].
    pub fn head(&self) -> Option<Hash> {
        self.actor().and_then(|actor| Some(actor.view().ok()?.tip.entry))
    }

    /// The current state; `None` before [`Runtime::start`].
    pub fn current_state(&self) -> Option<Bytes> {
        self.actor().and_then(|actor| Some(actor.view().ok()?.state.clone()))
    }

    /// The actor itself; `None` before [`Runtime::start`].
    pub fn actor(&self) -> Option<&Actor> {
        self.running.as_ref().map(|running| &running.actor)
    }

    /// Everything that runs, for the HTTP server; `None` before [`Runtime::start`].
    pub fn into_running(self) -> Option<Running> {
        self.running
    }
}
