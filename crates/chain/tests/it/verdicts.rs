//! Every way in which a history may be false or impossible to check: one row each.

use std::cell::Cell;

use troupe_chain::{
    Body, Call, CannotCheck, Entry, Hash, History, Linked, Message, NotVerified, Sender, Unreadable, verify,
};

use crate::tally::{Chain, Live, MACHINE, Tallies, short, text};

fn verdict(chain: &impl History) -> NotVerified {
    verify(chain, &Tallies::default(), |_| {}).expect_err("not verified")
}

/// Changes entry `seq` of the short chain and links everything after it again, as a forger would.
fn forged(seq: usize, change: impl FnOnce(&mut Body)) -> Chain {
    let mut chain = short();
    let mut change = Some(change);
    let mut parent: Option<Hash> = None;
    let mut state = None;
    for (index, bytes) in chain.entries.iter_mut().enumerate() {
        let mut entry = Entry::decode(bytes).expect("canonical");
        entry.parent = parent;
        match &mut entry.body {
            Body::Message(message) => message.before = state.unwrap_or(message.before),
            Body::Failure(failure) => failure.before = state.unwrap_or(failure.before),
            _ => {}
        }
        if index == seq {
            change.take().into_iter().for_each(|change| change(&mut entry.body));
        }
        state = entry.state().or(state);
        let linked = Linked::new(entry);
        (*bytes, parent, chain.head) = (linked.bytes, Some(linked.name), linked.name);
    }
    chain
}

fn message(change: impl Fn(&mut Message)) -> impl FnOnce(&mut Body) {
    move |body| match body {
        Body::Message(message) => change(message),
        body => panic!("{} is not a message", body.kind()),
    }
}

/// Forges entry `seq` and expects the replay to differ from it in `field`.
fn diverges(seq: usize, field: &str, change: impl FnOnce(&mut Body)) {
    let error = verdict(&forged(seq, change));
    let NotVerified::Diverged(divergence) = &error else { panic!("{error}") };
    assert_eq!((divergence.seq, divergence.field), (seq as u64, field), "{error}");
    assert!(error.is_false());
    assert_eq!(error.seq(), Some(seq as u64));
}

#[test]
fn an_honest_chain_survives_being_linked_again() {
    assert_eq!(forged(3, |_| {}).head, short().head);
}

#[test]
fn every_field_that_replay_gives_back_is_compared() {
    let other = Hash::of(b"42");
    diverges(1, "state", |body| {
        if let Body::Init(init) = body {
            init.state = other
        }
    });
    diverges(1, "fuel", |body| {
        if let Body::Init(init) = body {
            init.fuel.0 = 2
        }
    });
    diverges(2, "state", message(|message| message.state = Hash::of(b"43")));
    diverges(2, "reply", message(|message| message.reply = None));
    diverges(2, "reply", message(|message| message.reply = Some(Hash::of(b""))));
    diverges(4, "reply", message(|message| message.reply = Some(other)));
    diverges(2, "fuel", message(|message| message.fuel.0 += 1));
    diverges(4, "effects", message(|message| message.effects.clear()));
    diverges(4, "effects", message(|message| message.effects.swap(0, 1)));
    diverges(4, "effects", message(|message| message.effects.extend(message.effects.clone())));
    diverges(2, "seed", message(|message| message.seed = Some(other)));
    diverges(
        2,
        "calls",
        message(|message| {
            message.calls = vec![Call { function: text("clock.now"), input: other, output: other }];
        }),
    );
    diverges(2, "kind", message(|message| message.message = Hash::of(b"refuse this")));
    diverges(3, "fuel", |body| {
        if let Body::Failure(failure) = body {
            failure.fuel.0 += 1
        }
    });
    diverges(3, "error", |body| {
        if let Body::Failure(failure) = body {
            failure.error = troupe_chain::FailureCode::Abi
        }
    });
    diverges(3, "kind", |body| {
        if let Body::Failure(failure) = body {
            failure.message = Hash::of(b"add 1")
        }
    });
}

#[test]
fn a_rejected_message_has_no_entry() {
    let mut chain = forged(2, message(|message| message.message = Hash::of(b"nonsense")));
    chain.blobs.insert(Hash::of(b"nonsense"), b"nonsense".to_vec());
    let error = verdict(&chain).to_string();
    let expect = "diverged at seq 2 in `kind`: the chain says message, the replay got a rejection";
    assert!(error.contains(expect), "{error}");
}

#[test]
fn a_replayed_blob_is_handed_out_for_comparison() {
    let error = verdict(&forged(2, message(|message| message.state = Hash::of(b"43"))));
    let NotVerified::Diverged(divergence) = error else { panic!("{error}") };
    assert_eq!(divergence.got_bytes, Some(b"42".to_vec()));
}

#[test]
fn structure_fails_before_blobs_and_blobs_before_replay() {
    let mut chain = forged(1, |body| {
        if let Body::Init(init) = body {
            init.fuel.0 = 2
        }
    });
    chain.blobs.insert(Hash::of(b"add 1"), b"add 2".to_vec());
    chain.entries[6].pop();
    assert!(matches!(verdict(&chain), NotVerified::Structure(broken) if broken.seq == 6));
    chain.entries[6].push(b'}');
    assert!(matches!(verdict(&chain), NotVerified::Blob { seq: 2, field: "message", .. }));
    chain.blobs.insert(Hash::of(b"add 1"), b"add 1".to_vec());
    assert!(matches!(verdict(&chain), NotVerified::Diverged(_)));
}

#[test]
fn every_changed_blob_is_found_at_the_first_entry_that_names_it() {
    for (blob, seq, field) in [
        (&b"41"[..], 0, "config"),
        (b"add 1", 2, "message"),
        (b"42", 2, "state"),
        (b"refuse this", 3, "message"),
        (b"hello", 4, "effects.message"),
        (b"45", 6, "state"),
    ] {
        let mut chain = short();
        chain.blobs.insert(Hash::of(blob), b"something else".to_vec());
        let error = verdict(&chain);
        let NotVerified::Blob { seq: at, field: of, .. } = error else { panic!("{error}") };
        assert_eq!((at, of), (seq, field));
    }
}

/// Expects that a history cannot be checked, and returns why.
fn cannot_check(chain: &Chain, machines: &Tallies) -> CannotCheck {
    match verify(chain, machines, |_| {}).expect_err("not verified") {
        error if error.is_false() => panic!("{error}"),
        NotVerified::CannotCheck(why) => why,
        error => panic!("{error}"),
    }
}

#[test]
fn a_missing_message_cannot_be_checked() {
    for (blob, seq, field) in
        [(&b"41"[..], 0, "config"), (b"add 1", 2, "message"), (b"refuse this", 3, "message")]
    {
        let mut chain = short();
        chain.blobs.remove(&Hash::of(blob));
        let why = cannot_check(&chain, &Tallies::default());
        let CannotCheck::MissingBlob { seq: at, field: of, .. } = why else { panic!("{why}") };
        assert_eq!((at, of), (seq, field));
    }
}

#[test]
fn an_empty_history_cannot_be_checked() {
    let mut chain = short();
    chain.entries.clear();
    assert!(matches!(cannot_check(&chain, &Tallies::default()), CannotCheck::Empty));
}

#[test]
fn a_chain_of_an_unknown_machine_cannot_be_checked() {
    let chain = forged(0, |body| {
        if let Body::Genesis(genesis) = body {
            genesis.code = troupe_chain::Code::Native(text("other@1"))
        }
    });
    let why = cannot_check(&chain, &Tallies::default()).to_string();
    assert!(why.contains("no machine for this chain") && why.contains(MACHINE), "{why}");
}

#[test]
fn an_aborted_replay_is_not_a_verdict() {
    let mut chain = forged(3, |body| {
        if let Body::Failure(failure) = body {
            failure.message = Hash::of(b"busy")
        }
    });
    chain.blobs.insert(Hash::of(b"busy"), b"busy".to_vec());
    assert!(matches!(cannot_check(&chain, &Tallies::default()), CannotCheck::Aborted { seq: 3, .. }));
}

#[test]
fn a_limit_of_another_engine_is_not_a_verdict() {
    let mut chain = forged(2, message(|message| message.message = Hash::of(b"burn")));
    chain.blobs.insert(Hash::of(b"burn"), b"burn".to_vec());
    let other = Tallies { engine: crate::tally::engine("9") };
    assert!(matches!(cannot_check(&chain, &other), CannotCheck::OtherEngine { seq: 2, .. }));
    assert!(matches!(verdict(&chain), NotVerified::Diverged(divergence) if divergence.field == "kind"));
}

#[test]
fn another_engine_compares_no_fuel_and_takes_its_limits_on_trust() {
    let mut live = Live::start(None);
    live.message(Sender::Http { key: None }, 1, b"burn");
    let other = Tallies { engine: crate::tally::engine("9") };
    let report = verify(&live.chain, &other, |_| {}).expect("true");
    assert_eq!((report.failures, report.on_trust), (1, 1));
    assert_eq!(verify(&live.chain, &Tallies::default(), |_| {}).expect("true").on_trust, 0);
    let chain = forged(2, message(|message| message.fuel.0 += 1));
    assert!(verify(&chain, &other, |_| {}).is_ok());
}

/// Hands out other blobs from the `after`th question on.
struct TwoFaced {
    first: Chain,
    then: Chain,
    asked: Cell<u32>,
    after: u32,
}

impl History for TwoFaced {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.first.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, Unreadable>> {
        self.first.entries()
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, Unreadable> {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() > self.after { self.then.blob(name) } else { self.first.blob(name) }
    }
}

#[test]
fn a_source_that_changes_its_mind_is_not_verified() {
    let mut then = short();
    then.blobs.insert(Hash::of(b"refuse this"), b"refuse that".to_vec());
    for after in 0..=2 {
        let two = TwoFaced { first: short(), then: then.clone(), asked: Cell::new(0), after };
        assert!(matches!(verdict(&two), NotVerified::Blob { seq: 3, .. }));
    }
}

#[test]
fn a_broken_link_is_told_before_a_divergence_that_stands_earlier() {
    let mut chain = forged(2, message(|message| message.fuel.0 += 1));
    assert!(matches!(verdict(&chain), NotVerified::Diverged(divergence) if divergence.seq == 2));
    let last = chain.entries.last_mut().expect("an entry");
    *last = String::from_utf8(last.clone()).expect("ASCII").replace("\"seq\":6", "\"seq\":7").into_bytes();
    chain.head = Hash::of(last);
    assert!(matches!(verdict(&chain), NotVerified::Structure(broken) if broken.seq == 6));
}
