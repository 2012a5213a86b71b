//! Re-executes a chain entry by entry and compares: the only way to tell whether outcomes are true.
//!
//! Crash recovery, `verify`, and every later follower and witness go through [`verify`](crate::verify) or the
//! [`Replayer`] under it. Replay is sealed: it reads what was recorded and cannot reach anything else.
//!
//! Where a blob was redacted, the entries that cannot be replayed without it are passed over and counted; the replay goes
//! on from the next state whose bytes are there.

use std::collections::btree_map;

use crate::entry::{Body, Call, Failure, Genesis, Init, Message, Upgrade};
use crate::history::{History, Machines};
use crate::link::Tip;
use crate::machine::{Abort, Context, Machine, Outcome, Outside, Step, hand_over};
use crate::verdict::{CannotCheck, Divergence, NotVerified, Report};
use crate::{
    Accepted, Code, Effect, Entry, FILE_FIELD, Files, Fuel, Gap, GrantedFile, Hash, Redaction, Sender, Text,
};

/// Re-executes a chain entry by entry.
pub struct Replayer<'a, M: Machines> {
    machines: &'a M,
    machine: M::Machine,
    tip: Tip,
    state: Vec<u8>,
    config: Option<Vec<u8>>,
    init_from: Sender,
    /// Why the state is not known; then `state` is empty.
    lost: Option<Cause>,
    /// The last entry that was passed over.
    passed: Option<u64>,
    counts: Report,
}

/// A blob that was redacted.
#[derive(Debug, Clone)]
struct Cause {
    field: &'static str,
    name: Hash,
    redaction: Redaction,
}

/// How a replay gets at blobs: by position, field and name.
pub trait Fetch<B>: FnMut(&'static str, &Hash) -> Result<B, CannotCheck> {}

impl<B, F: FnMut(&'static str, &Hash) -> Result<B, CannotCheck>> Fetch<B> for F {}

impl<'a, M: Machines> Replayer<'a, M> {
    /// Starts from genesis; of `history` only blobs are read.
    ///
    /// # Errors
    /// [`NotVerified`] if genesis is none, or there is no machine for it.
    pub fn begin<H: History>(history: &H, machines: &'a M, genesis: &[u8]) -> Result<Self, NotVerified> {
        Self::begin_with(machines, genesis, |field, name: &Hash| find_blob(history, 0, field, name))
    }

    /// As [`begin`](Self::begin); `blob` finds what it needs by field and name.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn begin_with<B: AsRef<[u8]>>(
        machines: &'a M,
        genesis: &[u8],
        mut blob: impl Fetch<B>,
    ) -> Result<Self, NotVerified> {
        let (tip, linked) = Tip::check_genesis(genesis)?;
        let Body::Genesis(genesis) = linked.entry.body else { return Err(CannotCheck::Empty.into()) };
        Self::from_genesis(machines, tip, &genesis, &mut blob)
    }

    fn from_genesis<B: AsRef<[u8]>>(
        machines: &'a M,
        tip: Tip,
        genesis: &Genesis,
        blob: &mut impl Fetch<B>,
    ) -> Result<Self, NotVerified> {
        let machine = find_machine(machines, &tip, 0, blob)?;
        let config = genesis.config.as_ref().map(|name| fetch(0, "config", name, blob)).transpose()?;
        let forked = genesis.fork.as_ref();
        let state = forked.map(|fork| fetch(0, "fork.state", &fork.state, blob)).transpose();
        let (state, lost) = match state {
            Ok(state) => (state.map(|bytes| bytes.as_ref().to_vec()).unwrap_or_default(), None),
            Err(error) => (Vec::new(), Some(Cause::of(error)?)),
        };
        let mut replayer = Self::resume(machines, machine, tip, state);
        replayer.lost = lost;
        replayer.config = config.map(|bytes| bytes.as_ref().to_vec());
        replayer.init_from = genesis.init_from();
        Ok(replayer)
    }

    /// Starts from a state that is already trusted: `state` is what `tip.state` names, and `machine` what `tip.rules`
    /// ask for.
    pub fn resume(machines: &'a M, machine: M::Machine, tip: Tip, state: Vec<u8>) -> Self {
        let counts = Report {
            chain: tip.chain,
            head: tip.entry,
            seq: tip.seq,
            messages: 0,
            failures: 0,
            on_trust: 0,
            provenance_not_checked: 0,
            fuel: Fuel(0),
            not_replayed: 0,
            gaps: Vec::new(),
        };
        let init_from = Sender::Http { key: None };
        Self { machines, machine, tip, state, config: None, init_from, lost: None, passed: None, counts }
    }

    /// Replays the next entry and returns it; `blob` finds what it needs by field and name. If it says
    /// [`CannotCheck::Redacted`], the entry is passed over.
    ///
    /// # Errors
    /// [`NotVerified`], after which the replayer must not be used again.
    pub fn step<B: AsRef<[u8]>>(
        &mut self,
        bytes: &[u8],
        mut blob: impl Fetch<B>,
    ) -> Result<Entry, NotVerified> {
        let before = self.tip.state;
        let (_, entry) = self.tip.check(bytes)?;
        if let Err(error) = self.transition(&entry, before.is_some(), &mut blob) {
            self.pass_over(&entry, before, Cause::of(error)?, &mut blob)?;
        }
        Ok(entry)
    }

    /// Does again what an entry says, and compares.
    fn transition<B: AsRef<[u8]>>(
        &mut self,
        entry: &Entry,
        forked: bool,
        mut blob: &mut impl Fetch<B>,
    ) -> Result<(), NotVerified> {
        let (at, seq) = (entry.at, entry.seq);
        if let Some(from) = entry.body.from() {
            self.counts.provenance_not_checked += u64::from(!matches!(from, Sender::Http { .. }));
        }
        let (from, seed) = (entry.body.from().unwrap_or(&self.init_from).clone(), entry.body.seed());
        let context = Context { chain: self.tip.chain, from, at, seq, seed };
        let same_engine = self.same_engine();
        match &entry.body {
            // A fork begins with a state that another chain reached.
            Body::Init(_) if forked => {}
            Body::Init(init) => {
                let Init { state, fuel, calls, effects, .. } = init;
                check_seed(&context, &self.machine)?;
                let says = Says { seq, kind: "init", state: *state, reply: None, effects, fuel: *fuel };
                let config = self.config.as_deref();
                let step = played(seq, same_engine, calls, &mut blob, |outside| {
                    self.machine.init(&context, outside, config)
                })?;
                self.state = self.compare(&says, step)?;
            }
            Body::Message(message) => {
                let input = fetch(seq, "message", &message.message, &mut blob)?;
                let Message { state, reply, fuel, ref calls, ref effects, .. } = **message;
                check_seed(&context, &self.machine)?;
                let says = Says { seq, kind: "message", state, reply, effects, fuel };
                let from = self.known(seq)?;
                let step = played(seq, same_engine, calls, &mut blob, |outside| {
                    self.machine.apply(&context, outside, input.as_ref(), from)
                })?;
                self.state = self.compare(&says, step)?;
                self.counts.messages += 1;
            }
            Body::Failure(failure) => {
                check_seed(&context, &self.machine)?;
                if failure.error.depends_on_engine() && !self.same_engine() {
                    self.counts.on_trust += 1;
                } else {
                    let from = self.known(seq)?;
                    let input = fetch(seq, "message", &failure.message, &mut blob)?;
                    let step = played(seq, same_engine, &failure.calls, &mut blob, |outside| {
                        self.machine.apply(&context, outside, input.as_ref(), from)
                    })?;
                    self.compare_failure(seq, failure, &step)?;
                }
                self.counts.failures += 1;
            }
            Body::Upgrade(upgrade) => {
                let machine = find_machine(self.machines, &self.tip, seq, &mut blob)?;
                hand_over(&self.machine, &machine, &self.state);
                self.machine = machine;
                check_seed(&context, &self.machine)?;
                let Upgrade { state, fuel, ref calls, ref effects, .. } = **upgrade;
                let says = Says { seq, kind: "upgrade", state, reply: None, effects, fuel };
                let from = self.known(seq)?;
                let step = played(seq, same_engine, calls, &mut blob, |outside| {
                    self.machine.migrate(&context, outside, from)
                })?;
                self.state = self.compare(&says, step)?;
            }
            Body::Genesis(_) | Body::Engine(_) | Body::Stop(_) => {}
        }
        Ok(())
    }

    /// The state, unless a redaction keeps it unknown.
    fn known(&self, seq: u64) -> Result<&[u8], NotVerified> {
        match self.lost.clone() {
            None => Ok(&self.state),
            Some(Cause { field, name, redaction }) => {
                Err(CannotCheck::Redacted { seq, field, name, redaction }.into())
            }
        }
    }

    /// Goes past an entry that cannot be replayed, to the state that it says, if its bytes are there.
    fn pass_over<B: AsRef<[u8]>>(
        &mut self,
        entry: &Entry,
        before: Option<Hash>,
        cause: Cause,
        blob: &mut impl Fetch<B>,
    ) -> Result<(), NotVerified> {
        let seq = entry.seq;
        if let Body::Upgrade(_) = entry.body {
            self.machine = find_machine(self.machines, &self.tip, seq, blob)?;
        }
        self.counts.not_replayed += 1;
        self.note_gap(seq, &cause);
        let is_same = self.lost.is_none() && self.tip.state == before;
        let Some(state) = entry.state().filter(|_| !is_same) else { return Ok(()) };
        match fetch(seq, "state", &state, blob) {
            Ok(bytes) => {
                self.state = bytes.as_ref().to_vec();
                self.lost = None;
            }
            Err(NotVerified::CannotCheck(CannotCheck::MissingBlob { .. } | CannotCheck::Redacted { .. })) => {
                self.state = Vec::new();
                self.lost.get_or_insert(cause);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn note_gap(&mut self, seq: u64, cause: &Cause) {
        self.passed = Some(seq);
        let gaps = &mut self.counts.gaps;
        let is_full = gaps.len() >= Report::MAX_GAPS;
        match gaps.last_mut().filter(|gap| gap.last + 1 == seq) {
            Some(gap) => gap.last = seq,
            None if is_full => {}
            None => {
                let Cause { field, name, redaction } = cause.clone();
                gaps.push(Gap { first: seq, last: seq, field, name, redaction });
            }
        }
    }

    /// Whether the last entry was passed over, since what it needs was redacted.
    pub fn passed_over(&self) -> bool {
        self.passed == Some(self.tip.seq)
    }

    fn same_engine(&self) -> bool {
        self.tip.rules.engine == *self.machines.engine()
    }

    /// What has been replayed so far.
    pub fn report(&self) -> Report {
        Report { head: self.tip.entry, seq: self.tip.seq, ..self.counts.clone() }
    }

    /// Where the replay stands, the state there, and the machine that reached it.
    pub fn into_parts(self) -> (Tip, Vec<u8>, M::Machine) {
        (self.tip, self.state, self.machine)
    }

    /// Where the replay stands.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The state there; empty while a redaction keeps it unknown.
    pub fn state(&self) -> &[u8] {
        &self.state
    }

    fn compare(&mut self, says: &Says<'_>, step: Step) -> Result<Vec<u8>, NotVerified> {
        let (seq, kind) = (says.seq, says.kind);
        let same_engine = self.same_engine();
        let accepted = match step.outcome {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Failed(failed) if failed.code.depends_on_engine() && !same_engine => {
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
        if same_engine && step.fuel != says.fuel {
            return Err(diverged(seq, "fuel", says.fuel.0, step.fuel.0, None));
        }
        self.counts.fuel.0 = self.counts.fuel.0.saturating_add(step.fuel.0);
        Ok(accepted.state)
    }

    fn compare_failure(&mut self, seq: u64, failure: &Failure, step: &Step) -> Result<(), NotVerified> {
        let same_engine = self.same_engine();
        match &step.outcome {
            Outcome::Failed(failed) if failed.code == failure.error => {}
            Outcome::Failed(failed) if failed.code.depends_on_engine() && !same_engine => {
                return Err(CannotCheck::OtherEngine { seq, limit: failed.code }.into());
            }
            Outcome::Failed(failed) => return Err(diverged(seq, "error", failure.error, failed.code, None)),
            Outcome::Accepted(_) => return Err(diverged(seq, "kind", "failure", "message", None)),
            Outcome::Rejected(rejection) => {
                return Err(diverged(seq, "kind", "failure", format!("a rejection: {rejection}"), None));
            }
        }
        // After a trap the fuel is an approximation of the engine's.
        if same_engine && failure.error.is_returned() && step.fuel != failure.fuel {
            return Err(diverged(seq, "fuel", failure.fuel.0, step.fuel.0, None));
        }
        Ok(())
    }
}

impl Cause {
    /// The redaction that an error is about.
    fn of(error: NotVerified) -> Result<Self, NotVerified> {
        match error {
            NotVerified::CannotCheck(CannotCheck::Redacted { field, name, redaction, .. }) => {
                Ok(Self { field, name, redaction })
            }
            error => Err(error),
        }
    }
}

/// Finds the machine that the rules at the tip ask for.
pub(crate) fn find_machine<M: Machines, B: AsRef<[u8]>>(
    machines: &M,
    tip: &Tip,
    seq: u64,
    blob: &mut impl Fetch<B>,
) -> Result<M::Machine, NotVerified> {
    let code = match &tip.rules.code {
        Code::Component(name) => Some(fetch(seq, "component-hash", name, blob)?),
        Code::Native(_) => None,
    };
    let code = code.as_ref().map_or(&[][..], AsRef::as_ref);
    let mut files = Files::new();
    for GrantedFile { name, .. } in GrantedFile::all(&tip.rules.grants) {
        if let btree_map::Entry::Vacant(file) = files.entry(name) {
            file.insert(fetch(seq, FILE_FIELD, &name, blob)?.as_ref().into());
        }
    }
    Ok(machines.machine(&tip.rules, code, &files).map_err(CannotCheck::NoMachine)?)
}

/// Finds a blob of a history, or says what is known of why it is not there.
pub(crate) fn find_blob<H: History>(
    history: &H,
    seq: u64,
    field: &'static str,
    name: &Hash,
) -> Result<H::Bytes, CannotCheck> {
    let name = *name;
    match history.blob(&name)? {
        Some(bytes) => Ok(bytes),
        None => Err(match history.redaction(&name)? {
            Some(redaction) => CannotCheck::Redacted { seq, field, name, redaction },
            None => CannotCheck::MissingBlob { seq, field, name },
        }),
    }
}

/// Finds a blob and checks its bytes: a source need not hand out the same twice.
pub(crate) fn fetch<B: AsRef<[u8]>>(
    seq: u64,
    field: &'static str,
    name: &Hash,
    blob: &mut impl Fetch<B>,
) -> Result<B, NotVerified> {
    let bytes = blob(field, name)?;
    check_blob(seq, field, *name, bytes.as_ref())?;
    Ok(bytes)
}

/// Runs a transition that gets the recorded answers from outside, and no others.
pub(crate) fn played<B: AsRef<[u8]>>(
    seq: u64,
    same_engine: bool,
    calls: &[Call],
    blob: &mut impl Fetch<B>,
    run: impl FnOnce(&mut dyn Outside) -> Result<Step, Abort>,
) -> Result<Step, NotVerified> {
    let mut player = Player { seq, calls, blob, fault: None, bytes: std::marker::PhantomData };
    let step = run(&mut player);
    if let Some(fault) = player.fault {
        return Err(fault);
    }
    let step = step.map_err(|abort| CannotCheck::Aborted { seq, abort })?;
    // A limit of another engine may have come before the rest of the calls; that is told where outcomes are compared.
    let by_engine = matches!(&step.outcome, Outcome::Failed(failed) if failed.code.depends_on_engine());
    match player.calls.first() {
        Some(left) if same_engine || !by_engine => Err(diverged(seq, "calls", &left.function, "none", None)),
        _ => Ok(step),
    }
}

/// The outside as an entry recorded it.
struct Player<'a, F, B> {
    seq: u64,
    calls: &'a [Call],
    blob: &'a mut F,
    fault: Option<NotVerified>,
    bytes: std::marker::PhantomData<B>,
}

impl<B: AsRef<[u8]>, F: Fetch<B>> Outside for Player<'_, F, B> {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        let name = Hash::of(input);
        let answer = match self.calls.split_first() {
            Some((call, rest)) if call.function == *function && call.input == name => {
                self.calls = rest;
                fetch(self.seq, "calls.out", &call.output, self.blob).map(|bytes| bytes.as_ref().to_vec())
            }
            call => {
                let says =
                    call.map_or("none".into(), |(call, _)| format!("{} {}", call.function, call.input));
                let got = format!("{function} {name}");
                Err(diverged(self.seq, "calls", says, got, Some(input.to_vec())))
            }
        };
        answer.map_err(|fault| {
            self.fault = Some(fault);
            Abort::Host("the replay has no such answer".into())
        })
    }
}

/// What an entry says that a transition came to.
struct Says<'a> {
    seq: u64,
    kind: &'static str,
    state: Hash,
    reply: Option<Hash>,
    effects: &'a [Effect],
    fuel: Fuel,
}

fn check_effects(seq: u64, says: &[Effect], accepted: &Accepted) -> Result<(), NotVerified> {
    let at = |index: usize| says.get(index).map_or("none".into(), ToString::to_string);
    for (index, asked) in accepted.effects.iter().enumerate() {
        if says.get(index) != Some(&asked.effect) {
            let got = asked.effect.to_string();
            return Err(diverged(seq, "effects", at(index), got, asked.payload.clone()));
        }
    }
    if says.len() > accepted.effects.len() {
        return Err(diverged(seq, "effects", at(accepted.effects.len()), "none", None));
    }
    Ok(())
}

/// A seed is there exactly where the machine draws.
fn check_seed(context: &Context, machine: &impl Machine) -> Result<(), NotVerified> {
    match (context.seed, machine.draws()) {
        (Some(seed), false) => Err(diverged(context.seq, "seed", seed, "none", None)),
        (None, true) => Err(diverged(context.seq, "seed", "none", "one is drawn", None)),
        _ => Ok(()),
    }
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
