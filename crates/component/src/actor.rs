//! A loaded component as a [`Machine`]: a fresh instance and one fuel budget for each message.
//!
//! Invariant: nothing of one message is left for the next. Contracts and `handle` share the instance of their message,
//! and it is dropped before the outcome is told.

use troupe_chain::{
    Abort, Accepted, Context, Failed, FailureCode, Fuel, Hash, Machine, Outcome, Rejection, Sender, Step,
};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::guest::{Exports, Guest};
use crate::host::{Host, Phase};
use crate::trap::{Stopped, classify};
use crate::{Limits, Sandbox, World};

/// The most bytes of a reason that an actor gives for a refusal or a failure; the rest is cut off.
const MAX_REASON: usize = 4096;

/// A component that can serve messages. Cheap to clone; each call is independent.
#[derive(Clone)]
pub struct WasmComponent {
    pub(crate) name: Hash,
    pub(crate) sandbox: Sandbox,
    pub(crate) pre: InstancePre<Host>,
    pub(crate) exports: Exports,
    pub(crate) limits: Limits,
}

impl WasmComponent {
    /// The hash of the component's bytes.
    pub fn hash(&self) -> Hash {
        self.name
    }

    /// The world it is built for.
    pub fn world(&self) -> World {
        self.exports.world
    }

    /// The limits it runs under.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes a message in a state, with all checks, and returns the new state.
    ///
    /// The short form; [`Machine::apply`] also tells reply, sends, fuel and log.
    ///
    /// # Errors
    /// [`CallError`] if the message was rejected, the actor failed, or there is no outcome.
    pub fn handle(&self, message: &[u8], state: &[u8]) -> Result<Vec<u8>, CallError> {
        accepted(self.apply(&anonymous(), message, state)?.outcome)
    }

    /// The first state, with all checks.
    ///
    /// # Errors
    /// [`CallError`] if the actor failed, or there is no outcome.
    pub fn init(&self, config: Option<&[u8]>) -> Result<Vec<u8>, CallError> {
        accepted(Machine::init(self, &anonymous(), config)?.outcome)
    }

    /// Whether the message may be handled in this state.
    ///
    /// # Errors
    /// [`CallError::Failed`] if the contract itself failed, [`CallError::Abort`] if there is no outcome.
    pub fn message_contract(&self, message: &[u8], state: &[u8]) -> Result<bool, CallError> {
        self.ask(Phase::MessageContract, |guest| guest.message_contract(&anonymous(), message, state))
    }

    /// Whether the actor may be in this state.
    ///
    /// # Errors
    /// [`CallError::Failed`] if the contract itself failed, [`CallError::Abort`] if there is no outcome.
    pub fn state_contract(&self, state: &[u8]) -> Result<bool, CallError> {
        self.ask(Phase::StateContract, |guest| guest.state_contract(state))
    }

    fn ask(
        &self,
        phase: Phase,
        call: impl FnOnce(&mut Guest<'_>) -> wasmtime::Result<Result<(), String>>,
    ) -> Result<bool, CallError> {
        let mut run = Run::new(self)?;
        match run.instantiate().and_then(|()| run.call(phase, call)) {
            Ok(answer) => Ok(answer.is_ok()),
            Err(Stopped::Failed(failed)) => Err(CallError::Failed(failed)),
            Err(Stopped::Abort(abort)) => Err(CallError::Abort(abort)),
        }
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

fn anonymous() -> Context {
    Context { from: Sender::Http { key: None }, at: troupe_chain::Timestamp(0), seq: 1 }
}

fn accepted(outcome: Outcome) -> Result<Vec<u8>, CallError> {
    match outcome {
        Outcome::Accepted(accepted) => Ok(accepted.state),
        Outcome::Rejected(rejection) => Err(rejection.into()),
        Outcome::Failed(failed) => Err(failed.into()),
    }
}

impl Machine for WasmComponent {
    fn init(&self, context: &Context, config: Option<&[u8]>) -> Result<Step, Abort> {
        let mut run = Run::new(self)?;
        let outcome = match run.init(context, config) {
            Ok(state) => run.accept(state, None),
            Err(Stopped::Failed(failed)) => Outcome::Failed(failed),
            Err(Stopped::Abort(abort)) => return Err(abort),
        };
        Ok(run.finish(outcome))
    }

    fn apply(&self, context: &Context, message: &[u8], state: &[u8]) -> Result<Step, Abort> {
        let mut run = Run::new(self)?;
        let rejected = match run.check_message(context, message, state) {
            Ok(answer) => answer.err(),
            Err(Stopped::Failed(failed)) => Some(failed.to_string()),
            Err(Stopped::Abort(abort)) => return Err(abort),
        };
        if let Some(reason) = rejected {
            let reason = bounded(reason);
            return Ok(run.finish(Outcome::Rejected(Rejection { reason })));
        }
        let outcome = match run.handle(context, message, state) {
            Ok(handled) => run.accept(handled.state, handled.reply),
            Err(Stopped::Failed(failed)) => Outcome::Failed(failed),
            Err(Stopped::Abort(abort)) => return Err(abort),
        };
        Ok(run.finish(outcome))
    }
}

/// One message being served: an instance that nobody has used before, and its budget.
struct Run<'a> {
    actor: &'a WasmComponent,
    store: Store<Host>,
    instance: Option<wasmtime::component::Instance>,
}

impl<'a> Run<'a> {
    fn new(actor: &'a WasmComponent) -> Result<Self, Abort> {
        let mut store = Store::new(actor.pre.engine(), Host::new(&actor.limits));
        store.limiter(|host| host);
        store.set_fuel(actor.limits.fuel).map_err(|error| Abort::Host(error.to_string()))?;
        if actor.sandbox.config().deadline.is_some() {
            store.set_epoch_deadline(actor.sandbox.deadline_ticks());
        }
        Ok(Self { actor, store, instance: None })
    }

    fn init(&mut self, context: &Context, config: Option<&[u8]>) -> Result<Vec<u8>, Stopped> {
        self.instantiate()?;
        let state = self.call(Phase::Init, |guest| guest.init(context, config))?.map_err(refused)?;
        self.check_size(state.len(), self.actor.limits.state, FailureCode::TooLargeState)?;
        self.check_state(&state)?;
        Ok(state)
    }

    /// Everything up to the message contract's answer; what stops here is a rejection.
    fn check_message(
        &mut self,
        context: &Context,
        message: &[u8],
        state: &[u8],
    ) -> Result<Result<(), String>, Stopped> {
        let limit = self.actor.limits.message;
        if message.len() as u64 > limit {
            return Ok(Err(format!("the message has {} bytes, the limit is {limit}", message.len())));
        }
        self.instantiate()?;
        self.call(Phase::MessageContract, |guest| guest.message_contract(context, message, state))
    }

    fn handle(
        &mut self,
        context: &Context,
        message: &[u8],
        state: &[u8],
    ) -> Result<crate::guest::Handled, Stopped> {
        let handled =
            self.call(Phase::Handle, |guest| guest.handle(context, message, state))?.map_err(refused)?;
        let reply = handled.reply.as_ref().map_or(0, Vec::len);
        self.check_size(handled.state.len(), self.actor.limits.state, FailureCode::TooLargeState)?;
        self.check_size(reply, self.actor.limits.reply, FailureCode::TooLargeReply)?;
        self.check_state(&handled.state)?;
        Ok(handled)
    }

    fn check_state(&mut self, state: &[u8]) -> Result<(), Stopped> {
        let answer = self.call(Phase::StateContract, |guest| guest.state_contract(state))?;
        answer.map_err(|detail| {
            Stopped::Failed(Failed { code: FailureCode::StateContract, detail: bounded(detail) })
        })
    }

    fn check_size(&self, size: usize, limit: u64, code: FailureCode) -> Result<(), Stopped> {
        if size as u64 <= limit {
            return Ok(());
        }
        Err(Stopped::Failed(Failed { code, detail: format!("{size} bytes, the limit is {limit}") }))
    }

    fn instantiate(&mut self) -> Result<(), Stopped> {
        let instance = self.actor.pre.instantiate(&mut self.store);
        self.instance = Some(instance.map_err(|error| self.stopped(&error))?);
        Ok(())
    }

    fn call<T>(
        &mut self,
        phase: Phase,
        call: impl FnOnce(&mut Guest<'_>) -> wasmtime::Result<T>,
    ) -> Result<T, Stopped> {
        self.store.data_mut().phase = phase;
        let Some(instance) = self.instance else {
            return Err(Stopped::Abort(Abort::Host("called before it was instantiated".into())));
        };
        let mut guest = Guest { store: &mut self.store, instance, exports: self.actor.exports };
        call(&mut guest).map_err(|error| self.stopped(&error))
    }

    fn stopped(&self, error: &wasmtime::Error) -> Stopped {
        classify(error, self.store.data(), self.actor.sandbox.deadline_ms())
    }

    fn accept(&mut self, state: Vec<u8>, reply: Option<Vec<u8>>) -> Outcome {
        let sends = std::mem::take(&mut self.store.data_mut().sends);
        Outcome::Accepted(Accepted { state, reply, sends })
    }

    fn finish(self, outcome: Outcome) -> Step {
        let left = self.store.get_fuel().unwrap_or(0);
        let fuel = Fuel(self.actor.limits.fuel.saturating_sub(left));
        Step { outcome, fuel, log: self.store.into_data().log }
    }
}

fn refused(detail: String) -> Stopped {
    Stopped::Failed(Failed { code: FailureCode::Refused, detail: bounded(detail) })
}

/// Cuts what a guest says for people to read; nothing of it is part of the chain.
fn bounded(mut reason: String) -> String {
    if reason.len() > MAX_REASON {
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        reason.push('…');
    }
    reason
}
