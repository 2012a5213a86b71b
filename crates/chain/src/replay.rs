//! Re-executes a chain entry by entry and compares: the only way to tell whether outcomes are true.
//!
//! Crash recovery, `verify`, and every later follower and witness go through [`verify`](crate::verify) or the
//! [`Replayer`] under it. Replay is sealed: it reads what was recorded and cannot reach anything else.

use crate::entry::{Body, Engine, Failure, Message, Sender};
use crate::history::{History, Machines};
use crate::link::Tip;
use crate::machine::{Context, Machine, Outcome, Step};
use crate::verdict::{CannotCheck, Divergence, NotVerified, Report};
use crate::{Accepted, Code, Effect, Entry, Fuel, Hash};

/// Re-executes a chain entry by entry.
pub struct Replayer<M> {
    machine: M,
    own_engine: Engine,
    same_engine: bool,
    tip: Tip,
    state: Vec<u8>,
    config: Option<Vec<u8>>,
    counts: Report,
}

impl<M: Machine> Replayer<M> {
    /// Starts from genesis.
    pub(crate) fn begin<H: History>(
        history: &H,
        machines: &impl Machines<Machine = M>,
        genesis: &[u8],
    ) -> Result<Self, NotVerified> {
        let (tip, linked) = Tip::check_genesis(genesis)?;
        let Body::Genesis(genesis) = linked.entry.body else { return Err(CannotCheck::Empty.into()) };
        let fetch = |field, name: &Hash| -> Result<H::Bytes, NotVerified> {
            let missing = CannotCheck::MissingBlob { seq: 0, field, name: *name };
            let bytes = history.blob(name).map_err(CannotCheck::from)?.ok_or(missing)?;
            check_blob(0, field, *name, bytes.as_ref())?;
            Ok(bytes)
        };
        let code = match &genesis.code {
            Code::Component(name) => Some(fetch("component-hash", name)?),
            Code::Native(_) => None,
        };
        let code = code.as_ref().map_or(&[][..], AsRef::as_ref);
        let machine = machines.machine(&genesis, code).map_err(CannotCheck::NoMachine)?;
        let config = genesis.config.as_ref().map(|name| fetch("config", name)).transpose()?;
        let mut replayer = Self::resume(machine, machines.engine().clone(), tip, Vec::new());
        replayer.config = config.map(|bytes| bytes.as_ref().to_vec());
        Ok(replayer)
    }

    /// Starts from a state that is already trusted: `state` is what `tip.state` names.
    pub fn resume(machine: M, own_engine: Engine, tip: Tip, state: Vec<u8>) -> Self {
        let counts = Report {
            chain: tip.chain,
            head: tip.entry,
            seq: tip.seq,
            messages: 0,
            failures: 0,
            on_trust: 0,
            provenance_not_checked: 0,
            fuel: Fuel(0),
        };
        let same_engine = tip.engine == own_engine;
        Self { machine, own_engine, same_engine, tip, state, config: None, counts }
    }

    /// Replays the next entry and returns it; `blob` finds the message by field and name.
    ///
    /// # Errors
    /// [`NotVerified`], after which the replayer must not be used again.
    pub fn step<B: AsRef<[u8]>>(
        &mut self,
        bytes: &[u8],
        blob: impl FnOnce(&'static str, &Hash) -> Result<B, CannotCheck>,
    ) -> Result<Entry, NotVerified> {
        let (_, entry) = self.tip.check(bytes)?;
        let Entry { at, seq, body, .. } = &entry;
        let (at, seq) = (*at, *seq);
        match body {
            Body::Genesis(_) => {}
            Body::Engine(engine) => self.same_engine = *engine == self.own_engine,
            Body::Init(init) => {
                let context = Context { from: Sender::Http { key: None }, at, seq };
                let step = self.machine.init(&context, self.config.as_deref());
                let step = step.map_err(|abort| CannotCheck::Aborted { seq, abort })?;
                let says =
                    Says { seq, state: init.state, reply: None, effects: &init.effects, fuel: init.fuel };
                check_recorded(seq, &init.calls, init.seed)?;
                self.state = self.compare(says, "init", step)?;
            }
            Body::Message(message) => {
                let input = fetch(seq, &message.message, blob)?;
                self.count_sender(&message.from);
                let step = self.apply(at, seq, &message.from, input.as_ref())?;
                let Message { state, reply, fuel, .. } = **message;
                check_recorded(seq, &message.calls, message.seed)?;
                let says = Says { seq, state, reply, effects: &message.effects, fuel };
                self.state = self.compare(says, "message", step)?;
                self.counts.messages += 1;
            }
            Body::Failure(failure) => {
                check_recorded(seq, &failure.calls, failure.seed)?;
                self.counts.failures += 1;
                self.count_sender(&failure.from);
                if failure.error.depends_on_engine() && !self.same_engine {
                    self.counts.on_trust += 1;
                } else {
                    let input = fetch(seq, &failure.message, blob)?;
                    let step = self.apply(at, seq, &failure.from, input.as_ref())?;
                    self.compare_failure(seq, failure, &step)?;
                }
            }
        }
        Ok(entry)
    }

    /// What has been replayed so far.
    pub fn report(&self) -> Report {
        Report { head: self.tip.entry, seq: self.tip.seq, ..self.counts.clone() }
    }

    /// Where the replay stands, and the state there.
    pub fn into_tip(self) -> (Tip, Vec<u8>) {
        (self.tip, self.state)
    }

    /// Where the replay stands.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The state there.
    pub fn state(&self) -> &[u8] {
        &self.state
    }

    fn count_sender(&mut self, from: &Sender) {
        self.counts.provenance_not_checked += u64::from(!matches!(from, Sender::Http { .. }));
    }

    fn apply(
        &self,
        at: crate::Timestamp,
        seq: u64,
        from: &Sender,
        message: &[u8],
    ) -> Result<Step, CannotCheck> {
        let context = Context { from: from.clone(), at, seq };
        self.machine
            .apply(&context, message, &self.state)
            .map_err(|abort| CannotCheck::Aborted { seq, abort })
    }

    fn compare(&mut self, says: Says<'_>, kind: &'static str, step: Step) -> Result<Vec<u8>, NotVerified> {
        let seq = says.seq;
        let accepted = match step.outcome {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Failed(failed) if failed.code.depends_on_engine() && !self.same_engine => {
                return Err(CannotCheck::OtherEngine { seq, limit: failed.code }.into());
            }
            Outcome::Failed(failed) => {
                return Err(diverged(seq, "kind", kind, format!("failure, {failed}"), None));
            }
            Outcome::Rejected(rejection) => {
                return Err(diverged(seq, "kind", kind, format!("a rejection: {rejection}"), None));
            }
        };
        let state = Hash::of(&accepted.state);
        if state != says.state {
            return Err(diverged(seq, "state", says.state, state, Some(accepted.state)));
        }
        let reply = accepted.reply.as_deref().map(Hash::of);
        if reply != says.reply {
            return Err(diverged(seq, "reply", or_none(says.reply), or_none(reply), accepted.reply));
        }
        check_effects(seq, says.effects, &accepted)?;
        if self.same_engine && step.fuel != says.fuel {
            return Err(diverged(seq, "fuel", says.fuel.0, step.fuel.0, None));
        }
        self.counts.fuel.0 = self.counts.fuel.0.saturating_add(step.fuel.0);
        Ok(accepted.state)
    }

    fn compare_failure(&mut self, seq: u64, failure: &Failure, step: &Step) -> Result<(), NotVerified> {
        match &step.outcome {
            Outcome::Failed(failed) if failed.code == failure.error => {}
            Outcome::Failed(failed) if failed.code.depends_on_engine() && !self.same_engine => {
                return Err(CannotCheck::OtherEngine { seq, limit: failed.code }.into());
            }
            Outcome::Failed(failed) => return Err(diverged(seq, "error", failure.error, failed.code, None)),
            Outcome::Accepted(_) => return Err(diverged(seq, "kind", "failure", "message", None)),
            Outcome::Rejected(rejection) => {
                return Err(diverged(seq, "kind", "failure", format!("a rejection: {rejection}"), None));
            }
        }
        // After a trap the fuel is an approximation of the engine's.
        if self.same_engine && failure.error.is_returned() && step.fuel != failure.fuel {
            return Err(diverged(seq, "fuel", failure.fuel.0, step.fuel.0, None));
        }
        Ok(())
    }
}

/// Finds a message and checks its bytes: a source need not hand out the same twice.
fn fetch<B: AsRef<[u8]>>(
    seq: u64,
    name: &Hash,
    blob: impl FnOnce(&'static str, &Hash) -> Result<B, CannotCheck>,
) -> Result<B, NotVerified> {
    let bytes = blob("message", name)?;
    check_blob(seq, "message", *name, bytes.as_ref())?;
    Ok(bytes)
}

/// What an entry says that a transition came to.
struct Says<'a> {
    seq: u64,
    state: Hash,
    reply: Option<Hash>,
    effects: &'a [Effect],
    fuel: Fuel,
}

fn check_effects(seq: u64, says: &[Effect], accepted: &Accepted) -> Result<(), NotVerified> {
    let differs = |index: usize, got: String, bytes| {
        let says = says
            .get(index)
            .map_or("none".into(), |Effect::Send { to, message }| format!("{message} to {to}"));
        diverged(seq, "effects", says, got, bytes)
    };
    for (index, send) in accepted.sends.iter().enumerate() {
        let name = Hash::of(&send.message);
        if !matches!(says.get(index), Some(Effect::Send { to, message }) if *to == send.to && *message == name)
        {
            return Err(differs(index, format!("{name} to {}", send.to), Some(send.message.clone())));
        }
    }
    if says.len() > accepted.sends.len() {
        return Err(differs(accepted.sends.len(), "none".into(), None));
    }
    Ok(())
}

/// No machine of today records calls or draws a seed, so an entry that has them was not made by one.
fn check_recorded(seq: u64, calls: &[crate::Call], seed: Option<Hash>) -> Result<(), NotVerified> {
    if let Some(call) = calls.first() {
        return Err(diverged(seq, "calls", &call.function, "none", None));
    }
    if let Some(seed) = seed {
        return Err(diverged(seq, "seed", seed, "none", None));
    }
    Ok(())
}

fn diverged(
    seq: u64,
    field: &'static str,
    says: impl ToString,
    got: impl ToString,
    got_bytes: Option<Vec<u8>>,
) -> NotVerified {
    let divergence = Divergence { seq, field, says: says.to_string(), got: got.to_string(), got_bytes };
    NotVerified::Diverged(Box::new(divergence))
}

fn or_none(name: Option<Hash>) -> String {
    name.map_or("none".into(), |name| name.to_string())
}

/// Checks that bytes found under a name are those that it names.
pub(crate) fn check_blob(seq: u64, field: &'static str, name: Hash, bytes: &[u8]) -> Result<(), NotVerified> {
    let found = Hash::of(bytes);
    if found == name { Ok(()) } else { Err(NotVerified::Blob { seq, field, name, found }) }
}
