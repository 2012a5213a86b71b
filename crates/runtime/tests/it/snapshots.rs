//! States that are kept only now and then, found again by replaying what lies between.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use troupe_runtime::{OpenError, state_at};
use troupe_store::{MemoryStore, Store};

use crate::common::{Scripts, Stage, only_chain, send, shut_down};

/// Messages that change the state, leave it, fail and are refused, in a way that no period divides.
fn message(n: usize) -> &'static str {
    match n % 11 {
        1 | 4 | 8 => "die",
        2 | 3 | 9 | 10 => "keep",
        5 => "no",
        _ => "add x",
    }
}

#[test]
fn a_start_replays_fewer_entries_than_lie_between_two_stored_states() {
    for every in [1, 2, 3, 5, 7, 50] {
        for length in [0, 1, 2, 6, 23, 60] {
            let (stage, store) = (Stage::new().snapshot_every(every), memory());
            let actor = stage.create(&store);
            for n in 0..length {
                let _ = send(&actor, message(n));
            }
            let view = actor.view().unwrap();
            shut_down(&actor);

            stage.script.applied.store(0, Ordering::SeqCst);
            let resumed = stage.resume(&store).unwrap().view().unwrap();
            let applied = stage.script.applied.load(Ordering::SeqCst);
            assert!(applied < every, "{applied} of every {every} replayed after {length}");
            assert_eq!((&resumed.tip, &resumed.state), (&view.tip, &view.state));
        }
    }
}

#[test]
fn a_start_stays_short_when_only_entries_between_snapshots_change_the_state() {
    // The state changes once and is then left alone, or every other message fails.
    for pattern in [&["add x", "keep", "keep", "keep", "keep"][..], &["die", "add x"], &["add x", "die"]] {
        for after in ["keep", "die"] {
            let (stage, store) = (Stage::new().snapshot_every(4), memory());
            let actor = stage.create(&store);
            for message in pattern {
                let _ = send(&actor, message);
            }
            for _ in 0..40 {
                let _ = send(&actor, after);
            }
            let view = actor.view().unwrap();
            shut_down(&actor);
            stage.script.applied.store(0, Ordering::SeqCst);
            assert_eq!(stage.resume(&store).unwrap().view().unwrap().state, view.state);
            let applied = stage.script.applied.load(Ordering::SeqCst);
            assert!(applied < 4, "{pattern:?}, then {after}: {applied} replayed");
        }
    }
}

#[test]
fn many_starts_keep_the_distance_short() {
    let (stage, store) = (Stage::new().snapshot_every(5), memory());
    shut_down(&stage.create(&store));
    for n in 0..40 {
        stage.script.applied.store(0, Ordering::SeqCst);
        let actor = stage.resume(&store).unwrap();
        assert!(stage.script.applied.load(Ordering::SeqCst) < 5);
        let _ = send(&actor, message(n));
        shut_down(&actor);
    }
}

#[test]
fn the_state_at_every_position_is_found_whatever_is_stored() {
    for every in [1, 3, 100] {
        let (stage, store) = (Stage::new().snapshot_every(every), memory());
        let actor = stage.create(&store);
        let mut states = std::collections::BTreeMap::from([(1, actor.view().unwrap().state.clone())]);
        for n in 0..30 {
            let _ = send(&actor, message(n));
            let view = actor.view().unwrap();
            states.insert(view.tip.seq, view.state.clone());
        }
        let chain = only_chain(&store);
        let at = |seq| state_at(&*store, chain, &Scripts::new("1"), seq);
        for (&seq, state) in &states {
            let view = at(seq).unwrap();
            assert_eq!((view.tip.seq, &view.state), (seq, state), "every {every}");
        }
        for seq in [0, states.len() as u64 + 1, u64::MAX] {
            assert!(matches!(at(seq), Err(OpenError::Broken(_))), "seq {seq}");
        }
    }
}

#[test]
fn a_state_that_was_not_committed_does_not_count_as_stored() {
    let (stage, held) = (Stage::new().snapshot_every(3), crate::held::HeldStore::in_memory());
    let actor = stage.create(&held.dynamic());
    for n in 0..40 {
        if n % 3 == 1 {
            held.fail_next(&[crate::held::Fails::Full]);
        }
        let _ = send(&actor, "add x");
    }
    shut_down(&actor);
    stage.script.applied.store(0, Ordering::SeqCst);
    let resumed = stage.resume(&held.dynamic()).unwrap();
    assert_eq!(resumed.view().unwrap().state, actor.view().unwrap().state);
    assert!(stage.script.applied.load(Ordering::SeqCst) < 3);
}

#[test]
fn a_state_whose_leaves_cannot_be_had_is_not_stored_and_the_node_says_so() {
    let (stage, store) = (Stage::new().snapshot_every(1), memory());
    let mut new = stage.new_actor(7, None);
    new.genesis.world = crate::common::text("forgetful");
    let actor = stage.open(&store).unwrap().start_blocking(new).unwrap();
    send(&actor, "add x & echo ok").unwrap();
    let view = actor.view().unwrap();
    shut_down(&actor);
    let said =
        |(seq, line): &(u64, String)| line.starts_with("node: the state was not stored").then_some(*seq);
    let told: Vec<_> = stage.lines.lock().unwrap().iter().filter_map(said).collect();
    assert_eq!(told, [1, 2]);
    assert_eq!(store.blob(&only_chain(&store), &view.tip.state.unwrap()).unwrap(), None);
    assert_eq!(stage.resume(&store).unwrap().view().unwrap().state, view.state, "by a replay from genesis");
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}
