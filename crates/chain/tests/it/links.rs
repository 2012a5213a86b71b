//! Every way in which entries may fail to form a chain, and which entry is blamed.

use troupe_chain::{
    Body, Entry, Hash, LinkFault, Linked, NotVerified, Sender, Timestamp, Tip, Unreadable, check_links,
};

use crate::tally::{Chain, Live, short};

/// Decodes entry `seq` of the short chain, changes it, links it to its parent again, and checks it there.
fn fault(seq: usize, change: impl FnOnce(&mut Entry)) -> LinkFault {
    let chain = short();
    let mut entry = Entry::decode(&chain.entries[seq]).expect("canonical");
    change(&mut entry);
    let bytes = entry.encode();
    let broken = match seq {
        0 => Tip::check_genesis(&bytes).map(|_| ()).expect_err("a fault"),
        _ => {
            let mut tip = tip_before(&chain, seq);
            let before = tip.clone();
            let broken = tip.check(&bytes).map(|_| ()).expect_err("a fault");
            assert_eq!(tip, before, "a tip stays where it was");
            broken
        }
    };
    assert_eq!(broken.seq, seq as u64);
    broken.fault
}

fn tip_before(chain: &Chain, seq: usize) -> Tip {
    let (mut tip, _) = Tip::check_genesis(&chain.entries[0]).expect("a genesis");
    for bytes in &chain.entries[1..seq] {
        tip.check(bytes).expect("a link");
    }
    tip
}

fn body_of(seq: usize) -> Body {
    Entry::decode(&short().entries[seq]).expect("canonical").body
}

#[test]
fn a_wrong_parent_is_a_fault() {
    let other = Hash::of(b"other");
    let expected = Hash::of(&short().entries[1]);
    let found = fault(2, |entry| entry.parent = Some(other));
    assert_eq!(found, LinkFault::Parent { expected, found: Some(other) });
}

#[test]
fn a_second_genesis_is_a_fault() {
    let expected = Hash::of(&short().entries[1]);
    let found = fault(2, |entry| *entry = Entry::decode(&short().entries[0]).expect("canonical"));
    assert_eq!(found, LinkFault::Parent { expected, found: None });
    let expected = "`message`, `failure`, `upgrade`, `engine` or `stop`";
    assert_eq!(fault(2, |entry| entry.body = body_of(0)), LinkFault::Kind { expected, found: "genesis" });
    assert_eq!(fault(2, |entry| entry.body = body_of(1)), LinkFault::Kind { expected, found: "init" });
}

#[test]
fn a_chain_begins_with_genesis_and_init() {
    let engine = |entry: &mut Entry| entry.body = body_of(5);
    let expected = "`genesis`";
    assert_eq!(fault(0, engine), LinkFault::Kind { expected, found: "engine" });
    let expected = "`init`";
    assert_eq!(fault(1, engine), LinkFault::Kind { expected, found: "engine" });
    assert_eq!(fault(1, |entry| entry.body = body_of(2)), LinkFault::Kind { expected, found: "message" });
}

#[test]
fn a_gap_in_seq_is_a_fault() {
    assert_eq!(fault(2, |entry| entry.seq = 3), LinkFault::Seq { expected: 2, found: 3 });
    assert_eq!(fault(2, |entry| entry.seq = 1), LinkFault::Seq { expected: 2, found: 1 });
    let late = |entry: &mut Entry| (entry.seq, entry.parent) = (4, Some(Hash::of(b"")));
    assert_eq!(fault(0, late), LinkFault::Seq { expected: 0, found: 4 });
}

#[test]
fn time_that_goes_back_is_a_fault() {
    let found = fault(3, |entry| entry.at = Timestamp(entry.at.0 - 1));
    assert_eq!(found, LinkFault::Time { parent: 1_700_000_000_005, found: 1_700_000_000_004 });
}

#[test]
fn another_state_before_is_a_fault() {
    let (expected, found) = (Hash::of(b"42"), Hash::of(b"43"));
    for seq in [3, 4, 6] {
        let fault = fault(seq, |entry| match &mut entry.body {
            Body::Message(message) => message.before = found,
            Body::Failure(failure) => failure.before = found,
            body => panic!("{} has no `before`", body.kind()),
        });
        assert_eq!(fault, LinkFault::Before { expected, found });
    }
}

#[test]
fn an_engine_entry_that_changes_nothing_is_a_fault() {
    let Body::Genesis(genesis) = body_of(0) else { panic!("not a genesis") };
    assert_eq!(fault(5, |entry| entry.body = Body::Engine(genesis.engine)), LinkFault::SameEngine);
}

#[test]
fn what_is_no_entry_is_a_fault() {
    let mut tip = tip_before(&short(), 2);
    for bytes in [&b""[..], b"{}", b"null", &[0xff; 600]] {
        let broken = tip.check(bytes).expect_err("a fault");
        assert!(matches!(broken.fault, LinkFault::Malformed(_)), "{broken}");
    }
}

/// Checks the links of a changed chain: where it is broken, and in short how.
fn blamed(chain: &Chain) -> (u64, &'static str) {
    match check_links(chain).expect_err("broken") {
        NotVerified::Head { seq, .. } => (seq, "head"),
        NotVerified::Structure(broken) => match broken.fault {
            LinkFault::Name { .. } => (broken.seq, "name"),
            LinkFault::Parent { .. } => (broken.seq, "parent"),
            LinkFault::Malformed(_) => (broken.seq, "malformed"),
            LinkFault::Seq { .. } => (broken.seq, "seq"),
            fault => panic!("{fault}"),
        },
        other => panic!("{other}"),
    }
}

/// Entry `seq` says another fuel, or another version of the engine where it has no fuel; still canonical.
fn with_other_fuel(seq: usize) -> Chain {
    let mut chain = short();
    let mut entry = Entry::decode(&chain.entries[seq]).expect("canonical");
    match &mut entry.body {
        Body::Genesis(genesis) => genesis.nonce = Hash::of(b"other"),
        Body::Init(init) => init.fuel.0 += 1,
        Body::Message(message) => message.fuel.0 += 1,
        Body::Failure(failure) => failure.fuel.0 += 1,
        Body::Upgrade(upgrade) => upgrade.fuel.0 += 1,
        Body::Stop(stop) => stop.reason = crate::tally::text("x"),
        Body::Engine(engine) => engine.values_mut().for_each(|value| *value = crate::tally::text("x")),
    }
    chain.entries[seq] = entry.encode();
    chain
}

#[test]
fn a_changed_entry_is_blamed_and_not_the_one_after() {
    for seq in 0..7 {
        let how = if seq == 6 { "head" } else { "name" };
        assert_eq!(blamed(&with_other_fuel(seq)), (seq as u64, how));
    }
}

#[test]
fn a_changed_parent_is_blamed_on_the_entry_that_has_it() {
    for seq in 1..7 {
        let mut chain = short();
        let at = chain.entries[seq].len() - 10;
        chain.entries[seq][at] = if chain.entries[seq][at] == b'0' { b'1' } else { b'0' };
        assert_eq!(blamed(&chain), (seq as u64, "parent"));
    }
}

#[test]
fn dropped_repeated_and_swapped_entries_are_blamed_where_they_stand() {
    for seq in 0..7 {
        let mut dropped = short();
        dropped.entries.remove(seq);
        let mut repeated = short();
        repeated.entries.insert(seq, repeated.entries[seq].clone());
        let expect = match seq {
            6 => (5, "head"),
            0 => continue,
            _ => (seq as u64, "parent"),
        };
        assert_eq!(blamed(&dropped), expect);
        assert_eq!(blamed(&repeated), (seq as u64 + 1, "parent"));
        if seq < 6 {
            let mut swapped = short();
            swapped.entries.swap(seq, seq + 1);
            assert_eq!(blamed(&swapped), (seq as u64, "parent"));
        }
    }
}

#[test]
fn another_head_is_a_fault_at_the_end() {
    let mut chain = short();
    chain.head = Hash::of(b"another");
    assert_eq!(blamed(&chain), (6, "head"));
}

#[test]
fn a_shorter_history_with_a_rewritten_head_is_not_detected() {
    let mut chain = short();
    chain.entries.truncate(4);
    chain.head = Hash::of(&chain.entries[3]);
    assert_eq!(check_links(&chain).expect("nothing in it is wrong").seq, 3);
}

#[test]
fn a_history_without_entries_cannot_be_checked() {
    let mut chain = short();
    chain.entries.clear();
    assert!(!check_links(&chain).expect_err("empty").is_false());
}

#[test]
fn reading_errors_are_not_a_verdict() {
    struct Torn(Chain);
    impl troupe_chain::History for Torn {
        type Bytes = Vec<u8>;
        fn head(&self) -> Hash {
            self.0.head
        }
        fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
            let torn = Err(Unreadable("the disk is gone".into()));
            self.0.entries[..3].iter().cloned().map(Ok).chain([torn])
        }
        fn blob(&self, _: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
            Ok(None)
        }
    }
    let error = check_links(&Torn(short())).expect_err("torn");
    assert_eq!(error.to_string(), "could not be checked: the history cannot be read: the disk is gone");
    assert!(!error.is_false());
}

#[test]
fn genesis_is_linked_as_it_was_checked() {
    let chain = short();
    let (tip, Linked { name, bytes, .. }) = Tip::check_genesis(&chain.entries[0]).expect("a genesis");
    assert_eq!((tip.chain, tip.entry, tip.seq), (name, name, 0));
    assert_eq!(bytes, chain.entries[0]);
}

#[test]
#[should_panic(expected = "does not follow")]
fn a_stale_context_links_nothing() {
    let mut live = Live::start(None);
    let stale = live.tip.next_context(Sender::Http { key: None }, Timestamp(0));
    live.engine("2");
    let step = troupe_chain::Machine::apply(
        &crate::tally::Tally,
        &stale,
        &mut troupe_chain::Nowhere,
        b"add 1",
        b"0",
    )
    .expect("no abort");
    live.tip.message(&stale, Hash::of(b"add 1"), &step);
}
