//! Re-executes a chain and compares: the only verifier there is.
//!
//! Crash recovery, `verify`, and every later follower and witness go through [`verify`] or the [`Replayer`] under it.
//! Replay is sealed: it reads what was recorded and cannot reach anything else.

use crate::entry::{Body, Engine, Failure, Genesis, Message, Sender};
use crate::link::{Broken, Tip};
use crate::machine::{Abort, Context, Machine, Outcome, Step};
use crate::{Accepted, Code, Effect, Entry, Fuel, Hash};

/// A chain as somebody hands it over. Nothing in it is trusted.
pub trait History {
    /// How bytes are handed out.
    type Bytes: AsRef<[u8]>;

    /// The name that the last entry must have.
    fn head(&self) -> Hash;

    /// The entries' bytes, from genesis to head.
    fn entries(&self) -> impl Iterator<Item = Result<Self::Bytes, Unreadable>>;

    /// The bytes found under a blob's name; `None` if there are none. They need not match the name.
    ///
    /// # Errors
    /// [`Unreadable`] if whether there are any cannot be told.
    fn blob(&self, name: &Hash) -> Result<Option<Self::Bytes>, Unreadable>;
}

/// Finds the machine that a genesis asks for.
pub trait Machines {
    /// The machines it makes.
    type Machine: Machine;

    /// The engine that they run on.
    fn engine(&self) -> &Engine;

    /// Makes the machine of `genesis`; `code` is its component.
    ///
    /// # Errors
    /// Why there is none, for a person to read.
    fn machine(&self, genesis: &Genesis, code: &[u8]) -> Result<Self::Machine, String>;
}

/// The source of a history could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// What was checked, where everything came out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The chain's id.
    pub chain: Hash,
    /// The name of its last entry.
    pub head: Hash,
    /// The position of its last entry.
    pub seq: u64,
    /// Messages replayed.
    pub messages: u64,
    /// Failures, replayed or taken on trust.
    pub failures: u64,
    /// Failures that depend on an engine that this is not, so that they were not replayed.
    pub on_trust: u64,
    /// Entries whose sender is somebody else's claim: a signature, another chain, a timer.
    pub provenance_not_checked: u64,
    /// The fuel of all replayed transitions.
    pub fuel: Fuel,
}

/// Why a history was not verified.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotVerified {
    /// The entries do not form a chain.
    #[error("structure: {0}")]
    Structure(#[from] Broken),
    /// The last entry is not the head that was given.
    #[error(
        "structure: the last entry, at seq {seq}, is {found}, but the head should be {expected}: entries are missing at the end, or the head is another's"
    )]
    Head {
        /// The position of the last entry.
        seq: u64,
        /// The head as given.
        expected: Hash,
        /// The last entry's name.
        found: Hash,
    },
    /// A blob's bytes do not match its name.
    #[error("blobs: at seq {seq}, the bytes found for `{field}` {name} hash to {found}")]
    Blob {
        /// The first entry that names the blob.
        seq: u64,
        /// The field that names it.
        field: &'static str,
        /// Its name.
        name: Hash,
        /// The hash of what was found.
        found: Hash,
    },
    /// The replay came to something else.
    #[error(transparent)]
    Diverged(Box<Divergence>),
    /// It could not be checked. This says nothing about the history.
    #[error("could not be checked: {0}")]
    CannotCheck(#[from] CannotCheck),
}

impl NotVerified {
    /// Whether the history is false, rather than not to be checked.
    pub fn is_false(&self) -> bool {
        !matches!(self, Self::CannotCheck(_))
    }

    /// The position at which it went wrong, where there is one.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Structure(broken) => Some(broken.seq),
            Self::Head { seq, .. } | Self::Blob { seq, .. } => Some(*seq),
            Self::Diverged(divergence) => Some(divergence.seq),
            Self::CannotCheck(CannotCheck::MissingBlob { seq, .. } | CannotCheck::Aborted { seq, .. }) => {
                Some(*seq)
            }
            Self::CannotCheck(_) => None,
        }
    }
}

/// Why a history could not be checked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CannotCheck {
    /// The source could not be read.
    #[error("the history cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// There is no history.
    #[error("there are no entries")]
    Empty,
    /// A blob that the replay needs is not there.
    #[error("at seq {seq}, the blob of `{field}`, {name}, is missing")]
    MissingBlob {
        /// The entry that names it.
        seq: u64,
        /// The field that names it.
        field: &'static str,
        /// Its name.
        name: Hash,
    },
    /// There is no machine to replay it with.
    #[error("no machine for this chain: {0}")]
    NoMachine(String),
    /// The replay was aborted.
    #[error("the replay stopped at seq {seq}: {abort}")]
    Aborted {
        /// The entry being replayed.
        seq: u64,
        /// Why.
        abort: Abort,
    },
    /// The chain's engine is another, and this one ran into a limit where that one did not.
    #[error("at seq {seq}, this engine ran into a limit ({limit}) where the chain's engine did not")]
    OtherEngine {
        /// The entry being replayed.
        seq: u64,
        /// The limit.
        limit: crate::FailureCode,
    },
}

/// The first place where the replay came to something else than the chain says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("replay: diverged at seq {seq} in `{field}`: the chain says {says}, the replay got {got}")]
pub struct Divergence {
    /// The position of the entry.
    pub seq: u64,
    /// The field that differs.
    pub field: &'static str,
    /// What the chain says.
    pub says: String,
    /// What the replay got.
    pub got: String,
    /// The bytes that the replay got, where the field names a blob.
    pub got_bytes: Option<Vec<u8>>,
}

/// Checks a history in the order of `docs/spec/chain.md`: structure, blobs, replay.
///
/// `progress` is called with the position of each entry replayed.
///
/// # Errors
/// [`NotVerified`] with the first thing that is wrong.
pub fn verify<H: History, M: Machines>(
    history: &H,
    machines: &M,
    mut progress: impl FnMut(u64),
) -> Result<Report, NotVerified> {
    check_links(history)?;
    check_blobs(history)?;
    let mut entries = history.entries();
    let genesis = entries.next().ok_or(CannotCheck::Empty)?.map_err(CannotCheck::from)?;
    let mut replayer = Replayer::begin(history, machines, genesis.as_ref())?;
    for bytes in entries {
        let bytes = bytes.map_err(CannotCheck::from)?;
        let seq = replayer.tip.seq + 1;
        replayer.step(bytes.as_ref(), |field, name| {
            let missing = CannotCheck::MissingBlob { seq, field, name: *name };
            history.blob(name).map_err(CannotCheck::from)?.ok_or(missing)
        })?;
        progress(replayer.tip.seq);
    }
    Ok(replayer.report())
}

/// Checks that the entries form a chain that ends in the given head. Payloads are not looked at.
///
/// # Errors
/// [`NotVerified::Structure`] or [`NotVerified::Head`].
pub fn check_links<H: History>(history: &H) -> Result<Tip, NotVerified> {
    let mut entries = history.entries().peekable();
    let genesis = entries.next().ok_or(CannotCheck::Empty)?.map_err(CannotCheck::from)?;
    let (mut tip, _) = Tip::check_genesis(genesis.as_ref())?;
    while let Some(bytes) = entries.next() {
        let bytes = bytes.map_err(CannotCheck::from)?;
        if let Err(broken) = tip.check(bytes.as_ref()) {
            let next = entries.peek().and_then(|next| next.as_ref().ok()).map(AsRef::as_ref);
            return Err(blame(broken, bytes.as_ref(), next, &tip, history.head()).into());
        }
    }
    if tip.entry != history.head() {
        return Err(NotVerified::Head { seq: tip.seq, expected: history.head(), found: tip.entry });
    }
    Ok(tip)
}

/// Says which of two entries is the changed one when a parent does not match: if the later one is what the rest of the
/// history says it is, the earlier one is wrong.
fn blame(broken: Broken, bytes: &[u8], next: Option<&[u8]>, tip: &Tip, head: Hash) -> Broken {
    use crate::link::LinkFault;
    let LinkFault::Parent { found: Some(expected), .. } = broken.fault else { return broken };
    let name = Hash::of(bytes);
    let vouched = match next {
        Some(next) => Entry::decode(next).is_ok_and(|next| next.parent == Some(name)),
        None => name == head,
    };
    let says_seq = Entry::decode(bytes).is_ok_and(|entry| entry.seq == broken.seq);
    if vouched && says_seq {
        return Broken { seq: tip.seq, fault: LinkFault::Name { expected, found: tip.entry } };
    }
    broken
}

/// Checks that every blob that is there matches its name, and that every blob that the replay needs is there.
///
/// # Errors
/// [`NotVerified::Blob`] or [`CannotCheck::MissingBlob`].
pub fn check_blobs<H: History>(history: &H) -> Result<(), NotVerified> {
    for (seq, bytes) in (0..).zip(history.entries()) {
        let bytes = bytes.map_err(CannotCheck::from)?;
        let entry = Entry::decode(bytes.as_ref()).map_err(|fault| Broken { seq, fault: fault.into() })?;
        for (field, name) in entry.blobs() {
            match history.blob(&name).map_err(CannotCheck::from)? {
                Some(blob) => {
                    let found = Hash::of(blob.as_ref());
                    if found != name {
                        return Err(NotVerified::Blob { seq, field, name, found });
                    }
                }
                None if is_needed(field) => return Err(CannotCheck::MissingBlob { seq, field, name }.into()),
                None => {}
            }
        }
    }
    Ok(())
}

/// States, replies and what was sent come out of the replay; everything else goes into it.
fn is_needed(field: &str) -> bool {
    !matches!(field, "state" | "reply" | "effects.message" | "calls.in")
}

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
    fn begin<H: History>(
        history: &H,
        machines: &impl Machines<Machine = M>,
        genesis: &[u8],
    ) -> Result<Self, NotVerified> {
        let (tip, linked) = Tip::check_genesis(genesis)?;
        let Body::Genesis(genesis) = linked.entry.body else { return Err(CannotCheck::Empty.into()) };
        let fetch = |field, name: &Hash| -> Result<H::Bytes, NotVerified> {
            let missing = CannotCheck::MissingBlob { seq: 0, field, name: *name };
            Ok(history.blob(name).map_err(CannotCheck::from)?.ok_or(missing)?)
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

    /// Replays the next entry; `blob` finds the message by field and name.
    ///
    /// # Errors
    /// [`NotVerified`], after which the replayer must not be used again.
    pub fn step<B: AsRef<[u8]>>(
        &mut self,
        bytes: &[u8],
        blob: impl FnOnce(&'static str, &Hash) -> Result<B, CannotCheck>,
    ) -> Result<(), NotVerified> {
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
                let input = blob("message", &message.message)?;
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
                if failure.error.depends_on_engine() && !self.same_engine {
                    self.counts.on_trust += 1;
                } else {
                    let input = blob("message", &failure.message)?;
                    let step = self.apply(at, seq, &failure.from, input.as_ref())?;
                    self.compare_failure(seq, failure, &step)?;
                }
            }
        }
        Ok(())
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

    fn apply(
        &mut self,
        at: crate::Timestamp,
        seq: u64,
        from: &Sender,
        message: &[u8],
    ) -> Result<Step, CannotCheck> {
        self.counts.provenance_not_checked += u64::from(!matches!(from, Sender::Http { .. }));
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
        self.counts.fuel.0 += step.fuel.0;
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
