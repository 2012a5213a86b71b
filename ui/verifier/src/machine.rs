//! Machines for a browser. Here is a component in the browser's engine, as a [`Machine`]: a fresh instance for each transition, and the order of calls and
//! of limits that `crates/component` has in `run.rs`.

use std::sync::{Arc, OnceLock};

use troupe_chain::{
    Abort, Accepted, Code, Context, Engine, Failed, FailureCode, Files, Fuel, Hash, Limits, Machine,
    Machines, Outcome, Outside, Rejection, Rules, Step, Text,
};

use troupe_commons::Commons;

use crate::guest::{self, Returned, Stopped};
use crate::host::{self, Host};
use crate::module::Module;
use crate::plan;

/// The worlds whose functions the page knows how to call.
const WORLDS: [&str; 2] = ["ntwk:simple-actor/first-actor", "troupe:actor/actor@0.1.0"];

/// Makes machines: of components and core modules by the browser's engine, and the commons, which is in here.
pub(crate) struct Browser;

/// A component that the page has ready.
pub(crate) struct Component {
    name: Hash,
    number: Vec<u8>,
    limits: Limits,
}

impl Machines for Browser {
    type Machine = Arc<dyn Machine>;

    fn engine(&self) -> &Engine {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        ENGINE.get_or_init(|| {
            let pair = (Text::new("engine").ok(), Text::new("browser").ok());
            pair.0.zip(pair.1).into_iter().collect()
        })
    }

    fn machine(&self, rules: &Rules, code: &[u8], _: &Files) -> Result<Arc<dyn Machine>, String> {
        let name = match &rules.code {
            Code::Component(name) => *name,
            Code::Native(name) if name.as_str() == troupe_commons::MACHINE => {
                return Ok(Arc::new(Commons::default()));
            }
            Code::Native(name) => return Err(format!("the native machine {name}")),
        };
        if rules.world.as_str() == troupe_abi::WORLD {
            return Ok(Arc::new(Module::new(rules, code)?));
        }
        if !WORLDS.contains(&rules.world.as_str()) {
            return Err(format!("it runs in the world {}", rules.world));
        }
        let plan = plan::plan_of(code)?;
        let number = guest::load(&plan, code)?;
        Ok(Arc::new(Component { name, number, limits: rules.limits.clone() }))
    }
}

impl Machine for Component {
    fn init(&self, context: &Context, _: &mut dyn Outside, config: Option<&[u8]>) -> Result<Step, Abort> {
        let config: Vec<&[u8]> = config.into_iter().collect();
        let config = crate::pack(&config);
        self.step(self.begin(context).and_then(|()| self.new_state("init", context, &[&config])))
    }

    fn apply(
        &self,
        context: &Context,
        _: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        let refused = match self.check_message(context, message, state) {
            Ok(refused) => refused,
            // What stops before `handle` is a rejection.
            Err(Stopped::Failed(failed)) => Some(failed.to_string()),
            Err(Stopped::Abort(abort)) => return Err(abort),
        };
        match refused {
            Some(reason) => Ok(step(Outcome::Rejected(Rejection { reason }))),
            None => self.step(self.handle(context, message, state)),
        }
    }

    fn migrate(&self, context: &Context, _: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        self.step(self.begin(context).and_then(|()| self.migrated(context, state)))
    }
}

type State = (Vec<u8>, Option<Vec<u8>>);

impl Component {
    fn limit(&self, name: &str) -> Result<u64, Stopped> {
        let limit = Text::new(name).ok().and_then(|name| self.limits.get(&name).copied());
        limit.ok_or_else(|| guest::host_failed(format!("the chain has no limit `{name}`")))
    }

    /// A fresh instance, with all that a transition may use.
    fn begin(&self, context: &Context) -> Result<(), Stopped> {
        host::set(Host {
            code: Some(self.name),
            seq: context.seq,
            log_left: self.limit("log")?,
            send_left: self.limit("send")?,
            sends_left: self.limit("sends")?,
            ..Host::default()
        });
        let memory = self.limit("memory")?.to_string();
        guest::call("open", &self.number, &[memory.as_bytes()]).map(drop)
    }

    fn check_message(
        &self,
        context: &Context,
        message: &[u8],
        state: &[u8],
    ) -> Result<Option<String>, Stopped> {
        let limit = self.limit("message")?;
        if message.len() as u64 > limit {
            return Ok(Some(format!("the message has {} bytes, the limit is {limit}", message.len())));
        }
        self.begin(context)?;
        let arguments = [&guest::context(context)[..], message, state];
        Ok(match guest::call("message-contract", &self.number, &arguments)? {
            Returned::Err(reason) => Some(reason),
            _ => None,
        })
    }

    fn handle(&self, context: &Context, message: &[u8], state: &[u8]) -> Result<State, Stopped> {
        self.new_state("handle", context, &[message, state])
    }

    fn migrated(&self, context: &Context, state: &[u8]) -> Result<State, Stopped> {
        self.new_state("migrate", context, &[state])
    }

    /// Calls a function that gives a state, and holds that to the limits and to the state contract.
    fn new_state(&self, function: &str, context: &Context, rest: &[&[u8]]) -> Result<State, Stopped> {
        let context = guest::context(context);
        let mut arguments = vec![&context[..]];
        arguments.extend(rest);
        host::may_ask(true);
        let returned = guest::call(function, &self.number, &arguments);
        host::may_ask(false);
        let mut values = match returned? {
            Returned::Ok(values) => values.into_iter(),
            Returned::Err(detail) => return failed(FailureCode::Refused, detail),
            // Without `migrate` the state stays as it is.
            Returned::None => vec![rest.last().map_or_else(Vec::new, |state| state.to_vec())].into_iter(),
        };
        let (state, reply) = (values.next().unwrap_or_default(), values.next());
        if state.len() as u64 > self.limit("state")? {
            return failed(FailureCode::TooLargeState, "the state is larger than the limit");
        }
        if function == "handle" && reply.as_ref().map_or(0, Vec::len) as u64 > self.limit("reply")? {
            return failed(FailureCode::TooLargeReply, "the reply is larger than the limit");
        }
        match guest::call("state-contract", &self.number, &[&state])? {
            Returned::Err(reason) => failed(FailureCode::StateContract, reason),
            _ => Ok((state, reply)),
        }
    }

    fn step(&self, came_to: Result<State, Stopped>) -> Result<Step, Abort> {
        match came_to {
            Ok((state, reply)) => {
                let effects = host::take_effects();
                Ok(step(Outcome::Accepted(Accepted { state, reply, effects })))
            }
            Err(Stopped::Failed(failed)) => Ok(step(Outcome::Failed(failed))),
            Err(Stopped::Abort(abort)) => Err(abort),
        }
    }
}

fn failed<T>(code: FailureCode, detail: impl Into<String>) -> Result<T, Stopped> {
    Err(Stopped::Failed(Failed { code, detail: detail.into() }))
}

/// Fuel is not measured here, and logs are not kept.
fn step(outcome: Outcome) -> Step {
    Step { outcome, fuel: Fuel(0), calls: Vec::new(), log: Vec::new() }
}
