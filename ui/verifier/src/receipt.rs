//! What the receipt of a job says, beside the chain of its run: that what was run is what was to be run, and that it came
//! to what the executor signed. Who signed it, the replay of the commons has seen.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use troupe_chain::{Body, Code, Entry, Genesis, Hash, MAX_INTEGER, Text, Tip};
use troupe_commons::jobs::{JobResult, JobSpec, MAX_INPUTS};

use crate::answer::Refusal;

/// The chain of a job's run, as far as it was replayed.
pub(crate) struct Run {
    genesis: Genesis,
    was_upgraded: bool,
    /// The inputs that it handled, in order; of other chains than a job's, some.
    inputs: Vec<Hash>,
    /// The fuel that they used.
    fuel: u64,
    /// What the last of them came to.
    last: Option<String>,
}

impl Run {
    /// A run that begins with this; `None` if it is no genesis.
    pub(crate) fn of(genesis: Entry) -> Option<Self> {
        let Body::Genesis(genesis) = genesis.body else { return None };
        let inputs = Vec::new();
        Some(Self { genesis: *genesis, was_upgraded: false, inputs, fuel: 0, last: None })
    }

    /// Takes in the next entry.
    pub(crate) fn push(&mut self, entry: &Entry) {
        let (input, fuel, came_to) = match &entry.body {
            Body::Message(message) => {
                (message.message, message.fuel, output(message.reply.unwrap_or(Hash::of(b""))))
            }
            Body::Failure(failure) => (failure.message, failure.fuel, failed(&failure.error)),
            Body::Upgrade(_) => {
                self.was_upgraded = true;
                return;
            }
            Body::Genesis(_) | Body::Init(_) | Body::Engine(_) | Body::Stop(_) => return,
        };
        // One more than a job may have, so that it is seen.
        if self.inputs.len() <= MAX_INPUTS {
            self.inputs.push(input);
        }
        self.fuel = self.fuel.saturating_add(fuel.0);
        self.last = Some(came_to);
    }

    /// Compares the run, which has come to `tip`, with what was to be run and with the result. What another executor did before
    /// the chain of a run that went on from there is not looked at.
    pub(crate) fn check(&self, spec: &[u8], result: &[u8], tip: &Tip) -> Result<(), Refusal> {
        let (spec, result): (JobSpec, JobResult) = (read(spec)?, read(result)?);
        self.check_rules(&spec, &result)?;
        let Some(came_to) = &self.last else { return Err(wrong("it has handled nothing")) };
        if !inputs_fit(&spec, &result, &self.inputs) {
            return Err(wrong("what it handled are not the inputs of the job"));
        }
        same("chain", result.chain.0, tip.chain)?;
        same("entry", result.entry.0, tip.entry)?;
        same("size", result.size, tip.seq + 1)?;
        if result.from.is_none() || result.fuel < self.fuel {
            same("fuel", result.fuel, self.fuel)?;
        }
        let says = match (&result.error, result.output) {
            (Some(error), _) => failed(error),
            (None, Some(name)) => output(name.0),
            (None, None) => "nothing".to_owned(),
        };
        same("result", &says, came_to)
    }

    fn check_rules(&self, spec: &JobSpec, result: &JobResult) -> Result<(), Refusal> {
        let Genesis { code, limits, grants, config, fork, .. } = &self.genesis;
        let Code::Component(code) = code else { return Err(wrong("it is of no component")) };
        same("component", spec.component.0, *code)?;
        for (name, limit) in &spec.limits {
            // What a genesis does not list has no bound.
            let found = Text::new(name.as_str()).ok().and_then(|name| limits.get(&name).copied());
            same(&format!("limit `{name}`"), *limit, found.unwrap_or(MAX_INTEGER))?;
        }
        if self.was_upgraded || !grants.is_empty() || config.is_some() {
            return Err(wrong("it was granted something, configured, or upgraded"));
        }
        if fork.as_ref().map(|fork| fork.entry) != result.from.or(spec.resume).map(|entry| entry.0) {
            return Err(wrong("it goes on from another entry than the job says"));
        }
        Ok(())
    }
}

/// Whether a chain handled what it was to: all inputs, or up to one that failed; after another executor's, what was left.
fn inputs_fit(spec: &JobSpec, result: &JobResult, handled: &[Hash]) -> bool {
    let inputs: Vec<Hash> = spec.inputs.iter().map(|input| input.0).collect();
    match (result.from.is_some(), result.error.is_some()) {
        (false, false) => inputs == handled,
        (false, true) => inputs.starts_with(handled),
        (true, false) => inputs.len() > handled.len() && inputs.ends_with(handled),
        (true, true) => inputs.windows(handled.len().max(1)).skip(1).any(|some| some == handled),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn name(text: &str) -> String {
        Hash::of(text.as_bytes()).to_string()
    }

    fn bytes(value: &Value) -> Vec<u8> {
        serde_json::to_vec(value).unwrap()
    }

    /// A job, its result, and the entries of its run: genesis, the first state, and the message.
    fn run() -> (Value, Value, Vec<Value>) {
        let limits = json!({"answer":0,"calls":0,"component":99,"fuel":50,"instances":1,"log":0,"memory":65536,"message":9,
            "reply":9,"send":0,"sends":0,"stack":65536,"state":9,"table":1});
        let genesis = json!({"data":{"at":1,"component-hash":name("code"),"engine":{"name":"browser"},"kind":"genesis",
            "limits":limits,"nonce":name("nonce"),"seq":0,"v":1,"world":"troupe:job/module@1"},"parent":null});
        let init =
            json!({"data":{"at":1,"fuel":0,"kind":"init","seq":1,"state":name("null"),"v":1},"parent":""});
        let message = json!({"data":{"at":1,"before":name("null"),"from":{"kind":"http"},"fuel":7,"kind":"message",
            "message":name("input"),"reply":name("output"),"seq":2,"state":name("null"),"v":1},"parent":""});
        let spec = json!({"component":name("code"),"deadline":9,"inputs":[name("input")],"limits":{"fuel":50,"time":MAX_INTEGER},
            "price":1,"quorum":1,"replicas":1});
        (spec, json!({"fuel":7,"output":name("output"),"size":3}), vec![genesis, init, message])
    }

    /// What is wrong after a change of the job, the result or an entry; the result names the entries as they are then.
    fn wrong_after(change: impl FnOnce(&mut Value, &mut Value, &mut Vec<Value>)) -> String {
        let (mut spec, mut result, mut entries) = run();
        let mut named = json!({});
        change(&mut spec, &mut named, &mut entries);
        let (mut tip, genesis) = Tip::check_genesis(&bytes(&entries[0])).unwrap();
        let mut run = Run::of(genesis.entry).unwrap();
        for entry in &mut entries[1..] {
            entry["parent"] = json!(tip.entry.to_string());
            run.push(&tip.check(&bytes(entry)).unwrap().1);
        }
        result["chain"] = json!(tip.chain.to_string());
        result["entry"] = json!(tip.entry.to_string());
        result.as_object_mut().unwrap().append(named.as_object_mut().unwrap());
        match run.check(&bytes(&spec), &bytes(&result), &tip) {
            Ok(()) => String::new(),
            Err(Refusal::Wrong { what, .. } | Refusal::Unknown(what)) => what,
        }
    }

    #[test]
    fn a_receipt_fits_the_run_that_it_is_of_and_no_other() {
        assert_eq!(wrong_after(|_, _, _| ()), "");
        let other = json!(name("other"));
        type Change<'a> = &'a dyn Fn(&mut Value, &mut Value, &mut Vec<Value>);
        let cases: &[(&str, Change<'_>)] = &[
            ("component", &|spec, _, _| spec["component"] = other.clone()),
            ("not the inputs", &|spec, _, _| spec["inputs"] = json!([other])),
            ("not the inputs", &|spec, _, _| spec["inputs"] = json!([name("input"), name("input")])),
            ("limit `fuel`", &|spec, _, _| spec["limits"]["fuel"] = json!(49)),
            ("limit `time`", &|spec, _, _| spec["limits"]["time"] = json!(5)),
            ("another entry", &|spec, _, _| spec["resume"] = other.clone()),
            ("granted", &|_, _, entries| entries[0]["data"]["grants"] = json!(["commons:mana-read"])),
            ("configured", &|_, _, entries| entries[0]["data"]["config"] = other.clone()),
            ("not the inputs", &|_, _, entries| {
                // A message before the job's own may have led to another state.
                entries.push(entries[2].clone());
                entries[3]["data"]["seq"] = json!(3);
            }),
            ("chain", &|_, result, _| result["chain"] = other.clone()),
            ("entry", &|_, result, _| result["entry"] = other.clone()),
            ("size", &|_, result, _| result["size"] = json!(4)),
            ("fuel", &|_, result, _| result["fuel"] = json!(8)),
            ("result: the receipt says the output", &|_, result, _| result["output"] = other.clone()),
            ("result: the receipt says the failure fuel", &|_, result, _| result["error"] = json!("fuel")),
            ("cannot be read", &|spec, _, _| spec["more"] = json!(1)),
        ];
        for (says, change) in cases {
            let wrong = wrong_after(change);
            assert!(wrong.contains(says), "{says}: {wrong}");
        }
    }
}
