//! What a chain may take only once, or only if it asked for it.

use troupe_chain::{EffectId, EffectRef, Hash, NotVerified, Notice, Sender, Timestamp, verify};

use crate::tally::{Live, START, Tallies};

const HTTP: Sender = Sender::Http { key: None };

/// What is wrong with the chain that these messages make; empty if nothing is.
fn check(messages: &[(Sender, u64, &[u8])]) -> String {
    let mut live = Live::start(None);
    for (from, later, message) in messages {
        assert!(live.message(from.clone(), *later, message), "accepted or failed");
    }
    match verify(&live.chain, &Tallies::default(), |_| {}) {
        Ok(_) => String::new(),
        Err(NotVerified::Origin { what, .. }) => what,
        Err(other) => panic!("{other}"),
    }
}

fn timer(seq: u64, due: u64) -> Sender {
    Sender::Timer { set: EffectId { seq, n: 0 }, due: Timestamp(START + due) }
}

fn reply(seq: u64) -> Sender {
    Sender::Reply { to: EffectId { seq, n: 0 }, chain: Hash::of(b"other"), entry: Hash::of(b"reply") }
}

fn notice(seq: u64, about: Notice) -> Sender {
    Sender::Notice { of: EffectId { seq, n: 0 }, about, chain: None, entry: None }
}

#[test]
fn an_effect_of_another_actor_is_taken_once() {
    let from = |n| Sender::Actor(EffectRef { chain: Hash::of(b"c"), entry: Hash::of(b"e"), n });
    assert_eq!(check(&[(from(0), 0, b"add 1"), (from(1), 0, b"add 1")]), "");
    assert!(check(&[(from(0), 0, b"add 1"), (from(0), 0, b"add 1")]).contains("was taken before"));
}

#[test]
fn a_timer_goes_off_once_when_it_is_due_with_its_message_unless_it_was_cancelled() {
    let set: (Sender, u64, &[u8]) = (HTTP, 0, b"timer 5");
    let ok: (Sender, u64, &[u8]) = (timer(2, 5), 6, b"add 1");
    assert_eq!(check(&[set.clone(), ok.clone()]), "");
    assert!(check(&[set.clone(), ok.clone(), ok.clone()]).contains("no timer that waits"));
    assert!(check(&[set.clone(), (timer(2, 5), 4, b"add 1")]).contains("after the entry"));
    assert!(check(&[set.clone(), (timer(2, 6), 9, b"add 1")]).contains("due at"));
    assert!(check(&[set.clone(), (timer(2, 5), 6, b"add 2")]).contains("brings"));
    assert!(check(&[set.clone(), (HTTP, 0, b"cancel 2"), ok.clone()]).contains("no timer that waits"));
    assert!(check(&[(HTTP, 0, b"quiet 1"), ok]).contains("no timer that waits"));
}

#[test]
fn a_request_has_one_end() {
    let asked: (Sender, u64, &[u8]) = (HTTP, 0, b"request b");
    assert_eq!(check(&[asked.clone(), (reply(2), 0, b"add 1")]), "");
    assert_eq!(check(&[asked.clone(), (notice(2, Notice::Late), 0, b"add 1")]), "");
    let both: [(Sender, u64, &[u8]); 3] =
        [asked.clone(), (notice(2, Notice::Late), 0, b"add 1"), (reply(2), 0, b"add 1")];
    assert!(check(&both).contains("no request that waits"));
    let turned: [(Sender, u64, &[u8]); 3] =
        [asked, (reply(2), 0, b"add 1"), (notice(2, Notice::Late), 0, b"add 1")];
    assert!(check(&turned).contains("has ended before"));
    assert!(check(&[(HTTP, 0, b"send b"), (reply(2), 0, b"add 1")]).contains("no request"));
}

#[test]
fn a_notice_is_about_something_that_was_asked_for() {
    assert_eq!(check(&[(HTTP, 0, b"send b"), (notice(2, Notice::Unknown), 0, b"add 1")]), "");
    assert!(
        check(&[(HTTP, 0, b"quiet 1"), (notice(2, Notice::Unknown), 0, b"add 1")]).contains("never asked")
    );
    assert!(
        check(&[(HTTP, 0, b"quiet 1"), (notice(2, Notice::Lapsed), 0, b"add 1")]).contains("never asked")
    );
}
