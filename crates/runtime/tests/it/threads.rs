//! What threads must not do to each other: stall, lose, reorder.

use std::sync::Arc;

use bytes::Bytes;

use troupe_runtime::{Actor, Actors};
use troupe_store::{MemoryStore, Store};

use crate::common::{Pending, Stage, anyone, send, state_after, text, until};
use crate::held::HeldStore;

fn several(stage: &Stage, store: &Arc<dyn Store>, count: u8) -> (Actors, Vec<Actor>) {
    let actors = stage.open(store).unwrap();
    let all = (0..count).map(|n| {
        let mut new = stage.new_actor(n, None);
        new.name = Some(text(&format!("actor-{n}")));
        actors.start_blocking(new).unwrap()
    });
    let all = all.collect();
    (actors, all)
}

#[test]
fn an_actor_that_is_slow_stalls_no_other() {
    for threads in [1, 2] {
        let mut stage = Stage::new();
        stage.options.threads = threads;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (actors, all) = several(&stage, &store, 12);
        stage.script.hold.close();
        let slow: Vec<_> = all[..4].iter().map(|actor| Pending::post(actor, "hold")).collect();
        stage.script.hold.wait_entered(4);
        for actor in &all[4..] {
            assert_eq!(state_after(actor, "add x"), "x");
        }
        stage.script.hold.open();
        slow.into_iter().for_each(|slow| drop(slow.wait().unwrap()));
        actors.shutdown();
    }
}

#[test]
fn actors_that_come_and_go_lose_nothing() {
    let stage = Stage::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (actors, all) = several(&stage, &store, 4);
    std::thread::scope(|scope| {
        let senders: Vec<_> = all
            .iter()
            .map(|actor| {
                scope.spawn(|| {
                    for _ in 0..100 {
                        actor.send_blocking(anyone(), Bytes::from_static(b"add x")).unwrap();
                    }
                })
            })
            .collect();
        while !senders.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            actors.unload_idle();
        }
    });
    for actor in &all {
        assert_eq!(actor.view().unwrap().state.len(), 100);
    }
    actors.shutdown();
}

#[test]
fn messages_between_actors_survive_commits_that_fail() {
    let (stage, held) = (Stage::new(), HeldStore::in_memory());
    let (actors, all) = several(&stage, &held.dynamic(), 3);
    for n in 0..50 {
        if n % 3 == 0 {
            held.fail_next(&[crate::held::Fails::Full, crate::held::Fails::Full]);
        }
        let message = format!("send actor-1 {n} & send actor-2 {n}");
        while send(&all[0], &message).is_err() {}
    }
    held.fail_next(&[]);
    let expected: String = (0..50).map(|n| format!("(actor {n})")).collect();
    for actor in &all[1..] {
        until(|| actor.view().unwrap().state == expected.as_bytes());
    }
    until(|| held.dynamic().rows(b"o", None, 1).unwrap().is_empty());
    actors.shutdown();
}

#[test]
fn a_shutdown_leaves_what_it_cannot_do_to_the_next_start() {
    let stage = Stage::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (actors, all) = several(&stage, &store, 3);
    for n in 0..20 {
        send(&all[0], &format!("send actor-1 {n}")).unwrap();
    }
    actors.shutdown();
    assert!(send(&all[0], "add x").is_err());
    let actors = stage.open(&store).unwrap();
    let other = actors.find("actor-1").unwrap();
    let expected: String = (0..20).map(|n| format!("(actor {n})")).collect();
    until(|| other.view().unwrap().state == expected.as_bytes());
    assert_eq!(other.id(), all[1].id());
    actors.shutdown();
}
