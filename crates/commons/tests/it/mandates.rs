//! What actors do in the name of members: within a mandate, and not beyond.

use troupe_chain::{EffectRef, Hash};
use troupe_commons::mana::Owner;
use troupe_commons::mandate::{Asked, mandate};
use troupe_commons::{Act, Applied, Code, Id, Message, Refusal, Reply, from_bytes};

use crate::cooperative::{Cooperative, MANA, Person, person};

const ACTOR: Hash = Hash::from_bytes([9; 32]);

fn give(coop: &mut Cooperative, by: &Person, acts: &[&str], mana: u64) -> Result<Reply, Refusal> {
    let acts = acts.iter().map(|act| (*act).to_owned()).collect();
    let until = coop.at + 1000;
    coop.act(by, Act::Mandate { acts, chain: Id(ACTOR), mana, until })
}

/// What an actor asks for leads to, and the state goes on if it was done.
fn ask(coop: &mut Cooperative, from: Hash, n: u64, principal: Id, act: Act) -> Result<Reply, Refusal> {
    let by = EffectRef { chain: from, entry: Hash::of(b"entry"), n };
    let Applied { state, reply, .. } =
        coop.state.apply_asked(coop.place(), &by, &Asked { act, principal })?;
    coop.state = state;
    coop.seq += 1;
    assert_eq!(sum(coop), 0, "mana sums to zero");
    Ok(reply)
}

/// What is on all accounts, less what was issued.
fn sum(coop: &Cooperative) -> i128 {
    let accounts = troupe_commons::mana::accounts(&coop.state).into_iter();
    let on = |(name, account): (String, troupe_commons::mana::Account)| {
        let balance = i128::from(account.balance);
        if name == Owner::Issuance.to_string() { -balance } else { balance }
    };
    accounts.map(on).sum()
}

fn refused(came: Result<Reply, Refusal>) -> Code {
    came.unwrap_err().code
}

#[test]
fn an_actor_spends_for_a_member_as_far_as_the_mandate_goes() {
    let mut coop = Cooperative::new(2, &[]);
    let (ada, bea) = (person(1), person(2));
    give(&mut coop, &ada, &["spend"], 100).unwrap();
    assert_eq!(ask(&mut coop, ACTOR, 0, ada.id, Act::Spend { amount: 60 }), Ok(Reply::Done {}));
    assert_eq!((coop.balance(&ada), coop.on(Owner::Fees)), (MANA - 60, 60));
    assert_eq!(mandate(&coop.state, ada.id, Id(ACTOR)).unwrap().left, 40);
    assert_eq!(refused(ask(&mut coop, ACTOR, 1, ada.id, Act::Spend { amount: 41 })), Code::Mana);
    assert_eq!(refused(ask(&mut coop, ACTOR, 1, bea.id, Act::Spend { amount: 1 })), Code::NotAllowed);
    let other = Hash::of(b"other");
    assert_eq!(refused(ask(&mut coop, other, 1, ada.id, Act::Spend { amount: 1 })), Code::NotAllowed);
    coop.wait(1000);
    assert_eq!(refused(ask(&mut coop, ACTOR, 1, ada.id, Act::Spend { amount: 1 })), Code::Expired);
    assert_eq!(coop.balance(&ada), MANA - 60);
}

#[test]
fn a_mandate_is_for_what_it_names_and_is_taken_back() {
    let mut coop = Cooperative::new(2, &[]);
    let (ada, bea) = (person(1), person(2));
    give(&mut coop, &ada, &["ballot", "submit"], 100).unwrap();
    for act in [
        Act::Spend { amount: 1 },
        Act::Transfer { amount: 1, to: bea.id },
        Act::Leave {},
        Act::Mandate { acts: vec!["spend".into()], chain: Id(ACTOR), mana: 500, until: coop.at + 10 },
    ] {
        assert_eq!(refused(ask(&mut coop, ACTOR, 0, ada.id, act)), Code::NotAllowed);
    }
    let ballot = Act::Ballot { choice: vec!["yes".into()], members: vec![bea.id], proposal: bea.id };
    assert_eq!(refused(ask(&mut coop, ACTOR, 0, ada.id, ballot)), Code::NotAllowed);
    let jobs = vec![coop.spec(20, 1)];
    let reply = ask(&mut coop, ACTOR, 0, ada.id, Act::Submit { jobs: jobs.clone() });
    assert!(matches!(reply, Ok(Reply::Jobs(ids)) if ids.len() == 1));
    // The price that is held counts as well as the fee.
    assert_eq!(mandate(&coop.state, ada.id, Id(ACTOR)).unwrap().left, 79);
    give(&mut coop, &ada, &[], 0).unwrap();
    assert_eq!(refused(ask(&mut coop, ACTOR, 1, ada.id, Act::Submit { jobs })), Code::NotAllowed);
    assert_eq!(refused(give(&mut coop, &ada, &[], 0)), Code::NotFound);
    assert_eq!(refused(give(&mut coop, &ada, &["transfer"], 1)), Code::Bounds);
    assert_eq!(refused(give(&mut coop, &ada, &["submit", "spend"], 1)), Code::Bounds);
}

#[test]
fn nobody_but_an_actor_asks_under_a_mandate_and_the_message_is_canonical() {
    let mut coop = Cooperative::new(2, &[]);
    let ada = person(1);
    give(&mut coop, &ada, &["spend"], 100).unwrap();
    let text = format!("{{\"act\":{{\"spend\":{{\"amount\":5}}}},\"for\":\"{}\"}}", ada.id);
    let message = Message::read(text.as_bytes()).unwrap();
    assert_eq!(message.to_bytes(), text.as_bytes());
    assert_eq!(refused(coop.send(&message)), Code::NotAllowed);
    assert!(from_bytes::<Asked>(text.replace("5}", "5.0}").as_bytes()).is_err());
    assert_eq!(coop.balance(&ada), MANA);
}
