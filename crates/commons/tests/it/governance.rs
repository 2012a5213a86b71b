//! Proposals from a draft to their effect: every kind has one.

use troupe_commons::governance::{Action, Motion, Stage, ballots, proposal, recount};
use troupe_commons::members::Status;
use troupe_commons::parameters::{MANA_RATE, PARAMETERS};
use troupe_commons::trust::{Context, Level};
use troupe_commons::{Act, Code, Reply, Tick, members, trust};

use crate::cooperative::{Cooperative, MANA, Person, code, motion, person};

fn three() -> [Person; 3] {
    [person(1), person(2), person(3)]
}

fn stage(coop: &Cooperative, id: troupe_commons::Id) -> &'static str {
    proposal(&coop.state, id).unwrap().stage.name()
}

#[test]
fn a_parameter_changes_at_its_time_and_keeps_its_history() {
    let mut coop = Cooperative::new(3, &[("proposal-fee", 0)]);
    let effective = Some(coop.at + 86_400_000);
    let change = Action::Parameter { effective, name: "mana-rate".into(), value: 1_000 };
    let id = coop.decide(&three(), change);
    assert_eq!((stage(&coop, id), MANA_RATE.at(&coop.state, coop.at)), ("executed", 100));
    coop.wait(86_400_000 - 3_660_000);
    assert_eq!((coop.balance(&person(1)), MANA_RATE.at(&coop.state, coop.at)), (MANA + 100, 1_000));
    coop.wait(8_640_000);
    assert_eq!(coop.balance(&person(1)), MANA + 200, "a tenth of a day at the new rate");
    assert_eq!(MANA_RATE.history(&coop.state).len(), 2);
}

#[test]
fn parameters_outside_of_their_bounds_are_refused() {
    let mut coop = Cooperative::new(3, &[]);
    for parameter in PARAMETERS {
        for value in parameter.min.checked_sub(1).into_iter().chain([parameter.max + 1]) {
            let act = Action::Parameter { effective: None, name: parameter.name.into(), value };
            assert_eq!(
                code(coop.act(&person(1), Act::Propose(motion(act)))),
                Code::Bounds,
                "{}",
                parameter.name
            );
        }
    }
    let unknown = Action::Parameter { effective: None, name: "gravity".into(), value: 1 };
    assert_eq!(code(coop.act(&person(1), Act::Propose(motion(unknown)))), Code::NotFound);
    let past = Action::Parameter { effective: Some(coop.at - 1), name: "mana-cap".into(), value: 1 };
    assert_eq!(code(coop.act(&person(1), Act::Propose(motion(past)))), Code::Bounds);
}

#[test]
fn parameters_are_in_the_order_of_their_names_and_their_defaults_are_within_bounds() {
    assert!(PARAMETERS.is_sorted_by(|a, b| a.name < b.name));
    assert!(PARAMETERS.iter().all(|row| (row.min..=row.max).contains(&row.default)));
}

#[test]
fn whoever_is_admitted_joins_and_whoever_is_removed_does_nothing_more() {
    let mut coop = Cooperative::new(3, &[]);
    let new = person(4);
    coop.decide(&three(), Action::Admit { did: new.did.to_string() });
    assert_eq!(code(coop.act(&new, Act::Delegate { to: None })), Code::NotActive);
    coop.act(&new, Act::Join {}).unwrap();
    assert_eq!(members::active_members(&coop.state), 4);
    coop.decide(&three(), Action::Remove { member: new.id });
    assert_eq!(code(coop.act(&new, Act::Delegate { to: None })), Code::NotActive);
    assert_eq!(members::active_members(&coop.state), 3);
    let again = coop.decide(&three(), Action::Admit { did: new.did.to_string() });
    assert_eq!(stage(&coop, again), "failed", "a key is one member's for ever");
}

#[test]
fn a_paused_member_is_resumed_and_may_act_again() {
    let mut coop = Cooperative::new(3, &[]);
    coop.decide(&three(), Action::Pause { member: person(3).id });
    assert_eq!(code(coop.act(&person(3), Act::Leave {})), Code::NotActive);
    coop.decide(&three()[..2], Action::Resume { member: person(3).id });
    assert_eq!(members::member(&coop.state, person(3).id).unwrap().status, Status::Active);
    coop.act(&person(3), Act::Leave {}).unwrap();
}

#[test]
fn federations_and_bridges_come_from_the_members() {
    let mut coop = Cooperative::new(3, &[("proposal-fee", 0)]);
    let all = three();
    let (a, b) = ("north".to_owned(), "south".to_owned());
    let context = Context::DataSharing;
    for (federation, member) in [(&a, person(1).id), (&b, person(2).id)] {
        coop.decide(&all, Action::Federate { federation: federation.clone(), member });
        let level = Level::Full;
        coop.decide(&all, Action::Federation { context, federation: federation.clone(), level });
    }
    let level = |coop: &Cooperative| trust::level(&coop.state, context, person(1).id, person(2).id);
    assert_eq!(level(&coop), Level::None);
    coop.decide(&all, Action::Bridge { context, from: a.clone(), level: Level::Partial, to: b });
    assert_eq!(level(&coop), Level::Partial);
    coop.decide(&all, Action::Unfederate { federation: a, member: person(1).id });
    assert_eq!(level(&coop), Level::None);
    let odd = Action::Federate { federation: "a-b".into(), member: person(1).id };
    assert_eq!(code(coop.act(&person(1), Act::Propose(motion(odd)))), Code::Bounds);
}

#[test]
fn a_draft_needs_its_sponsors() {
    let mut coop = Cooperative::new(3, &[("sponsors", 1)]);
    let Ok(Reply::Proposal(proposal)) = coop.act(&person(1), Act::Propose(motion(Action::Text {}))) else {
        panic!("a draft")
    };
    assert_eq!(code(coop.act(&person(1), Act::Open { proposal })), Code::TooEarly);
    assert_eq!(code(coop.act(&person(1), Act::Sponsor { proposal })), Code::Exists);
    coop.act(&person(2), Act::Sponsor { proposal }).unwrap();
    assert_eq!(code(coop.act(&person(3), Act::Sponsor { proposal })), Code::Bounds);
    coop.act(&person(1), Act::Open { proposal }).unwrap();
    assert_eq!(code(coop.act(&person(1), Act::Open { proposal })), Code::Phase);
}

#[test]
fn a_veto_stops_what_passed() {
    let mut coop = Cooperative::new(3, &[("veto", 600_000)]);
    let id = coop.open(&person(1), Action::Freeze {});
    three().iter().for_each(|person| drop(coop.vote(person, id, "yes").unwrap()));
    coop.wait(60_000);
    coop.tick(Tick::Close(id)).unwrap();
    coop.act(&person(1), Act::Veto { proposal: id }).unwrap();
    assert_eq!(code(coop.act(&person(1), Act::Veto { proposal: id })), Code::Exists);
    assert_eq!(stage(&coop, id), "passed");
    coop.act(&person(2), Act::Veto { proposal: id }).unwrap();
    assert_eq!(stage(&coop, id), "vetoed");
    coop.wait(3_600_000);
    assert_eq!(code(coop.tick(Tick::Execute(id))), Code::Phase);
}

#[test]
fn a_veto_is_possible_only_where_it_was_when_voting_opened() {
    let mut coop = Cooperative::new(3, &[]);
    let id = coop.open(&person(1), Action::Text {});
    three().iter().for_each(|person| drop(coop.vote(person, id, "yes").unwrap()));
    coop.wait(60_000);
    coop.tick(Tick::Close(id)).unwrap();
    assert_eq!(code(coop.act(&person(1), Act::Veto { proposal: id })), Code::NotAllowed);
}

#[test]
fn an_option_is_chosen_by_ranking() {
    let mut coop = Cooperative::new(3, &[]);
    let options = vec!["blue".to_owned(), "green".to_owned(), "red".to_owned()];
    let ranked = Motion { options: options.clone(), ..motion(Action::Text {}) };
    let Ok(Reply::Proposal(id)) = coop.act(&person(1), Act::Propose(ranked)) else { panic!("a draft") };
    coop.act(&person(1), Act::Open { proposal: id }).unwrap();
    let mut rank = |by, choice: &[&str]| {
        let choice = choice.iter().map(|option| (*option).to_owned()).collect();
        coop.act(&person(by), Act::Ballot { choice, members: Vec::new(), proposal: id })
    };
    assert_eq!(code(rank(1, &["yes"])), Code::Bounds);
    assert_eq!(code(rank(1, &["red", "red"])), Code::Bounds);
    rank(1, &["red", "blue"]).unwrap();
    rank(2, &["green", "blue"]).unwrap();
    rank(3, &["green"]).unwrap();
    assert_eq!(proposal(&coop.state, id).unwrap().tally, recount(ballots(&coop.state, id).values()));
    coop.wait(60_000);
    coop.tick(Tick::Close(id)).unwrap();
    let Stage::Passed { winner, .. } = proposal(&coop.state, id).unwrap().stage else { panic!("passed") };
    assert_eq!(winner.as_deref(), Some("green"));
}

#[test]
fn what_was_fixed_at_opening_stays() {
    let mut coop = Cooperative::new(3, &[("proposal-fee", 0)]);
    let root = coop.state.root();
    let first = coop.act(&person(1), Act::Propose(motion(Action::Text {})));
    let Ok(Reply::Proposal(id)) = first else { panic!("a draft") };
    let before = coop.state.root();
    coop.act(&person(1), Act::Open { proposal: id }).unwrap();
    let Stage::Open { terms } = proposal(&coop.state, id).unwrap().stage else { panic!("open") };
    assert_eq!((terms.electorate, terms.root.0, terms.closes), (3, before, coop.at + 60_000));
    assert_ne!(root, before);
    // One leaves; the electorate stays three, so one of two is not half of it.
    coop.act(&person(3), Act::Leave {}).unwrap();
    coop.vote(&person(1), id, "yes").unwrap();
    coop.wait(60_000);
    coop.tick(Tick::Close(id)).unwrap();
    assert_eq!(stage(&coop, id), "rejected");
}

#[test]
fn a_ballot_costs_what_the_parameter_says() {
    let mut coop = Cooperative::new(3, &[("ballot-fee", 3), ("proposal-fee", 0), ("mana-rate", 0)]);
    let id = coop.open(&person(1), Action::Text {});
    coop.vote(&person(2), id, "yes").unwrap();
    assert_eq!(coop.balance(&person(2)), MANA - 3);
}
