//! What the receipt of a job says, beside the chain of its run: that what was run is what was to be run, and that it came
//! to what the executor signed. Who signed it, the replay of the commons has seen.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use troupe_chain::{Body, Code, Entry, Hash, MAX_INTEGER, Text};
use troupe_commons::jobs::{JobResult, JobSpec};

use crate::answer::Refusal;

/// Compares them; `last` is the entry that the run has come to, and its name.
pub(crate) fn check(
    spec: &[u8],
    result: &[u8],
    genesis: &Entry,
    last: (&Entry, Hash),
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
    if first.fork.as_ref().map(|fork| fork.entry) != spec.resume.map(|entry| entry.0) {
        return Err(wrong("it goes on from another entry than the job says"));
    }
    let (last, name) = last;
    let (input, fuel, came_to) = match &last.body {
        Body::Message(message) => {
            (message.message, message.fuel, output(message.reply.unwrap_or(Hash::of(b""))))
        }
        Body::Failure(failure) => (failure.message, failure.fuel, format!("the failure {}", failure.error)),
        _ => return Err(wrong("its last entry is no run")),
    };
    same("input", spec.input.0, input)?;
    same("entry", result.entry.0, name)?;
    same("size", result.size, last.seq + 1)?;
    same("fuel", result.fuel, fuel.0)?;
    let says = match (&result.error, result.output) {
        (Some(error), _) => format!("the failure {error}"),
        (None, Some(name)) => output(name.0),
        (None, None) => "nothing".to_owned(),
    };
    same("result", says, came_to)
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
