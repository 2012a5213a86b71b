//! What every store promises, checked for each of them by one function.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use common::{append, blobs, chain, check_chain, entry};
use troupe_chain::Hash;
use troupe_store::faulty::SimDisk;
use troupe_store::{Append, CommitError, DiskOptions, DiskStore, InvalidAppend, MemoryStore, Store};

#[test]
fn memory_keeps_the_promises() {
    check(&MemoryStore::new());
}

#[test]
fn disk_keeps_the_promises() {
    let folder = tempfile::tempdir().unwrap();
    check(&DiskStore::open(folder.path().join("store")).unwrap());
}

#[test]
fn disk_with_tiny_segments_keeps_the_promises() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions { segment_bytes: 1024, stretch_bytes: 256 };
    check(&DiskStore::open_with(folder.path(), options).unwrap());
}

#[test]
fn simulated_disk_without_faults_keeps_the_promises() {
    check(&SimDisk::new().open().unwrap());
}

fn check(store: &dyn Store) {
    an_empty_store_has_nothing(store);
    a_chain_grows(store);
    appends_of_a_batch_follow_each_other(store);
    a_moved_head_is_refused_and_nothing_written(store);
    an_invalid_batch_is_refused_and_nothing_written(store);
    chains_do_not_see_each_other(store);
    a_batch_above_a_segment_is_whole(store);
    shared_blobs_are_kept(store);
    let usage = store.usage().unwrap();
    assert!(usage.log_bytes > 30_000 && usage.shared_bytes == 9, "{usage:?}");
    store.ready().unwrap();
}

fn an_empty_store_has_nothing(store: &dyn Store) {
    store.commit(&[]).unwrap();
    assert!(store.chains().unwrap().is_empty());
    check_chain(store, 0, 0);
    assert_eq!(store.blob(&chain(0), &Hash::of(b"")).unwrap(), None);
}

fn a_chain_grows(store: &dyn Store) {
    store.commit(&[append(0, 0, 2)]).unwrap();
    check_chain(store, 0, 2);
    for seq in 2..40 {
        store.commit(&[append(0, seq, 1)]).unwrap();
        assert_eq!(store.head(&chain(0)).unwrap(), Some(entry(0, seq).head()));
    }
    check_chain(store, 0, 40);
}

fn appends_of_a_batch_follow_each_other(store: &dyn Store) {
    store
        .commit(&[append(1, 0, 1), append(2, 0, 3), append(1, 1, 2), append(0, 40, 1), append(1, 3, 1)])
        .unwrap();
    check_chain(store, 0, 41);
    check_chain(store, 1, 4);
    check_chain(store, 2, 3);
    let mut expected =
        [(0, 40), (1, 3), (2, 2)].map(|(number, seq)| (chain(number), entry(number, seq).head()));
    expected.sort_by_key(|(chain, _)| *chain);
    assert_eq!(store.chains().unwrap(), expected);
}

fn a_moved_head_is_refused_and_nothing_written(store: &dyn Store) {
    let moved = |batch: &[Append], expected_found: Option<Hash>| match store.commit(batch) {
        Err(CommitError::HeadMoved { found, .. }) => assert_eq!(found, expected_found),
        other => panic!("{other:?}"),
    };
    let head = Some(entry(1, 3).name);
    moved(&[append(3, 0, 1), append(1, 3, 1)], head);
    moved(&[append(3, 0, 1), append(1, 0, 1)], head);
    moved(&[append(3, 0, 1), append(1, 5, 1)], head);
    moved(&[append(3, 0, 1), append(3, 0, 1)], Some(entry(3, 0).name));
    moved(&[append(3, 1, 1)], None);
    check_chain(store, 1, 4);
    check_chain(store, 3, 0);
}

fn an_invalid_batch_is_refused_and_nothing_written(store: &dyn Store) {
    let refused = |change: &dyn Fn(&mut Append), expected: InvalidAppend| {
        let mut bad = append(1, 4, 2);
        change(&mut bad);
        match store.commit(&[append(3, 0, 1), bad]) {
            Err(CommitError::Invalid { index: 1, chain: at, reason }) => {
                assert_eq!((at, reason), (chain(1), expected));
            }
            other => panic!("{other:?}"),
        }
    };
    refused(&|bad| bad.entries.clear(), InvalidAppend::Empty);
    refused(&|bad| bad.entries[0].seq = 5, InvalidAppend::SeqGap { expected: 4, found: 5 });
    refused(&|bad| bad.entries[1].seq = 4, InvalidAppend::SeqGap { expected: 5, found: 4 });
    check_chain(store, 1, 4);
    check_chain(store, 3, 0);
}

fn chains_do_not_see_each_other(store: &dyn Store) {
    let (name, _) = blobs(1, 0)[1].clone();
    assert_eq!(store.blob(&chain(0), &name).unwrap(), None);
    assert_eq!(store.find(&chain(0), &entry(1, 0).name).unwrap(), None);
    // An entry is no blob, and the other way round.
    assert_eq!(store.blob(&chain(1), &entry(1, 0).name).unwrap(), None);
    assert_eq!(store.find(&chain(1), &name).unwrap(), None);
}

fn a_batch_above_a_segment_is_whole(store: &dyn Store) {
    store.commit(&[append(4, 0, 50), append(5, 0, 1), append(4, 50, 50)]).unwrap();
    store.commit(&[append(5, 1, 1)]).unwrap();
    check_chain(store, 4, 100);
    check_chain(store, 5, 2);
}

fn shared_blobs_are_kept(store: &dyn Store) {
    let name = Hash::of(b"component");
    assert_eq!(store.shared(&name).unwrap(), None);
    store.put_shared(&name, b"component").unwrap();
    store.put_shared(&name, b"component").unwrap();
    assert_eq!(store.shared(&name).unwrap().as_deref(), Some(&b"component"[..]));
    assert_eq!(store.blob(&chain(1), &name).unwrap(), None);
}
