//! Which answer a key gets, and when it is forgotten.

use troupe_chain::{Hash, Sender, Timestamp};
use troupe_runtime::SendError;

use crate::common::text;
use crate::world::{World, block};

const WINDOW: u64 = 1000;

fn world() -> World {
    let world = World::with(|stage| stage.options.key_window = WINDOW);
    world.start("a", "");
    world
}

#[test]
fn a_key_is_answered_again_also_after_a_start_until_its_window_is_over() {
    let mut world = world();
    let key = Hash::of(b"key");
    let first = world.tell_with("a", "add x", key).unwrap();
    world.tell("a", "add y").unwrap();
    assert_eq!(world.tell_with("a", "add x", key).unwrap(), first);
    world.restart();
    assert_eq!(world.tell_with("a", "add x", key).unwrap(), first);
    assert!(matches!(world.tell_with("a", "add z", key), Err(SendError::KeyReused { seq: 2 })));
    let failing = Hash::of(b"failing");
    let hash_of = |result| match result {
        Err(SendError::Failed { hash, .. }) => hash,
        other => panic!("{other:?}"),
    };
    let failed = hash_of(world.tell_with("a", "die", failing));
    assert_eq!(hash_of(world.tell_with("a", "die", failing)), failed);
    world.stage.clock.set(Timestamp(2000));
    world.tell_with("a", "add x", key).unwrap();
    assert_eq!(world.state("a"), "xyx");
    world.check();
}

#[test]
fn the_same_key_in_one_mailbox_is_handled_once() {
    let world = world();
    let a = world.actors.find("a").unwrap();
    let from = Sender::Http { key: Some(Hash::of(b"key")) };
    let answers: Vec<_> = (0..3).map(|_| a.post(from.clone(), "add x".into()).unwrap()).collect();
    world.settle();
    let mut answers = answers.into_iter().map(|mut answer| answer.try_recv().unwrap().unwrap());
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first));
    assert_eq!(world.state("a"), "x");
    world.check();
}

#[test]
fn old_keys_leave_the_store_also_those_of_an_actor_that_has_stopped() {
    let mut world = world();
    let b = world.start("b", "");
    let now = world.stage.options.clock.now().0;
    // More than are looked at in one go.
    for n in 0..2500_u32 {
        world.tell_with("a", "keep", Hash::of(&n.to_be_bytes())).unwrap();
    }
    world.tell_with("b", "add x", Hash::of(b"b")).unwrap();
    block(&world, b.stop(text("over"))).unwrap();
    world.until(now + WINDOW - 1);
    assert_eq!(world.rows("k").len(), 2501);
    let young = Hash::of(b"young");
    let answer = world.tell_with("a", "add y", young).unwrap();
    // The search takes one step at a time, and a pass is due four times in a window.
    for step in 1..10 {
        world.until(now + WINDOW + 100 * step);
        world.actors.unload_idle();
    }
    assert_eq!(world.rows("k").len(), 1);
    assert_eq!(world.tell_with("a", "add y", young).unwrap(), answer);
    world.restart();
    assert_eq!(world.tell_with("a", "add y", young).unwrap(), answer);
    world.until(now + 3 * WINDOW);
    assert_eq!(world.rows("k").len(), 0);
    assert_eq!(world.status("b"), troupe_runtime::Status::Stopped);
    world.check();
}

#[test]
fn a_key_that_is_used_anew_is_not_forgotten_with_its_old_use() {
    let world = world();
    let (a, key) = (world.actors.find("a").unwrap(), Hash::of(b"key"));
    let now = world.stage.options.clock.now().0;
    world.tell_with("a", "add x", key).unwrap();
    world.stage.clock.set(Timestamp(now + WINDOW));
    // It is in the mailbox before the search finds the row of the old use.
    let mut answer = a.post(Sender::Http { key: Some(key) }, "add y".into()).unwrap();
    assert!(world.actors.tick(), "the old use is found");
    world.settle();
    let answer = answer.try_recv().unwrap().unwrap();
    assert_eq!(world.state("a"), "xy");
    assert_eq!(world.tell_with("a", "add y", key).unwrap(), answer);
    world.check();
}

#[test]
fn a_clock_that_was_set_back_does_not_stop_the_search() {
    let world = world();
    let now = world.stage.options.clock.now().0;
    world.tell_with("a", "add x", Hash::of(b"key")).unwrap();
    world.until(now + 1_000_000);
    assert_eq!(world.rows("k").len(), 0);
    world.stage.clock.set(Timestamp(now + 10_000));
    world.tell_with("a", "add y", Hash::of(b"other")).unwrap();
    // A chain's time never goes back, so the key counts from the time of the last entry on.
    let at = world.entries(&world.id("a")).last().unwrap().at.0;
    world.stage.clock.set(Timestamp(at + WINDOW));
    world.settle();
    assert_eq!(world.rows("k").len(), 0);
    world.check();
}
