//! Where a debugger stands in a history, and how it gets elsewhere.
//!
//! Invariant: what is shown of a step was done again here, from the state that the chain names; a difference from the
//! chain is said. Nothing is written anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use troupe::machines::AllMachines;
use troupe_api::Payload;
use troupe_chain::{
    Body, CannotCheck, Entry, Genesis, Hash, Machine, Machines, Outcome, Rerun, Rules, Sender, Step,
    Unreadable,
};
use troupe_runtime::View;
use troupe_store::{Store, StoreError};

use super::again;
use crate::cli::failure::{Failure, chain_of};

/// How many states are kept, so that going back is quick.
const MAX_KEPT: usize = 512;

/// A chain, a place in it, and what happened there.
pub(super) struct Session {
    store: Arc<dyn Store>,
    chain: Hash,
    genesis: Genesis,
    machines: AllMachines,
    machine: Option<(Rules, Arc<dyn Machine>)>,
    last: u64,
    kept: BTreeMap<u64, View>,
    here: Here,
}

/// What happened at an entry.
pub(super) struct Here {
    /// The end of the chain as it was then, and the state.
    pub(super) view: View,
    pub(super) entry: Entry,
    pub(super) bytes: Bytes,
    pub(super) before: Option<Bytes>,
    pub(super) message: Option<Bytes>,
    /// What the machine said; `None` of an entry at which it says nothing.
    pub(super) step: Option<Step>,
}

/// The names that conditions know.
pub(super) const NAMES: [&str; 11] =
    ["state", "before", "message", "reply", "seq", "at", "kind", "from", "error", "log", "effects"];

impl Session {
    /// Begins after the first state of a chain.
    pub(super) fn open(store: Arc<dyn Store>, chain: Hash, machines: AllMachines) -> Result<Self, Failure> {
        let head = store.head(&chain)?.ok_or_else(|| Failure::cannot("there are no entries"))?;
        if head.seq == 0 {
            return Err(Failure::cannot("the history has a genesis, and no state yet"));
        }
        let genesis =
            troupe_runtime::genesis_of(&*store, &chain).map_err(|error| Failure::cannot(chain_of(&error)))?;
        let view = state_at(&*store, chain, &machines, 1)?;
        let (entry, bytes) = read(&*store, &chain, 1)?;
        let here = Here { view, entry, bytes, before: None, message: None, step: None };
        let mut session = Self {
            store,
            chain,
            genesis,
            machines,
            machine: None,
            last: head.seq,
            kept: BTreeMap::new(),
            here,
        };
        session.go(1)?;
        Ok(session)
    }

    pub(super) fn here(&self) -> &Here {
        &self.here
    }

    pub(super) fn seq(&self) -> u64 {
        self.here.entry.seq
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Goes to an entry and does it again; stays where it is if that cannot be.
    pub(super) fn go(&mut self, seq: u64) -> Result<(), Failure> {
        if seq == 0 || seq > self.last {
            return Err(Failure::cannot(format_args!(
                "there is no state at {seq}: states are at 1 to {}",
                self.last
            )));
        }
        let (entry, bytes) = read(&*self.store, &self.chain, seq)?;
        let before = if seq == 1 { None } else { Some(self.view_at(seq - 1)?) };
        let message = self.message_of(&entry)?;
        let rules = self.rules_of(&entry, before.as_ref())?;
        let state = before.as_ref().map(|view| view.state.clone()).unwrap_or_default();
        let same_engine = rules.engine == *self.machines.engine();
        let machine = machine_with(self.machine(&rules)?, before.as_ref());
        let again = Rerun { machine: &machine, same_engine, chain: self.chain, genesis: &self.genesis };
        let step = again.run(&entry, &state, |field, name| self.blob(seq, field, name));
        let step = step.map_err(|error| again::explain(seq, error))?;
        let view = match (&step, &before) {
            (Some(Step { outcome: Outcome::Accepted(accepted), .. }), Some(before))
                if Some(Hash::of(&accepted.state)) == entry.state() =>
            {
                let mut tip = before.tip.clone();
                tip.check(&bytes).map_err(Failure::is_false)?;
                let held = machine.held(&accepted.state);
                View { tip, state: accepted.state.clone().into(), held }
            }
            _ => state_at(&*self.store, self.chain, &self.machines, seq)?,
        };
        self.keep(seq, view.clone());
        self.here = Here { view, entry, bytes, before: before.map(|view| view.state), message, step };
        Ok(())
    }

    /// What a message would come to here.
    pub(super) fn tried(&mut self, message: &[u8]) -> Result<Step, Failure> {
        let view = self.here.view.clone();
        if view.tip.stopped {
            return Err(Failure::cannot("the chain ends here, and takes no message"));
        }
        let context = view.tip.next_context(Sender::Http { key: None }, view.tip.at);
        let machine = machine_with(self.machine(&view.tip.rules)?, Some(&view));
        again::tried(&machine, context, message, &view.state)
    }

    fn view_at(&mut self, seq: u64) -> Result<View, Failure> {
        if self.seq() == seq {
            return Ok(self.here.view.clone());
        }
        if let Some(view) = self.kept.get(&seq) {
            return Ok(view.clone());
        }
        let view = state_at(&*self.store, self.chain, &self.machines, seq)?;
        self.keep(seq, view.clone());
        Ok(view)
    }

    fn keep(&mut self, seq: u64, view: View) {
        self.kept.insert(seq, view);
        while self.kept.len() > MAX_KEPT {
            // The farthest from where we are is the least likely to be needed.
            let (first, last) = (self.kept.first_key_value(), self.kept.last_key_value());
            let far = match (first, last) {
                (Some((first, _)), Some((last, _))) if seq - first > last - seq => *first,
                (_, Some((last, _))) => *last,
                _ => return,
            };
            self.kept.remove(&far);
        }
    }

    fn message_of(&self, entry: &Entry) -> Result<Option<Bytes>, Failure> {
        let name = entry.blobs().into_iter().find(|(field, _)| *field == "message").map(|(_, name)| name);
        let message = name.map(|name| self.blob(entry.seq, "message", &name)).transpose();
        message.map_err(|error| again::explain(entry.seq, error.into()))
    }

    /// A blob of the chain, or why it is not there.
    fn blob(&self, seq: u64, field: &'static str, name: &Hash) -> Result<Bytes, CannotCheck> {
        let cannot = |error: StoreError| CannotCheck::Unreadable(Unreadable(chain_of(&error)));
        let found = match self.store.blob(&self.chain, name).map_err(cannot)? {
            Some(blob) => Some(blob),
            None => self.store.shared(name).map_err(cannot)?,
        };
        let name = *name;
        found.ok_or_else(|| match troupe_runtime::redaction_of(&*self.store, &self.chain, &name) {
            Ok(Some(redaction)) => CannotCheck::Redacted { seq, field, name, redaction },
            _ => CannotCheck::MissingBlob { seq, field, name },
        })
    }

    /// The rules that an entry was made under.
    fn rules_of(&self, entry: &Entry, before: Option<&View>) -> Result<Rules, Failure> {
        Ok(match (&entry.body, before) {
            (Body::Upgrade(_), _) => {
                (*state_at(&*self.store, self.chain, &self.machines, entry.seq)?.tip.rules).clone()
            }
            (_, Some(view)) => (*view.tip.rules).clone(),
            (_, None) => self.genesis.rules(),
        })
    }

    fn machine(&mut self, rules: &Rules) -> Result<Arc<dyn Machine>, Failure> {
        if self.machine.as_ref().is_none_or(|(known, _)| known != rules) {
            let code = match &rules.code {
                troupe_chain::Code::Component(name) => self.store.shared(name)?.unwrap_or_default(),
                troupe_chain::Code::Native(_) => Bytes::new(),
            };
            let files = troupe_runtime::files_of(&*self.store, rules);
            let files = files.map_err(|error| Failure::cannot(chain_of(&error)))?;
            let machine = self.machines.machine(rules, &code, &files).map_err(Failure::cannot)?;
            self.machine = Some((rules.clone(), machine));
        }
        let machine = self.machine.as_ref().map(|(_, machine)| Arc::clone(machine));
        machine.ok_or_else(|| Failure::cannot("there is no machine"))
    }
}

impl Here {
    /// The value of one of [`NAMES`].
    pub(super) fn lookup(&self, name: &str) -> Value {
        let payload = |bytes: Option<&[u8]>| bytes.map_or(Value::Null, |bytes| Payload(bytes).to_value());
        let accepted = self.step.as_ref().and_then(|step| match &step.outcome {
            Outcome::Accepted(accepted) => Some(accepted),
            _ => None,
        });
        match name {
            "state" => payload(Some(&self.view.state)),
            "before" => payload(self.before.as_deref()),
            "message" => payload(self.message.as_deref()),
            "reply" => payload(accepted.and_then(|accepted| accepted.reply.as_deref())),
            "seq" => json!(self.entry.seq),
            "at" => json!(self.entry.at.0),
            "kind" => json!(self.entry.body.kind()),
            "from" => self.entry.body.from().map_or(Value::Null, |from| json!(kind_of(from))),
            "error" => match &self.entry.body {
                Body::Failure(failure) => json!(failure.error.to_string()),
                _ => Value::Null,
            },
            "log" => {
                json!(self.step.iter().flat_map(|step| &step.log).map(|line| &line.line).collect::<Vec<_>>())
            }
            "effects" => json!(self.entry.body.effects().iter().map(ToString::to_string).collect::<Vec<_>>()),
            _ => Value::Null,
        }
    }

    /// What the machine says now where the chain says otherwise.
    pub(super) fn difference(&self) -> Option<String> {
        let step = self.step.as_ref()?;
        let says = self.entry.body.kind();
        match (&step.outcome, &self.entry.body) {
            (Outcome::Accepted(accepted), Body::Message(_) | Body::Init(_) | Body::Upgrade(_)) => {
                let state = Hash::of(&accepted.state);
                let is_same = Some(state) == self.entry.state();
                (!is_same).then(|| format!("the state came to {state}, and the chain says another"))
            }
            (Outcome::Failed(failed), Body::Failure(failure)) if failed.code == failure.error => None,
            _ => Some(format!("it came to {}, and the chain says a {says}", again::outcome(step))),
        }
    }
}

/// What a sender is, in a word.
fn kind_of(from: &Sender) -> &'static str {
    match from {
        Sender::Http { .. } => "http",
        Sender::Did { .. } => "did",
        Sender::Actor(_) => "actor",
        Sender::Timer { .. } => "timer",
        Sender::Reply { .. } => "reply",
        Sender::Notice { .. } => "notice",
        Sender::Parent(_) => "parent",
    }
}

/// A machine that has what the state names beside its bytes.
fn machine_with(machine: Arc<dyn Machine>, view: Option<&View>) -> Arc<dyn Machine> {
    if let Some(held) = view.and_then(|view| view.held.clone()) {
        machine.hold(held);
    }
    machine
}

fn state_at(store: &dyn Store, chain: Hash, machines: &AllMachines, seq: u64) -> Result<View, Failure> {
    troupe_runtime::state_at(store, chain, machines, seq).map_err(|error| Failure::cannot(chain_of(&error)))
}

fn read(store: &dyn Store, chain: &Hash, seq: u64) -> Result<(Entry, Bytes), Failure> {
    let missing = || Failure::cannot(format_args!("there is no entry at {seq}"));
    let bytes = store.entry(chain, seq)?.ok_or_else(missing)?;
    let entry = Entry::decode(&bytes)
        .map_err(|error| Failure::is_false(format_args!("the entry at {seq}: {error}")))?;
    Ok((entry, bytes))
}
