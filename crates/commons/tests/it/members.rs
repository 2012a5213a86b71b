//! Keys that change, and members that stay.

use ed25519_dalek::Signer as _;
use troupe_commons::{Act, Code, Id, Reply, SignatureBytes, members};

use crate::cooperative::{Cooperative, MANA, Person, code, person};

fn rotation(coop: &Cooperative, of: &Person, to: &Person, signed_by: &Person) -> Act {
    let text = members::rotation_text(coop.chain, of.id, &to.did);
    let proof = SignatureBytes(signed_by.key.sign(text.as_bytes()).to_bytes());
    Act::Rotate { did: to.did.to_string(), proof }
}

#[test]
fn a_member_outlives_a_key() {
    let mut coop = Cooperative::new(2, &[]);
    let (old, new) = (person(1), person(7));
    let act = rotation(&coop, &old, &new, &new);
    coop.act(&old, act).unwrap();
    assert_eq!(members::of_key(&coop.state, &new.did.to_string()), Some(old.id));
    assert_eq!(coop.balance(&old), MANA, "the account is the same");
    coop.act(&new, Act::Transfer { amount: 1, to: person(2).id }).unwrap();
}

#[test]
fn a_new_key_must_show_that_it_is_there_for_this_member() {
    let mut coop = Cooperative::new(2, &[]);
    let (old, new) = (person(1), person(7));
    for act in [
        rotation(&coop, &old, &new, &old),
        rotation(&coop, &person(2), &new, &new),
        rotation(&Cooperative { chain: troupe_chain::Hash::of(b"other"), ..coop.clone() }, &old, &new, &new),
    ] {
        assert_eq!(code(coop.act(&old, act)), Code::Signature);
    }
    let taken = rotation(&coop, &old, &person(2), &person(2));
    assert_eq!(code(coop.act(&old, taken)), Code::Exists);
}

#[test]
fn enough_of_those_who_were_named_give_a_member_another_key() {
    let mut coop = Cooperative::new(5, &[]);
    let mut named: Vec<Id> = [2, 3, 4].map(|seed| person(seed).id).to_vec();
    named.sort();
    coop.act(&person(1), Act::Recovery { members: named, quorum: 2 }).unwrap();
    let ask = |did: &Person| Act::Recover { did: did.did.to_string(), member: person(1).id };
    assert_eq!(code(coop.act(&person(5), ask(&person(7)))), Code::NotAllowed);
    assert_eq!(coop.act(&person(2), ask(&person(7))), Ok(Reply::Now("asked".into())));
    assert_eq!(coop.act(&person(2), ask(&person(7))), Ok(Reply::Now("asked".into())), "once counts once");
    assert_eq!(coop.act(&person(3), ask(&person(8))), Ok(Reply::Now("asked".into())), "another key");
    assert_eq!(coop.act(&person(4), ask(&person(7))), Ok(Reply::Now("replaced".into())));
    assert_eq!(code(coop.act(&person(1), Act::Leave {})), Code::UnknownKey);
    coop.act(&person(7), Act::Leave {}).unwrap();
}

#[test]
fn nobody_names_themselves_or_a_quorum_that_cannot_be() {
    let mut coop = Cooperative::new(3, &[]);
    for (members, quorum) in [(vec![person(1).id], 1), (vec![person(2).id], 2), (vec![person(2).id], 0)] {
        let named = Act::Recovery { members, quorum };
        assert_eq!(code(coop.act(&person(1), named)), Code::Bounds);
    }
}

#[test]
fn whoever_leaves_is_no_member_any_more() {
    let mut coop = Cooperative::new(3, &[]);
    coop.act(&person(3), Act::Leave {}).unwrap();
    assert_eq!(members::active_members(&coop.state), 2);
    assert_eq!(code(coop.act(&person(3), Act::Join {})), Code::NotActive);
    let transfer = Act::Transfer { amount: 1, to: person(3).id };
    assert_eq!(code(coop.act(&person(1), transfer)), Code::NotActive);
}
