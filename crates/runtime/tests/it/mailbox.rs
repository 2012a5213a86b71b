//! The mailbox: its bounds, stopping, and what becomes of threads and senders.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};

use troupe_runtime::SendError;
use troupe_store::{Append, CommitError, MemoryStore, Store, all_but_commit};

use crate::common::{Pending, Stage, send, shut_down, state_after, verify};

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[test]
fn a_full_mailbox_turns_messages_away_as_busy() {
    let (mut stage, store) = (Stage::new(), memory());
    stage.options.mailbox = 3;
    let actor = stage.create(&store);
    stage.script.hold.close();
    let held = Pending::post(&actor, "hold");
    stage.script.hold.wait_entered(1);
    let mut waiting = Pending::post_all(&actor, ["add a", "add b", "add c"]);
    assert!(waiting.iter_mut().all(Pending::is_waiting));
    assert_eq!(actor.waiting(), 3);
    assert!(matches!(send(&actor, "add d"), Err(SendError::Busy(_))));
    assert_eq!((actor.waiting(), actor.actors().metrics().busy.load(Ordering::Relaxed)), (3, 1));
    stage.script.hold.open();
    held.wait().unwrap();
    let states: Vec<_> = waiting.into_iter().map(|waiting| waiting.wait().unwrap().state).collect();
    assert_eq!(states, ["a", "ab", "abc"]);
    assert_eq!(actor.waiting(), 0);
    assert_eq!(state_after(&actor, "add e"), "abce");
}

#[test]
fn a_message_above_the_limit_is_refused_and_one_at_it_is_taken() {
    let (mut stage, store) = (Stage::new(), memory());
    stage.options.max_message = 8;
    let actor = stage.create(&store);
    assert_eq!(state_after(&actor, "add 4567"), "4567");
    let refused = send(&actor, "add 45678").unwrap_err();
    assert!(matches!(refused, SendError::TooLarge { size: 9, limit: 8 }), "{refused}");
    assert_eq!(actor.view().unwrap().tip.seq, 2);
}

#[test]
fn stopping_handles_what_is_in_the_mailbox_and_takes_nothing_after() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.create(&store);
    stage.script.hold.close();
    let mut waiting = vec![Pending::post(&actor, "hold")];
    stage.script.hold.wait_entered(1);
    waiting.extend(Pending::post_all(&actor, ["add a"; 50]));
    let stopper = std::thread::spawn({
        let actor = actor.clone();
        move || shut_down(&actor)
    });
    stage.script.hold.open();
    stopper.join().unwrap();
    for answer in waiting.into_iter().map(Pending::wait) {
        answer.unwrap();
    }
    assert_eq!(actor.view().unwrap().state.len(), 50);
    assert!(matches!(send(&actor, "add b"), Err(SendError::Stopped)));
    shut_down(&actor);
    assert_eq!(verify(&store, "1").unwrap().messages, 51);
}

#[test]
fn senders_from_many_threads_are_each_answered_once_and_in_one_order() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.create(&store);
    let seqs = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let answer = actor.send_blocking(crate::common::anyone(), "add x".into()).unwrap();
                    assert_eq!(answer.state.len() as u64, answer.seq - 1);
                    seqs.lock().unwrap().push(answer.seq);
                }
            });
        }
    });
    let mut seqs = seqs.into_inner().unwrap();
    seqs.sort_unstable();
    assert_eq!(seqs, (2..402).collect::<Vec<_>>());
    verify(&store, "1").unwrap();
}

#[test]
fn a_future_that_is_dropped_does_not_take_its_message_back() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.create(&store);
    drop(Pending::post(&actor, "add a"));
    assert_eq!(state_after(&actor, "add b"), "ab");
}

#[test]
fn a_machine_that_panics_leaves_nobody_waiting_and_the_chain_whole() {
    let (stage, store) = (Stage::new(), memory());
    let actor = stage.create(&store);
    stage.script.hold.close();
    let held = Pending::post(&actor, "hold");
    stage.script.hold.wait_entered(1);
    let waiting = Pending::post_all(&actor, ["add a", "panic", "add b"]);
    stage.script.hold.open();
    held.wait().unwrap();
    let answers: Vec<_> = waiting.into_iter().map(Pending::wait).collect();
    assert!(matches!(&answers[1], Err(SendError::Host(why)) if why.contains("panicked")), "{answers:?}");
    assert_eq!(answers[0].as_ref().unwrap().state, "a");
    assert_eq!(answers[2].as_ref().unwrap().state, "ab");
    assert_eq!(state_after(&actor, "add c"), "abc");
    shut_down(&actor);
    let answered = actor.view().unwrap().tip.clone();
    verify(&store, "1").unwrap();
    let actor = stage.resume(&store).unwrap();
    assert_eq!(actor.view().unwrap().tip, answered);
    send(&actor, "add d").unwrap();
}

/// Tells when it is dropped.
struct Told(MemoryStore, Mutex<mpsc::Sender<()>>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.1.lock().unwrap().send(());
    }
}

impl Store for Told {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        self.0.commit(batch)
    }

    all_but_commit!(0);
}

#[test]
fn dropping_the_last_clone_ends_the_threads_and_lets_go_of_the_store() {
    let (told, dropped) = mpsc::channel();
    let store: Arc<dyn Store> = Arc::new(Told(MemoryStore::new(), Mutex::new(told)));
    let actor = Stage::new().create(&store);
    drop(store);
    let other = actor.clone();
    drop(actor);
    assert_eq!(state_after(&other, "add a"), "a");
    assert!(dropped.try_recv().is_err());
    drop(other);
    dropped.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
}
