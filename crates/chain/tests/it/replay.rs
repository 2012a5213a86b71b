//! Replay comes to what happened, whatever happened.

use proptest::prelude::*;
use troupe_chain::{Body, CannotCheck, EffectRef, Entry, Hash, NotVerified, Sender, Tip, rerun, verify};

use crate::strategies::hash;
use crate::tally::{Live, Tallies, reading, short, text};

#[derive(Debug, Clone)]
enum Event {
    Message(Sender, u64, String),
    Engine(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let sender = prop_oneof![
        proptest::option::of(hash()).prop_map(|key| Sender::Http { key }),
        (hash(), hash(), 0..9u64).prop_map(|(chain, entry, n)| Sender::Actor(EffectRef { chain, entry, n })),
    ];
    let command = prop_oneof![
        any::<u64>().prop_map(|n| format!("add {n}")),
        any::<u32>().prop_map(|n| format!("quiet {n}")),
        "send [ -~]{0,300}",
        proptest::sample::select(vec!["now", "who", "refuse", "trap", "burn", "nonsense"])
            .prop_map(str::to_owned),
    ];
    prop_oneof![
        9 => (sender, 0..1000u64, command).prop_map(|(from, later, line)| Event::Message(from, later, line)),
        1 => any::<u8>().prop_map(Event::Engine),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn replay_equals_live(config in proptest::option::of(0..u64::MAX), events in prop::collection::vec(event(), 0..40)) {
        let config = config.map(|number| number.to_string().into_bytes());
        let mut live = Live::start(config.as_deref());
        let mut taken = 0;
        for (index, event) in events.iter().enumerate() {
            match event {
                Event::Message(from, later, line) => {
                    let entries = live.chain.entries.len();
                    let is_taken = live.message(from.clone(), *later, line.as_bytes());
                    prop_assert_eq!(is_taken, line != "nonsense");
                    prop_assert_eq!(live.chain.entries.len() - entries, usize::from(is_taken));
                    taken += u64::from(is_taken);
                }
                Event::Engine(version) => live.engine(&format!("{version}.{index}")),
            }
        }
        let report = verify(&live.chain, &Tallies::default(), |_| {}).expect("true");
        prop_assert_eq!(report.messages + report.failures, taken);
        prop_assert_eq!((report.chain, report.head, report.seq), (live.tip.chain, live.tip.entry, live.tip.seq));
    }
}

#[test]
fn the_short_chain_is_verified_and_counted() {
    let mut seen = Vec::new();
    let report = verify(&short(), &Tallies::default(), |seq| seen.push(seq)).expect("true");
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    assert_eq!((report.messages, report.failures, report.on_trust), (3, 1, 0));
    assert_eq!(report.provenance_not_checked, 2);
    assert_eq!(report.fuel.0, 1 + 5 + 8 + 7);
}

#[test]
fn outcomes_need_no_blobs_that_replay_gives_back() {
    let mut chain = short();
    for (name, blob) in chain.blobs.clone() {
        let goes_in = blob == b"41" || blob.iter().any(u8::is_ascii_lowercase) && blob != b"hello";
        if !goes_in {
            chain.blobs.remove(&name);
        }
    }
    assert_eq!(chain.blobs.len(), 5, "the config and four messages");
    assert!(verify(&chain, &Tallies::default(), |_| {}).is_ok());
}

#[test]
fn a_replayer_goes_on_from_a_trusted_state() {
    let mut live = Live::start(None);
    live.message(Sender::Http { key: None }, 1, b"add 2");
    let (tip, state) = (live.tip.clone(), live.state.clone());
    live.message(Sender::Did { did: text("did:key:z"), sig: text("s") }, 1, b"add 3");
    let machines = Tallies::default();
    let mut replayer = troupe_chain::Replayer::resume(&machines, crate::tally::Tally, tip, state);
    let bytes = live.chain.entries[3].clone();
    let name = Hash::of(b"add 3");
    replayer
        .step(&bytes, |_, asked: &Hash| {
            assert_eq!(*asked, name);
            Ok(b"add 3")
        })
        .expect("true");
    assert_eq!((replayer.state(), replayer.tip()), (&b"5"[..], &live.tip));
}

#[test]
fn an_upgrade_whose_file_is_missing_is_named_when_it_is_run_again() {
    let mut chain = reading();
    let upgrade = Entry::decode(&chain.entries[3]).unwrap();
    assert!(matches!(upgrade.body, Body::Upgrade(_)));
    let (mut before, first) = Tip::check_genesis(&chain.entries[0]).unwrap();
    let Body::Genesis(genesis) = first.entry.body else { panic!("no genesis") };
    for bytes in &chain.entries[1..3] {
        before.check(bytes).unwrap();
    }
    let again = |chain: &_| rerun(chain, &Tallies::default(), &genesis, &before, &upgrade);
    assert!(again(&chain).unwrap().is_some());
    chain.blobs.remove(&Hash::of(b"nut")).unwrap();
    let fault = again(&chain).map(drop).unwrap_err();
    assert!(matches!(fault, NotVerified::CannotCheck(CannotCheck::MissingBlob { seq: 3, .. })), "{fault}");
}
