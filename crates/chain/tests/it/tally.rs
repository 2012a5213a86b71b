//! A small native machine, and chains in memory that it grows.
//!
//! Its state is a decimal number as text. A message is `add N`, `quiet N` (without a reply), `send TO`, `spawn NAME`,
//! `ask TEXT`, `now`, `who`, `refuse`, `trap`, `burn` or `busy`; anything else breaks its contract. Each byte of a
//! message costs one unit of fuel, and so does each byte of a state that is carried over.

use std::collections::BTreeMap;

use troupe_chain::{
    Abort, Accepted, Answered, Asked, Code, Context, Effect, EffectId, EffectRef, Engine, Failed,
    FailureCode, Files, Fork, Fuel, Genesis, Hash, History, Linked, Machine, Machines, Nowhere, Outcome,
    Outside, Redaction, Rejection, Rules, Sender, Spawn, Step, Supervision, Text, Timestamp, Tip, Unreadable,
};

/// What the machine is called.
pub(crate) const MACHINE: &str = "tally@1";

/// The time of every genesis.
pub(crate) const START: u64 = 1_700_000_000_000;

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).expect("printable")
}

pub(crate) fn engine(version: &str) -> Engine {
    [(text("engine"), text("tally")), (text("version"), text(version))].into()
}

#[derive(Clone, Copy)]
pub(crate) struct Tally;

impl Machine for Tally {
    fn init(&self, _: &Context, _: &mut dyn Outside, config: Option<&[u8]>) -> Result<Step, Abort> {
        let state = config.unwrap_or(b"0").to_vec();
        let outcome = match state.iter().all(u8::is_ascii_digit) {
            true => Outcome::Accepted(Accepted { state, reply: None, effects: Vec::new() }),
            false => {
                Outcome::Failed(Failed { code: FailureCode::StateContract, detail: "not a number".into() })
            }
        };
        Ok(Step { outcome, fuel: Fuel(1), calls: Vec::new(), log: Vec::new() })
    }

    fn apply(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        let line = String::from_utf8_lossy(message);
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let number: u64 = String::from_utf8_lossy(state).parse().unwrap_or_default();
        let sum = argument.parse().map(|n: u64| number.wrapping_add(n).to_string().into_bytes());
        let accept = |state: Vec<u8>, reply: Option<Vec<u8>>, effects| {
            Outcome::Accepted(Accepted { state, reply, effects })
        };
        let fail = |code| Outcome::Failed(Failed { code, detail: format!("on {line:?}") });
        let outcome = match (verb, sum) {
            ("add", Ok(sum)) => accept(sum.clone(), Some(sum), Vec::new()),
            ("quiet", Ok(sum)) => accept(sum, None, Vec::new()),
            ("now", _) => accept(state.to_vec(), Some(context.at.0.to_string().into_bytes()), Vec::new()),
            ("who", _) => {
                accept(state.to_vec(), Some(format!("{:?}", context.from).into_bytes()), Vec::new())
            }
            ("send", _) => {
                let Ok(to) = Text::new(argument) else {
                    return Ok(step(message, fail(FailureCode::SendAddress)));
                };
                let first = Asked::send(to.clone(), b"hello".to_vec());
                let second = Asked::send(to, state.to_vec());
                accept(state.to_vec(), None, vec![first, second])
            }
            ("spawn", _) => {
                let Ok(name) = Text::new(argument) else {
                    return Ok(step(message, fail(FailureCode::SendAddress)));
                };
                let (code, grants) = (Code::Native(text(MACHINE)), vec![text("log")]);
                let supervision = Supervision::default();
                let spawn = Spawn { code, config: None, grants, name: Some(name), supervision };
                accept(state.to_vec(), None, vec![Asked::spawn(spawn, Some(b"7".to_vec()))])
            }
            ("ask", _) => {
                let function = text("oracle.ask");
                let output = outside.call(&function, argument.as_bytes())?;
                let mut step = step(message, accept(state.to_vec(), Some(output.clone()), Vec::new()));
                step.calls.push(Answered { function, input: argument.into(), output });
                return Ok(step);
            }
            ("timer", _) => {
                let after = argument.parse().unwrap_or(0);
                accept(state.to_vec(), None, vec![Asked::timer(after, b"add 1".to_vec())])
            }
            ("request", _) => {
                accept(state.to_vec(), None, vec![Asked::request(text(argument), b"add 1".to_vec(), 10)])
            }
            ("cancel", _) => {
                let id = EffectId { seq: argument.parse().unwrap_or(0), n: 0 };
                accept(state.to_vec(), None, vec![Asked::bare(Effect::Cancel(id))])
            }
            ("refuse", _) => fail(FailureCode::Refused),
            ("trap", _) => fail(FailureCode::Unreachable),
            ("burn", _) => fail(FailureCode::Fuel),
            ("busy", _) => return Err(Abort::Busy("no room".into())),
            _ => Outcome::Rejected(Rejection { reason: format!("{line:?} is not a command") }),
        };
        Ok(step(message, outcome))
    }

    /// Doubles the number, unless it is odd.
    fn migrate(&self, _: &Context, _: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        let number: u64 = String::from_utf8_lossy(state).parse().unwrap_or_default();
        let outcome = match number % 2 {
            0 => {
                let state = (number * 2).to_string().into_bytes();
                Outcome::Accepted(Accepted { state, reply: None, effects: Vec::new() })
            }
            _ => Outcome::Failed(Failed { code: FailureCode::Refused, detail: "it is odd".into() }),
        };
        Ok(step(state, outcome))
    }
}

/// Answers everything with the question, turned round.
pub(crate) struct Mirror;

impl Outside for Mirror {
    fn call(&mut self, _: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        Ok(input.iter().rev().copied().collect())
    }
}

fn step(message: &[u8], outcome: Outcome) -> Step {
    Step { outcome, fuel: Fuel(message.len() as u64), calls: Vec::new(), log: Vec::new() }
}

/// Finds [`Tally`] and nothing else.
pub(crate) struct Tallies {
    pub(crate) engine: Engine,
}

impl Default for Tallies {
    fn default() -> Self {
        Self { engine: engine("1") }
    }
}

impl Machines for Tallies {
    type Machine = Tally;

    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn machine(&self, rules: &Rules, _: &[u8], _: &Files) -> Result<Tally, String> {
        match &rules.code {
            Code::Native(name) if name.as_str().starts_with("tally@") => Ok(Tally),
            code => Err(format!("{code:?} is not {MACHINE}")),
        }
    }
}

/// A chain in memory, which can be tampered with.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) head: Hash,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) blobs: BTreeMap<Hash, Vec<u8>>,
}

impl History for Chain {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        self.entries.iter().cloned().map(Ok)
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.blobs.get(name).cloned())
    }
}

/// A chain as it grows, with its tip and its state.
pub(crate) struct Live {
    pub(crate) chain: Chain,
    pub(crate) tip: Tip,
    pub(crate) state: Vec<u8>,
}

impl Live {
    pub(crate) fn start(config: Option<&[u8]>) -> Self {
        Self::granted(config, &[])
    }

    /// One that is granted files: paths and bytes.
    pub(crate) fn granted(config: Option<&[u8]>, files: &[(&str, &[u8])]) -> Self {
        let genesis = Genesis {
            code: Code::Native(text(MACHINE)),
            world: text("tally"),
            config: config.map(Hash::of),
            limits: [(text("fuel"), 1000), (text("state"), 64)].into(),
            engine: engine("1"),
            grants: grants(files),
            owner: None,
            nonce: Hash::from_bytes([7; 32]),
            fork: None,
            started_by: None,
        };
        let (tip, linked) = Tip::start(genesis, Timestamp(START));
        let chain = Chain { head: linked.name, entries: Vec::new(), blobs: BTreeMap::new() };
        let mut live = Self { chain, tip, state: Vec::new() };
        live.push(linked);
        config.into_iter().for_each(|config| live.keep(config));
        files.iter().for_each(|(_, bytes)| live.keep(bytes));
        let context = live.tip.next_context(Sender::Http { key: None }, Timestamp(START));
        let step = Tally.init(&context, &mut Nowhere, config).expect("no abort");
        let linked = live.tip.init(&context, &step).expect("init is accepted");
        live.take(&step);
        live.push(linked);
        live
    }

    /// Takes a message `later` milliseconds after the last one; false if it was rejected.
    pub(crate) fn message(&mut self, from: Sender, later: u64, message: &[u8]) -> bool {
        let context = self.tip.next_context(from, Timestamp(self.tip.at.0 + later));
        let step = Tally.apply(&context, &mut Mirror, message, &self.state).expect("no abort");
        let Some(linked) = self.tip.message(&context, Hash::of(message), &step) else { return false };
        self.keep(message);
        self.take(&step);
        self.push(linked);
        true
    }

    pub(crate) fn engine(&mut self, version: &str) {
        let linked = self.tip.engine(&engine(version)).expect("another engine");
        self.push(linked);
    }

    /// Upgrades to another version of the machine; false if the state was not carried over.
    pub(crate) fn upgrade(&mut self, version: &str) -> bool {
        let grants = self.tip.rules.grants.clone();
        self.upgrade_granted(version, grants)
    }

    /// Grants other files instead of those before; false if the state was not carried over.
    pub(crate) fn grant(&mut self, files: &[(&str, &[u8])]) -> bool {
        files.iter().for_each(|(_, bytes)| self.keep(bytes));
        self.upgrade_granted(MACHINE, grants(files))
    }

    fn upgrade_granted(&mut self, version: &str, grants: Vec<Text>) -> bool {
        let context = self.tip.next_context(Sender::Http { key: None }, self.tip.at);
        let step = Tally.migrate(&context, &mut Nowhere, &self.state).expect("no abort");
        let code = Code::Native(text(version));
        let rules = Rules { code, limits: [(text("fuel"), 9)].into(), grants, ..(*self.tip.rules).clone() };
        let Ok(linked) = self.tip.upgrade(&context, &rules, &step) else { return false };
        self.take(&step);
        self.push(linked);
        true
    }

    pub(crate) fn stop(&mut self) {
        let context = self.tip.next_context(Sender::Http { key: None }, self.tip.at);
        let linked = self.tip.stop(&context, text("enough"));
        self.push(linked);
    }

    /// A fork of this chain as it is now.
    pub(crate) fn fork(&self) -> Self {
        let tip = &self.tip;
        let (chain, entry, seq, state) = (tip.chain, tip.entry, tip.seq, Hash::of(&self.state));
        let genesis = Genesis {
            code: tip.rules.code.clone(),
            world: tip.rules.world.clone(),
            config: None,
            limits: tip.rules.limits.clone(),
            engine: tip.rules.engine.clone(),
            grants: tip.rules.grants.clone(),
            owner: None,
            nonce: Hash::from_bytes([8; 32]),
            fork: Some(Fork { chain, entry, seq, state }),
            started_by: None,
        };
        let (tip, linked) = Tip::start(genesis, tip.at);
        let chain = Chain { head: linked.name, entries: Vec::new(), blobs: BTreeMap::new() };
        let mut live = Self { chain, tip, state: self.state.clone() };
        live.keep(&self.state);
        live.push(linked);
        let first = live.tip.fork();
        live.push(first);
        live
    }

    fn take(&mut self, step: &Step) {
        let Outcome::Accepted(accepted) = &step.outcome else { return };
        self.keep(&accepted.state);
        accepted.reply.iter().for_each(|reply| self.keep(reply));
        accepted.effects.iter().filter_map(|asked| asked.payload.as_ref()).for_each(|blob| self.keep(blob));
        step.calls.iter().for_each(|call| {
            self.keep(&call.input);
            self.keep(&call.output);
        });
        self.state.clone_from(&accepted.state);
    }

    fn keep(&mut self, blob: &[u8]) {
        self.chain.blobs.insert(Hash::of(blob), blob.to_vec());
    }

    fn push(&mut self, linked: Linked) {
        self.chain.head = linked.name;
        self.chain.entries.push(linked.bytes);
    }
}

/// Seven entries that hold every kind: genesis with a config, init, a reply, a failure, two sends, an engine, and a
/// message from another actor.
pub(crate) fn short() -> Chain {
    let mut live = Live::start(Some(b"41"));
    assert!(live.message(Sender::Http { key: Some(Hash::of(b"key-1")) }, 5, b"add 1"));
    assert!(live.message(Sender::Http { key: None }, 0, b"refuse this"));
    assert!(live.message(Sender::Did { did: text("did:key:z6Mk"), sig: text("c2ln") }, 7, b"send \"b\\"));
    live.engine("2");
    let (chain, entry) = (Hash::of(b"another chain"), Hash::of(b"its entry"));
    assert!(live.message(Sender::Actor(EffectRef { chain, entry, n: 0 }), 1, b"quiet 3"));
    live.chain
}

/// Six entries with what [`short`] lacks: a call to the outside, a spawn, an upgrade and a stop.
pub(crate) fn changes() -> Chain {
    let mut live = changed();
    live.stop();
    live.chain
}

/// A fork of [`changes`] before its stop, and a message that it took.
pub(crate) fn fork() -> Chain {
    let mut fork = changed().fork();
    assert!(fork.message(Sender::Http { key: None }, 1, b"add 1"));
    fork.chain
}

/// Five entries whose rules grant files: two paths to the same bytes, and after an upgrade other bytes under one of them.
pub(crate) fn reading() -> Chain {
    let words = &b"nut bolt"[..];
    let mut live = Live::granted(Some(b"2"), &[("/data/words.txt", words), ("/a b.txt", words)]);
    assert!(live.message(Sender::Http { key: None }, 1, b"add 2"));
    assert!(live.grant(&[("/data/words.txt", b"nut")]));
    assert!(live.message(Sender::Http { key: None }, 1, b"quiet 1"));
    live.chain
}

/// `log` and files, in the order that genesis has them in.
fn grants(files: &[(&str, &[u8])]) -> Vec<Text> {
    let files = files.iter().map(|(path, bytes)| text(&format!("file:{}:{path}", Hash::of(bytes))));
    let mut grants: Vec<_> = files.chain([text("log")]).collect();
    grants.sort();
    grants
}

fn changed() -> Live {
    let mut live = Live::start(Some(b"4"));
    assert!(live.message(Sender::Http { key: None }, 1, b"ask abc"));
    assert!(live.message(Sender::Http { key: None }, 1, b"spawn little"));
    assert!(live.upgrade("tally@2"));
    live
}

/// A chain and what its operator says of blobs that are not there.
pub(crate) struct Redacted {
    pub(crate) chain: Chain,
    pub(crate) says: BTreeMap<Hash, Redaction>,
}

impl History for Redacted {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.chain.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        self.chain.entries()
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        self.chain.blob(name)
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        Ok(self.says.get(name).cloned())
    }
}
