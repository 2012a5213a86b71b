//! Re-executes a chain entry by entry and compares: the only way to tell whether outcomes are true.
//!
//! Crash recovery, `verify`, and every later follower and witness go through [`verify`](crate::verify) or the
//! [`Replayer`] under it. Replay is sealed: it reads what was recorded and cannot reach anything else.
//!
//! Where a blob was redacted, the entries that cannot be replayed without it are passed over and counted; the replay goes
//! on from the next state whose bytes are there.

use crate::compare::{Says, check_seed, compare, compare_failure};
use crate::entry::{Body, Genesis, Init, Message, Upgrade};
use crate::history::{History, Machines};
use crate::link::Tip;
use crate::machine::{Context, Machine, Step, hand_over};
use crate::recorded::{Fetch, fetch, find_blob, find_machine, played};
use crate::verdict::{CannotCheck, NotVerified, Report};
use crate::{Entry, Fuel, Gap, Hash, Redaction, Sender};

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
                self.state = self.accept(&says, step)?;
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
                self.state = self.accept(&says, step)?;
                self.counts.messages += 1;
            }
            Body::Failure(failure) => {
                check_seed(&context, &self.machine)?;
                if failure.error.depends_on_engine() && !same_engine {
                    self.counts.on_trust += 1;
                } else {
                    let from = self.known(seq)?;
                    let input = fetch(seq, "message", &failure.message, &mut blob)?;
                    let step = played(seq, same_engine, &failure.calls, &mut blob, |outside| {
                        self.machine.apply(&context, outside, input.as_ref(), from)
                    })?;
                    compare_failure(seq, failure, &step, same_engine)?;
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
                self.state = self.accept(&says, step)?;
            }
            Body::Genesis(_) | Body::Engine(_) | Body::Stop(_) => {}
        }
        Ok(())
    }

    /// Compares an outcome, counts its fuel, and hands out the state.
    fn accept(&mut self, says: &Says<'_>, step: Step) -> Result<Vec<u8>, NotVerified> {
        let fuel = step.fuel;
        let state = compare(says, step, self.same_engine())?;
        self.counts.fuel.0 = self.counts.fuel.0.saturating_add(fuel.0);
        Ok(state)
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

    /// Whether the state is known here, which a redaction may prevent.
    pub fn knows_state(&self) -> bool {
        self.lost.is_none()
    }

    /// How many failures depend on an engine that this is not, so that they were not replayed.
    pub fn on_trust(&self) -> u64 {
        self.counts.on_trust
    }

    /// The machine that the rules ask for now.
    pub fn machine(&self) -> &M::Machine {
        &self.machine
    }

    /// Where the replay stands.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The state there; empty while a redaction keeps it unknown.
    pub fn state(&self) -> &[u8] {
        &self.state
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

/// Finds the machine that the rules at `tip` ask for, ready to go on after the entry at `after`: one whose states name more
/// than they hold gets it from a replay of all before.
pub(crate) fn machine_after<H: History, M: Machines>(
    history: &H,
    machines: &M,
    tip: &Tip,
    after: u64,
) -> Result<M::Machine, NotVerified> {
    // The rules may be those of an upgrade that comes after `after`.
    let seq = tip.seq;
    let machine = find_machine(machines, tip, seq, &mut |field, name| find_blob(history, seq, field, name))?;
    if machine.kept_states().is_none() {
        return Ok(machine);
    }
    let mut entries = history.entries();
    let genesis = entries.next().ok_or(CannotCheck::Empty)?.map_err(CannotCheck::from)?;
    let mut replayer = Replayer::begin(history, machines, genesis.as_ref())?;
    for bytes in entries {
        let seq = replayer.tip().seq + 1;
        if seq > after {
            break;
        }
        let bytes = bytes.map_err(CannotCheck::from)?;
        replayer.step(bytes.as_ref(), |field, name| find_blob(history, seq, field, name))?;
    }
    hand_over(&replayer.machine, &machine, &replayer.state);
    Ok(machine)
}
