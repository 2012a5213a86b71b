//! What must hold for every actor, tried with generated messages.
//!
//! - No message makes it trap or run out of something; a contract always answers.
//! - A state that it accepted, it accepts again.
//! - The same message in the same state comes to the same.
//! - A refusal has a reason.
//!
//! Invariant: the same seed tries the same messages, so a case that fails fails again; and what is shown of it, played as a
//! scenario, is the same run: configuration, senders, positions, time and randomness.

use serde_json::Value;
use troupe_chain::{Context, FailureCode, Hash, Machine, Nowhere, Outcome, Step, Text, Timestamp};
use troupe_component::{CallError, WasmComponent};
use troupe_schema::Schema;
use troupe_schema::generate::{Random, any, fitting, mutated};

use crate::file::{CLOCK, Setup};
use crate::run::sender;
use crate::step::From;

/// How many messages an actor takes before it begins anew.
const RUN: u64 = 20;
/// How often a failing case is made smaller at most.
const MAX_SHRINKS: usize = 500;
/// Who sends a message, as a step names it; the first most of the time.
const SENDERS: [&str; 4] = ["http", "actor", "parent", DID];
/// Somebody with a DID.
const DID: &str = "did:example:somebody";

/// What was tried.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    /// How many messages.
    pub cases: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub refused: u64,
    /// How many the actor itself failed on, with a reason of its own.
    pub failed: u64,
    /// What does not hold, made as small as could be.
    pub broken: Option<Broken>,
}

/// Something that does not hold.
#[derive(Debug, Clone)]
pub struct Broken {
    /// What.
    pub what: String,
    /// What the actor was begun with.
    pub config: Option<Vec<u8>>,
    /// What all randomness follows from.
    pub seed: u64,
    /// The messages that lead to it; the last is where it shows.
    pub messages: Vec<Case>,
}

/// A message, and who sends it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The sender, as a step of a scenario names it.
    pub from: &'static str,
    /// The message.
    pub message: Vec<u8>,
}

impl Broken {
    /// All of it as a scenario.
    pub fn scenario(&self) -> String {
        let text = |bytes: &[u8]| {
            let text = toml_edit::value(String::from_utf8_lossy(bytes).into_owned());
            text.to_string().trim().to_owned()
        };
        let mut head = String::new();
        if let Some(config) = &self.config {
            head += &format!("config = {}\n", text(config));
        }
        if self.seed != 0 {
            head += &format!("seed = {}\n", self.seed);
        }
        let step = |Case { from, message }: &Case| {
            let from = if *from == SENDERS[0] { String::new() } else { format!("from = \"{from}\"\n") };
            format!("[[step]]\n{from}raw = {}\n", text(message))
        };
        let steps = self.messages.iter().map(step);
        Some(head).filter(|head| !head.is_empty()).into_iter().chain(steps).collect::<Vec<_>>().join("\n")
    }
}

/// Tries `cases` messages, of the schema where there is one.
///
/// # Errors
/// Why the actor does not begin.
pub fn try_properties(
    component: &WasmComponent,
    setup: &Setup,
    schema: Option<&Schema>,
    seed: u64,
    cases: u64,
) -> Result<Tried, String> {
    let subject = Subject { component, setup, first: first(component, setup)? };
    let mut random = Random::new(seed);
    let mut tried = Tried::default();
    let (mut state, mut before) = (subject.first.clone(), Vec::new());
    for case in 0..cases {
        if case % RUN == 0 {
            (state, before) = (subject.first.clone(), Vec::new());
        }
        let message = message(schema, &mut random);
        let from = if random.once_in(4) { SENDERS[pick(&mut random)] } else { SENDERS[0] };
        let case = Case { from, message };
        tried.cases += 1;
        match subject.check(&case, before.len(), &state) {
            Ok(Came::Accepted(next)) => {
                tried.accepted += 1;
                state = next;
                before.push(case);
            }
            Ok(Came::Refused) => tried.refused += 1,
            Ok(Came::Failed) => tried.failed += 1,
            Err(rule) => {
                before.push(case);
                tried.broken = Some(subject.shrink(before, rule));
                break;
            }
        }
    }
    Ok(tried)
}

fn first(component: &WasmComponent, setup: &Setup) -> Result<Vec<u8>, String> {
    let context = context(component, setup, SENDERS[0], 1);
    let step = Machine::init(component, &context, &mut Nowhere, setup.config.as_deref());
    match step.map_err(|abort| abort.to_string())?.outcome {
        Outcome::Accepted(accepted) => Ok(accepted.state),
        Outcome::Failed(failed) => Err(format!("init failed: {failed}")),
        Outcome::Rejected(rejection) => Err(format!("init rejected: {rejection}")),
    }
}

/// What a scenario's entry at `seq` has, where no time passes.
fn context(component: &WasmComponent, setup: &Setup, from: &str, seq: u64) -> Context {
    let from = match from {
        "actor" => From::Actor,
        "parent" => From::Parent,
        did => Text::new(did).ok().filter(|_| did == DID).map_or(From::Http, From::Did),
    };
    let seed = crate::stage::draw(component, setup.seed, seq);
    Context { chain: Hash::from_bytes([0; 32]), from: sender(&from), at: Timestamp(CLOCK), seq, seed }
}

/// One of the senders.
fn pick(random: &mut Random) -> usize {
    usize::try_from(random.below(SENDERS.len() as u64)).unwrap_or_default()
}

/// One of the schema, one that is nearly so, or any.
fn message(schema: Option<&Schema>, random: &mut Random) -> Vec<u8> {
    let Some(schema) = schema else { return any(random).to_string().into_bytes() };
    let value = fitting(schema, random);
    let value = match random.below(10) {
        0 => any(random),
        1..4 => mutated(&value, random),
        _ => value,
    };
    let mut bytes = value.to_string().into_bytes();
    if random.once_in(50) {
        bytes.truncate(usize::try_from(random.below(bytes.len() as u64)).unwrap_or_default());
    }
    bytes
}

enum Came {
    Accepted(Vec<u8>),
    Refused,
    Failed,
}

/// A rule that was broken: which, so that a smaller case breaks the same, and how.
#[derive(Debug, Clone)]
struct Rule {
    kind: String,
    what: String,
}

struct Subject<'a> {
    component: &'a WasmComponent,
    setup: &'a Setup,
    first: Vec<u8>,
}

impl Subject<'_> {
    /// Takes a message after so many others that were accepted.
    fn check(&self, case: &Case, before: usize, state: &[u8]) -> Result<Came, Rule> {
        let broken = |kind: &str, what: String| Err(Rule { kind: kind.to_owned(), what });
        match self.component.message_contract(&case.message, state) {
            Err(CallError::Failed(failed)) => {
                return broken("contract", format!("the message contract has no answer: {failed}"));
            }
            Err(error) => return broken("no outcome", format!("there is no outcome: {error}")),
            Ok(_) => {}
        }
        let (step, again) = match (self.apply(case, before, state), self.apply(case, before, state)) {
            (Ok(step), Ok(again)) => (step, again),
            (Err(error), _) | (_, Err(error)) => {
                return broken("no outcome", format!("there is no outcome: {error}"));
            }
        };
        if !is_same(&step, &again) {
            return broken("twice", "the same message in the same state came to something else".to_owned());
        }
        match step.outcome {
            Outcome::Rejected(rejection) if rejection.reason.trim().is_empty() => {
                broken("reason", "the message was refused without a reason".to_owned())
            }
            Outcome::Rejected(_) => Ok(Came::Refused),
            Outcome::Failed(failed) if failed.code == FailureCode::Refused => Ok(Came::Failed),
            Outcome::Failed(failed) => broken(failed.code.as_str(), format!("the actor failed: {failed}")),
            Outcome::Accepted(accepted) => match self.component.state_contract(&accepted.state) {
                Ok(true) => Ok(Came::Accepted(accepted.state)),
                Ok(false) => broken("state", "a state that was accepted is not accepted again".to_owned()),
                Err(error) => broken("state", format!("the state contract has no answer: {error}")),
            },
        }
    }

    fn apply(&self, case: &Case, before: usize, state: &[u8]) -> Result<Step, String> {
        let context = context(self.component, self.setup, case.from, 2 + before as u64);
        let step = Machine::apply(self.component, &context, &mut Nowhere, &case.message, state);
        step.map_err(|abort| abort.to_string())
    }

    /// The rule that the last of some messages breaks, if the others are accepted.
    fn breaks(&self, messages: &[Case]) -> Option<Rule> {
        let (last, before) = messages.split_last()?;
        let mut state = self.first.clone();
        for (index, case) in before.iter().enumerate() {
            match self.check(case, index, &state) {
                Ok(Came::Accepted(next)) => state = next,
                _ => return None,
            }
        }
        self.check(last, before.len(), &state).err()
    }

    /// Fewer and smaller messages that break the same rule.
    fn shrink(&self, mut messages: Vec<Case>, mut rule: Rule) -> Broken {
        let mut left = MAX_SHRINKS;
        'smaller: while left > 0 {
            for candidate in smaller(&messages) {
                left = left.saturating_sub(1);
                if left == 0 {
                    break 'smaller;
                }
                if let Some(found) = self.breaks(&candidate).filter(|found| found.kind == rule.kind) {
                    (messages, rule) = (candidate, found);
                    continue 'smaller;
                }
            }
            break;
        }
        Broken { what: rule.what, config: self.setup.config.clone(), seed: self.setup.seed, messages }
    }
}

/// Whether two steps came to the same, and used the same fuel for it.
fn is_same(one: &Step, other: &Step) -> bool {
    let outcome = match (&one.outcome, &other.outcome) {
        (Outcome::Accepted(one), Outcome::Accepted(other)) => {
            (&one.state, &one.reply, &one.effects) == (&other.state, &other.reply, &other.effects)
        }
        (Outcome::Rejected(one), Outcome::Rejected(other)) => one == other,
        (Outcome::Failed(one), Outcome::Failed(other)) => one == other,
        _ => false,
    };
    outcome && one.fuel == other.fuel
}

/// Cases that are a little smaller, the smallest first.
fn smaller(messages: &[Case]) -> Vec<Vec<Case>> {
    let Some((last, before)) = messages.split_last() else { return Vec::new() };
    let mut cases = Vec::new();
    if !before.is_empty() {
        cases.push(vec![last.clone()]);
        for index in 0..before.len() {
            let mut fewer = messages.to_vec();
            fewer.remove(index);
            cases.push(fewer);
        }
    }
    for (index, Case { from, message }) in messages.iter().enumerate() {
        if *from != SENDERS[0] {
            let mut other = messages.to_vec();
            other[index].from = SENDERS[0];
            cases.push(other);
        }
        let Ok(value) = serde_json::from_slice::<Value>(message) else { continue };
        for value in smaller_values(&value) {
            let mut other = messages.to_vec();
            other[index].message = value.to_string().into_bytes();
            cases.push(other);
        }
    }
    cases
}

fn smaller_values(value: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let mut fewer = members.clone();
                fewer.remove(key);
                values.push(Value::Object(fewer.clone()));
                values.push(member.clone());
                let half = half(key);
                if half != *key && !fewer.contains_key(&half) {
                    fewer.insert(half, member.clone());
                    values.push(Value::Object(fewer));
                }
                for smaller in smaller_values(member) {
                    let mut other = members.clone();
                    other.insert(key.clone(), smaller);
                    values.push(Value::Object(other));
                }
            }
        }
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                let mut fewer = list.clone();
                fewer.remove(index);
                values.push(Value::Array(fewer));
                for smaller in smaller_values(element) {
                    let mut other = list.clone();
                    other[index] = smaller;
                    values.push(Value::Array(other));
                }
            }
        }
        Value::String(text) if !text.is_empty() => values.push(half(text).into()),
        Value::Number(number) => match number.as_i64() {
            Some(0) => {}
            Some(number) => {
                values.push(0.into());
                values.push((number / 2).into());
                values.push((number - number.signum()).into());
            }
            None => values.push(0.into()),
        },
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
    values
}

/// The first half of a text.
fn half(text: &str) -> String {
    text.chars().take(text.chars().count() / 2).collect()
}
