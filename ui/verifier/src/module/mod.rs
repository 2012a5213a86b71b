//! Core modules as machines in the browser's engine: what `crates/component` has in `module`, by the same [`troupe_abi`].
//!
//! What the guest reads of the commons is answered from the entry as it runs, and held to the entry when it has ended: only
//! the replay judges whether those are the calls that were recorded. Fuel is counted as far as calls to the host go, which
//! bounds them; the browser does not count the rest.

mod bounded;
mod call;
mod shape;

use std::cell::RefCell;

use troupe_abi::{CommonsGrants, Job, Number, first_state};
use troupe_chain::{
    Abort, Accepted, Call, Context, Failed, Fuel, MAX_INTEGER, Machine, Outcome, Outside, Rejection, Rules,
    Step, Text,
};

use crate::guest::{self, Returned, Stopped};
use crate::host::{self, Host};

pub(crate) use call::call;

/// A core module that the page has ready.
pub(crate) struct Module {
    number: Vec<u8>,
    limits: troupe_chain::Limits,
    grants: CommonsGrants,
}

/// What a core module has while it runs, and what it has done.
#[derive(Default)]
pub(crate) struct Running {
    job: Job,
    grants: CommonsGrants,
    fuel_left: u64,
    calls_left: u64,
    answer_left: u64,
    /// The answers that the entry has and that were not given yet; the last first.
    answers: Vec<(Call, Vec<u8>)>,
    /// The calls to the outside, each with the answer that it got, if there was one.
    asked: Vec<(Text, Vec<u8>, Option<Vec<u8>>)>,
}

thread_local! {
    static ANSWERS: RefCell<Vec<(Call, Vec<u8>)>> = const { RefCell::new(Vec::new()) };
}

/// Says what the outside answered in the entry that is replayed next.
pub(crate) fn expect(answers: Vec<(Call, Vec<u8>)>) {
    ANSWERS.set(answers);
}

impl Module {
    /// Makes a module ready.
    pub(crate) fn new(rules: &Rules, code: &[u8]) -> Result<Self, String> {
        let mut grants = CommonsGrants::default();
        for grant in &rules.grants {
            grants.add(grant.as_str()).transpose().map_err(|what| format!("the grant {grant}: {what}"))?;
        }
        // Those that a genesis may leave out are none.
        let limit = |name: &str| {
            let limit = Text::new(name).ok().and_then(|name| rules.limits.get(&name).copied());
            limit.unwrap_or(MAX_INTEGER)
        };
        if code.len() as u64 > limit("component") {
            return Err(format!(
                "it has {} bytes, the limit `component` is {}",
                code.len(),
                limit("component")
            ));
        }
        troupe_abi::check_counts(code, &limit).map_err(|error| error.to_string())?;
        let bounded = bounded::bound(code, limit("memory"))?;
        let mut imports: Vec<&[u8]> = Vec::new();
        for function in bounded.imports {
            let returns: &[u8] = if function.returns == Number::I64 { b"i64" } else { b"i32" };
            imports.extend([function.name.as_bytes(), returns]);
        }
        let number = guest::load_module(code, &bounded.bytes, &imports)?;
        Ok(Self { number, limits: rules.limits.clone(), grants })
    }

    fn limit(&self, name: &str) -> Result<u64, Abort> {
        let limit = Text::new(name).ok().and_then(|name| self.limits.get(&name).copied());
        limit.ok_or_else(|| Abort::Host(format!("the chain has no limit `{name}`")))
    }

    /// What a genesis does not list of the outside is not allowed.
    fn limit_of_outside(&self, name: &str) -> u64 {
        self.limit(name).unwrap_or(0)
    }

    fn begin(&self, context: &Context, message: &[u8], state: &[u8]) -> Result<(), Abort> {
        let mut answers = ANSWERS.take();
        answers.reverse();
        host::set(Host {
            seq: context.seq,
            send_left: self.limit("send")?,
            sends_left: self.limit("sends")?,
            module: Running {
                job: Job::new(message, state, self.limit("reply")?, self.limit("state")?),
                grants: self.grants.clone(),
                fuel_left: self.limit("fuel")?,
                calls_left: self.limit_of_outside("calls"),
                answer_left: self.limit_of_outside("answer"),
                answers,
                asked: Vec::new(),
            },
            ..Host::default()
        });
        Ok(())
    }

    /// A fresh instance, run once; what it returned.
    fn run(&self) -> Result<i64, Stopped> {
        guest::call("open", &self.number, &[])?;
        host::may_ask(true);
        let returned = guest::call("run", &self.number, &[]);
        host::may_ask(false);
        let number = match returned? {
            Returned::Ok(values) => {
                values.first().and_then(|value| std::str::from_utf8(value).ok()?.parse().ok())
            }
            _ => None,
        };
        number.ok_or_else(|| guest::host_failed("the page gave no number".to_owned()))
    }

    fn kept(&self, state: Option<&[u8]>) -> Result<Step, Abort> {
        Ok(step(first_state(state, self.limit("state")?)))
    }
}

impl Machine for Module {
    fn init(&self, _: &Context, _: &mut dyn Outside, config: Option<&[u8]>) -> Result<Step, Abort> {
        self.kept(config)
    }

    fn apply(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        let limit = self.limit("message")?;
        if message.len() as u64 > limit {
            let reason = format!("the message has {} bytes, the limit is {limit}", message.len());
            return Ok(step(Outcome::Rejected(Rejection { reason })));
        }
        self.begin(context, message, state)?;
        let ran = self.run();
        let (module, effects) = (host::take_module(), host::take_effects());
        for (function, input, answer) in module.asked {
            if Some(outside.call(&function, &input)?) != answer {
                return Err(Abort::Host(format!("`{function}` was answered otherwise than the entry says")));
            }
        }
        let concluded = ran.and_then(|returned| module.job.conclude(returned).map_err(Stopped::Failed));
        match concluded {
            Ok((state, reply)) => Ok(step(Outcome::Accepted(Accepted { state, reply, effects }))),
            Err(Stopped::Failed(Failed { code, detail })) => {
                Ok(step(Outcome::Failed(Failed { code, detail })))
            }
            Err(Stopped::Abort(abort)) => Err(abort),
        }
    }

    fn migrate(&self, _: &Context, _: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        self.kept(Some(state))
    }

    fn takes_notices(&self) -> bool {
        false
    }
}

/// Fuel is not measured here.
fn step(outcome: Outcome) -> Step {
    Step { outcome, fuel: Fuel(0), calls: Vec::new(), log: Vec::new() }
}
