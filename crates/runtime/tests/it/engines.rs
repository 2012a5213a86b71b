//! A chain whose node was upgraded: one engine entry, with the next message that is recorded.

use std::sync::Arc;

use troupe_runtime::SendError;
use troupe_store::{MemoryStore, Store};

use crate::common::{Scripts, Stage, engine, kinds, only_chain, send, shut_down, state_after, verify};
use crate::held::{Fails, HeldStore};

fn stage(version: &str) -> Stage {
    let mut stage = Stage::new();
    stage.engine = engine(version);
    stage
}

#[test]
fn a_new_engine_is_named_once_with_the_next_message() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let actor = stage("1").create(&store);
    send(&actor, "add a").unwrap();
    shut_down(&actor);

    let actor = stage("2").resume(&store).unwrap();
    assert_eq!(kinds(&store), ["genesis", "init", "message"]);
    let answer = send(&actor, "add b").unwrap();
    assert_eq!((&answer.state[..], answer.seq), (&b"ab"[..], 4));
    assert_eq!(kinds(&store), ["genesis", "init", "message", "engine", "message"]);
    send(&actor, "add c").unwrap();
    shut_down(&actor);

    let actor = stage("2").resume(&store).unwrap();
    assert_eq!(actor.view().unwrap().tip.rules.engine, engine("2"));
    send(&actor, "add d").unwrap();
    assert_eq!(kinds(&store), ["genesis", "init", "message", "engine", "message", "message", "message"]);
    shut_down(&actor);

    let actor = stage("3").resume(&store).unwrap();
    send(&actor, "add e").unwrap();
    assert_eq!(kinds(&store)[7..], ["engine", "message"]);
    for version in ["1", "2", "3", "4"] {
        assert_eq!(verify(&store, version).unwrap().messages, 5);
    }
}

#[test]
fn a_message_that_leaves_no_entry_names_no_engine() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let actor = stage("1").create(&store);
    send(&actor, "add a").unwrap();
    shut_down(&actor);

    let actor = stage("2").resume(&store).unwrap();
    for message in ["no thanks", "late", "busy", "no again"] {
        send(&actor, message).unwrap_err();
        assert_eq!(kinds(&store), ["genesis", "init", "message"], "after {message}");
        assert_eq!(actor.view().unwrap().tip.seq, 2);
    }
    assert!(matches!(send(&actor, "die"), Err(SendError::Failed { seq: 4, .. })));
    assert_eq!(kinds(&store), ["genesis", "init", "message", "engine", "failure"]);
    assert_eq!(actor.view().unwrap().tip.rules.engine, engine("2"));
    verify(&store, "2").unwrap();
}

#[test]
fn an_engine_entry_that_was_not_committed_comes_with_the_next_message() {
    let held = HeldStore::in_memory();
    let actor = stage("1").create(&held.dynamic());
    send(&actor, "add a").unwrap();
    shut_down(&actor);

    let actor = stage("2").resume(&held.dynamic()).unwrap();
    held.fail_next(&[Fails::Full, Fails::Full]);
    for _ in 0..2 {
        assert!(matches!(send(&actor, "add b"), Err(SendError::StoreFull(_))));
        assert_eq!(kinds(&held.dynamic()), ["genesis", "init", "message"]);
    }
    assert_eq!(state_after(&actor, "add c"), "ac");
    assert_eq!(kinds(&held.dynamic()), ["genesis", "init", "message", "engine", "message"]);
    shut_down(&actor);
    assert_eq!(stage("2").resume(&held.dynamic()).unwrap().view().unwrap().tip.rules.engine, engine("2"));
    verify(&held.dynamic(), "2").unwrap();
}

#[test]
fn an_engine_is_found_however_the_states_are_kept() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut model = vec![String::new()];
    for version in ["1", "2", "3", "2"] {
        let stage = stage(version).snapshot_every(5);
        let actor = if model.len() == 1 { stage.create(&store) } else { stage.resume(&store).unwrap() };
        for _ in 0..7 {
            model.push(state_after(&actor, &format!("add {version}")));
        }
        shut_down(&actor);
    }
    let chain = only_chain(&store);
    let last = store.head(&chain).unwrap().unwrap().seq;
    assert_eq!(last, 1 + 28 + 3);
    for seq in 1..=last {
        let view = troupe_runtime::state_at(&*store, chain, &Scripts::new("2"), seq).unwrap();
        let says = match seq {
            ..9 => "1",
            9..17 => "2",
            17..25 => "3",
            _ => "2",
        };
        assert_eq!(view.tip.rules.engine, engine(says), "seq {seq}");
    }
}

#[test]
fn under_another_engine_what_depends_on_it_is_taken_on_trust() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let actor = stage("1").create(&store);
    send(&actor, "add a").unwrap();
    send(&actor, "out-of-fuel").unwrap_err();
    send(&actor, "die").unwrap_err();
    shut_down(&actor);
    let report = verify(&store, "1").unwrap();
    assert_eq!((report.failures, report.on_trust), (2, 0));
    let report = verify(&store, "2").unwrap();
    assert_eq!((report.failures, report.on_trust), (2, 1));
}
