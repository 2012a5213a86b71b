//! One transition: an instance that nobody has used before, its budget, and the order of the calls.

use troupe_chain::{Abort, Accepted, Context, Failed, FailureCode, Fuel, Outcome, Rejection, Step};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::WasmComponent;
use crate::actor::Body;
use crate::guest::{Code, Exports, Guest, Handled};
use crate::host::{Host, Phase};
use crate::line::Line;
use crate::ordinary::{self, Ordinary};
use crate::trap::{Stopped, classify};

/// The most bytes of a reason that an actor gives for a refusal or a failure; the rest is cut off.
const MAX_REASON: usize = 4096;

/// A transition being made.
pub(crate) struct Run<'a> {
    actor: &'a WasmComponent,
    pre: &'a InstancePre<Host>,
    code: Code,
    store: Store<Host>,
    instance: Option<Instance>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        actor: &'a WasmComponent,
        context: &Context,
        line: Option<Line>,
    ) -> Result<Self, Abort> {
        // Without them the outcome would be another.
        if let Some(path) = actor.grants.files().without_bytes() {
            return Err(Abort::Host(format!("the bytes of the granted file `/{path}` were not given")));
        }
        let Body::Component(pre, code) = &actor.body else {
            return Err(Abort::Host("a core module has no functions of an actor".into()));
        };
        Ok(Self { actor, pre, code: *code, store: store_of(actor, context, line)?, instance: None })
    }

    /// Makes the first state.
    pub(crate) fn init(mut self, context: &Context, config: Option<&[u8]>) -> Result<Step, Abort> {
        let state = self.first_state(context, config);
        self.concluded(state.map(|state| (state, None)))
    }

    /// Takes a message.
    pub(crate) fn apply(mut self, context: &Context, message: &[u8], state: &[u8]) -> Result<Step, Abort> {
        let rejected = match self.check_message(context, message, state) {
            Ok(answer) => answer.err(),
            Err(Stopped::Failed(failed)) => Some(failed.to_string()),
            Err(Stopped::Abort(abort)) => return Err(abort),
        };
        if let Some(reason) = rejected {
            let reason = bounded(reason);
            return Ok(self.finish(Outcome::Rejected(Rejection { reason })));
        }
        let handled = self.handle(context, message, state);
        self.concluded(handled.map(|Handled { state, reply }| (state, reply)))
    }

    /// Carries over a state.
    pub(crate) fn migrate(mut self, context: &Context, state: &[u8]) -> Result<Step, Abort> {
        let state = self.migrated(context, state);
        self.concluded(state.map(|state| (state, None)))
    }

    fn first_state(&mut self, context: &Context, config: Option<&[u8]>) -> Result<Vec<u8>, Stopped> {
        let state = match self.code {
            Code::Actor(exports) => {
                self.instantiate()?;
                self.call(Phase::Init, exports, |guest| guest.init(context, config))?.map_err(refused)?
            }
            Code::Ordinary(_) if config.is_some() => {
                return Err(refused("such a component takes no configuration".to_owned()));
            }
            Code::Ordinary(_) => ordinary::STATE.to_vec(),
        };
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
        match self.code {
            Code::Actor(exports) => {
                self.instantiate()?;
                self.call(Phase::MessageContract, exports, |guest| {
                    guest.message_contract(context, message, state)
                })
            }
            Code::Ordinary(ordinary) => Ok(ordinary.read(message).map(drop)),
        }
    }

    /// What the message contract alone says.
    pub(crate) fn message_contract(
        mut self,
        context: &Context,
        message: &[u8],
        state: &[u8],
    ) -> Result<Result<(), String>, Stopped> {
        self.check_message(context, message, state)
    }

    /// What the state contract alone says.
    pub(crate) fn state_contract(mut self, state: &[u8]) -> Result<Result<(), String>, Stopped> {
        if let Code::Actor(_) = self.code {
            self.instantiate()?;
        }
        self.ask_state(state)
    }

    /// What the component says that it takes, if it says it.
    pub(crate) fn schema(mut self) -> Result<Option<String>, Stopped> {
        let Code::Actor(exports) = self.code else { return Ok(None) };
        if exports.schema.is_none() {
            return Ok(None);
        }
        self.instantiate()?;
        self.call(Phase::Schema, exports, |guest| guest.schema())
    }

    fn handle(&mut self, context: &Context, message: &[u8], state: &[u8]) -> Result<Handled, Stopped> {
        let handled = match self.code {
            Code::Actor(exports) => {
                self.call(Phase::Handle, exports, |guest| guest.handle(context, message, state))?
            }
            Code::Ordinary(ordinary) => self.serve(ordinary, message)?,
        };
        let handled = handled.map_err(refused)?;
        let reply = handled.reply.as_ref().map_or(0, Vec::len);
        check_size(handled.state.len(), self.actor.limits.state, FailureCode::TooLargeState)?;
        check_size(reply, self.actor.limits.reply, FailureCode::TooLargeReply)?;
        self.check_state(&handled.state)?;
        Ok(handled)
    }

    /// Calls a component that was not written as an actor.
    fn serve(&mut self, ordinary: Ordinary, message: &[u8]) -> Result<Result<Handled, String>, Stopped> {
        let request = match ordinary.read(message) {
            Ok(request) => request,
            Err(reason) => return Ok(Err(reason)),
        };
        let instance = self.instantiate()?;
        self.store.data_mut().phase = Phase::Handle;
        let reply =
            ordinary.call(&mut self.store, instance, request).map_err(|error| self.stopped(&error))?;
        Ok(reply.map(|reply| Handled { state: ordinary::STATE.to_vec(), reply: Some(reply) }))
    }

    fn migrated(&mut self, context: &Context, state: &[u8]) -> Result<Vec<u8>, Stopped> {
        let state = match self.code {
            Code::Actor(exports) => {
                self.instantiate()?;
                self.call(Phase::Migrate, exports, |guest| guest.migrate(context, state))?.map_err(refused)?
            }
            Code::Ordinary(_) => state.to_vec(),
        };
        self.check_state(&state)?;
        Ok(state)
    }

    /// Holds a new state to the limit and to the state contract.
    fn check_state(&mut self, state: &[u8]) -> Result<(), Stopped> {
        check_size(state.len(), self.actor.limits.state, FailureCode::TooLargeState)?;
        self.ask_state(state)?.map_err(|detail| {
            Stopped::Failed(Failed { code: FailureCode::StateContract, detail: bounded(detail) })
        })
    }

    fn ask_state(&mut self, state: &[u8]) -> Result<Result<(), String>, Stopped> {
        match self.code {
            Code::Actor(exports) => {
                self.call(Phase::StateContract, exports, |guest| guest.state_contract(state))
            }
            Code::Ordinary(_) if state == ordinary::STATE => Ok(Ok(())),
            Code::Ordinary(_) => Ok(Err("such a component has no state but `null`".to_owned())),
        }
    }

    fn instantiate(&mut self) -> Result<Instance, Stopped> {
        let instance = self.pre.instantiate(&mut self.store).map_err(|error| self.stopped(&error))?;
        self.instance = Some(instance);
        Ok(instance)
    }

    fn call<T>(
        &mut self,
        phase: Phase,
        exports: Exports,
        call: impl FnOnce(&mut Guest<'_>) -> wasmtime::Result<T>,
    ) -> Result<T, Stopped> {
        self.store.data_mut().phase = phase;
        let Some(instance) = self.instance else {
            return Err(Stopped::Abort(Abort::Host("called before it was instantiated".into())));
        };
        let mut guest = Guest { store: &mut self.store, instance, exports };
        call(&mut guest).map_err(|error| self.stopped(&error))
    }

    fn stopped(&self, error: &wasmtime::Error) -> Stopped {
        classify(error, self.store.data(), self.actor.sandbox.deadline_ms(self.actor.limits.time()))
    }

    /// The step that a new state, or what stopped the guest before it came to one, amounts to.
    fn concluded(mut self, came_to: Result<(Vec<u8>, Option<Vec<u8>>), Stopped>) -> Result<Step, Abort> {
        let outcome = match came_to {
            Ok((state, reply)) => {
                let effects = std::mem::take(&mut self.store.data_mut().effects);
                Outcome::Accepted(Accepted { state, reply, effects })
            }
            Err(Stopped::Failed(failed)) => Outcome::Failed(failed),
            Err(Stopped::Abort(abort)) => return Err(abort),
        };
        Ok(self.finish(outcome))
    }

    fn finish(self, outcome: Outcome) -> Step {
        step_of(self.actor, self.store, outcome)
    }
}

/// A store that nobody has used before, with the budget of one message.
pub(crate) fn store_of(
    actor: &WasmComponent,
    context: &Context,
    line: Option<Line>,
) -> Result<Store<Host>, Abort> {
    let mut store = Store::new(actor.body.engine(), Host::new(actor, context, line));
    store.limiter(|host| host);
    store.set_fuel(actor.limits.fuel).map_err(|error| Abort::Host(error.to_string()))?;
    let ticks = store.data().deadline;
    store.set_epoch_deadline(ticks);
    Ok(store)
}

/// The step that an outcome amounts to, with what was used up to it.
pub(crate) fn step_of(actor: &WasmComponent, mut store: Store<Host>, outcome: Outcome) -> Step {
    store.data_mut().flush_lines();
    let left = store.get_fuel().unwrap_or(0);
    let fuel = Fuel(actor.limits.fuel.saturating_sub(left));
    let Host { calls, log, .. } = store.into_data();
    Step { outcome, fuel, calls, log }
}

pub(crate) fn check_size(size: usize, limit: u64, code: FailureCode) -> Result<(), Stopped> {
    if size as u64 <= limit {
        return Ok(());
    }
    Err(Stopped::Failed(Failed { code, detail: format!("{size} bytes, the limit is {limit}") }))
}

pub(crate) fn refused(detail: String) -> Stopped {
    Stopped::Failed(Failed { code: FailureCode::Refused, detail: bounded(detail) })
}

/// Cuts what a guest says for people to read; nothing of it is part of the chain.
pub(crate) fn bounded(mut reason: String) -> String {
    if reason.len() > MAX_REASON {
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        reason.push('…');
    }
    reason
}
