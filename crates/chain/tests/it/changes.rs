//! Chains that were upgraded, stopped, forked, and that asked the world.

use troupe_chain::{Body, CannotCheck, Entry, Hash, LinkFault, Linked, NotVerified, Sender, verify};

use crate::tally::{Chain, Live, Tallies};

const HTTP: Sender = Sender::Http { key: None };

fn verdict(chain: &Chain) -> NotVerified {
    verify(chain, &Tallies::default(), |_| {}).expect_err("not verified")
}

/// Changes the last entry, and the head with it.
fn with_other_last(live: &Live, change: impl FnOnce(&mut Body)) -> Chain {
    let mut chain = live.chain.clone();
    let last = chain.entries.last_mut().expect("entries");
    let mut entry = Entry::decode(last).expect("canonical");
    change(&mut entry.body);
    let linked = Linked::new(entry);
    (*last, chain.head) = (linked.bytes, linked.name);
    chain
}

#[test]
fn an_upgraded_chain_verifies_and_its_state_is_the_migrated_one() {
    let mut live = Live::start(Some(b"4"));
    assert!(live.message(HTTP, 1, b"add 3"));
    assert!(!live.upgrade("tally@2"), "an odd state is not carried over");
    assert!(live.message(HTTP, 1, b"add 1"));
    assert!(live.upgrade("tally@2"));
    assert_eq!(live.state, b"16");
    assert!(live.message(HTTP, 1, b"add 1"));
    let report = verify(&live.chain, &Tallies::default(), |_| {}).expect("true");
    assert_eq!((report.seq, report.messages), (5, 3));
    assert_eq!(live.tip.rules.limits.len(), 1, "the limits are those of the upgrade");
}

#[test]
fn an_upgrade_to_a_state_that_its_code_does_not_make_diverges() {
    let mut live = Live::start(Some(b"4"));
    assert!(live.upgrade("tally@2"));
    let forged = with_other_last(&live, |body| {
        let Body::Upgrade(upgrade) = body else { panic!("an upgrade") };
        upgrade.state = Hash::of(b"9");
    });
    assert!(matches!(verdict(&forged), NotVerified::Diverged(d) if d.field == "state" && d.seq == 2));
}

#[test]
fn an_upgrade_to_unknown_code_cannot_be_checked() {
    let mut live = Live::start(Some(b"4"));
    assert!(live.upgrade("abacus@1"));
    assert!(matches!(verdict(&live.chain), NotVerified::CannotCheck(CannotCheck::NoMachine(_))));
}

#[test]
fn nothing_follows_a_stop() {
    let mut live = Live::start(None);
    live.stop();
    assert!(verify(&live.chain, &Tallies::default(), |_| {}).is_ok());
    let mut longer = live.chain.clone();
    let mut next = Entry::decode(longer.entries.last().expect("a stop")).expect("canonical");
    (next.parent, next.seq) = (Some(longer.head), next.seq + 1);
    let linked = Linked::new(next);
    longer.head = linked.name;
    longer.entries.push(linked.bytes);
    assert!(matches!(verdict(&longer), NotVerified::Structure(broken) if broken.fault == LinkFault::Stopped));
}

#[test]
fn a_fork_goes_on_from_the_state_of_another_chain() {
    let mut live = Live::start(Some(b"4"));
    assert!(live.message(HTTP, 1, b"add 3"));
    let mut fork = live.fork();
    assert!(fork.message(HTTP, 1, b"add 1"));
    assert_eq!(fork.state, b"8");
    assert_ne!(fork.tip.chain, live.tip.chain);
    verify(&fork.chain, &Tallies::default(), |_| {}).expect("true");
}

#[test]
fn a_fork_that_begins_with_another_state_is_no_chain() {
    let fork = Live::start(Some(b"4")).fork();
    let forged = with_other_last(&fork, |body| {
        let Body::Init(init) = body else { panic!("an init") };
        init.state = Hash::of(b"5");
    });
    assert!(
        matches!(verdict(&forged), NotVerified::Structure(b) if matches!(b.fault, LinkFault::Fork { .. }))
    );
    let forged = with_other_last(&fork, |body| {
        let Body::Init(init) = body else { panic!("an init") };
        init.fuel.0 = 1;
    });
    assert!(
        matches!(verdict(&forged), NotVerified::Structure(b) if matches!(b.fault, LinkFault::Fork { .. }))
    );
}

#[test]
fn a_fork_without_its_state_cannot_be_checked() {
    let mut fork = Live::start(Some(b"4")).fork();
    fork.chain.blobs.clear();
    let NotVerified::CannotCheck(CannotCheck::MissingBlob { field, .. }) = verdict(&fork.chain) else {
        panic!("a blob is missing");
    };
    assert_eq!(field, "fork.state");
}

fn asked() -> Live {
    let mut live = Live::start(None);
    assert!(live.message(HTTP, 1, b"ask abc"));
    live
}

#[test]
fn what_the_world_answered_is_replayed_from_the_record() {
    let live = asked();
    assert!(live.chain.blobs.contains_key(&Hash::of(b"cba")));
    verify(&live.chain, &Tallies::default(), |_| {}).expect("true");
}

#[test]
fn a_replay_without_the_recorded_answer_cannot_be_checked() {
    let mut chain = asked().chain;
    chain.blobs.remove(&Hash::of(b"cba"));
    let NotVerified::CannotCheck(CannotCheck::MissingBlob { field, .. }) = verdict(&chain) else {
        panic!("a blob is missing");
    };
    assert_eq!(field, "calls.out");
}

#[test]
fn a_call_that_is_not_made_or_not_recorded_diverges() {
    let calls = |change: fn(&mut Vec<troupe_chain::Call>)| {
        with_other_last(&asked(), |body| {
            let Body::Message(message) = body else { panic!("a message") };
            change(&mut message.calls);
        })
    };
    let diverged = |chain: &Chain| match verdict(chain) {
        NotVerified::Diverged(divergence) => divergence.field,
        other => panic!("{other}"),
    };
    assert_eq!(diverged(&calls(|calls| calls.clear())), "calls");
    assert_eq!(diverged(&calls(|calls| calls.push(calls[0].clone()))), "calls");
    assert_eq!(diverged(&calls(|calls| calls[0].input = Hash::of(b"abd"))), "calls");
}
