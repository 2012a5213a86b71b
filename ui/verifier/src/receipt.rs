//! What the receipt of a job says, beside the chain of its run: that what was run is what was to be run, and that it came
//! to what the executor signed. Who signed it, the replay of the commons has seen.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use troupe_chain::{Body, Code, Entry, Hash, MAX_INTEGER, Text};
use troupe_commons::jobs::{JobResult, JobSpec, MAX_INPUTS};

use crate::answer::Refusal;

/// What a chain has of a job's run.
#[derive(Default)]
pub(crate) struct Run {
    /// The inputs that it handled, in order; of other chains than a job's, some.
    inputs: Vec<Hash>,
    /// The fuel that they used.
    fuel: u64,
    /// What the last of them came to.
    last: Option<String>,
}

impl Run {
    /// Takes in the next entry.
    pub(crate) fn push(&mut self, entry: &Entry) {
        let (input, fuel, came_to) = match &entry.body {
            Body::Message(message) => {
                (message.message, message.fuel, output(message.reply.unwrap_or(Hash::of(b""))))
            }
            Body::Failure(failure) => (failure.message, failure.fuel, failed(&failure.error)),
            _ => return,
        };
        // One more than a job may have, so that it is seen.
        if self.inputs.len() <= MAX_INPUTS {
            self.inputs.push(input);
        }
        self.fuel = self.fuel.saturating_add(fuel.0);
        self.last = Some(came_to);
    }
}

/// Compares them; `tip` is the name of the entry that the run has come to, and its position. What another executor did before
/// the chain of a run that went on from there is not looked at.
pub(crate) fn check(
    spec: &[u8],
    result: &[u8],
    genesis: &Entry,
    run: &Run,
    tip: (Hash, u64),
) -> Result<(), Refusal> {
    let (spec, result): (JobSpec, JobResult) = (read(spec)?, read(result)?);
    let Body::Genesis(first) = &genesis.body else { return Err(wrong("it does not begin with genesis")) };
    let Code::Component(code) = &first.code else { return Err(wrong("it is of no component")) };
    same("component", spec.component.0, *code)?;
    for (name, limit) in &spec.limits {
        let found = Text::new(name.as_str()).ok().and_then(|name| first.limits.get(&name).copied());
        // What a genesis does not list has no bound.
        same(&format!("limit `{name}`"), *limit, found.unwrap_or(MAX_INTEGER))?;
    }
    if !first.grants.is_empty() || first.config.is_some() {
        return Err(wrong("it was granted something, or configured"));
    }
    if first.fork.as_ref().map(|fork| fork.entry) != result.from.or(spec.resume).map(|entry| entry.0) {
        return Err(wrong("it goes on from another entry than the job says"));
    }
    let Some(came_to) = &run.last else { return Err(wrong("it has handled nothing")) };
    if !inputs_fit(&spec, &result, &run.inputs) {
        return Err(wrong("what it handled are not the inputs of the job"));
    }
    let (entry, seq) = tip;
    same("entry", result.entry.0, entry)?;
    same("size", result.size, seq + 1)?;
    if result.from.is_none() || result.fuel < run.fuel {
        same("fuel", result.fuel, run.fuel)?;
    }
    let says = match (&result.error, result.output) {
        (Some(error), _) => failed(error),
        (None, Some(name)) => output(name.0),
        (None, None) => "nothing".to_owned(),
    };
    same("result", &says, came_to)
}

/// Whether a chain handled what it was to: all inputs, or up to one that failed; after another executor's, what was left.
fn inputs_fit(spec: &JobSpec, result: &JobResult, handled: &[Hash]) -> bool {
    let inputs: Vec<Hash> = spec.inputs.iter().map(|input| input.0).collect();
    match (result.from.is_some(), result.error.is_some()) {
        (false, false) => inputs == handled,
        (false, true) => inputs.starts_with(handled),
        (true, false) => inputs.len() > handled.len() && inputs.ends_with(handled),
        (true, true) => inputs.windows(handled.len()).skip(1).any(|some| some == handled),
    }
}

fn failed(error: &dyn Display) -> String {
    format!("the failure {error}")
}

fn output(name: Hash) -> String {
    format!("the output {name}")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::unknown(format!("the job cannot be read: {error}")))
}

fn wrong(what: &str) -> Refusal {
    Refusal::Wrong { seq: None, what: format!("the run: {what}"), instead: None }
}

fn same<T: PartialEq + Display>(what: &str, says: T, is: T) -> Result<(), Refusal> {
    if says == is {
        return Ok(());
    }
    let what = format!("{what}: the receipt says {says}, the run has {is}");
    Err(Refusal::Wrong { seq: None, what, instead: None })
}
