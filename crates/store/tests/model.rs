//! Any appends, reads and restarts: the disk answers as memory does.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use common::{append, chain, check_chain, entry, len, rows_only};
use proptest::prelude::*;
use troupe_store::faulty::{SimDisk, Survivors};
use troupe_store::{Append, DiskOptions, DiskStore, MemoryStore, Row, Store};

const CHAINS: u64 = 4;

#[derive(Debug, Clone)]
enum Step {
    /// Appends of (chain, entries), each where the one before left the chain.
    Commit(Vec<(u64, u64)>),
    /// Rows to put or to remove, in one append or in one each.
    Rows(Vec<(u8, Option<u16>)>, bool),
    /// An append that expects a head some entries off.
    Stale(u64, u64),
    Restart(u64),
    Check,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => prop::collection::vec((0..CHAINS, 1..4_u64), 1..6).prop_map(Step::Commit),
        4 => (prop::collection::vec((0..12_u8, prop::option::of(0..300_u16)), 1..6), any::<bool>())
            .prop_map(|(rows, together)| Step::Rows(rows, together)),
        2 => (0..CHAINS, 0..6_u64).prop_map(|(chain, seq)| Step::Stale(chain, seq)),
        2 => any::<u64>().prop_map(Step::Restart),
        1 => Just(Step::Check),
    ];
    prop::collection::vec(step, 1..40)
}

fn batch(model: &dyn Store, parts: &[(u64, u64)]) -> Vec<Append> {
    let mut lens = [0, 1, 2, 3].map(|number| len(model, number));
    let mut next = |(number, count): &(u64, u64)| {
        let len = &mut lens[*number as usize];
        *len += count;
        append(*number, *len - count, *count)
    };
    parts.iter().map(&mut next).collect()
}

fn rows(rows: &[(u8, Option<u16>)], together: bool) -> Vec<Append> {
    let rows = rows.iter().map(|(key, value)| match value {
        Some(len) => Row::put(vec![*key; 3], vec![*key; usize::from(*len)]),
        None => Row::remove(vec![*key; 3]),
    });
    if together { vec![rows_only(rows.collect())] } else { rows.map(|row| rows_only(vec![row])).collect() }
}

fn both_answer_alike(model: &dyn Store, store: &dyn Store) {
    assert_eq!(store.chains().unwrap(), model.chains().unwrap());
    assert_eq!(store.rows(b"", None, usize::MAX).unwrap(), model.rows(b"", None, usize::MAX).unwrap());
    for number in 0..CHAINS {
        let len = len(model, number);
        check_chain(store, number, len);
        check_chain(model, number, len);
    }
}

fn follow(
    steps: &[Step],
    mut store: Box<dyn Store>,
    mut restart: impl FnMut(Box<dyn Store>, u64) -> Box<dyn Store>,
) {
    let model = MemoryStore::new();
    for step in steps {
        match step {
            Step::Commit(parts) => {
                let batch = batch(&model, parts);
                model.commit(&batch).unwrap();
                store.commit(&batch).unwrap();
            }
            Step::Rows(parts, together) => {
                let batch = rows(parts, *together);
                model.commit(&batch).unwrap();
                store.commit(&batch).unwrap();
            }
            Step::Stale(number, seq) => {
                let batch = [append(*number, *seq, 1)];
                let (expected, found) = (model.commit(&batch), store.commit(&batch));
                assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            }
            Step::Restart(seed) => store = restart(store, *seed),
            Step::Check => both_answer_alike(&model, &*store),
        }
        for key in 0..12 {
            assert_eq!(store.row(&[key; 3]).unwrap(), model.row(&[key; 3]).unwrap());
        }
        let page = |store: &dyn Store| store.rows(b"", Some(&[4; 3]), 5).unwrap();
        assert_eq!(page(&*store), page(&model));
        let last = len(&model, 0);
        assert_eq!(store.entry(&chain(0), last).unwrap(), None);
        assert_eq!(
            store.find(&chain(0), &entry(0, 0).name).unwrap(),
            model.find(&chain(0), &entry(0, 0).name).unwrap()
        );
    }
    both_answer_alike(&model, &*store);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_simulated_disk_answers_as_memory_does(steps in steps(), segment in 200..6000_u64, stretch in 100..4000_u64) {
        let options = DiskOptions { segment_bytes: segment, stretch_bytes: stretch };
        let mut disk = SimDisk::new();
        let store = Box::new(disk.open_with(options).unwrap());
        follow(&steps, store, |store, seed| {
            drop(store);
            disk = disk.after_crash([Survivors::Lost, Survivors::Kept, Survivors::Some(seed)][seed as usize % 3]);
            Box::new(disk.open_with(options).unwrap())
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_real_disk_answers_as_memory_does(steps in steps(), segment in 200..6000_u64, stretch in 100..4000_u64) {
        let options = DiskOptions { segment_bytes: segment, stretch_bytes: stretch };
        let folder = tempfile::tempdir().unwrap();
        let store = Box::new(DiskStore::open_with(folder.path(), options).unwrap());
        follow(&steps, store, |store, _| {
            drop(store);
            Box::new(DiskStore::open_with(folder.path(), options).unwrap())
        });
    }
}
