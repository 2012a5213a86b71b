//! What somebody may try, and what comes of it: the table in `docs/spec/commons.md`, a test for each row.

use troupe_chain::{Hash, Outcome};
use troupe_commons::governance::{Action, Stage, proposal};
use troupe_commons::mana::Owner;
use troupe_commons::{Act, Code, Commons, Due, Id, Message, Reply, Tick, members, reputation, to_bytes};

use crate::cooperative::{
    Cooperative, MANA, START, charter, code, handled, motion, person, result, sign, sums_to_zero,
};

fn pay(amount: u64) -> Act {
    Act::Transfer { amount, to: person(2).id }
}

#[test]
fn a_command_that_is_sent_again_is_refused() {
    let mut coop = Cooperative::new(3, &[]);
    let message = coop.message(&person(1), pay(10));
    coop.send(&message).unwrap();
    let before = coop.state.root();
    assert_eq!(code(coop.send(&message)), Code::Number);
    assert_eq!((coop.state.root(), coop.balance(&person(1))), (before, MANA - 10));
}

#[test]
fn a_command_for_another_chain_is_refused() {
    let mut coop = Cooperative::new(3, &[]);
    let message = coop.message(&person(1), pay(10));
    coop.chain = Hash::of(b"another chain");
    assert_eq!(code(coop.send(&message)), Code::WrongChain);
}

#[test]
fn a_command_with_another_number_than_the_next_is_refused() {
    let mut coop = Cooperative::new(3, &[]);
    for number in [0, 2, u64::MAX >> 11] {
        let mut command = coop.command(&person(1), pay(10));
        command.number = number;
        assert_eq!(code(coop.send(&sign(&person(1), command))), Code::Number, "{number}");
    }
}

#[test]
fn a_command_past_its_time_or_good_for_ever_is_refused() {
    let mut coop = Cooperative::new(3, &[]);
    let message = coop.message(&person(1), pay(10));
    let mut lasting = coop.command(&person(1), pay(10));
    lasting.expires = coop.at + 8 * 86_400_000;
    assert_eq!(code(coop.send(&sign(&person(1), lasting))), Code::Expired);
    coop.wait(1_001);
    assert_eq!(code(coop.send(&message)), Code::Expired);
}

#[test]
fn a_forged_signature_is_refused() {
    let mut coop = Cooperative::new(3, &[]);
    let command = coop.command(&person(1), pay(10));
    assert_eq!(code(coop.send(&sign(&person(2), command.clone()))), Code::Signature);
    let Message::Signed(mut signed) = sign(&person(1), command) else { unreachable!() };
    signed.command.act = pay(400);
    assert_eq!(code(coop.send(&Message::Signed(signed))), Code::Signature);
}

#[test]
fn a_signature_from_another_domain_is_refused() {
    use ed25519_dalek::Signer as _;
    let mut coop = Cooperative::new(3, &[]);
    let command = coop.command(&person(1), pay(10));
    let bare = person(1).key.sign(&to_bytes(&command)).to_bytes();
    assert_eq!(code(coop.send(&command.signed(bare))), Code::Signature);
}

#[test]
fn a_stranger_and_a_replaced_key_are_refused() {
    let mut coop = Cooperative::new(2, &[]);
    assert_eq!(code(coop.act(&person(9), pay(1))), Code::UnknownKey);
    let (old, new) = (person(1), person(7));
    let text = members::rotation_text(coop.chain, old.id, &new.did);
    let proof =
        troupe_commons::SignatureBytes(ed25519_dalek::Signer::sign(&new.key, text.as_bytes()).to_bytes());
    coop.act(&old, Act::Rotate { did: new.did.to_string(), proof }).unwrap();
    assert_eq!(code(coop.act(&old, pay(1))), Code::UnknownKey);
    coop.act(&new, pay(1)).unwrap();
}

#[test]
fn a_vote_after_the_close_is_refused() {
    let mut coop = Cooperative::new(3, &[]);
    let id = coop.open(&person(1), Action::Text {});
    coop.wait(60_000);
    assert_eq!(code(coop.vote(&person(1), id, "yes")), Code::TooLate);
    coop.tick(Tick::Close(id)).unwrap();
    assert_eq!(code(coop.vote(&person(1), id, "yes")), Code::Phase);
}

#[test]
fn an_early_close_and_an_early_execution_are_refused() {
    let mut coop = Cooperative::new(3, &[]);
    let id = coop.open(&person(1), Action::Text {});
    for seed in 1..=3 {
        coop.vote(&person(seed), id, "yes").unwrap();
    }
    coop.wait(59_999);
    assert_eq!(code(coop.tick(Tick::Close(id))), Code::TooEarly);
    coop.wait(1);
    coop.tick(Tick::Close(id)).unwrap();
    coop.wait(3_599_999);
    assert_eq!(code(coop.tick(Tick::Execute(id))), Code::TooEarly);
    coop.wait(1);
    coop.tick(Tick::Execute(id)).unwrap();
    assert_eq!(code(coop.tick(Tick::Execute(id))), Code::Phase);
}

#[test]
fn a_member_who_came_late_has_no_vote() {
    let mut coop = Cooperative::new(3, &[]);
    let all = [person(1), person(2), person(3)];
    coop.decide(&all, Action::Admit { did: person(4).did.to_string() });
    let id = coop.open(&person(1), Action::Text {});
    coop.act(&person(4), Act::Join {}).unwrap();
    assert_eq!(code(coop.vote(&person(4), id, "yes")), Code::NotAllowed);
    let later = coop.open(&person(1), Action::Text {});
    coop.vote(&person(4), later, "yes").unwrap();
}

#[test]
fn a_second_ballot_takes_the_place_of_the_first() {
    let mut coop = Cooperative::new(3, &[]);
    let id = coop.open(&person(1), Action::Text {});
    for choice in ["yes", "yes", "no"] {
        coop.vote(&person(1), id, choice).unwrap();
    }
    assert_eq!(proposal(&coop.state, id).unwrap().tally, [("no".to_owned(), 1)].into());
}

#[test]
fn a_delegate_votes_once_for_each_and_never_over_their_own_vote() {
    let mut coop = Cooperative::new(4, &[]);
    for seed in [2, 3] {
        coop.act(&person(seed), Act::Delegate { to: Some(person(1).id) }).unwrap();
    }
    let id = coop.open(&person(1), Action::Text {});
    let vote = |members: Vec<Id>| Act::Ballot { choice: vec!["no".into()], members, proposal: id };
    coop.vote(&person(2), id, "yes").unwrap();
    assert_eq!(code(coop.act(&person(1), vote(vec![person(2).id]))), Code::NotAllowed);
    assert_eq!(code(coop.act(&person(1), vote(vec![person(4).id]))), Code::NotAllowed);
    coop.act(&person(1), vote(vec![person(3).id, person(3).id])).unwrap();
    let tally = proposal(&coop.state, id).unwrap().tally;
    assert_eq!(tally, [("no".to_owned(), 2), ("yes".to_owned(), 1)].into());
    coop.vote(&person(3), id, "yes").unwrap();
    let tally = proposal(&coop.state, id).unwrap().tally;
    assert_eq!(tally, [("no".to_owned(), 1), ("yes".to_owned(), 2)].into());
}

#[test]
fn a_proposal_without_quorum_is_refused_and_one_without_votes_does_not_pass() {
    let mut coop = Cooperative::new(3, &[("quorum-floor", 1)]);
    let with =
        |quorum| Act::Propose(troupe_commons::governance::Motion { quorum, ..motion(Action::Text {}) });
    assert_eq!(code(coop.act(&person(1), with(0))), Code::Bounds);
    let Ok(Reply::Proposal(id)) = coop.act(&person(1), with(1)) else { panic!("taken") };
    coop.act(&person(1), Act::Open { proposal: id }).unwrap();
    coop.wait(60_000);
    coop.tick(Tick::Close(id)).unwrap();
    assert!(matches!(proposal(&coop.state, id).unwrap().stage, Stage::Rejected { .. }));
}

#[test]
fn amounts_beyond_what_there_is_are_refused() {
    let mut coop = Cooperative::new(3, &[("job-price-max", 1_000_000_000_000)]);
    for amount in [MANA + 1, (1 << 53) - 1, u64::MAX] {
        let message = coop.command(&person(1), pay(amount));
        assert_eq!(code(coop.send(&sign(&person(1), message))), Code::Mana, "{amount}");
    }
    let spec = coop.spec(1_000_000_000_000, 7);
    assert_eq!(code(coop.act(&person(1), Act::Submit { jobs: vec![spec] })), Code::Mana);
    assert_eq!(coop.balance(&person(1)), MANA);
}

#[test]
fn integers_that_do_not_fit_are_no_command() {
    let coop = Cooperative::new(3, &[]);
    let bytes = coop.message(&person(1), pay(7)).to_bytes();
    let text = String::from_utf8(bytes).unwrap();
    for amount in ["9007199254740992", "18446744073709551623", "-7", "7.0", "07", "7e0"] {
        let changed = text.replace("\"amount\":7", &format!("\"amount\":{amount}"));
        assert!(Message::read(changed.as_bytes()).is_err(), "{amount}");
    }
    assert!(Message::read(text.as_bytes()).is_ok());
}

#[test]
fn nobody_runs_their_own_job() {
    let mut coop = Cooperative::new(3, &[]);
    let spec = coop.spec(100, 1);
    let job = coop.submit(&person(1), spec);
    assert_eq!(code(coop.bid(&person(1), job, 1)), Code::NotAllowed);
}

#[test]
fn two_members_cannot_make_reputation_of_each_other_without_bound() {
    let mut coop = Cooperative::new(3, &[("bid-window", 0), ("mana-rate", 0)]);
    for _ in 0..20 {
        let spec = coop.spec(1, 1);
        let job = coop.submit(&person(1), spec);
        coop.bid(&person(2), job, 1).unwrap();
        coop.tick(Tick::Award(job)).unwrap();
        coop.receipt(&person(2), job, result(1)).unwrap();
        coop.act(&person(1), Act::Accept { job }).unwrap();
    }
    assert_eq!(reputation::score(&coop.state, person(2).id, coop.at), 50);
}

#[test]
fn an_executor_is_paid_once_and_no_more_than_was_held() {
    let mut coop = Cooperative::new(3, &[("mana-rate", 0)]);
    let job = coop.assigned(&person(1), &person(2));
    assert_eq!(code(coop.receipt(&person(2), job, result(1_001))), Code::Bounds);
    coop.receipt(&person(2), job, result(1_000)).unwrap();
    assert_eq!(code(coop.receipt(&person(2), job, result(1_000))), Code::Phase);
    coop.act(&person(1), Act::Accept { job }).unwrap();
    for again in [Tick::Settle(job), Tick::Expire(job)] {
        coop.wait(1_000_000);
        assert_eq!(code(coop.tick(again)), Code::Phase);
    }
    assert_eq!(code(coop.act(&person(1), Act::Accept { job })), Code::Phase);
    assert_eq!((coop.balance(&person(1)), coop.balance(&person(2))), (MANA - 61, MANA + 60));
}

#[test]
fn a_refund_makes_no_mana() {
    let mut coop = Cooperative::new(3, &[("mana-rate", 0), ("job-fee", 0)]);
    let spec = coop.spec(100, 1);
    let job = coop.submit(&person(1), spec);
    coop.act(&person(1), Act::Cancel { job }).unwrap();
    assert_eq!(code(coop.act(&person(1), Act::Cancel { job })), Code::Phase);
    coop.wait(200_000);
    assert_eq!(code(coop.tick(Tick::Expire(job))), Code::Phase);
    assert_eq!((coop.balance(&person(1)), coop.on(Owner::Escrow)), (MANA, 0));
    assert!(sums_to_zero(&coop.state));
}

#[test]
fn only_its_arbiter_settles_a_hold() {
    let mut coop = Cooperative::new(4, &[("mana-rate", 0)]);
    let until = coop.at + 10_000;
    let place = Act::Hold { amount: 50, arbiter: person(3).id, to: person(2).id, until };
    let Ok(Reply::Hold(hold)) = coop.act(&person(1), place) else { panic!("placed") };
    for seed in [1, 2, 4] {
        assert_eq!(code(coop.act(&person(seed), Act::Post { amount: 50, hold })), Code::NotAllowed);
        assert_eq!(code(coop.act(&person(seed), Act::Void { hold })), Code::NotAllowed);
    }
    assert_eq!(code(coop.act(&person(3), Act::Post { amount: 51, hold })), Code::Bounds);
    coop.act(&person(3), Act::Post { amount: 20, hold }).unwrap();
    assert_eq!(code(coop.act(&person(3), Act::Post { amount: 20, hold })), Code::NotFound);
    assert_eq!((coop.balance(&person(1)), coop.balance(&person(2))), (MANA - 20, MANA + 20));
    // A job's hold has no arbiter but the job.
    let job = coop.assigned(&person(1), &person(2));
    assert_eq!(code(coop.act(&person(2), Act::Post { amount: 60, hold: job })), Code::NotAllowed);
    coop.wait(1_000_000);
    assert_eq!(code(coop.tick(Tick::Lapse(job))), Code::NotAllowed);
}

#[test]
fn credit_comes_out_of_a_budget_or_not_at_all() {
    let mut coop = Cooperative::new(3, &[("mana-rate", 0)]);
    let credit = |amount| Act::Credit { amount, to: person(2).id };
    assert_eq!(code(coop.act(&person(1), credit(1))), Code::Mana);
    coop.decide(&[person(1), person(2), person(3)], Action::Budget { amount: 30, to: person(1).id });
    coop.act(&person(1), credit(30)).unwrap();
    assert_eq!(code(coop.act(&person(1), credit(1))), Code::Mana);
    assert_eq!(coop.balance(&person(2)), MANA + 30);
}

#[test]
fn free_identities_get_no_mana() {
    let mut coop = Cooperative::new(3, &[]);
    let all = [person(1), person(2), person(3)];
    coop.decide(&all, Action::Admit { did: person(4).did.to_string() });
    coop.decide(&all, Action::Pause { member: person(3).id });
    let paused = coop.balance(&person(3));
    coop.wait(30 * 86_400_000);
    assert_eq!((coop.balance(&person(4)), coop.balance(&person(3))), (0, paused));
    assert_eq!(coop.balance(&person(1)), 1_000);
}

#[test]
fn a_restart_gives_out_nothing() {
    let (machine, chain) = (Commons::default(), Hash::of(b"chain"));
    let config = to_bytes(&charter(2, &[]));
    let init = |machine: &Commons| {
        use troupe_chain::{Context, Machine as _, Nowhere, Sender, Timestamp};
        let from = Sender::Http { key: None };
        let context = Context { chain, from, at: Timestamp(START), seq: 1, seed: None };
        match machine.init(&context, &mut Nowhere, Some(&config)).unwrap().outcome {
            Outcome::Accepted(accepted) => accepted.state,
            other => panic!("{other:?}"),
        }
    };
    let first = init(&machine);
    let coop = Cooperative::new(2, &[]);
    let message = coop.message(&person(1), pay(10)).to_bytes();
    let Ok(Outcome::Accepted(accepted)) = handled(&machine, chain, (START, 2), &message, &first) else {
        panic!("accepted")
    };
    // A machine that begins again has no state that it was not given, and makes none up.
    let restarted = Commons::default();
    assert!(handled(&restarted, chain, (START, 3), &message, &accepted.state).is_err());
    init(&restarted);
    assert!(handled(&restarted, chain, (START, 3), &message, &accepted.state).is_err());
}

#[test]
fn nobody_but_time_makes_something_due() {
    let mut coop = Cooperative::new(3, &[]);
    let job = coop.assigned(&person(1), &person(2));
    let nothing = Id(Hash::of(b"nothing"));
    for (tick, expect) in [
        (Tick::Award(job), Code::Phase),
        (Tick::Expire(job), Code::TooEarly),
        (Tick::Settle(job), Code::Phase),
        (Tick::Award(nothing), Code::NotFound),
        (Tick::Close(nothing), Code::NotFound),
        (Tick::Lapse(nothing), Code::NotFound),
    ] {
        assert_eq!(code(coop.send(&Message::Due(Due { tick }))), expect, "{tick:?}");
    }
}

#[test]
fn a_result_cannot_be_copied_from_another_executor() {
    let mut coop = Cooperative::new(4, &[]);
    let spec = coop.spec(50, 2);
    let job = coop.submit(&person(1), spec);
    for seed in [2, 3] {
        coop.bid(&person(seed), job, 50).unwrap();
    }
    coop.wait(10_000);
    coop.tick(Tick::Award(job)).unwrap();
    let salt = Id(Hash::of(b"salt"));
    let digest = troupe_commons::jobs::commitment(person(2).id, job, &result(5), salt);
    coop.act(&person(2), Act::Commit { digest, job }).unwrap();
    let show = |salt| Act::Receipt { job, result: result(5), salt: Some(salt) };
    assert_eq!(code(coop.act(&person(2), show(salt))), Code::TooEarly);
    coop.act(&person(3), Act::Commit { digest, job }).unwrap();
    coop.act(&person(2), show(salt)).unwrap();
    assert_eq!(code(coop.act(&person(3), show(salt))), Code::NotAllowed);
}

#[test]
fn a_frozen_commons_does_nothing_but_govern() {
    let mut coop = Cooperative::new(3, &[]);
    let all = [person(1), person(2), person(3)];
    let job = coop.assigned(&person(1), &person(2));
    coop.decide(&all, Action::Freeze {});
    assert_eq!(code(coop.act(&person(1), pay(1))), Code::Frozen);
    assert_eq!(code(coop.tick(Tick::Expire(job))), Code::Frozen);
    coop.decide(&all, Action::Thaw {});
    coop.act(&person(1), pay(1)).unwrap();
}
