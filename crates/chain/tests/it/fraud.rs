//! Accusations: each kind of lie convinces from its bytes alone, and nothing that was changed in them does.

use troupe_chain::fraud::{FraudProof, Lie, NotMade, NotShown, Shown};
use troupe_chain::note::{Checkpoint, KeyKind, KeyName, PublicKey, SecretKey, SignedCheckpoint};
use troupe_chain::tree::{Leaves, TreeHash};
use troupe_chain::{Body, Entry, Hash, NotVerified, Sender};

use crate::parts::relink;
use crate::tally::{Chain, Live, Tallies};

const NOBODY: Sender = Sender::Http { key: None };

fn key() -> SecretKey {
    SecretKey::from_seed("node.example/log".parse().unwrap(), KeyKind::Log, &[3; 32])
}

fn leaves(chain: &Chain) -> Leaves {
    chain.entries.iter().map(|entry| TreeHash::of_leaf(Hash::of(entry).as_bytes())).collect()
}

fn id(chain: &Chain) -> Hash {
    Hash::of(&chain.entries[0])
}

/// A checkpoint of a chain as far as `size`, with what else somebody may have signed below it.
fn checkpoint(chain: &Chain, size: u64) -> SignedCheckpoint {
    let head = leaves(chain).head_at(size).unwrap();
    let checkpoint = Checkpoint::new(KeyName::of_chain(&id(chain)), head);
    let mut signed = checkpoint.sign(&key());
    let witness = SecretKey::from_seed("w".parse().unwrap(), KeyKind::Witness, &[4; 32]);
    signed.add(witness.sign(&signed.checkpoint().text(), 1_700_000_000));
    signed
}

fn public() -> PublicKey {
    key().public().clone()
}

fn chain(messages: usize) -> Chain {
    let mut live = Live::start(Some(b"2"));
    for n in 0..messages {
        let message = if n % 5 == 4 { "ask why".to_owned() } else { format!("add {n}") };
        assert!(live.message(NOBODY, 1, message.as_bytes()));
    }
    live.chain
}

/// The chain with another state at `seq`, and every hash from there on made anew.
fn with_false_state(messages: usize, seq: usize) -> Chain {
    let mut chain = chain(messages);
    let name = Hash::of(b"1000000");
    chain.blobs.insert(name, b"1000000".to_vec());
    relink(&mut chain, seq, |entry| {
        if let Body::Message(message) = &mut entry.body {
            message.state = name;
        }
    });
    chain
}

fn check(bytes: &[u8]) -> Result<Shown, NotShown> {
    FraudProof::parse(bytes).expect("it can be read").check(&Tallies::default())
}

/// One accusation of each kind.
pub(crate) fn accusations() -> Vec<(&'static str, FraudProof)> {
    let (honest, machines) = (chain(20), Tallies::default());
    let forged = with_false_state(20, 9);
    let roots = [&checkpoint(&honest, 22), &checkpoint(&forged, 22)];
    let (old, new) = (checkpoint(&honest, 13), checkpoint(&forged, 21));
    let trees = [(&old, &leaves(&honest)), (&new, &leaves(&forged))];
    vec![
        ("roots", FraudProof::of_roots(public(), roots, &machines).unwrap()),
        ("leaves", FraudProof::of_leaves(public(), trees, &machines).unwrap()),
        ("step", FraudProof::of_step(public(), &new, &forged, 9, &machines).unwrap()),
    ]
}

#[test]
fn each_kind_of_lie_convinces_whoever_has_only_the_bytes() {
    let shown: Vec<_> =
        accusations().into_iter().map(|(_, proof)| check(&proof.to_bytes()).unwrap()).collect();
    assert!(matches!(shown[0], Shown::Roots { size: 22, .. }));
    assert!(matches!(shown[1], Shown::Leaves { index: 9, .. }));
    let Shown::Step { seq: 9, fault, .. } = &shown[2] else { panic!("{:?}", shown[2]) };
    assert!(matches!(&**fault, NotVerified::Diverged(divergence) if divergence.field == "state"));
}

#[test]
fn no_changed_byte_of_an_accusation_is_accepted() {
    for (kind, proof) in accusations() {
        let bytes = proof.to_bytes();
        let mut refused = 0;
        for at in 0..bytes.len() {
            for flip in [0x01, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if let Ok(read) = FraudProof::parse(&changed) {
                    let shown = read.check(&Tallies::default());
                    assert!(shown.is_err(), "{kind}: byte {at} ^ {flip:#x} is accepted: {shown:?}");
                }
                refused += 1;
            }
        }
        for end in 0..bytes.len() {
            if let Ok(cut) = FraudProof::parse(&bytes[..end]) {
                assert!(cut.check(&Tallies::default()).is_err(), "{kind}: cut at {end}");
            }
        }
        let longer = [&bytes[..], b"\n"].concat();
        assert!(FraudProof::parse(&longer).is_err());
        assert!(refused > 1000, "{kind}");
    }
}

#[test]
fn honest_histories_cannot_be_accused() {
    let (honest, machines) = (chain(20), Tallies::default());
    let [small, large] = [13, 22].map(|size| checkpoint(&honest, size));
    for seq in 1..22 {
        let made = FraudProof::of_step(public(), &large, &honest, seq, &machines);
        assert!(matches!(made, Err(NotMade::NotShown(NotShown::True(at))) if at == seq), "{made:?}");
    }
    let tree = leaves(&honest);
    let made = FraudProof::of_leaves(public(), [(&small, &tree), (&large, &tree)], &machines);
    assert!(matches!(made, Err(NotMade::NoDifference)), "{made:?}");
    for other in [&small, &large] {
        let made = FraudProof::of_roots(public(), [&large, other], &machines);
        assert!(matches!(made, Err(NotMade::NotShown(NotShown::NoContradiction(_)))), "{made:?}");
    }
    // Two actors are not one that says two things.
    let another = Live::start(Some(b"8")).chain;
    let made = FraudProof::of_roots(public(), [&checkpoint(&another, 2), &checkpoint(&honest, 2)], &machines);
    assert!(matches!(made, Err(NotMade::NotShown(NotShown::Origins(..)))), "{made:?}");
}

#[test]
fn what_is_withheld_or_damaged_is_no_accusation() {
    let (forged, machines) = (with_false_state(20, 9), Tallies::default());
    let signed = checkpoint(&forged, 22);
    let mut cut = forged.clone();
    cut.entries.truncate(15);
    let made = FraudProof::of_step(public(), &signed, &cut, 9, &machines);
    assert!(matches!(made, Err(NotMade::Fewer { size: 22, shown: 15 })), "{made:?}");
    // A state whose bytes are others than its name says was signed by nobody.
    let mut damaged = forged.clone();
    let before = Entry::decode(&damaged.entries[8]).unwrap().state().unwrap();
    damaged.blobs.insert(before, b"17".to_vec());
    let made = FraudProof::of_step(public(), &signed, &damaged, 9, &machines);
    assert!(matches!(made, Err(NotMade::NotShown(NotShown::CannotCheck(_)))), "{made:?}");
    // A checkpoint of before the lie has nothing of it.
    let made = FraudProof::of_step(public(), &checkpoint(&forged, 9), &forged, 9, &machines);
    assert!(matches!(made, Err(NotMade::OutOfTree(_))), "{made:?}");
}

#[test]
fn a_frame_up_is_refused() {
    let forged = with_false_state(20, 9);
    let machines = Tallies::default();
    let proof = FraudProof::of_step(public(), &checkpoint(&forged, 22), &forged, 9, &machines).unwrap();
    let Lie::Step(step) = &proof.lie else { panic!("a step") };
    let with = |change: &dyn Fn(&mut troupe_chain::fraud::FalseStep)| {
        let mut step = step.clone();
        change(&mut step);
        check(&FraudProof { key: public(), lie: Lie::Step(step) }.to_bytes()).unwrap_err()
    };
    // Entries that were not signed, fewer or more of them, another message, a blob too many or too few.
    let honest = chain(20);
    assert!(matches!(with(&|step| step.entries = honest.entries[..10].to_vec()), NotShown::NotSigned(_)));
    assert!(matches!(with(&|step| drop(step.entries.pop())), NotShown::NotSigned(_)));
    assert!(matches!(with(&|step| step.entries.remove(3).clear()), NotShown::NotSigned(_)));
    assert!(matches!(with(&|step| step.blobs.push(b"more".to_vec())), NotShown::Unneeded(_)));
    assert!(matches!(with(&|step| drop(step.blobs.pop())), NotShown::CannotCheck(_)));
    let other = SecretKey::from_seed("node.example/log".parse().unwrap(), KeyKind::Log, &[5; 32]);
    let framed = FraudProof { key: other.public().clone(), lie: proof.lie.clone() };
    assert!(matches!(framed.check(&machines), Err(NotShown::Signature { .. })));
    // An entry after the false one is honest: it follows from the state that the false one claims.
    let later = FraudProof::of_step(public(), &checkpoint(&forged, 22), &forged, 9 + 2, &machines);
    assert!(
        matches!(later, Err(NotMade::NotShown(NotShown::True(11) | NotShown::Earlier { .. }))),
        "{later:?}"
    );
}

#[test]
fn a_signed_history_that_is_no_chain_is_a_lie_as_well() {
    let machines = Tallies::default();
    let mut chain = chain(12);
    let mut entry = Entry::decode(&chain.entries[6]).unwrap();
    entry.parent = Some(Hash::of(b"nothing"));
    chain.entries[6] = entry.encode();
    let proof = FraudProof::of_step(public(), &checkpoint(&chain, 10), &chain, 6, &machines).unwrap();
    let Lie::Step(step) = &proof.lie else { panic!("a step") };
    assert!(step.blobs.is_empty());
    let Shown::Step { seq: 6, fault, .. } = check(&proof.to_bytes()).unwrap() else { panic!("a step") };
    assert!(matches!(*fault, NotVerified::Structure(_)), "{fault}");
    let bytes = proof.to_bytes();
    assert!(String::from_utf8_lossy(&bytes).starts_with("troupe.fraud/v1\nkey node.example/log+"));
}

#[test]
fn rules_come_from_the_signed_entries_and_from_nowhere_else() {
    // Under the first machine an odd number may be carried over by nobody; so the upgrade itself is what is false here.
    let mut live = Live::start(Some(b"2"));
    assert!(live.message(NOBODY, 1, b"add 2"));
    assert!(live.upgrade("tally@2"));
    assert!(live.message(NOBODY, 1, b"add 1"));
    let mut chain = live.chain;
    relink(&mut chain, 4, |entry| {
        if let Body::Message(message) = &mut entry.body {
            message.fuel.0 += 3;
        }
    });
    let machines = Tallies::default();
    let proof = FraudProof::of_step(public(), &checkpoint(&chain, 5), &chain, 4, &machines).unwrap();
    let bytes = proof.to_bytes();
    assert!(check(&bytes).is_ok());
    let Lie::Step(mut step) = proof.lie else { panic!("a step") };
    // Without the upgrade the entry would run under other rules; but then the entries are not those that were signed.
    step.entries.remove(3);
    let framed = FraudProof { key: public(), lie: Lie::Step(step) };
    assert!(matches!(framed.check(&machines), Err(NotShown::NotSigned(_))));
    // Another engine compares no fuel, so it cannot tell.
    let other = Tallies { engine: crate::tally::engine("9") };
    let told = FraudProof::parse(&bytes).unwrap().check(&other).unwrap_err();
    assert!(matches!(told, NotShown::OtherEngine(4)) && !told.is_false(), "{told}");
}
