//! What is done about actors that fail again and again, and what changes of them while they live.

use troupe_chain::{Body, OnFailure, Supervision};
use troupe_runtime::{SendError, Status};

use crate::common::text;
use crate::world::{World, block};

fn world(supervision: Supervision) -> World {
    let world = World::new();
    world.start_with("a", "first", supervision).unwrap();
    world
}

fn policy(on_failure: OnFailure) -> Supervision {
    Supervision { on_failure, backoff: 0, ..Supervision::default() }
}

#[test]
fn failures_count_only_if_they_are_close_to_each_other() {
    let mut world = world(Supervision { failures: 3, within: 100, ..policy(OnFailure::Pause) });
    for at in [1000, 1050, 1200, 1250, 1351] {
        world.until(at);
        world.tell("a", "die").unwrap_err();
        assert_eq!(world.status("a"), Status::Running, "at {at}");
    }
    world.restart();
    world.tell("a", "die").unwrap_err();
    assert_eq!(world.status("a"), Status::Running);
    world.tell("a", "die").unwrap_err();
    assert_eq!(world.status("a"), Status::Paused);
    assert!(matches!(world.tell("a", "add x"), Err(SendError::Paused)));
    let a = world.actors.find("a").unwrap();
    block(&world, a.resume()).unwrap();
    world.tell("a", "add x").unwrap();
    world.check();
}

#[test]
fn a_restarted_actor_rests_longer_each_time_and_then_gives_up() {
    let supervision =
        Supervision { backoff: 100, max_backoff: 150, max_restarts: 2, ..policy(OnFailure::Restart) };
    let mut world = world(supervision);
    let first = world.id("a");
    world.tell("a", "add lost").unwrap();
    world.tell("a", "die").unwrap_err();
    let second = world.id("a");
    assert_ne!(first, second);
    let a = world.actors.find("a").unwrap();
    let answer = a.post(crate::common::anyone(), "add ,then".into()).unwrap();
    world.until(1099);
    assert_eq!(world.state("a"), "first");
    // It rests on, whether the node does or not, and whether it is in memory or not.
    drop(answer);
    world.restart();
    world.actors.unload_idle();
    world.until(1100);
    world.tell("a", "add ,again").unwrap();
    assert_eq!(world.state("a"), "first,again");
    world.tell("a", "die").unwrap_err();
    world.until(1249);
    assert_eq!(world.actors.next_due(), Some(1250));
    world.until(1250);
    world.tell("a", "die").unwrap_err();
    assert_eq!(world.status("a"), Status::Paused);
    assert!(matches!(&world.entries(&second)[0].body, Body::Genesis(genesis) if genesis.fork.is_some()));
    world.check();
}

#[test]
fn what_waits_for_an_actor_that_is_restarted_goes_to_the_fork_in_order() {
    let mut world = world(policy(OnFailure::Restart));
    world.start("b", "");
    world.tell("a", "add lost").unwrap();
    world.tell("b", "send a die & send a 1 & send a 2 & request a 500 echo 3").unwrap();
    assert_eq!(world.state("a"), "first(actor 1)(actor 2)(actor echo 3)");
    assert_eq!(world.state("b"), "(reply 3)");
    world.check();
}

#[test]
fn a_parent_that_was_restarted_may_stop_its_children() {
    let mut world = world(policy(OnFailure::Restart));
    world.tell("a", "spawn child go-on").unwrap();
    world.tell("a", "die").unwrap_err();
    world.tell("a", "stop child").unwrap();
    assert_eq!(world.status("child"), Status::Stopped);
    world.check();
}

#[test]
fn a_fork_goes_its_own_way() {
    let mut world = world(policy(OnFailure::GoOn));
    world.tell("a", "add 2").unwrap();
    world.tell("a", "add 3").unwrap();
    let a = world.actors.find("a").unwrap();
    let nonce = troupe_chain::Hash::of(b"fork");
    let fork = async {
        let fork = a.fork(2, nonce, Some(text("b"))).await?;
        Ok(fork.id())
    };
    block(&world, fork).unwrap();
    world.tell("b", "add !").unwrap();
    assert_eq!((world.state("a").as_str(), world.state("b").as_str()), ("first23", "first2!"));
    assert!(matches!(block(&world, a.rewind(99, text("x"))), Err(SendError::NoSuchSeq { seq: 99, last: 3 })));
    let id = block(&world, a.rewind(2, text("x"))).unwrap();
    assert_eq!((world.id("a"), world.state("a").as_str()), (id, "first2"));
    world.restart();
    assert_eq!((world.id("a"), world.state("a").as_str()), (id, "first2"));
    world.check();
}

#[test]
fn an_upgrade_carries_the_state_over_or_changes_nothing() {
    let mut world = world(policy(OnFailure::GoOn));
    world.tell("a", "timer 1000 tick").unwrap();
    let a = world.actors.find("a").unwrap();
    let mut rules = a.genesis().unwrap().rules();
    rules.limits.insert(text("fuel"), 2000);
    let upgraded = block(&world, a.upgrade(rules.clone(), bytes::Bytes::new())).unwrap();
    assert_eq!((upgraded.seq, &upgraded.state[..]), (3, &b"first^"[..]));
    world.tell("a", "add !").unwrap();
    let refused = block(&world, a.upgrade(rules.clone(), bytes::Bytes::new()));
    assert!(matches!(refused, Err(SendError::NotCarriedOver(_))), "{refused:?}");
    rules.limits.clear();
    assert!(matches!(block(&world, a.upgrade(rules, bytes::Bytes::new())), Err(SendError::Host(_))));
    world.restart();
    world.until(2000);
    assert_eq!(world.state("a"), "first^!(timer tick)");
    assert_eq!(world.actors.find("a").unwrap().view().unwrap().tip.rules.limits[&text("fuel")], 2000);
    world.check();
}
