//! A loaded component as a [`Machine`]: a fresh instance and one fuel budget for each message.
//!
//! Invariant: nothing of one message is left for the next. Contracts and `handle` share the instance of their message,
//! and it is dropped before the outcome is told.

use std::sync::{Arc, OnceLock};

use troupe_chain::{
    Abort, Context, Failed, Hash, Machine, Nowhere, Outcome, Outside, Rejection, Sender, Step,
};
use wasmtime::Engine;
use wasmtime::component::InstancePre;

use crate::guest::Code;
use crate::host::Host;
use crate::line::{self, Line};
use crate::run::Run;
use crate::trap::Stopped;
use crate::wasi::names::Import;
use crate::{Grants, Limits, Sandbox, World, module};

/// A component that can serve messages. Cheap to clone; each call is independent.
#[derive(Clone)]
pub struct WasmComponent {
    pub(crate) name: Hash,
    pub(crate) sandbox: Sandbox,
    pub(crate) body: Body,
    pub(crate) limits: Limits,
    pub(crate) grants: Arc<Grants>,
    /// Whether it may ask the web: it imports something of it, and hosts are granted.
    pub(crate) asks: bool,
    /// Whether it imports randomness.
    pub(crate) draws: bool,
    pub(crate) imports: Arc<[Import]>,
    /// What it says that it takes, once somebody asked.
    pub(crate) description: Arc<OnceLock<Result<Option<String>, NoDescription>>>,
}

/// What is instantiated for each message.
#[derive(Clone)]
pub(crate) enum Body {
    /// A component, and where it keeps what a host calls.
    Component(InstancePre<Host>, Code),
    /// A core module that runs as a job.
    Module(wasmtime::InstancePre<Host>),
}

impl Body {
    pub(crate) fn engine(&self) -> &Engine {
        match self {
            Self::Component(pre, _) => pre.engine(),
            Self::Module(pre) => pre.module().engine(),
        }
    }
}

/// The most bytes that a component may say of what it takes.
pub const MAX_DESCRIPTION: usize = 256 << 10;

/// A component that says what it takes did not say it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDescription {
    /// The function failed.
    #[error("`schema` failed: {0}")]
    Failed(String),
    /// The text is longer than [`MAX_DESCRIPTION`].
    #[error("`schema` gave {0} bytes, and may give {MAX_DESCRIPTION}")]
    TooLarge(usize),
    /// The text is not a JSON object.
    #[error("`schema` gave no JSON object: {0}")]
    NotAnObject(String),
}

impl WasmComponent {
    /// The hash of the component's bytes.
    pub fn hash(&self) -> Hash {
        self.name
    }

    /// The world it is built for.
    pub fn world(&self) -> World {
        match &self.body {
            Body::Component(_, code) => code.world(),
            Body::Module(_) => World::Job,
        }
    }

    /// The limits it runs under.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it imports, in order of names, and what it gets of each.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// Whether it draws randomness, so that its entries have a seed.
    pub fn draws(&self) -> bool {
        self.draws
    }

    /// Whether it says how to carry over a state that other code led to.
    pub fn migrates(&self) -> bool {
        matches!(self.body, Body::Component(_, Code::Actor(exports)) if exports.migrate.is_some())
    }

    /// What it says that it takes: a JSON object, or `None` if it does not say it. Asked once, under the actor's limits, in
    /// an instance of its own; it decides nothing.
    ///
    /// # Errors
    /// [`NoDescription`], which is worth a warning and no more: the actor is as it is without.
    pub fn description(&self) -> Result<Option<&str>, &NoDescription> {
        let description = self.description.get_or_init(|| self.describe());
        description.as_ref().map(Option::as_deref)
    }

    fn describe(&self) -> Result<Option<String>, NoDescription> {
        if let Body::Module(_) = self.body {
            return Ok(None);
        }
        let failed = |why: String| NoDescription::Failed(why);
        let run = Run::new(self, &anonymous(), None).map_err(|abort| failed(abort.to_string()))?;
        let said = run.schema().map_err(|stopped| match stopped {
            Stopped::Failed(error) => failed(error.to_string()),
            Stopped::Abort(abort) => failed(abort.to_string()),
        })?;
        let Some(text) = said else { return Ok(None) };
        if text.len() > MAX_DESCRIPTION {
            return Err(NoDescription::TooLarge(text.len()));
        }
        type Object<'a> = std::collections::BTreeMap<String, &'a serde_json::value::RawValue>;
        match serde_json::from_str::<Object<'_>>(&text) {
            Ok(_) => Ok(Some(text)),
            Err(error) => Err(NoDescription::NotAnObject(error.to_string())),
        }
    }

    /// Takes a message in a state, with all checks, and returns the new state.
    ///
    /// The short form; [`Machine::apply`] also tells reply, effects, fuel and log, and can reach the outside.
    ///
    /// # Errors
    /// [`CallError`] if the message was rejected, the actor failed, or there is no outcome.
    pub fn handle(&self, message: &[u8], state: &[u8]) -> Result<Vec<u8>, CallError> {
        accepted(self.apply(&anonymous(), &mut Nowhere, message, state)?.outcome)
    }

    /// The first state, with all checks.
    ///
    /// # Errors
    /// [`CallError`] if the actor failed, or there is no outcome.
    pub fn init(&self, config: Option<&[u8]>) -> Result<Vec<u8>, CallError> {
        accepted(Machine::init(self, &anonymous(), &mut Nowhere, config)?.outcome)
    }

    /// Whether the message may be handled in this state.
    ///
    /// # Errors
    /// [`CallError::Failed`] if the contract itself failed, [`CallError::Abort`] if there is no outcome.
    pub fn message_contract(&self, message: &[u8], state: &[u8]) -> Result<bool, CallError> {
        if let Body::Module(_) = self.body {
            return Ok(message.len() as u64 <= self.limits.message);
        }
        answer(Run::new(self, &anonymous(), None)?.message_contract(&anonymous(), message, state))
    }

    /// Whether the actor may be in this state.
    ///
    /// # Errors
    /// [`CallError::Failed`] if the contract itself failed, [`CallError::Abort`] if there is no outcome.
    pub fn state_contract(&self, state: &[u8]) -> Result<bool, CallError> {
        if let Body::Module(_) = self.body {
            return Ok(state.len() as u64 <= self.limits.state);
        }
        answer(Run::new(self, &anonymous(), None)?.state_contract(state))
    }
}

/// What a contract said.
fn answer(answer: Result<Result<(), String>, Stopped>) -> Result<bool, CallError> {
    match answer {
        Ok(answer) => Ok(answer.is_ok()),
        Err(Stopped::Failed(failed)) => Err(CallError::Failed(failed)),
        Err(Stopped::Abort(abort)) => Err(CallError::Abort(abort)),
    }
}

/// A call that led to no new state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The message breaks its contract.
    #[error("rejected: {0}")]
    Rejected(#[from] Rejection),
    /// The actor failed.
    #[error("failed: {0}")]
    Failed(#[from] Failed),
    /// There is no outcome.
    #[error("aborted: {0}")]
    Abort(#[from] Abort),
}

/// A context of nobody, at the beginning of time, with a seed that everybody knows.
fn anonymous() -> Context {
    let seed = Some(Hash::from_bytes([0; 32]));
    Context {
        chain: Hash::from_bytes([0; 32]),
        from: Sender::Http { key: None },
        at: troupe_chain::Timestamp(0),
        seq: 1,
        seed,
    }
}

fn accepted(outcome: Outcome) -> Result<Vec<u8>, CallError> {
    match outcome {
        Outcome::Accepted(accepted) => Ok(accepted.state),
        Outcome::Rejected(rejection) => Err(rejection.into()),
        Outcome::Failed(failed) => Err(failed.into()),
    }
}

impl WasmComponent {
    /// Makes a step, with a line to the outside if the component imports something of it.
    fn step(
        &self,
        outside: &mut dyn Outside,
        step: impl FnOnce(Option<Line>) -> Result<Step, Abort> + Send,
    ) -> Result<Step, Abort> {
        match self.asks {
            false => step(None),
            true => line::serve(outside, |line| step(Some(line))),
        }
    }
}

impl Machine for WasmComponent {
    fn takes_notices(&self) -> bool {
        self.world() == World::Actor
    }

    fn draws(&self) -> bool {
        self.draws
    }

    fn init(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        config: Option<&[u8]>,
    ) -> Result<Step, Abort> {
        if let Body::Module(_) = self.body {
            return Ok(module::begin(self, config));
        }
        self.step(outside, |line| Run::new(self, context, line)?.init(context, config))
    }

    fn apply(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        self.step(outside, |line| match &self.body {
            Body::Module(pre) => module::run(self, pre, context, line, message, state),
            Body::Component(..) => Run::new(self, context, line)?.apply(context, message, state),
        })
    }

    fn migrate(&self, context: &Context, outside: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        if let Body::Module(_) = self.body {
            return Ok(module::carry_over(self, state));
        }
        self.step(outside, |line| Run::new(self, context, line)?.migrate(context, state))
    }
}
