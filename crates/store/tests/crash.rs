//! A disk that fails: whatever was acknowledged is there afterwards, and nothing else is claimed.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use common::{append, chain, check_chain, entry, len, rows_only};
use troupe_chain::Hash;
use troupe_store::faulty::{Fault, SimDisk, Survivors};
use troupe_store::{Append, CommitError, Row, Store, StoreError};

const CHAINS: u64 = 3;
/// Commits of a run; enough to fill several segments.
const STEPS: u64 = 30;

/// What a run was told, by chain.
#[derive(Debug, Clone, Default)]
struct Told {
    /// Entries that a commit acknowledged.
    acknowledged: [u64; CHAINS as usize],
    /// Entries in the batch whose outcome is unknown, counted with those before.
    tried: [u64; CHAINS as usize],
    /// The sum of the two, as the row of the last append of each batch has it.
    sums: [u64; 2],
    shared: Vec<Hash>,
}

const SUM: &[u8] = b"sum";

fn sum(store: &dyn Store) -> u64 {
    let value = store.row(SUM).unwrap().unwrap_or_default();
    value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}

/// The batch number `step`: one append, or several to one chain and others; and one of a row only.
fn batch(step: u64, lens: &mut [u64; CHAINS as usize]) -> Vec<Append> {
    let mut appends = Vec::new();
    for part in 0..[1, 1, 4, 2, 9][step as usize % 5] {
        let number = (step + part * part) % CHAINS;
        let count = 1 + (step + part) % 3 / 2;
        appends.push(append(number, lens[number as usize], count));
        lens[number as usize] += count;
    }
    appends.push(rows_only(vec![Row::put(SUM, lens.iter().sum::<u64>().to_string())]));
    appends
}

/// Commits up to `steps` batches until one fails.
fn run(store: &dyn Store, steps: std::ops::Range<u64>, told: &mut Told) -> Result<(), CommitError> {
    told.tried = told.acknowledged;
    told.sums[1] = told.sums[0];
    for step in steps {
        let batch = batch(step, &mut told.tried);
        told.sums[1] = told.tried.iter().sum();
        store.commit(&batch)?;
        told.acknowledged = told.tried;
        told.sums[0] = told.sums[1];
        if step % 7 == 0 {
            let bytes = format!("component {step}").repeat(100);
            let name = Hash::of(bytes.as_bytes());
            if store.put_shared(&name, bytes.as_bytes()).is_ok() {
                told.shared.push(name);
            }
        }
    }
    Ok(())
}

/// Opens the disk, checks what it must and may have, and goes on; returns what was told in the end.
fn check_and_go_on(disk: &SimDisk, mut told: Told, case: &str) -> Told {
    let store = disk.open().unwrap_or_else(|error| panic!("{case}: {error}"));
    for number in 0..CHAINS {
        let found = len(&store, number);
        let range = told.acknowledged[number as usize]..=told.tried[number as usize];
        assert!(range.contains(&found), "{case}: chain {number} has {found} entries, not {range:?}");
        check_chain(&store, number, found);
        told.acknowledged[number as usize] = found;
    }
    let found = sum(&store);
    assert!(told.sums.contains(&found), "{case}: the sum is {found}, not one of {:?}", told.sums);
    // The last append of its batch is there, so all of it is.
    assert!(found == told.sums[0] || told.acknowledged == told.tried, "{case}: the sum is ahead: {told:?}");
    told.sums[0] = found;
    for name in &told.shared {
        let bytes = store.shared(name).unwrap();
        assert_eq!(bytes.map(|bytes| Hash::of(&bytes)).as_ref(), Some(name), "{case}");
    }
    run(&store, 100..104, &mut told).unwrap_or_else(|error| panic!("{case}: going on: {error}"));
    for number in 0..CHAINS {
        check_chain(&store, number, told.acknowledged[number as usize]);
    }
    assert_eq!(sum(&store), told.sums[0], "{case}");
    told
}

fn every_survivors() -> impl Iterator<Item = Survivors> {
    [Survivors::Lost, Survivors::Kept].into_iter().chain((0..8).map(Survivors::Some))
}

/// How many operations the workload takes without faults.
fn operations() -> u64 {
    let disk = SimDisk::new();
    run(&disk.open().unwrap(), 0..STEPS, &mut Told::default()).unwrap();
    disk.operations()
}

#[test]
fn a_crash_at_any_operation_loses_nothing_acknowledged() {
    for operation in 0..operations() {
        let disk = SimDisk::new();
        disk.fail_at(operation, Fault::Crash);
        let mut told = Told::default();
        if let Ok(store) = disk.open() {
            let _ = run(&store, 0..STEPS, &mut told);
        }
        for survivors in every_survivors() {
            let case = format!("crash at operation {operation}, {survivors:?}");
            let restarted = disk.after_crash(survivors);
            let told = check_and_go_on(&restarted, told.clone(), &case);
            // What the second run was told must hold as well, with what the first crash left in the files.
            check_and_go_on(&restarted.after_crash(Survivors::Lost), told, &format!("{case}, and again"));
        }
    }
}

#[test]
fn a_crash_within_recovery_loses_nothing_acknowledged() {
    let total = operations();
    for operation in (0..total).step_by(5) {
        let disk = SimDisk::new();
        disk.fail_at(operation, Fault::Crash);
        let mut told = Told::default();
        if let Ok(store) = disk.open() {
            let _ = run(&store, 0..STEPS, &mut told);
        }
        for second in 0..6 {
            let restarted = disk.after_crash(Survivors::Some(operation));
            restarted.fail_at(second, Fault::Crash);
            let _ = restarted.open();
            for survivors in every_survivors() {
                let case = format!("crash at {operation}, then at {second}, {survivors:?}");
                check_and_go_on(&restarted.after_crash(survivors), told.clone(), &case);
            }
        }
    }
}

#[test]
fn a_failed_or_short_operation_acknowledges_nothing_wrongly() {
    for operation in 0..operations() {
        for fault in [Fault::Error, Fault::Short] {
            let disk = SimDisk::new();
            disk.fail_at(operation, fault);
            let mut told = Told::default();
            if let Ok(store) = disk.open() {
                match run(&store, 0..STEPS, &mut told) {
                    Err(CommitError::OutcomeUnknown(_)) => halted_for_good(&store, &told),
                    // A shared blob or a spare that could not be written stops no commit.
                    Ok(()) => {}
                    Err(other) => panic!("{fault:?} at {operation}: {other}"),
                }
            }
            // First the same disk, as a process that starts again finds it; then after a crash.
            for survivors in [Survivors::Lost, Survivors::Kept, Survivors::Some(operation)] {
                let case = format!("{fault:?} at operation {operation}, {survivors:?}");
                check_and_go_on(&disk.after_crash(survivors), told.clone(), &case);
            }
            let told =
                check_and_go_on(&disk, told, &format!("{fault:?} at operation {operation}, restarted"));
            for survivors in every_survivors() {
                let case = format!("{fault:?} at operation {operation}, restarted, {survivors:?}");
                check_and_go_on(&disk.after_crash(survivors), told.clone(), &case);
            }
        }
    }
}

/// Checks that a halted store shows what it acknowledged, no more, and takes no commit.
fn halted_for_good(store: &dyn Store, told: &Told) {
    for number in 0..CHAINS {
        check_chain(store, number, told.acknowledged[number as usize]);
    }
    assert_eq!(sum(store), told.sums[0]);
    for _ in 0..2 {
        assert!(matches!(store.commit(&[append(9, 0, 1)]), Err(CommitError::Halted(_))));
    }
    store.ready().unwrap_err();
    assert_eq!(store.head(&chain(9)).unwrap(), None);
}

#[test]
fn a_failed_sync_is_never_retried() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    store.commit(&[append(0, 0, 1)]).unwrap();
    disk.fail_next_sync();
    assert!(matches!(store.commit(&[append(0, 1, 1)]), Err(CommitError::OutcomeUnknown(_))));
    let before = disk.operations();
    assert!(matches!(store.commit(&[append(0, 1, 1)]), Err(CommitError::Halted(_))));
    assert_eq!(disk.operations(), before);
    assert_eq!(store.head(&chain(0)).unwrap(), Some(entry(0, 0).head()));
}

#[test]
fn what_a_restart_shows_after_a_failed_sync_is_durable() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    store.commit(&[append(0, 0, 1)]).unwrap();
    disk.fail_next_sync();
    store.commit(&[append(0, 1, 1)]).unwrap_err();
    drop(store);
    // The write is still in the system's cache, as if it were clean.
    let shown = len(&disk.open().unwrap(), 0);
    assert_eq!(len(&disk.after_crash(Survivors::Lost).open().unwrap(), 0), shown);
}

#[test]
fn a_full_disk_refuses_and_takes_commits_again_once_there_is_space() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    disk.set_capacity(Some(10 << 10));
    let mut told = Told::default();
    for _ in 0..3 {
        let next = told.acknowledged.iter().sum::<u64>();
        match run(&store, next..1000, &mut told) {
            Err(CommitError::Full(_)) => {}
            other => panic!("{other:?}"),
        }
        told.tried = told.acknowledged;
        for number in 0..CHAINS {
            check_chain(&store, number, told.acknowledged[number as usize]);
        }
        let refused = store.ready().unwrap_err();
        assert!(matches!(refused, StoreError::Full { needed: 4096, free } if free < 4096), "{refused}");
        assert!(!disk.files().iter().any(|(name, _)| name.ends_with(".tmp")), "{:?}", disk.files());
    }
    disk.set_capacity(None);
    store.ready().unwrap();
    run(&store, 200..210, &mut told).unwrap();
    check_and_go_on(&disk.after_crash(Survivors::Lost), told, "after a full disk");
}
