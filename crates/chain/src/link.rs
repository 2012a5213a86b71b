//! Growing a chain by one entry, and checking that entries form a chain.
//!
//! [`Tip`] is all that either needs of the past. It never sees a payload: whether a state is the right one is the
//! business of `replay`.

use std::sync::Arc;

use crate::entry::{
    Body, Call, Engine, Entry, Failure, Genesis, Init, Message, Rules, Stop, Timestamp, Upgrade,
};
use crate::json::Malformed;
use crate::machine::{Context, Failed, Outcome, Step};
use crate::{Accepted, Effect, Fuel, Hash, Rejection, Sender, Text};

/// The end of a chain: what the next entry is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// The name of genesis: the actor's id.
    pub chain: Hash,
    /// The name of the last entry.
    pub entry: Hash,
    /// Its position.
    pub seq: u64,
    /// Its time.
    pub at: Timestamp,
    /// The current state; `None` between genesis and init, unless genesis is a fork.
    pub state: Option<Hash>,
    /// What outcomes depend on from here on.
    pub rules: Arc<Rules>,
    /// Whether the last entry is a stop: then there is no next.
    pub stopped: bool,
}

/// An entry together with its bytes and its name.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The name of the entry.
    pub name: Hash,
    /// What it says.
    pub entry: Entry,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
}

/// Entries do not form a chain. Carries the position at which the first wrong entry stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry at seq {seq}: {fault}")]
pub struct Broken {
    /// The position in the chain, counted from the start.
    pub seq: u64,
    /// What is wrong.
    pub fault: LinkFault,
}

/// What is wrong with a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// The bytes are not a canonical entry.
    #[error("not a canonical entry, {0}")]
    Malformed(#[from] Malformed),
    /// The bytes have another name than they were found under.
    #[error("the bytes hash to {found}, not to {expected}")]
    Name {
        /// The name it should have.
        expected: Hash,
        /// The name its bytes have.
        found: Hash,
    },
    /// The parent is not the entry before.
    #[error("its parent is {}, but the entry before is {expected}", found.map_or("null".into(), |h| h.to_string()))]
    Parent {
        /// The name of the entry before.
        expected: Hash,
        /// What the entry says.
        found: Option<Hash>,
    },
    /// The position does not follow.
    #[error("it says seq {found}, but the one before leads to {expected}")]
    Seq {
        /// The position that follows.
        expected: u64,
        /// What the entry says.
        found: u64,
    },
    /// The time goes back.
    #[error("its time {found} is before its parent's {parent}")]
    Time {
        /// The parent's time, in milliseconds.
        parent: u64,
        /// What the entry says.
        found: u64,
    },
    /// The kind may not stand here.
    #[error("a `{found}` may not stand here: expected {expected}")]
    Kind {
        /// What may.
        expected: &'static str,
        /// What the entry is.
        found: &'static str,
    },
    /// It starts from another state than the one reached.
    #[error("it starts from state {found}, but the chain reached {expected}")]
    Before {
        /// The state reached.
        expected: Hash,
        /// What the entry says.
        found: Hash,
    },
    /// An engine entry that changes nothing.
    #[error("it names the engine that is already in use")]
    SameEngine,
    /// The first state of a fork is another than genesis says, or used fuel.
    #[error("it is not the state that the fork begins with, {expected}, as it is")]
    Fork {
        /// The state that genesis says.
        expected: Hash,
    },
    /// An entry after a stop.
    #[error("it follows a `stop`, after which there is nothing")]
    Stopped,
}

impl Linked {
    /// Encodes and names an entry.
    pub fn new(entry: Entry) -> Self {
        let bytes = entry.encode();
        Self { name: Hash::of(&bytes), entry, bytes }
    }
}

impl Tip {
    /// Starts a chain: the tip after genesis, and genesis itself.
    ///
    /// # Panics
    /// If [`Genesis::check`] refuses `genesis`, or `at` is above [`MAX_INTEGER`](crate::MAX_INTEGER).
    pub fn start(genesis: Genesis, at: Timestamp) -> (Self, Linked) {
        let linked = Linked::new(Entry { parent: None, seq: 0, at, body: Body::Genesis(Box::new(genesis)) });
        (Self::after_genesis(&linked), linked)
    }

    fn after_genesis(linked: &Linked) -> Self {
        let Body::Genesis(genesis) = &linked.entry.body else { unreachable!("checked by the callers") };
        Self {
            chain: linked.name,
            entry: linked.name,
            seq: 0,
            at: linked.entry.at,
            state: genesis.fork.map(|fork| fork.state),
            rules: Arc::new(genesis.rules()),
            stopped: false,
        }
    }

    /// The context of the next entry, without a seed. Its time is the later of `now` and this tip's.
    pub fn next_context(&self, from: Sender, now: Timestamp) -> Context {
        Context { chain: self.chain, from, at: self.at.max(now), seq: self.seq + 1, seed: None }
    }

    /// Appends what `init` came to.
    ///
    /// # Errors
    /// The failure, if `init` failed: such a chain is not begun. A machine that rejects in `init` is a failure too.
    ///
    /// # Panics
    /// If the chain has been begun already, or `context` is not what [`Tip::next_context`] makes of this tip.
    pub fn init(&mut self, context: &Context, step: &Step) -> Result<Linked, Failed> {
        let accepted = match &step.outcome {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Failed(failed) => return Err(failed.clone()),
            Outcome::Rejected(Rejection { reason }) => {
                let detail = format!("init rejected: {reason}");
                return Err(Failed { code: crate::FailureCode::Refused, detail });
            }
        };
        assert!(self.seq == 0 && self.state.is_none(), "`init` of a chain that has a state");
        let body = Body::Init(Init {
            state: Hash::of(&accepted.state),
            fuel: step.fuel,
            calls: calls(step),
            effects: effects(accepted),
            seed: context.seed,
        });
        Ok(self.push(context, body))
    }

    /// Appends the first state of a fork, at the time of genesis.
    ///
    /// # Panics
    /// If genesis is not a fork, or the chain has been begun already.
    pub fn fork(&mut self) -> Linked {
        assert!(self.seq == 0, "the first state of a chain that has one");
        let Some(state) = self.state else { panic!("genesis is not a fork") };
        let (calls, effects) = (Vec::new(), Vec::new());
        self.append(self.at, Body::Init(Init { state, fuel: Fuel(0), calls, effects, seed: None }))
    }

    /// Appends what a message came to; a rejection leaves no entry.
    ///
    /// # Panics
    /// If the chain has no state yet, or `context` is not what [`Tip::next_context`] makes of this tip: an entry that
    /// was linked all the same would never verify.
    pub fn message(&mut self, context: &Context, message: Hash, step: &Step) -> Option<Linked> {
        let before = self.begun("a message");
        let from = context.from.clone();
        let body = match &step.outcome {
            Outcome::Rejected(_) => return None,
            Outcome::Accepted(accepted) => Body::Message(Box::new(Message {
                message,
                from,
                before,
                state: Hash::of(&accepted.state),
                reply: accepted.reply.as_deref().map(Hash::of),
                fuel: step.fuel,
                calls: calls(step),
                effects: effects(accepted),
                seed: context.seed,
            })),
            Outcome::Failed(failed) => Body::Failure(Box::new(Failure {
                message,
                from,
                before,
                error: failed.code,
                fuel: step.fuel,
                calls: calls(step),
                seed: context.seed,
            })),
        };
        Some(self.push(context, body))
    }

    /// Appends an upgrade to `rules` that led to what `step` says. The engine stays what it is.
    ///
    /// # Errors
    /// The failure, if the state could not be carried over: then nothing is appended.
    ///
    /// # Panics
    /// If the chain has no state yet or is stopped, `context` is not what [`Tip::next_context`] makes of this tip, or
    /// `rules` could not stand in a genesis.
    pub fn upgrade(&mut self, context: &Context, rules: &Rules, step: &Step) -> Result<Linked, Failed> {
        let before = self.begun("an upgrade");
        let accepted = match &step.outcome {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Failed(failed) => return Err(failed.clone()),
            Outcome::Rejected(Rejection { reason }) => {
                let detail = format!("the state was rejected: {reason}");
                return Err(Failed { code: crate::FailureCode::Refused, detail });
            }
        };
        let body = Body::Upgrade(Box::new(Upgrade {
            code: rules.code.clone(),
            world: rules.world.clone(),
            limits: rules.limits.clone(),
            grants: rules.grants.clone(),
            from: context.from.clone(),
            before,
            state: Hash::of(&accepted.state),
            fuel: step.fuel,
            calls: calls(step),
            effects: effects(accepted),
            seed: context.seed,
        }));
        Ok(self.push(context, body))
    }

    /// Appends the end of the chain.
    ///
    /// # Panics
    /// If the chain has no state yet or is stopped, or `context` is not what [`Tip::next_context`] makes of this tip.
    pub fn stop(&mut self, context: &Context, reason: Text) -> Linked {
        self.begun("a stop");
        self.push(context, Body::Stop(Stop { from: context.from.clone(), reason }))
    }

    /// Appends a change of engine, at the time of this tip; `None` if `engine` is the one in use.
    ///
    /// # Panics
    /// If the chain has no state yet or is stopped, or `engine` is empty.
    pub fn engine(&mut self, engine: &Engine) -> Option<Linked> {
        self.begun("a change of engine");
        (self.rules.engine != *engine).then(|| self.append(self.at, Body::Engine(engine.clone())))
    }

    /// The state of a chain that goes on.
    fn begun(&self, what: &str) -> Hash {
        assert!(!self.stopped, "{what} after a stop");
        match self.state {
            Some(state) if self.seq > 0 => state,
            _ => panic!("{what} before `init`"),
        }
    }

    fn push(&mut self, context: &Context, body: Body) -> Linked {
        let follows = context.seq == self.seq + 1 && context.at >= self.at;
        assert!(follows, "the context of seq {} does not follow seq {}", context.seq, self.seq);
        self.append(context.at, body)
    }

    fn append(&mut self, at: Timestamp, body: Body) -> Linked {
        let linked = Linked::new(Entry { parent: Some(self.entry), seq: self.seq + 1, at, body });
        self.advance(linked.name, &linked.entry);
        linked
    }

    fn advance(&mut self, name: Hash, entry: &Entry) {
        self.entry = name;
        self.seq = entry.seq;
        self.at = entry.at;
        self.state = entry.state().or(self.state);
        match &entry.body {
            Body::Engine(engine) => {
                self.rules = Arc::new(Rules { engine: engine.clone(), ..(*self.rules).clone() });
            }
            Body::Upgrade(upgrade) => {
                self.rules = Arc::new(Rules {
                    code: upgrade.code.clone(),
                    world: upgrade.world.clone(),
                    limits: upgrade.limits.clone(),
                    grants: upgrade.grants.clone(),
                    engine: self.rules.engine.clone(),
                });
            }
            Body::Stop(_) => self.stopped = true,
            Body::Genesis(_) | Body::Init(_) | Body::Message(_) | Body::Failure(_) => {}
        }
    }

    /// Checks that `bytes` are a genesis, and starts from it.
    ///
    /// # Errors
    /// [`Broken`] at seq 0.
    pub fn check_genesis(bytes: &[u8]) -> Result<(Self, Linked), Broken> {
        let broken = |fault| Broken { seq: 0, fault };
        let entry = Entry::decode(bytes).map_err(|malformed| broken(malformed.into()))?;
        if !matches!(entry.body, Body::Genesis(_)) {
            return Err(broken(LinkFault::Kind { expected: "`genesis`", found: entry.body.kind() }));
        }
        if entry.seq != 0 {
            return Err(broken(LinkFault::Seq { expected: 0, found: entry.seq }));
        }
        let linked = Linked { name: Hash::of(bytes), entry, bytes: bytes.to_vec() };
        Ok((Self::after_genesis(&linked), linked))
    }

    /// Checks that `bytes` are the next entry of this chain, and moves on to it.
    ///
    /// # Errors
    /// [`Broken`] at the position that follows this tip; the tip stays where it was.
    pub fn check(&mut self, bytes: &[u8]) -> Result<(Hash, Entry), Broken> {
        self.check_fault(bytes).map_err(|fault| Broken { seq: self.seq + 1, fault })
    }

    fn check_fault(&mut self, bytes: &[u8]) -> Result<(Hash, Entry), LinkFault> {
        let entry = Entry::decode(bytes)?;
        if entry.parent != Some(self.entry) {
            return Err(LinkFault::Parent { expected: self.entry, found: entry.parent });
        }
        if entry.seq != self.seq + 1 {
            return Err(LinkFault::Seq { expected: self.seq + 1, found: entry.seq });
        }
        if entry.at < self.at {
            return Err(LinkFault::Time { parent: self.at.0, found: entry.at.0 });
        }
        if self.stopped {
            return Err(LinkFault::Stopped);
        }
        match (&entry.body, self.seq, self.state) {
            (Body::Init(_), 0, None) => {}
            (Body::Init(init), 0, Some(expected)) => {
                let as_it_is = init.fuel == Fuel(0) && init.calls.is_empty() && init.effects.is_empty();
                if init.state != expected || !as_it_is || init.seed.is_some() {
                    return Err(LinkFault::Fork { expected });
                }
            }
            (_, 0, _) => return Err(LinkFault::Kind { expected: "`init`", found: entry.body.kind() }),
            (Body::Genesis(_) | Body::Init(_), ..) => {
                let expected = "`message`, `failure`, `upgrade`, `engine` or `stop`";
                return Err(LinkFault::Kind { expected, found: entry.body.kind() });
            }
            (Body::Message(message), _, Some(state)) => check_before(state, message.before)?,
            (Body::Failure(failure), _, Some(state)) => check_before(state, failure.before)?,
            (Body::Upgrade(upgrade), _, Some(state)) => check_before(state, upgrade.before)?,
            (Body::Engine(engine), ..) if *engine == self.rules.engine => {
                return Err(LinkFault::SameEngine);
            }
            _ => {}
        }
        let name = Hash::of(bytes);
        self.advance(name, &entry);
        Ok((name, entry))
    }
}

fn check_before(expected: Hash, found: Hash) -> Result<(), LinkFault> {
    if expected == found { Ok(()) } else { Err(LinkFault::Before { expected, found }) }
}

fn effects(accepted: &Accepted) -> Vec<Effect> {
    accepted.effects.iter().map(|asked| asked.effect.clone()).collect()
}

fn calls(step: &Step) -> Vec<Call> {
    let call = |answered: &crate::Answered| Call {
        function: answered.function.clone(),
        input: Hash::of(&answered.input),
        output: Hash::of(&answered.output),
    };
    step.calls.iter().map(call).collect()
}
