//! The testing context: given mana, a clock in the test's hands, and a network that writes down what was said.

use std::time::Duration;

use troupe::environment::{FixedSystemInfo, TestingContext, TestingError};
use troupe_commons::governance::Action;
use troupe_commons::jobs::JobSpec;
use troupe_commons::parameters::Parameter;
use troupe_commons::{Act, Id, Reply};
use troupe_runtime::{Clock as _, SendError};

use crate::people::{motion, spec};

fn job(context: &TestingContext) -> JobSpec {
    let blob = Id(troupe_chain::Hash::of(b"a blob"));
    JobSpec {
        bundle: None,
        capabilities: vec!["cores-2".into()],
        deadline: context.clock().now().0 + 600_000,
        limits: [("fuel".to_owned(), 1000), ("memory".to_owned(), 1 << 20)].into(),
        ..spec(blob, blob)
    }
}

#[test]
fn members_have_the_mana_that_the_test_gave_and_time_passes_when_it_says() {
    let context = TestingContext::new(&[1000, 5], &[("mana-rate", 24), ("mana-cap", 2000)]).unwrap();
    assert_eq!((context.mana(1).unwrap(), context.mana(2).unwrap()), (1000, 5));
    context.advance(Duration::from_hours(5)).unwrap();
    assert_eq!((context.mana(1).unwrap(), context.mana(2).unwrap()), (1005, 10));
    let empty = TestingContext::new(&[], &[]);
    assert!(matches!(empty, Err(TestingError::Send(_))));
}

#[test]
fn a_vote_is_held_in_the_tests_time_and_the_network_has_it_on_paper() {
    let context = TestingContext::new(&[100, 100, 100], &[("timelock", 5000)]).unwrap();
    let raise = motion(Action::Parameter { effective: None, name: "job-fee".into(), value: 7 });
    let Reply::Proposal(proposal) = context.act(1, Act::Propose(raise.clone())).unwrap() else { panic!() };
    context.act(1, Act::Open { proposal }).unwrap();
    for member in [1, 2] {
        context.act(member, Act::Ballot { choice: vec!["yes".into()], members: vec![], proposal }).unwrap();
    }
    let fee = || {
        let state = context.committed().unwrap().state;
        Parameter::find("job-fee").unwrap().at(&state, context.clock().now().0)
    };
    context.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(fee(), 1, "the timelock runs");
    context.advance(Duration::from_secs(6)).unwrap();
    assert_eq!(fee(), 7);
    let said = context.network.said();
    assert_eq!(said.proposed, [(1, raise)]);
    let yes = |member| (member, proposal, vec!["yes".to_owned()]);
    assert_eq!(said.voted, [yes(1), yes(2)]);
}

#[test]
fn a_job_is_announced_and_bid_for_with_the_machine_that_the_test_says() {
    let context = TestingContext::new(&[100, 100], &[]).unwrap();
    let context = context.with_system(FixedSystemInfo { cores: 2, memory_mib: 64 });
    let spec = job(&context);
    let Reply::Jobs(jobs) = context.act(1, Act::Submit { jobs: vec![spec.clone()] }).unwrap() else {
        panic!()
    };
    assert_eq!(context.network.said().announced, [(1, spec)]);
    context.act(2, Act::Bid(context.system.offer(jobs[0], 9))).unwrap();
    let small = FixedSystemInfo { cores: 1, ..context.system };
    let unfit = context.act(2, Act::Bid(small.offer(jobs[0], 9))).unwrap_err();
    assert!(unfit.to_string().contains("unfit"), "{unfit}");
}

#[test]
fn what_is_refused_is_said_and_not_written_down() {
    let context = TestingContext::new(&[1, 0], &[]).unwrap();
    let refused = context.act(1, Act::Submit { jobs: vec![job(&context)] }).unwrap_err();
    assert!(matches!(&refused, TestingError::Send(SendError::Rejected(_))), "{refused}");
    assert!(refused.to_string().contains("mana"), "{refused}");
    assert_eq!(context.network.said(), Default::default());
    assert!(matches!(context.act(9, Act::Leave {}), Err(TestingError::NoMember(9))));
}

#[test]
fn two_runs_of_a_test_make_the_same_chain() {
    let head = || {
        let context = TestingContext::new(&[100, 100], &[]).unwrap();
        context.act(1, Act::Submit { jobs: vec![job(&context)] }).unwrap();
        context.advance(Duration::from_hours(1)).unwrap();
        context.commons().view().unwrap().tip.entry
    };
    assert_eq!(head(), head());
}
