//! Every way in which what an entry says of its origin may be true, false, or not to be told.

use std::collections::BTreeMap;

use troupe_chain::{
    Body, Code, Effect, EffectId, EffectRef, Engine, Entries, Entry, Failure, FailureCode, Fork, Fuel,
    Genesis, Hash, Init, Linked, Message, Notice, Origin, Sender, Spawn, Stop, Supervision, Timestamp,
    Unreadable, Upgrade, check_origin,
};

use crate::tally::text;

/// Entries at hand, by chain and position.
#[derive(Default, Clone)]
struct World(BTreeMap<Hash, BTreeMap<u64, (Hash, Entry)>>);

impl Entries for World {
    fn entry(&self, chain: &Hash, name: &Hash) -> Result<Option<Entry>, Unreadable> {
        let entries = self.0.get(chain).into_iter().flat_map(BTreeMap::values);
        Ok(entries.filter(|(is, _)| is == name).map(|(_, entry)| entry.clone()).next())
    }

    fn at(&self, chain: &Hash, seq: u64) -> Result<Option<(Hash, Entry)>, Unreadable> {
        Ok(self.0.get(chain).and_then(|entries| entries.get(&seq)).cloned())
    }
}

impl World {
    fn put(&mut self, chain: Hash, entry: Entry) -> Hash {
        let linked = Linked::new(entry);
        self.0.entry(chain).or_default().insert(linked.entry.seq, (linked.name, linked.entry));
        linked.name
    }
}

struct Dark;

impl Entries for Dark {
    fn entry(&self, _: &Hash, _: &Hash) -> Result<Option<Entry>, Unreadable> {
        Err(Unreadable("dark".into()))
    }

    fn at(&self, _: &Hash, _: u64) -> Result<Option<(Hash, Entry)>, Unreadable> {
        Err(Unreadable("dark".into()))
    }
}

fn hash(name: &str) -> Hash {
    Hash::of(name.as_bytes())
}

fn entry(seq: u64, at: u64, body: Body) -> Entry {
    Entry { parent: (seq > 0).then(|| hash("before")), seq, at: Timestamp(at), body }
}

fn message(from: Sender, message: &str, reply: Option<&str>, effects: Vec<Effect>) -> Body {
    Body::Message(Box::new(Message {
        message: hash(message),
        from,
        before: hash("state"),
        state: hash("state"),
        reply: reply.map(hash),
        fuel: Fuel(1),
        calls: Vec::new(),
        effects,
        seed: None,
    }))
}

fn genesis() -> Genesis {
    Genesis {
        code: Code::Native(text("tally@1")),
        world: text("tally"),
        config: Some(hash("config")),
        limits: [(text("fuel"), 1)].into(),
        engine: [(text("engine"), text("tally"))].into(),
        grants: vec![text("log")],
        owner: None,
        nonce: hash("nonce"),
        fork: None,
        started_by: None,
    }
}

/// The asking actor's chain, and one that it asks.
fn asker() -> Hash {
    hash("asker")
}

fn asked() -> Hash {
    hash("asked")
}

/// Of the asker, entry 2 has all effects; of the asked, entry 2 is a reply to the request, and entry 3 a failure on it.
fn world() -> World {
    let mut world = World::default();
    let sent = hash("sent");
    let spawn = Spawn {
        code: Code::Native(text("tally@1")),
        config: Some(hash("config")),
        grants: vec![text("log")],
        name: None,
        supervision: Supervision::default(),
    };
    let effects = vec![
        Effect::Send { to: text("a"), message: sent },
        Effect::Request { to: text("a"), message: sent, timeout: 10 },
        Effect::Timer { after: 10, message: sent },
        Effect::Cron { cron: text("* * * * *"), message: sent },
        Effect::Spawn(Box::new(spawn)),
        Effect::Stop { child: text("a") },
        Effect::Exit { reason: text("done") },
        Effect::Request { to: text("a"), message: sent, timeout: 10 },
    ];
    for chain in [asker(), asked()] {
        world.put(chain, entry(0, 100, Body::Genesis(Box::new(genesis()))));
        let (calls, effects) = (Vec::new(), Vec::new());
        let init = Init { state: hash("state"), fuel: Fuel(1), calls, effects, seed: None };
        world.put(chain, entry(1, 100, Body::Init(init)));
    }
    let name = world.put(asker(), entry(2, 100, message(Sender::Http { key: None }, "in", None, effects)));
    let from = Sender::Actor(EffectRef { chain: asker(), entry: name, n: 1 });
    world.put(asked(), entry(2, 101, message(from.clone(), "sent", Some("reply"), Vec::new())));
    let failed = Failure {
        message: hash("sent"),
        from,
        before: hash("state"),
        error: FailureCode::Refused,
        fuel: Fuel(1),
        calls: Vec::new(),
        seed: None,
    };
    world.put(asked(), entry(3, 101, Body::Failure(Box::new(failed))));
    world
}

fn name_of(chain: Hash, seq: u64) -> Hash {
    world().0[&chain][&seq].0
}

fn by(n: u64) -> EffectRef {
    EffectRef { chain: asker(), entry: name_of(asker(), 2), n }
}

fn own(n: u64) -> EffectId {
    EffectId { seq: 2, n }
}

fn reply(to: EffectId, seq: u64) -> Sender {
    Sender::Reply { to, chain: asked(), entry: name_of(asked(), seq) }
}

fn notice(of: EffectId, about: Notice) -> Sender {
    Sender::Notice { of, about, chain: None, entry: None }
}

fn timer(n: u64, due: u64) -> Sender {
    Sender::Timer { set: own(n), due: Timestamp(due) }
}

fn got(from: Sender, bytes: &str) -> Entry {
    entry(3, 110, message(from, bytes, None, Vec::new()))
}

fn stopped(from: Sender) -> Entry {
    entry(3, 110, Body::Stop(Stop { from, reason: text("done") }))
}

/// A child that effect 4 of the asker started.
fn child(change: impl FnOnce(&mut Genesis)) -> Entry {
    let mut child = Genesis { nonce: by(4).nonce(), started_by: Some(by(4)), ..genesis() };
    change(&mut child);
    entry(0, 100, Body::Genesis(Box::new(child)))
}

/// A fork of the asked after its last entry.
fn fork(change: impl FnOnce(&mut Fork)) -> Entry {
    let mut fork = Fork { chain: asked(), entry: name_of(asked(), 3), seq: 3, state: hash("state") };
    change(&mut fork);
    entry(0, 200, Body::Genesis(Box::new(Genesis { fork: Some(fork), ..genesis() })))
}

fn origin(entry: &Entry) -> Origin {
    check_origin(&asker(), entry, &world())
}

#[test]
fn what_is_there_and_fits_is_resolved() {
    for entry in [
        got(Sender::Actor(by(0)), "sent"),
        got(Sender::Actor(by(1)), "sent"),
        got(timer(2, 110), "sent"),
        got(timer(3, 105), "sent"),
        got(reply(own(1), 2), "reply"),
        got(notice(own(4), Notice::Started), "anything"),
        stopped(Sender::Actor(by(5))),
        stopped(Sender::Parent(by(5))),
        stopped(notice(own(6), Notice::Stopped)),
        child(|_| {}),
        fork(|_| {}),
    ] {
        assert_eq!(origin(&entry), Origin::Resolved, "{entry:?}");
    }
}

#[test]
fn what_comes_from_outside_or_from_nothing_is_nobodys() {
    let http = Sender::Http { key: Some(hash("key")) };
    let did = Sender::Did { did: text("did:key:z"), sig: text("s") };
    let engine: Engine = [(text("engine"), text("none"))].into();
    let genesis = world().0[&asker()][&0].1.clone();
    let init = world().0[&asker()][&1].1.clone();
    for entry in [got(http.clone(), "x"), got(did, "x"), stopped(http.clone()), upgrade(http), genesis, init]
    {
        assert_eq!(origin(&entry), Origin::Nobody, "{entry:?}");
    }
    assert_eq!(origin(&entry(4, 110, Body::Engine(engine))), Origin::Nobody);
}

fn upgrade(from: Sender) -> Entry {
    let Genesis { code, world, limits, grants, .. } = genesis();
    let (before, state, fuel) = (hash("state"), hash("state"), Fuel(1));
    let (calls, effects) = (Vec::new(), Vec::new());
    let upgrade =
        Upgrade { code, world, limits, grants, from, before, state, fuel, calls, effects, seed: None };
    entry(3, 110, Body::Upgrade(Box::new(upgrade)))
}

#[test]
fn what_is_there_and_does_not_fit_is_false() {
    let late = EffectId { seq: 3, n: 0 };
    let genesis = |change: fn(&mut Genesis)| child(change);
    let rows = [
        (got(Sender::Actor(by(9)), "sent"), "the entry has no effect 9"),
        (got(Sender::Actor(by(2)), "sent"), "a `timer` sends no message"),
        (got(Sender::Actor(by(0)), "other"), "the message that was sent is"),
        (got(Sender::Parent(by(0)), "sent"), "as any other actor does"),
        (got(timer(9, 110), "sent"), "seq 2 has no effect 9"),
        (got(Sender::Timer { set: late, due: Timestamp(110) }, "sent"), "seq 3 is not before it"),
        (got(timer(0, 110), "sent"), "a `send` is no timer"),
        (got(timer(2, 110), "other"), "the message of the timer is"),
        (got(timer(2, 109), "sent"), "when the timer is due is 110, but it says 109"),
        (entry(3, 109, message(timer(2, 110), "sent", None, Vec::new())), "due at 110, it went off at 109"),
        (got(timer(3, 105), "other"), "the message of the cron is"),
        (got(timer(3, 111), "sent"), "due at 111, it went off at 110"),
        (got(reply(late, 2), "reply"), "seq 3 is not before it"),
        (got(reply(own(9), 2), "reply"), "seq 2 has no effect 9"),
        (got(reply(own(0), 2), "reply"), "a `send` is not replied to"),
        (got(reply(own(1), 3), "reply"), "no message that was handled"),
        (got(reply(own(1), 2), "other"), "the reply is"),
        (got(reply(own(7), 2), "reply"), "something else than this request"),
        (got(notice(own(9), Notice::Late), "x"), "there is no effect 9 of seq 2 before it"),
        (got(notice(late, Notice::Late), "x"), "there is no effect 0 of seq 3 before it"),
        (upgrade(Sender::Actor(by(0))), "asks for an upgrade"),
        (stopped(Sender::Actor(by(0))), "a `send` stops nobody"),
        (stopped(Sender::Actor(by(4))), "a `spawn` stops nobody"),
        (stopped(Sender::Parent(by(4))), "the `spawn` is another actor's"),
        (stopped(notice(own(5), Notice::Stopped)), "a `stop` stops nobody"),
        (stopped(notice(own(6), Notice::Late)), "nor such a notice stops"),
        (stopped(timer(2, 110)), "neither a timer, a reply nor"),
        (genesis(|child| child.started_by = Some(by(5))), "a `stop` starts no actor"),
        (genesis(|child| child.code = Code::Native(text("tally@2"))), "names other code"),
        (genesis(|child| child.config = None), "names another config"),
        (genesis(|child| child.grants.clear()), "names other grants"),
        (genesis(|child| child.nonce = hash("nonce")), "the nonce of this `spawn` is"),
        (Entry { at: Timestamp(101), ..child(|_| {}) }, "the time of the `spawn` is 100, but it says 101"),
        (fork(|fork| fork.seq = 2), "branches off from is 3, but it says 2"),
        (fork(|fork| fork.state = hash("other")), "the state there is"),
        (fork(|fork| (fork.entry, fork.seq) = (name_of(asked(), 0), 0)), "no state at a genesis"),
    ];
    for (entry, why) in rows {
        let Origin::False(found) = origin(&entry) else { panic!("{why:?}: {:?}", origin(&entry)) };
        assert!(found.contains(why), "{found:?} does not mention {why:?}");
    }
}

#[test]
fn a_stop_for_another_reason_than_its_exit_is_false() {
    let mut entry = stopped(notice(own(6), Notice::Stopped));
    entry.body = Body::Stop(Stop { from: notice(own(6), Notice::Stopped), reason: text("other") });
    let Origin::False(why) = origin(&entry) else { panic!("another reason") };
    assert!(why.contains("the reason of the exit is done"), "{why}");
}

#[test]
fn what_is_not_at_hand_or_cannot_be_read_is_not_false() {
    for entry in [
        got(Sender::Actor(by(9)), "other"),
        got(timer(9, 0), "other"),
        got(reply(own(9), 3), "other"),
        got(notice(own(9), Notice::Late), "other"),
        stopped(Sender::Parent(by(0))),
        child(|child| child.config = None),
        fork(|fork| fork.seq = 9),
    ] {
        assert_eq!(check_origin(&asker(), &entry, &World::default()), Origin::NotAtHand, "{entry:?}");
        assert_eq!(check_origin(&asker(), &entry, &Dark), Origin::NotAtHand, "{entry:?}");
    }
    let mut without = world();
    without.0.remove(&asked());
    let entry = got(reply(own(1), 2), "reply");
    assert_eq!(check_origin(&asker(), &entry, &without), Origin::NotAtHand);
}

#[test]
fn a_fork_is_told_of_effects_of_the_chain_that_it_branched_off_from() {
    let mut world = world();
    let heir = hash("heir");
    let to = Fork { chain: asker(), entry: name_of(asker(), 2), seq: 2, state: hash("state") };
    world.put(heir, entry(0, 200, Body::Genesis(Box::new(Genesis { fork: Some(to), ..genesis() }))));
    let lapsed = |n| entry(2, 200, message(notice(own(n), Notice::Lapsed), "x", None, Vec::new()));
    assert_eq!(check_origin(&heir, &lapsed(2), &world), Origin::Resolved);
    assert!(matches!(check_origin(&heir, &lapsed(9), &world), Origin::False(_)));
    world.0.get_mut(&asker()).expect("there").remove(&2);
    assert_eq!(check_origin(&heir, &lapsed(2), &world), Origin::NotAtHand);
    assert!(matches!(origin(&got(timer(9, 1), "x")), Origin::False(_)));
}

#[test]
fn a_fork_says_the_start_of_the_chain_that_it_branched_off_from() {
    let mut world = world();
    let first = hash("child");
    let start = child(|_| {});
    world.put(first, start.clone());
    let init = world.0[&asker()][&1].1.clone();
    let name = world.put(first, init);
    let heir = |by: EffectRef| {
        let to = Fork { chain: first, entry: name, seq: 1, state: hash("state") };
        let heir = Genesis { fork: Some(to), started_by: Some(by), ..genesis() };
        entry(0, 300, Body::Genesis(Box::new(heir)))
    };
    assert_eq!(check_origin(&hash("heir"), &heir(by(4)), &world), Origin::Resolved);
    for (n, why) in [(5, "starts no actor"), (9, "has no effect 9")] {
        let Origin::False(found) = check_origin(&hash("heir"), &heir(by(n)), &world) else { panic!("{why}") };
        assert!(found.contains(why), "{found}");
    }
    world.put(first, entry(0, 100, Body::Genesis(Box::new(genesis()))));
    let Origin::False(why) = check_origin(&hash("heir"), &heir(by(4)), &world) else { panic!("not so") };
    assert!(why.contains("was not started so"), "{why}");
    let stop = stopped(Sender::Parent(by(4)));
    world.put(first, start);
    assert_eq!(check_origin(&first, &stop, &world), Origin::Resolved);
}

#[test]
fn a_fork_after_an_entry_without_a_state_has_the_last_one_before() {
    let mut world = world();
    let engine: Engine = [(text("engine"), text("none"))].into();
    let name = world.put(asked(), entry(4, 120, Body::Engine(engine)));
    let at = |state: &str| fork(|fork| (fork.entry, fork.seq, fork.state) = (name, 4, hash(state)));
    assert_eq!(check_origin(&hash("heir"), &at("state"), &world), Origin::Resolved);
    assert!(matches!(check_origin(&hash("heir"), &at("other"), &world), Origin::False(_)));
    world.0.get_mut(&asked()).expect("there").remove(&3);
    assert_eq!(check_origin(&hash("heir"), &at("state"), &world), Origin::NotAtHand);
}
