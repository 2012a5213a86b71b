//! Group commit: many messages in one, nothing out before it, everything back if it fails.

use std::sync::atomic::Ordering;

use troupe_runtime::{Actor, SendError};

use crate::common::{Pending, Stage, kinds, send, shut_down, state_after, verify};
use crate::held::{Fails, HeldStore};

/// Who commits: the sequencer itself, or the committer's thread, with the sequencer running on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Sequencer,
    Thread,
}

fn start(by: By) -> (Stage, std::sync::Arc<HeldStore>, Actor) {
    let (stage, held) = (Stage::new(), HeldStore::in_memory());
    let actor = stage.create(&held.dynamic());
    if by == By::Thread {
        held.move_commits_to_a_thread(&actor);
        stage.lines.lock().unwrap().clear();
    }
    (stage, held, actor)
}

#[test]
fn messages_that_come_during_a_commit_share_the_next_one() {
    for by in [By::Sequencer, By::Thread] {
        let (_stage, held, actor) = start(by);
        let before = held.gate.entered();
        held.gate.close();
        let first = Pending::post(&actor, "add a");
        held.gate.wait_entered(before + 1);
        let others = Pending::post_all(&actor, ["add b"; 200]);
        held.gate.open();
        assert_eq!(first.wait().unwrap().state, "a");
        for (n, other) in others.into_iter().enumerate() {
            assert_eq!(other.wait().unwrap().state.len(), n + 2);
        }
        let commits = held.gate.entered() - before;
        assert!(commits <= 50, "{by:?}: {commits} commits for 201 messages");
        verify(&held.dynamic(), "1").unwrap();
    }
}

#[test]
fn nothing_is_answered_shown_or_logged_before_its_commit_returned() {
    for by in [By::Sequencer, By::Thread] {
        let (stage, held, actor) = start(by);
        let before = (actor.view().unwrap(), stage.lines(), held.gate.entered());
        held.gate.close();
        let applied = stage.script.applied.load(Ordering::SeqCst);
        let mut waiting = Pending::post_all(&actor, ["add a"]);
        held.gate.wait_entered(before.2 + 1);
        // These follow from a state that is not durable, and so do their rejections.
        waiting.extend(Pending::post_all(&actor, ["no", "add b", "no", "die", "echo hello", "late"]));
        if by == By::Thread {
            stage.wait_applied(applied + 7);
        }
        assert!(waiting.iter_mut().all(Pending::is_waiting), "{by:?}");
        assert_eq!(actor.view().unwrap().tip, before.0.tip, "{by:?}");
        assert_eq!(stage.lines(), before.1, "{by:?}");

        held.gate.open();
        let answers: Vec<_> = waiting.into_iter().map(Pending::wait).collect();
        assert_eq!(answers[0].as_ref().unwrap().state, "a");
        assert!(matches!(answers[1], Err(SendError::Rejected(_))));
        assert_eq!(answers[2].as_ref().unwrap().state, "ab");
        assert!(matches!(answers[3], Err(SendError::Rejected(_))));
        assert!(matches!(answers[4], Err(SendError::Failed { .. })));
        assert_eq!(answers[5].as_ref().unwrap().state, "ab");
        assert!(matches!(answers[6], Err(SendError::OutOfTime(7))));
        assert_eq!(actor.view().unwrap().state, "ab");
        let seq = before.0.tip.seq;
        let lines = [(1, "add a"), (2, "no"), (2, "add b"), (3, "no"), (3, "die"), (4, "echo hello")];
        let lines = lines.map(|(after, line)| (seq + after, line.to_owned()));
        assert_eq!(stage.lines()[before.1.len()..], lines);
        verify(&held.dynamic(), "1").unwrap();
    }
}

#[test]
fn an_answer_is_visible_to_whoever_reads_after_it() {
    let (_stage, _held, actor) = start(By::Sequencer);
    for n in 1..=200 {
        let answer = send(&actor, "add x").unwrap();
        let view = actor.view().unwrap();
        assert_eq!((view.tip.entry, view.state.len()), (answer.hash, n));
    }
}

#[test]
fn a_full_store_records_nothing_and_takes_messages_again_once_there_is_room() {
    for by in [By::Sequencer, By::Thread] {
        let (stage, held, actor) = start(by);
        assert_eq!(state_after(&actor, "add a"), "a");
        let before = (actor.view().unwrap(), stage.lines(), held.gate.entered());
        held.fail_next(&[Fails::Full]);
        held.gate.close();
        let applied = stage.script.applied.load(Ordering::SeqCst);
        let mut waiting = vec![Pending::post(&actor, "add lost")];
        held.gate.wait_entered(before.2 + 1);
        if by == By::Thread {
            // These run on from a state that will never be.
            waiting.extend(Pending::post_all(&actor, ["add also", "no", "die"]));
            stage.wait_applied(applied + 4);
        }
        held.gate.open();
        for answer in waiting.into_iter().map(Pending::wait) {
            assert!(matches!(answer, Err(SendError::StoreFull(_))), "{by:?}: {answer:?}");
        }
        assert_eq!(actor.view().unwrap().tip, before.0.tip);
        assert_eq!(stage.lines(), before.1);
        assert_eq!(state_after(&actor, "add b"), "ab");
        assert!(matches!(send(&actor, "no"), Err(SendError::Rejected(_))));
        assert_eq!(state_after(&actor, "add c"), "abc");
        assert_eq!(actor.actors().metrics().commit_errors.load(Ordering::Relaxed), 1);
        verify(&held.dynamic(), "1").unwrap();
    }
}

#[test]
fn a_store_that_is_full_again_and_again_never_mixes_up_the_chain() {
    for by in [By::Sequencer, By::Thread] {
        let (_stage, held, actor) = start(by);
        let mut model = String::new();
        for round in 0..30 {
            if round % 3 != 2 {
                held.fail_next(&[Fails::Full]);
            }
            let burst = Pending::post_all(&actor, ["add a", "no", "add b", "add c", "die"]);
            let answers: Vec<_> = burst.into_iter().map(Pending::wait).collect();
            for answer in answers {
                match answer {
                    Ok(answer) => {
                        model = String::from_utf8(answer.state.to_vec()).unwrap();
                    }
                    Err(SendError::StoreFull(_) | SendError::Rejected(_) | SendError::Failed { .. }) => {}
                    Err(other) => panic!("{by:?}: {other}"),
                }
            }
            held.fail_next(&[]);
            assert_eq!(actor.view().unwrap().state, model.as_bytes());
        }
        assert!(model.len() >= 30, "{model}");
        verify(&held.dynamic(), "1").unwrap();
    }
}

#[test]
fn an_unknown_outcome_is_told_to_all_who_wait_and_halts_the_rest() {
    for by in [By::Sequencer, By::Thread] {
        let (stage, held, actor) = start(by);
        let before = (actor.view().unwrap(), held.gate.entered());
        held.fail_next(&[Fails::OutcomeUnknown]);
        held.gate.close();
        let applied = stage.script.applied.load(Ordering::SeqCst);
        let first = Pending::post(&actor, "add a");
        held.gate.wait_entered(before.1 + 1);
        let after = Pending::post_all(&actor, ["add b", "add c"]);
        if by == By::Thread {
            stage.wait_applied(applied + 3);
        }
        held.gate.open();
        let answer = first.wait();
        assert!(matches!(answer, Err(SendError::OutcomeUnknown(_))), "{by:?}: {answer:?}");
        for answer in after.into_iter().map(Pending::wait) {
            assert!(matches!(answer, Err(SendError::Halted(_))), "{by:?}: {answer:?}");
        }
        for _ in 0..3 {
            assert!(matches!(send(&actor, "add d"), Err(SendError::Halted(_))));
        }
        assert_eq!(actor.view().unwrap().tip, before.0.tip);
        shut_down(&actor);
    }
}

#[test]
fn all_messages_of_a_batch_share_its_fate() {
    let (stage, held, actor) = start(By::Sequencer);
    stage.script.hold.close();
    let held_up = Pending::post(&actor, "hold");
    stage.script.hold.wait_entered(1);
    let mut others = Pending::post_all(&actor, ["add a", "no", "die", "add b"]);
    held.fail_next(&[Fails::OutcomeUnknown]);
    assert!(others.iter_mut().all(Pending::is_waiting));
    stage.script.hold.open();
    // Whether the others came into the same batch depends on the clock; those that did are told the same.
    let first = held_up.wait();
    assert!(matches!(first, Err(SendError::OutcomeUnknown(_))), "{first:?}");
    for answer in others.into_iter().map(Pending::wait) {
        let told = matches!(
            answer,
            Err(SendError::OutcomeUnknown(_) | SendError::Halted(_) | SendError::Rejected(_))
        );
        assert!(told, "{answer:?}");
    }
    assert_eq!(kinds(&held.dynamic()), ["genesis", "init"]);
}

#[test]
fn batches_that_wait_are_not_committed_all_at_once_if_they_are_large() {
    let (stage, held, actor) = start(By::Thread);
    held.gate.close();
    let entered = held.gate.entered();
    let mut waiting = vec![Pending::post(&actor, "keep")];
    held.gate.wait_entered(entered + 1);
    let applied = stage.script.applied.load(Ordering::SeqCst);
    let large = format!("keep {}", "x".repeat(5 << 20));
    for _ in 0..8 {
        waiting.push(Pending::post(&actor, &large));
    }
    // No more groups than these wait; then the sequencer does, too.
    stage.wait_applied(applied + 3);
    held.gate.open();
    for answer in waiting.into_iter().map(Pending::wait) {
        answer.unwrap();
    }
    let largest = held.sizes.lock().unwrap().iter().max().copied();
    assert!(largest < Some(22 << 20), "{largest:?}");
}

#[test]
fn a_store_that_panics_leaves_nobody_waiting() {
    for by in [By::Sequencer, By::Thread] {
        let (_stage, held, actor) = start(by);
        held.fail_next(&[Fails::Panics]);
        let waiting = Pending::post_all(&actor, ["add a", "add b"]);
        for answer in waiting.into_iter().map(Pending::wait) {
            answer.unwrap_err();
        }
        assert!(matches!(send(&actor, "add c"), Err(SendError::Halted(_))));
        shut_down(&actor);
    }
}
