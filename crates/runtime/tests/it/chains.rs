//! Beginning and resuming, what leaves an entry, and time.

use std::sync::Arc;

use troupe_chain::{FailureCode, Timestamp};
use troupe_runtime::SendError;
use troupe_store::{MemoryStore, Store};

use crate::common::{Stage, kinds, only_chain, send, shut_down, state_after, text, verify};
use crate::held::HeldStore;

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[test]
fn a_resumed_actor_goes_on_where_it_stopped() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.create(&store);
    assert_eq!(state_after(&actor, "add a"), "a");
    assert_eq!(state_after(&actor, "add b"), "ab");
    let (id, before) = (actor.id(), actor.view().unwrap());
    shut_down(&actor);

    let actor = stage.resume(&store).unwrap();
    assert_eq!(actor.id(), id);
    assert_eq!((&actor.view().unwrap().tip, &actor.view().unwrap().state), (&before.tip, &before.state));
    let answer = send(&actor, "add c").unwrap();
    assert_eq!((&answer.state[..], answer.seq), (&b"abc"[..], 4));
    assert_eq!(answer.reply.as_deref(), Some(&b"abc"[..]));
    assert_eq!(store.head(&id).unwrap().map(|head| head.entry), Some(answer.hash));
    assert_eq!(kinds(&store), ["genesis", "init", "message", "message", "message"]);
    let report = verify(&store, "1").unwrap();
    assert_eq!((report.messages, report.head), (3, answer.hash));
}

#[test]
fn only_accepted_and_failed_messages_leave_an_entry() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.create(&store);
    send(&actor, "add a").unwrap();
    let head = actor.view().unwrap().tip.entry;
    let rejected = send(&actor, "no because").unwrap_err();
    assert!(matches!(&rejected, SendError::Rejected(r) if r.reason == "because"), "{rejected}");
    assert!(matches!(send(&actor, "late").unwrap_err(), SendError::OutOfTime(7)));
    assert!(matches!(send(&actor, "busy").unwrap_err(), SendError::Busy(_)));
    assert_eq!(actor.view().unwrap().tip.entry, head);

    let SendError::Failed { failed, hash, seq } = send(&actor, "die").unwrap_err() else {
        panic!("no failure")
    };
    assert_eq!((failed.code, seq), (FailureCode::Unreachable, 3));
    assert_eq!(actor.view().unwrap().tip.entry, hash);
    assert_eq!(&actor.view().unwrap().state[..], b"a");
    assert_eq!(state_after(&actor, "add b"), "ab");
    assert_eq!(kinds(&store), ["genesis", "init", "message", "failure", "message"]);
    verify(&store, "1").unwrap();
}

#[test]
fn what_is_sent_is_an_effect_and_a_blob() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.create(&store);
    send(&actor, "send observer hello").unwrap();
    let chain = only_chain(&store);
    let name = troupe_chain::Hash::of(b"hello");
    assert_eq!(store.blob(&chain, &name).unwrap().as_deref(), Some(&b"hello"[..]));
    let entry = store.entry(&chain, 2).unwrap().unwrap();
    let expected = format!(r#""effects":[{{"send":{{"message":"{name}","to":"observer"}}}}]"#);
    let entry = String::from_utf8(entry.to_vec()).unwrap();
    assert!(entry.contains(&expected), "{entry}");
}

#[test]
fn an_actor_whose_init_fails_leaves_no_chain() {
    let (stage, store) = (Stage::new(), memory());
    let failed = stage.try_create(&store, Some(b"die")).err();
    assert!(
        matches!(&failed, Some(SendError::CannotBegin(why)) if why.contains("trap:unreachable")),
        "{failed:?}"
    );
    let aborted = stage.try_create(&store, Some(b"late")).err();
    assert!(matches!(aborted, Some(SendError::OutOfTime(7))), "{aborted:?}");
    assert_eq!(store.chains().unwrap(), []);
    assert_eq!(stage.lines(), []);
}

#[test]
fn what_init_logs_is_told_only_once_it_is_committed() {
    let (stage, held) = (Stage::new(), HeldStore::in_memory());
    held.fail_next(&[crate::held::Fails::Full]);
    assert!(matches!(stage.try_create(&held.dynamic(), None), Err(SendError::StoreFull(_))));
    assert_eq!(stage.lines(), []);
    stage.create(&held.dynamic());
    assert_eq!(stage.lines(), [(1, "init".to_owned())]);
}

#[test]
fn the_configuration_is_what_init_gets_and_a_resume_needs_it_not() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.try_create(&store, Some(b"first")).unwrap();
    assert_eq!(state_after(&actor, "add +"), "first+");
    shut_down(&actor);
    assert_eq!(state_after(&stage.resume(&store).unwrap(), "add +"), "first++");
    verify(&store, "1").unwrap();
}

#[test]
fn time_never_goes_back() {
    let (stage, store) = (Stage::new(), memory());
    stage.clock.set(Timestamp(5000));
    let actor = stage.create(&store);
    assert_eq!(state_after(&actor, "time"), "5000");
    stage.clock.set(Timestamp(7000));
    assert_eq!(state_after(&actor, "time"), "7000");
    stage.clock.set(Timestamp(6000));
    assert_eq!(state_after(&actor, "time"), "7000");
    shut_down(&actor);
    stage.clock.set(Timestamp(1));
    let actor = stage.resume(&store).unwrap();
    assert_eq!(state_after(&actor, "time"), "7000");
    stage.clock.set(Timestamp(7001));
    assert_eq!(state_after(&actor, "time"), "7001");
    verify(&store, "1").unwrap();
}

#[test]
fn a_machine_that_draws_gets_a_seed_for_each_entry_and_none_is_left_of_a_rejection() {
    let (stage, store) = (Stage::new(), memory());
    let mut new = stage.new_actor(7, None);
    new.genesis.world = text("drawing");
    let actor = stage.open(&store).unwrap().start_blocking(new).unwrap();
    let rolls = [state_after(&actor, "roll"), state_after(&actor, "roll")];
    assert_ne!(rolls[0], rolls[1]);
    assert!(send(&actor, "no").is_err());
    assert!(send(&actor, "die").is_err());
    shut_down(&actor);
    let entry = |seq| troupe_chain::Entry::decode(&store.entry(&actor.id(), seq).unwrap().unwrap()).unwrap();
    let seeds: Vec<_> = (1..=4).map(|seq| entry(seq).body.seed().unwrap().to_string()).collect();
    assert_eq!(seeds[1..3], rolls);
    assert_eq!(seeds.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "none comes twice");
    assert_eq!(kinds(&store), ["genesis", "init", "message", "message", "failure"]);
    verify(&store, "1").unwrap();
    // What a start replays gets its seeds again.
    let actor = stage.resume(&store).unwrap();
    assert_eq!(state_after(&actor, "add +"), format!("{}+", rolls[1]));
}

#[test]
fn a_store_without_the_chain_says_so() {
    let (stage, store) = (Stage::new(), memory());
    let id = stage.create(&store).id();
    let other = memory();
    let actors = stage.open(&other).unwrap();
    assert!(matches!(actors.get(id), Err(SendError::Unknown)));
    assert!(matches!(actors.find(&id.to_string()), Err(SendError::Unknown)));
    assert!(matches!(actors.find("somebody"), Err(SendError::Unknown)));
}
