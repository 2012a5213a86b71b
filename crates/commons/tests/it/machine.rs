//! The machine: its chain is verified by the very code that verifies an actor's, and it goes on from leaves alone.

use std::collections::BTreeMap;

use troupe_chain::{
    Abort, Code as Native, Engine, Files, Genesis, Hash, History, Leaf, Linked, Machine, Machines,
    NotVerified, Nowhere, Outcome, Rules, Sender, Text, Timestamp, Tip, Unreadable, verify,
};
use troupe_commons::governance::Action;
use troupe_commons::{Act, Commons, KEPT_STATES, MACHINE, StateRecord, Tick, WORLD, to_bytes};

use crate::cooperative::{Cooperative, START, charter, handled, person, result};

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

/// A chain in memory.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) blobs: BTreeMap<Hash, Vec<u8>>,
}

impl History for Chain {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        Hash::of(&self.entries[self.entries.len() - 1])
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        self.entries.iter().cloned().map(Ok)
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.blobs.get(name).cloned())
    }
}

/// Finds the commons, a fresh one each time.
struct Natives(Engine);

impl Default for Natives {
    fn default() -> Self {
        Self([(text("engine"), text("native"))].into())
    }
}

impl Machines for Natives {
    type Machine = Commons;

    fn engine(&self) -> &Engine {
        &self.0
    }

    fn machine(&self, rules: &Rules, _: &[u8], _: &Files) -> Result<Commons, String> {
        match &rules.code {
            Native::Native(name) if name.as_str() == MACHINE => Ok(Commons::default()),
            code => Err(format!("{code:?} is not {MACHINE}")),
        }
    }
}

/// A commons with the chain that it grows.
pub(crate) struct Live {
    pub(crate) machine: Commons,
    pub(crate) tip: Tip,
    pub(crate) state: Vec<u8>,
    pub(crate) chain: Chain,
    pub(crate) coop: Cooperative,
}

impl Live {
    fn begin() -> Self {
        let config = to_bytes(&charter(3, &[]));
        let genesis = Genesis {
            code: Native::Native(text(MACHINE)),
            world: text(WORLD),
            config: Some(Hash::of(&config)),
            limits: [(text("message"), 65_536)].into(),
            engine: Natives::default().0,
            grants: Vec::new(),
            owner: None,
            nonce: Hash::from_bytes([7; 32]),
            fork: None,
            started_by: None,
        };
        let machine = Commons::default();
        let (mut tip, first) = Tip::start(genesis, Timestamp(START));
        let context = tip.next_context(Sender::Http { key: None }, Timestamp(START));
        let step = machine.init(&context, &mut Nowhere, Some(&config)).unwrap();
        let second = tip.init(&context, &step).unwrap();
        let Outcome::Accepted(accepted) = step.outcome else { panic!("begins") };
        let mut coop = Cooperative::new(3, &[]);
        coop.chain = tip.chain;
        coop.state = machine.state(&accepted.state).unwrap();
        let mut live = Self { machine, tip, state: accepted.state, chain: Chain::default(), coop };
        live.keep(&config);
        live.push(first);
        live.push(second);
        live
    }

    fn keep(&mut self, blob: &[u8]) {
        self.chain.blobs.insert(Hash::of(blob), blob.to_vec());
    }

    fn push(&mut self, linked: Linked) {
        self.chain.entries.push(linked.bytes);
    }

    /// Takes a message, as a sequencer would; whether there is an entry.
    fn message(&mut self, bytes: &[u8]) -> bool {
        let context = self.tip.next_context(Sender::Http { key: None }, Timestamp(self.coop.at));
        let step = self.machine.apply(&context, &mut Nowhere, bytes, &self.state).unwrap();
        let Some(linked) = self.tip.message(&context, Hash::of(bytes), &step) else { return false };
        let Outcome::Accepted(accepted) = step.outcome else { panic!("accepted") };
        self.keep(bytes);
        self.push(linked);
        self.coop.state = self.machine.state(&accepted.state).unwrap();
        self.state = accepted.state;
        true
    }

    pub(crate) fn act(&mut self, by: u8, act: Act) {
        let bytes = self.coop.message(&person(by), act).to_bytes();
        assert!(self.message(&bytes));
    }

    fn tick(&mut self, tick: Tick) {
        let message = troupe_commons::Message::Due(troupe_commons::Due { tick });
        assert!(self.message(&message.to_bytes()));
    }

    /// A job from its submission to its settlement, and a vote.
    pub(crate) fn history() -> Self {
        let mut live = Self::begin();
        let spec = live.coop.spec(100, 1);
        live.act(1, Act::Submit { jobs: vec![spec] });
        let jobs = troupe_commons::jobs::jobs(&live.coop.state);
        let job = troupe_commons::Id(Hash::from_hex(jobs[0].0.as_bytes()).unwrap());
        let offer =
            troupe_commons::jobs::Offer { capabilities: vec![], job, latency: 1, memory: 0, price: 60 };
        live.act(2, Act::Bid(offer));
        live.coop.wait(10_000);
        live.tick(Tick::Award(job));
        live.act(2, Act::Receipt { job, result: result(500), salt: None });
        live.coop.wait(60_001);
        live.tick(Tick::Settle(job));
        let motion = crate::cooperative::motion(Action::Text {});
        live.act(3, Act::Propose(motion));
        live
    }
}

#[test]
fn replay_equals_live() {
    let mut live = Live::history();
    assert!(!live.message(b"{\"tick\":{\"award\":\"nothing\"}}"), "what is refused leaves no entry");
    let report = verify(&live.chain, &Natives::default(), |_| {}).unwrap();
    assert_eq!((report.head, report.messages), (live.tip.entry, 6));
}

#[test]
fn a_changed_outcome_is_found() {
    let mut live = Live::history();
    // The settlement is given another state: half of what the executor earned.
    let other = to_bytes(&StateRecord { root: troupe_commons::Id(Hash::of(b"another")), v: 1 });
    let entry = troupe_chain::Entry::decode(&live.chain.entries[5]).unwrap();
    let troupe_chain::Body::Message(mut message) = entry.body.clone() else { panic!("a message") };
    message.state = Hash::of(&other);
    let changed = troupe_chain::Entry { body: troupe_chain::Body::Message(message), ..entry };
    live.chain.entries.truncate(5);
    live.chain.entries.push(changed.encode());
    match verify(&live.chain, &Natives::default(), |_| {}) {
        Err(NotVerified::Diverged(divergence)) => {
            assert_eq!((divergence.seq, divergence.field), (5, "state"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_due_is_a_timer_that_the_machine_takes() {
    let live = Live::history();
    let entry = troupe_chain::Entry::decode(&live.chain.entries[2]).unwrap();
    let troupe_chain::Body::Message(message) = entry.body else { panic!("a message") };
    let timers: Vec<u64> = message
        .effects
        .iter()
        .map(|effect| match effect {
            troupe_chain::Effect::Timer { after, .. } => *after,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(timers, [10_000, 100_001], "the award, and the deadline");
}

#[test]
fn a_machine_goes_on_from_leaves() {
    let mut live = Live::begin();
    let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut written: Option<Vec<u8>> = None;
    for round in 0..20 {
        for _ in 0..round {
            live.act(1, Act::Transfer { amount: 1, to: person(2).id });
        }
        for Leaf { key, value } in live.machine.leaves(written.as_deref(), &live.state).unwrap() {
            match value {
                Some(value) => drop(rows.insert(key, value)),
                None => drop(rows.remove(&key)),
            }
        }
        written = Some(live.state.clone());
    }
    let next = live.coop.message(&person(3), Act::Leave {}).to_bytes();
    let restored = Commons::default();
    let mut leaves = rows.into_iter().map(|(key, value)| Leaf { key, value: Some(value) });
    restored.restore(&live.state, &mut leaves).unwrap();
    let at = |machine| handled(machine, live.tip.chain, (START, live.tip.seq + 1), &next, &live.state);
    let (Ok(Outcome::Accepted(one)), Ok(Outcome::Accepted(other))) = (at(&live.machine), at(&restored))
    else {
        panic!("both go on")
    };
    assert_eq!(one.state, other.state);
}

#[test]
fn other_leaves_than_a_state_names_are_refused() {
    let live = Live::begin();
    let leaves = live.machine.leaves(None, &live.state).unwrap();
    let mut few = leaves.clone().into_iter().skip(1);
    assert!(matches!(Commons::default().restore(&live.state, &mut few), Err(Abort::Host(_))));
    assert!(Commons::default().restore(&live.state, &mut leaves.into_iter()).is_ok());
}

#[test]
fn a_state_that_is_not_at_hand_aborts_and_decides_nothing() {
    let mut live = Live::begin();
    let first = live.state.clone();
    let message = live.coop.message(&person(1), Act::Leave {}).to_bytes();
    for _ in 0..KEPT_STATES {
        live.act(2, Act::Transfer { amount: 0, to: person(3).id });
    }
    let outcome = handled(&live.machine, live.tip.chain, (START, 2), &message, &first);
    assert!(matches!(outcome, Err(Abort::Host(_))));
    for state in [&b"{}"[..], b"", b"{\"root\":\"00\",\"v\":1}"] {
        assert!(matches!(
            handled(&live.machine, live.tip.chain, (START, 2), &message, state),
            Err(Abort::Host(_))
        ));
    }
}

#[test]
fn an_upgrade_needs_the_members() {
    let mut coop = Cooperative::new(2, &[]);
    let machine = Commons::default();
    let restore = |coop: &Cooperative| {
        let leaves = coop.state.map().iter();
        let mut leaves = leaves.map(|(key, value)| Leaf { key: key.into(), value: Some(value.into()) });
        machine.restore(&coop.state.record(), &mut leaves).unwrap();
    };
    let migrate = |coop: &Cooperative| {
        let from = Sender::Http { key: None };
        let (chain, at) = (coop.chain, Timestamp(coop.at));
        let context = troupe_chain::Context { chain, from, at, seq: 9, seed: None };
        machine.migrate(&context, &mut Nowhere, &coop.state.record()).unwrap().outcome
    };
    restore(&coop);
    assert!(matches!(migrate(&coop), Outcome::Failed(_)));
    let target = troupe_commons::Id(coop.chain);
    coop.decide(&[person(1), person(2)], Action::Upgrade { code: MACHINE.into(), target });
    restore(&coop);
    assert!(matches!(migrate(&coop), Outcome::Accepted(_)));
}
