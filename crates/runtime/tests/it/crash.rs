//! A disk that fails at every point: what was answered is in the chain as it was answered, and the actor goes on.

use std::sync::Arc;

use troupe_chain::Hash;
use troupe_runtime::{Answer, SendError, state_at};
use troupe_store::Store;
use troupe_store::faulty::{Fault, SimDisk, Survivors};

use crate::common::{Pending, Scripts, Stage, only_chain, send, shut_down, state_after, verify};

/// What somebody was told.
#[derive(Debug, Clone)]
enum Told {
    Accepted(Answer),
    Failed { hash: Hash, seq: u64 },
}

fn open(disk: &SimDisk) -> Option<Arc<dyn Store>> {
    Some(Arc::new(disk.open().ok()?))
}

/// Bursts of messages until something breaks; returns what was acknowledged.
fn run(disk: &SimDisk, stage: &Stage) -> Vec<Told> {
    let mut told = Vec::new();
    let Some(store) = open(disk) else { return told };
    let Ok(actor) = stage.try_create(&store, Some(b"config")) else { return told };
    told.push(Told::Failed { hash: actor.view().unwrap().tip.entry, seq: 1 });
    for burst in 0..5 {
        let messages = ["add a", "no", "die", "echo hello", "add b", "keep"];
        let waiting = Pending::post_all(&actor, messages.into_iter().take(1 + burst));
        for answer in waiting.into_iter().map(Pending::wait) {
            match answer {
                Ok(answer) => told.push(Told::Accepted(answer)),
                Err(SendError::Failed { hash, seq, .. }) => told.push(Told::Failed { hash, seq }),
                Err(
                    SendError::Rejected(_)
                    | SendError::OutcomeUnknown(_)
                    | SendError::Halted(_)
                    | SendError::StoreFull(_)
                    // What failed may be the reading of the state that is committed.
                    | SendError::Host(_),
                ) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
    shut_down(&actor);
    told
}

fn check(disk: &SimDisk, stage: &Stage, told: &[Told], case: &str) {
    let store = open(disk).unwrap_or_else(|| panic!("{case}: the store does not open"));
    if store.chains().unwrap().is_empty() {
        assert!(told.is_empty(), "{case}: the chain is gone");
        return;
    }
    let chain = only_chain(&store);
    let report = verify(&store, "1").unwrap_or_else(|error| panic!("{case}: {error}"));
    for told in told {
        let (Told::Accepted(Answer { hash, seq, .. }) | Told::Failed { hash, seq }) = told;
        let entry = store.entry(&chain, *seq).unwrap().map(|bytes| Hash::of(&bytes));
        assert_eq!(entry, Some(*hash), "{case}: {told:?}");
        if let Told::Accepted(Answer { state, reply, .. }) = told {
            let view = state_at(&*store, chain, &Scripts::new("1"), *seq);
            assert_eq!(view.unwrap().state, state, "{case}");
            if let Some(reply) = reply {
                let stored = store.blob(&chain, &Hash::of(reply)).unwrap();
                assert_eq!(stored.as_ref(), Some(reply), "{case}");
            }
        }
    }
    let actor = stage.resume(&store).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(actor.view().unwrap().tip.entry, report.head, "{case}");
    let before = String::from_utf8(actor.view().unwrap().state.to_vec()).unwrap();
    assert_eq!(state_after(&actor, "add on"), before + "on", "{case}");
    shut_down(&actor);
    verify(&store, "1").unwrap_or_else(|error| panic!("{case}, gone on: {error}"));
}

fn every_point(faults: &[Fault], snapshot_every: u64) {
    let stage = Stage::new().snapshot_every(snapshot_every);
    let whole = SimDisk::new();
    // All that are not refused: 1 + 1 + 2 + 3 + 4 and `init`.
    assert_eq!(run(&whole, &stage).len(), 12);
    let operations = whole.operations();
    assert!(operations > 20, "{operations}");
    // Batches may fall otherwise each time, so that there may be a few more.
    for operation in 0..operations + 4 {
        for fault in faults {
            let disk = SimDisk::new();
            disk.fail_at(operation, *fault);
            let told = run(&disk, &stage);
            for survivors in
                [Survivors::Lost, Survivors::Kept, Survivors::Some(operation), Survivors::Some(99)]
            {
                let case = format!("{fault:?} at {operation} of {operations}, {survivors:?}");
                check(&disk.after_crash(survivors), &stage, &told, &case);
            }
        }
    }
}

#[test]
fn a_crash_at_any_point_loses_nothing_that_was_answered() {
    every_point(&[Fault::Crash], 1);
}

#[test]
fn a_crash_between_stored_states_loses_nothing_that_was_answered() {
    every_point(&[Fault::Crash], 4);
}

#[test]
fn an_error_or_a_short_write_at_any_point_loses_nothing_that_was_answered() {
    every_point(&[Fault::Error, Fault::Short], 3);
}

#[test]
fn a_full_disk_records_nothing_and_the_actor_goes_on_once_there_is_space() {
    let (stage, disk) = (Stage::new(), SimDisk::new());
    let store = open(&disk).unwrap();
    let actor = stage.create(&store);
    assert_eq!(state_after(&actor, "add a"), "a");
    let used = disk.files().iter().map(|(_, bytes)| bytes).sum();
    disk.set_capacity(Some(used));
    let large = format!("add {}", "x".repeat(20_000));
    for _ in 0..3 {
        let full = send(&actor, &large).unwrap_err();
        assert!(matches!(full, SendError::StoreFull(_)), "{full}");
        assert_eq!(actor.view().unwrap().state, "a");
    }
    disk.set_capacity(None);
    assert_eq!(state_after(&actor, "add b"), "ab");
    shut_down(&actor);
    assert_eq!(verify(&store, "1").unwrap().messages, 2);
    check(&disk.after_crash(Survivors::Lost), &stage, &[], "after a full disk");
}

#[test]
fn a_failed_sync_is_an_unknown_outcome_and_halts_the_actor_until_it_starts_again() {
    let (stage, disk) = (Stage::new(), SimDisk::new());
    let store = open(&disk).unwrap();
    let actor = stage.create(&store);
    let acknowledged = send(&actor, "add a").unwrap();
    disk.fail_next_sync();
    assert!(matches!(send(&actor, "add b"), Err(SendError::OutcomeUnknown(_))));
    assert!(matches!(send(&actor, "add c"), Err(SendError::Halted(_))));
    assert_eq!(actor.view().unwrap().tip.entry, acknowledged.hash);
    shut_down(&actor);
    for survivors in [Survivors::Lost, Survivors::Kept] {
        let told = [Told::Accepted(acknowledged.clone())];
        check(&disk.after_crash(survivors), &stage, &told, "after a failed sync");
    }
}
