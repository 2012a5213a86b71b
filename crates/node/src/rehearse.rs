//! What other code would have made of a chain's messages, without changing anything.
//!
//! The chain's first state is carried over to the new code, and every recorded message is handled by it, with the
//! recorded time and sender and the recorded answers from outside. Each difference from what the chain says is told; the
//! rehearsal goes on from the state that the new code came to.
//!
//! Invariant: nothing is written, and nothing outside is asked: a call that was not recorded is a difference, and has no
//! answer. What is kept in memory is one message and one state.
//!
//! Deliberately absent: fuel. Other code uses other amounts.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde_json::value::RawValue;
use troupe_api::{CarriedOver, Difference, Payload, Rehearsal};
use troupe_chain::{
    Abort, Body, Call, Code, Context, Effect, Entry, FailureCode, Hash, Machine, Machines, Outcome, Outside,
    Redaction, Rules, Sender, Step, Text,
};
use troupe_runtime::{OpenError, View, redaction_of};
use troupe_store::{Store, StoreError};

/// How many differences are told of.
const MAX_TOLD: usize = 100;
/// The most characters of a state or a reply that a difference shows.
const MAX_SHOWN: usize = 500;

/// Why there was no rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum NoRehearsal {
    /// There is no machine for the rules.
    #[error("{0}")]
    NoMachine(String),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The chain cannot be read.
    #[error("the chain cannot be read: {0}")]
    Broken(String),
    /// What the messages are played from, or one of them, was redacted.
    #[error("what entry {seq} needs was {redaction}")]
    Redacted {
        /// The entry.
        seq: u64,
        /// What became of it.
        redaction: Redaction,
    },
    /// A transition was broken off.
    #[error(transparent)]
    Abort(#[from] Abort),
    /// Nobody waits any more.
    #[error("given up")]
    GivenUp,
}

/// Replays up to `messages` messages of a chain under `rules`, until `gone` is set.
///
/// # Errors
/// [`NoRehearsal`].
pub fn rehearse<M: Machines>(
    store: &dyn Store,
    chain: &Hash,
    machines: &M,
    rules: &Rules,
    messages: u64,
    gone: &AtomicBool,
) -> Result<Rehearsal, NoRehearsal> {
    let code = match &rules.code {
        Code::Component(name) => store.shared(name)?.unwrap_or_default(),
        Code::Native(_) => Bytes::new(),
    };
    let files =
        troupe_runtime::files_of(store, rules).map_err(|error| NoRehearsal::NoMachine(error.to_string()))?;
    let machine = machines.machine(rules, &code, &files).map_err(NoRehearsal::NoMachine)?;
    let head = store.head(chain)?.ok_or_else(|| NoRehearsal::Broken("there is no such chain".into()))?;
    let state_at = |seq| {
        let view = troupe_runtime::state_at(store, *chain, machines, seq);
        view.map_err(|error| match error {
            OpenError::Redacted { seq, redaction } => NoRehearsal::Redacted { seq, redaction },
            error => NoRehearsal::Broken(error.to_string()),
        })
    };
    let mut stage = Stage { store, chain, machine, told: Vec::new(), different: 0 };
    let mut played = 0;
    let mut state = stage.first(&state_at(1)?)?;
    for seq in 2..=head.seq {
        let Some(current) = state.as_mut().filter(|_| played < messages) else { break };
        if gone.load(Ordering::Relaxed) {
            return Err(NoRehearsal::GivenUp);
        }
        let entry = stage.entry(seq)?;
        if let Some(recorded) = Recorded::of(&entry) {
            if let Some(next) = stage.message(&entry, &recorded, current)? {
                *current = next;
            }
            played += 1;
        }
    }
    let carried_over = stage.carry_over(&state_at(head.seq)?)?;
    let Stage { told, different, .. } = stage;
    Ok(Rehearsal { messages: played, differs: told, different, same: different == 0, carried_over })
}

/// What a chain says that a message came to.
struct Recorded<'a> {
    message: Hash,
    from: &'a Sender,
    calls: &'a [Call],
    came: Came<'a>,
}

enum Came<'a> {
    Accepted { state: Hash, reply: Option<Hash>, effects: &'a [Effect] },
    Failed(FailureCode),
}

impl<'a> Recorded<'a> {
    fn of(entry: &'a Entry) -> Option<Self> {
        match &entry.body {
            Body::Message(said) => Some(Self {
                message: said.message,
                from: &said.from,
                calls: &said.calls,
                came: Came::Accepted { state: said.state, reply: said.reply, effects: &said.effects },
            }),
            Body::Failure(said) => Some(Self {
                message: said.message,
                from: &said.from,
                calls: &said.calls,
                came: Came::Failed(said.error),
            }),
            _ => None,
        }
    }

    fn outcome(&self) -> String {
        match self.came {
            Came::Accepted { .. } => "accepted".to_owned(),
            Came::Failed(code) => format!("failed: {code}"),
        }
    }
}

/// A chain, and the machine that its messages are handled by.
struct Stage<'a, M> {
    store: &'a dyn Store,
    chain: &'a Hash,
    machine: M,
    told: Vec<Difference>,
    different: u64,
}

impl<M: Machine> Stage<'_, M> {
    fn differs(&mut self, seq: u64, field: &str, recorded: impl Into<String>, would: impl Into<String>) {
        self.different += 1;
        if self.told.len() < MAX_TOLD {
            let (recorded, would) = (recorded.into(), would.into());
            self.told.push(Difference { seq, field: field.to_owned(), recorded, would });
        }
    }

    fn entry(&self, seq: u64) -> Result<Entry, NoRehearsal> {
        let bytes = self.store.entry(self.chain, seq)?;
        let bytes = bytes.ok_or_else(|| NoRehearsal::Broken(format!("the entry at seq {seq} is missing")))?;
        Entry::decode(&bytes).map_err(|error| NoRehearsal::Broken(format!("the entry at seq {seq}: {error}")))
    }

    /// Carries the first state over; `None` if it does not fit.
    fn first(&mut self, view: &View) -> Result<Option<Vec<u8>>, NoRehearsal> {
        match self.migrate(view)? {
            Ok(state) => {
                if state != view.state {
                    self.differs(1, "state", shown(&view.state), shown(&state));
                }
                Ok(Some(state))
            }
            Err(detail) => {
                self.differs(1, "outcome", "accepted", detail);
                Ok(None)
            }
        }
    }

    fn carry_over(&self, view: &View) -> Result<CarriedOver, NoRehearsal> {
        Ok(match self.migrate(view)? {
            Ok(state) => CarriedOver { ok: true, detail: None, state: raw(&state) },
            Err(detail) => CarriedOver { ok: false, detail: Some(detail), state: None },
        })
    }

    /// The recorded seed; where none is, one that everybody knows, so that a rehearsal always comes to the same.
    fn seed(&self, recorded: Option<Hash>) -> Option<Hash> {
        self.machine.draws().then(|| recorded.unwrap_or(Hash::from_bytes([0; 32])))
    }

    /// The state carried over, or why it does not fit.
    fn migrate(&self, view: &View) -> Result<Result<Vec<u8>, String>, NoRehearsal> {
        if let Some(held) = &view.held {
            self.machine.hold(held.clone());
        }
        let context = view.tip.next_context(Sender::Http { key: None }, view.tip.at);
        let context = Context { seed: self.seed(None), ..context };
        let mut outside = Player { calls: &[], recorded: |_: &Hash| Ok(None), other: None, fault: None };
        let step = match self.machine.migrate(&context, &mut outside, &view.state) {
            Ok(step) => step,
            Err(abort) => match outside.other.take() {
                Some((_, would)) => return Ok(Err(format!("it asks the outside: {would}"))),
                None => return Err(abort.into()),
            },
        };
        Ok(match step.outcome {
            Outcome::Accepted(accepted) => Ok(accepted.state),
            Outcome::Failed(failed) => Err(failed.to_string()),
            Outcome::Rejected(rejection) => Err(format!("rejected: {rejection}")),
        })
    }

    /// Handles a message, and tells what would have been otherwise; `None` if the state stays.
    fn message(
        &mut self,
        entry: &Entry,
        recorded: &Recorded<'_>,
        state: &[u8],
    ) -> Result<Option<Vec<u8>>, NoRehearsal> {
        let seq = entry.seq;
        if matches!(recorded.from, Sender::Notice { .. }) && !self.machine.takes_notices() {
            self.differs(seq, "outcome", recorded.outcome(), "it would get no notice");
            return Ok(None);
        }
        let Some(message) = self.blob(&recorded.message)? else {
            return Err(match redaction_of(self.store, self.chain, &recorded.message)? {
                Some(redaction) => NoRehearsal::Redacted { seq, redaction },
                None => NoRehearsal::Broken(format!("the message at seq {seq} is missing")),
            });
        };
        let context = Context {
            chain: *self.chain,
            from: recorded.from.clone(),
            at: entry.at,
            seq,
            seed: self.seed(entry.body.seed()),
        };
        let (store, chain) = (self.store, *self.chain);
        let answer = |name: &Hash| store.blob(&chain, name);
        let mut outside = Player { calls: recorded.calls, recorded: answer, other: None, fault: None };
        let step = self.machine.apply(&context, &mut outside, &message, state);
        let Player { calls: left, other, fault, .. } = outside;
        if let Some(fault) = fault {
            return Err(fault.into());
        }
        if let Some((says, would)) = other {
            self.differs(seq, "calls", says, would);
            return Ok(None);
        }
        let step = step?;
        if let Some(left) = left.first() {
            self.differs(seq, "calls", left.function.to_string(), "none");
        }
        Ok(self.compare(seq, recorded, step))
    }

    fn compare(&mut self, seq: u64, recorded: &Recorded<'_>, step: Step) -> Option<Vec<u8>> {
        match (&recorded.came, step.outcome) {
            (Came::Accepted { state, reply, effects }, Outcome::Accepted(would)) => {
                if Hash::of(&would.state) != *state {
                    let says = self.shown_blob(*state);
                    self.differs(seq, "state", says, shown(&would.state));
                }
                if would.reply.as_deref().map(Hash::of) != *reply {
                    let says = reply.map_or("none".into(), |reply| self.shown_blob(reply));
                    self.differs(seq, "reply", says, would.reply.as_deref().map_or("none".into(), shown));
                }
                let asked: Vec<_> = would.effects.into_iter().map(|asked| asked.effect).collect();
                if asked != *effects {
                    self.differs(seq, "effects", list(effects), list(&asked));
                }
                Some(would.state)
            }
            (Came::Failed(code), Outcome::Failed(would)) if would.code == *code => None,
            (_, Outcome::Accepted(would)) => {
                self.differs(seq, "outcome", recorded.outcome(), "accepted");
                Some(would.state)
            }
            (_, Outcome::Failed(would)) => {
                self.differs(seq, "outcome", recorded.outcome(), format!("failed: {would}"));
                None
            }
            (_, Outcome::Rejected(would)) => {
                self.differs(seq, "outcome", recorded.outcome(), format!("rejected: {would}"));
                None
            }
        }
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        self.store.blob(self.chain, name)
    }

    /// What a name stands for, where it was kept.
    fn shown_blob(&self, name: Hash) -> String {
        match self.blob(&name) {
            Ok(Some(bytes)) => shown(&bytes),
            _ => name.to_string(),
        }
    }
}

/// The beginning of some bytes as text; of what is not text, the hash.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().nth(MAX_SHOWN).is_none() => text.to_owned(),
        Ok(text) => {
            let begin: String = text.chars().take(MAX_SHOWN).collect();
            format!("{begin}… ({} bytes, {})", bytes.len(), Hash::of(bytes))
        }
        Err(_) => Hash::of(bytes).to_string(),
    }
}

fn list(effects: &[Effect]) -> String {
    let list: Vec<_> = effects.iter().map(ToString::to_string).collect();
    if list.is_empty() { "none".into() } else { shown(list.join("; ").as_bytes()) }
}

fn raw(bytes: &[u8]) -> Option<Box<RawValue>> {
    let mut text = Vec::with_capacity(bytes.len());
    Payload(bytes).write(&mut text);
    RawValue::from_string(String::from_utf8(text).ok()?).ok()
}

/// The outside as a chain recorded it.
struct Player<'a, F> {
    calls: &'a [Call],
    recorded: F,
    /// The recorded call and the one that was made instead.
    other: Option<(String, String)>,
    fault: Option<StoreError>,
}

impl<F: FnMut(&Hash) -> Result<Option<Bytes>, StoreError>> Outside for Player<'_, F> {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        let no_answer = || Abort::Host("the rehearsal has no such answer".into());
        let name = Hash::of(input);
        if let Some((call, rest)) = self.calls.split_first()
            && call.function == *function
            && call.input == name
        {
            match (self.recorded)(&call.output) {
                Ok(Some(answer)) => {
                    self.calls = rest;
                    return Ok(answer.to_vec());
                }
                Ok(None) => {}
                Err(fault) => {
                    self.fault = Some(fault);
                    return Err(no_answer());
                }
            }
        }
        let says =
            self.calls.first().map_or("none".into(), |call| format!("{} {}", call.function, call.input));
        self.other.get_or_insert((says, format!("{function} {}", shown(input))));
        Err(no_answer())
    }
}
