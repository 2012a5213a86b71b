//! A machine that draws has a seed in each of its entries, and gets the same one again in a replay.

use std::collections::BTreeMap;

use troupe_chain::{
    Abort, Accepted, Body, CannotCheck, Code, Context, Engine, Entry, Failed, FailureCode, Files, Fuel,
    Genesis, Hash, Linked, Machine, Machines, NotVerified, Nowhere, Outcome, Outside, Rejection, Rules,
    Sender, Step, Timestamp, Tip, verify,
};

use crate::tally::{Chain, engine, text};

/// Its state is the seed of its last entry; `no` is refused, `die` fails. `dice@2` is the same, and draws nothing.
struct Dice {
    draws: bool,
}

impl Dice {
    fn roll(context: &Context) -> Step {
        let state = context.seed.map_or("none".into(), |seed| seed.to_string()).into_bytes();
        step(Outcome::Accepted(Accepted { state, reply: None, effects: Vec::new() }))
    }
}

fn step(outcome: Outcome) -> Step {
    Step { outcome, fuel: Fuel(1), calls: Vec::new(), log: Vec::new() }
}

impl Machine for Dice {
    fn init(&self, context: &Context, _: &mut dyn Outside, _: Option<&[u8]>) -> Result<Step, Abort> {
        Ok(Self::roll(context))
    }

    fn apply(&self, context: &Context, _: &mut dyn Outside, message: &[u8], _: &[u8]) -> Result<Step, Abort> {
        Ok(match message {
            b"no" => step(Outcome::Rejected(Rejection { reason: "no".into() })),
            b"die" => step(Outcome::Failed(Failed { code: FailureCode::Refused, detail: String::new() })),
            _ => Self::roll(context),
        })
    }

    fn migrate(&self, context: &Context, _: &mut dyn Outside, _: &[u8]) -> Result<Step, Abort> {
        Ok(Self::roll(context))
    }

    fn draws(&self) -> bool {
        self.draws
    }
}

/// Finds both versions.
struct Cup(Engine);

impl Machines for Cup {
    type Machine = Dice;

    fn engine(&self) -> &Engine {
        &self.0
    }

    fn machine(&self, rules: &Rules, _: &[u8], _: &Files) -> Result<Dice, String> {
        Ok(Dice { draws: rules.code == Code::Native(text("dice@1")) })
    }
}

/// Genesis, init, a message, a failure, an upgrade to what does not draw, a message, and an upgrade back.
fn game() -> Chain {
    let genesis = Genesis {
        code: Code::Native(text("dice@1")),
        world: text("dice"),
        config: None,
        limits: [(text("fuel"), 1)].into(),
        engine: engine("1"),
        grants: Vec::new(),
        owner: None,
        nonce: Hash::from_bytes([7; 32]),
        fork: None,
        started_by: None,
    };
    let (mut tip, first) = Tip::start(genesis, Timestamp(5));
    let mut chain = Chain { head: first.name, entries: vec![first.bytes], blobs: BTreeMap::new() };
    let mut keep = |linked: Linked, blobs: &[&[u8]]| {
        chain.head = linked.name;
        chain.entries.push(linked.bytes);
        chain.blobs.extend(blobs.iter().map(|blob| (Hash::of(blob), blob.to_vec())));
    };
    let context = |tip: &Tip, draws: bool| {
        let seed = draws.then(|| Hash::of(&[u8::try_from(tip.seq).unwrap()]));
        Context { seed, ..tip.next_context(Sender::Http { key: None }, Timestamp(6)) }
    };
    let (dice, still) = (Dice { draws: true }, Dice { draws: false });
    let at = context(&tip, true);
    let made = dice.init(&at, &mut Nowhere, None).unwrap();
    keep(tip.init(&at, &made).unwrap(), &[]);
    for message in [b"roll", &b"die"[..]] {
        let at = context(&tip, true);
        let made = dice.apply(&at, &mut Nowhere, message, b"").unwrap();
        keep(tip.message(&at, Hash::of(message), &made).unwrap(), &[message]);
    }
    let mut upgrade = |tip: &mut Tip, machine: &Dice, code: &str| {
        let at = context(tip, machine.draws);
        let made = machine.migrate(&at, &mut Nowhere, b"").unwrap();
        let rules = Rules { code: Code::Native(text(code)), ..(*tip.rules).clone() };
        keep(tip.upgrade(&at, &rules, &made).unwrap(), &[]);
    };
    upgrade(&mut tip, &still, "dice@2");
    upgrade(&mut tip, &dice, "dice@1");
    chain
}

fn says(chain: &Chain) -> Result<(), String> {
    match verify(chain, &Cup(engine("1")), |_| {}) {
        Ok(_) => Ok(()),
        Err(NotVerified::Diverged(found)) => {
            Err(format!("{} {}: {} but {}", found.seq, found.field, found.says, found.got))
        }
        Err(NotVerified::CannotCheck(CannotCheck::MissingBlob { seq, field, .. })) => {
            Err(format!("{seq} {field} is missing"))
        }
        Err(other) => Err(other.to_string()),
    }
}

/// The chain with another seed in an entry, and every link after it made to fit.
fn with(chain: &Chain, seq: usize, seed: Option<Hash>) -> Chain {
    let mut changed = chain.clone();
    for at in seq..changed.entries.len() {
        let mut entry = Entry::decode(&changed.entries[at]).unwrap();
        entry.parent = Some(Hash::of(&changed.entries[at - 1]));
        if at == seq {
            match &mut entry.body {
                Body::Init(init) => init.seed = seed,
                Body::Message(message) => message.seed = seed,
                Body::Failure(failure) => failure.seed = seed,
                Body::Upgrade(upgrade) => upgrade.seed = seed,
                _ => unreachable!("an entry with a seed"),
            }
        }
        changed.entries[at] = entry.encode();
    }
    changed.head = Hash::of(changed.entries.last().unwrap());
    changed
}

#[test]
fn the_seeds_that_were_drawn_are_recorded_and_replayed() {
    let chain = game();
    let seeds: Vec<_> =
        chain.entries.iter().map(|bytes| Entry::decode(bytes).unwrap().body.seed().is_some()).collect();
    assert_eq!(seeds, [false, true, true, true, false, true]);
    assert_eq!(says(&chain), Ok(()));
}

#[test]
fn a_seed_is_there_exactly_where_the_machine_draws() {
    let (chain, other) = (game(), Hash::of(b"another seed"));
    for seq in [1, 2, 3, 5] {
        assert_eq!(says(&with(&chain, seq, None)).unwrap_err(), format!("{seq} seed: none but one is drawn"));
    }
    let lies = says(&with(&chain, 4, Some(other))).unwrap_err();
    assert_eq!(lies, format!("4 seed: {other} but none"));
}

#[test]
fn another_seed_leads_to_another_state() {
    let (chain, other) = (game(), Hash::of(b"another seed"));
    for seq in [1, 2, 5] {
        let found = says(&with(&chain, seq, Some(other))).unwrap_err();
        assert!(found.starts_with(&format!("{seq} state: ")), "{found}");
    }
}
