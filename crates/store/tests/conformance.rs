//! What every store promises, checked for each of them by one function.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use bytes::Bytes;
use common::{append, blobs, chain, check_chain, entry, rows_only};
use troupe_chain::Hash;
use troupe_store::faulty::SimDisk;
use troupe_store::{
    Append, CommitError, DiskOptions, DiskStore, InvalidAppend, MAX_ROW_KEY_BYTES, MAX_ROW_VALUE_BYTES,
    MemoryStore, Row, Store,
};

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

#[test]
fn what_is_read_from_a_disk_keeps_nothing_else_in_memory() {
    let disk = SimDisk::new();
    disk.open().unwrap().commit(&[append(0, 0, 8)]).unwrap();
    let store = disk.open().unwrap();
    let blob = |(name, _): (Hash, Bytes)| store.blob(&chain(0), &name).unwrap().unwrap();
    let read: Vec<_> = blobs(0, 1).into_iter().map(blob).chain(store.entry(&chain(0), 2).unwrap()).collect();
    for bytes in read.into_iter().filter(|bytes| !bytes.is_empty()) {
        let len = bytes.len();
        let kept = bytes.try_into_mut().expect("nobody else has it").capacity();
        assert!(kept <= len, "{kept} bytes are kept for {len}");
    }
}

fn check(store: &dyn Store) {
    an_empty_store_has_nothing(store);
    a_chain_grows(store);
    appends_of_a_batch_follow_each_other(store);
    a_moved_head_is_refused_and_nothing_written(store);
    an_invalid_batch_is_refused_and_nothing_written(store);
    chains_do_not_see_each_other(store);
    a_batch_above_a_segment_is_whole(store);
    rows_come_and_go_without_entries(store);
    of_several_rows_with_one_key_the_last_counts(store);
    rows_are_listed_by_prefix_in_pages(store);
    the_largest_row_is_kept(store);
    shared_blobs_are_kept(store);
    blobs_may_come_after_their_entry(store);
    erased_blobs_are_gone_until_they_come_again(store);
    an_erasure_that_is_not_allowed_changes_nothing(store);
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
    refused(
        &|bad| {
            bad.entries.clear();
            bad.blobs.clear();
            bad.rows.clear();
        },
        InvalidAppend::Empty,
    );
    refused(
        &|bad| {
            bad.entries.clear();
            bad.blobs.clear();
        },
        InvalidAppend::NoEntry,
    );
    let early = Append { expected: None, entries: Vec::new(), ..append(9, 0, 1) };
    let error = store.commit(&[early]).unwrap_err();
    assert!(matches!(error, CommitError::Invalid { reason: InvalidAppend::NoEntry, .. }), "{error:?}");
    let long = |len| vec![b'k'; len];
    let limit = MAX_ROW_KEY_BYTES;
    refused(&|bad| bad.rows.push(Row::remove("")), InvalidAppend::RowKey { found: 0, limit });
    refused(
        &|bad| bad.rows.insert(0, Row::put(long(limit + 1), "")),
        InvalidAppend::RowKey { found: limit + 1, limit },
    );
    let limit = MAX_ROW_VALUE_BYTES;
    refused(
        &|bad| bad.rows.push(Row::put("key", long(limit + 1))),
        InvalidAppend::RowValue { found: limit + 1, limit },
    );
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

fn rows_come_and_go_without_entries(store: &dyn Store) {
    let chains = store.chains().unwrap();
    let of = |rows: Vec<Row>, chain| Append { chain, ..rows_only(rows) };
    store.commit(&[rows_only(vec![Row::put("one", "1"), Row::remove("nothing")])]).unwrap();
    store.commit(&[of(vec![Row::put("two", "")], chain(0)), append(6, 0, 1)]).unwrap();
    assert_eq!(store.row(b"one").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(store.row(b"two").unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(store.row(b"nothing").unwrap(), None);
    assert_eq!(store.row(b"").unwrap(), None);
    store.commit(&[rows_only(vec![Row::remove("one"), Row::remove("two")])]).unwrap();
    assert_eq!((store.row(b"one").unwrap(), store.row(b"two").unwrap()), (None, None));
    check_chain(store, 6, 1);
    assert_eq!(store.chains().unwrap().len(), chains.len() + 1);
    assert_eq!(store.head(&rows_only(vec![]).chain).unwrap(), None);
    check_chain(store, 0, 41);
}

fn of_several_rows_with_one_key_the_last_counts(store: &dyn Store) {
    let put = |value: &'static str| Row::put("same", value);
    let same = || store.row(b"same").unwrap().map(|value| value.to_vec());
    store.commit(&[rows_only(vec![put("1"), Row::remove("same"), put("2")])]).unwrap();
    assert_eq!(same().as_deref(), Some(&b"2"[..]));
    store.commit(&[rows_only(vec![put("3")]), rows_only(vec![put("4")])]).unwrap();
    assert_eq!(same().as_deref(), Some(&b"4"[..]));
    store.commit(&[rows_only(vec![put("5")]), rows_only(vec![put("6"), Row::remove("same")])]).unwrap();
    assert_eq!(same(), None);
    assert_eq!(store.rows(b"same", None, 9).unwrap(), []);
}

fn rows_are_listed_by_prefix_in_pages(store: &dyn Store) {
    let key = |number: u64| Bytes::from(format!("page/{number:03}"));
    for number in 0..60 {
        let mut rows = vec![Row::put(key(number * 7 % 60), number.to_string())];
        // Neighbours of the prefix, on both sides.
        rows.extend([Row::put("page.", "no"), Row::put("page0", "no"), Row::put("page", "no")]);
        store.commit(&[rows_only(rows), append(7, number, 1)]).unwrap();
    }
    let gone = (0..60).step_by(3).map(|number| Row::remove(key(number))).collect();
    store.commit(&[rows_only(gone)]).unwrap();
    let all = store.rows(b"page/", None, usize::MAX).unwrap();
    let expected = (0..60).filter(|number| number % 3 != 0).map(key);
    assert!(all.iter().map(|(key, _)| key.clone()).eq(expected), "{all:?}");
    assert!(all.iter().all(|(key, value)| store.row(key).unwrap().as_ref() == Some(value)));
    for limit in 1..8 {
        let mut pages = Vec::new();
        loop {
            let after = pages.last().map(|(key, _): &(Bytes, Bytes)| key.clone());
            let page = store.rows(b"page/", after.as_deref(), limit).unwrap();
            assert!(page.len() <= limit);
            match page.is_empty() {
                true => break,
                false => pages.extend(page),
            }
        }
        assert_eq!(pages, all, "pages of {limit}");
    }
    assert_eq!(store.rows(b"page/", None, 0).unwrap(), []);
    assert_eq!(store.rows(b"page/", Some(b"a"), usize::MAX).unwrap(), all);
    assert_eq!(store.rows(b"page/", Some(b"page/0300"), 1).unwrap(), all[20..21]);
    assert_eq!(store.rows(b"page/", Some(b"q"), 9).unwrap(), []);
    let everything = store.rows(b"", None, usize::MAX).unwrap();
    assert!(everything.len() > all.len() + 3 && everything.is_sorted());
}

fn the_largest_row_is_kept(store: &dyn Store) {
    // The bytes above all others sort last, also in an index.
    let row = Row::put(vec![0xff; MAX_ROW_KEY_BYTES], vec![7; MAX_ROW_VALUE_BYTES]);
    store.commit(&[rows_only(vec![row.clone()])]).unwrap();
    assert_eq!(store.row(&row.key).unwrap(), row.value);
    assert_eq!(store.rows(&[0xff], None, 2).unwrap(), [(row.key.clone(), row.value.unwrap())]);
    store.commit(&[rows_only(vec![Row::remove(row.key)]), append(7, 60, 3)]).unwrap();
    assert_eq!(store.rows(&[0xff], None, 2).unwrap(), []);
}

fn shared_blobs_are_kept(store: &dyn Store) {
    let name = Hash::of(b"component");
    assert_eq!(store.shared(&name).unwrap(), None);
    store.put_shared(&name, b"component").unwrap();
    store.put_shared(&name, b"component").unwrap();
    assert_eq!(store.shared(&name).unwrap().as_deref(), Some(&b"component"[..]));
    assert_eq!(store.blob(&chain(1), &name).unwrap(), None);
}

fn blob_only(number: u64, bytes: &'static str) -> (Hash, Append) {
    let name = Hash::of(bytes.as_bytes());
    let blobs = vec![(name, Bytes::from_static(bytes.as_bytes()))];
    (name, Append { blobs, ..rows_only_of(number) })
}

fn rows_only_of(number: u64) -> Append {
    Append { chain: chain(number), ..rows_only(vec![]) }
}

fn blobs_may_come_after_their_entry(store: &dyn Store) {
    let (name, late) = blob_only(6, "a state that replay led to");
    store.commit(&[late]).unwrap();
    assert_eq!(store.blob(&chain(6), &name).unwrap().as_deref(), Some(&b"a state that replay led to"[..]));
    assert_eq!(store.blob(&chain(7), &name).unwrap(), None);
    check_chain(store, 6, 1);
}

fn erased_blobs_are_gone_until_they_come_again(store: &dyn Store) {
    let (same, bytes) = blobs(2, 0)[3].clone();
    let small = blobs(2, 1)[1].0;
    let unknown = Hash::of(b"nobody has this");
    let erased = store.erase(&chain(2), &[same, small, unknown], &|| true).unwrap().unwrap();
    assert!(erased.copies >= 2 && erased.bytes >= bytes.len() as u64, "{erased:?}");
    let mut others: Vec<_> = [0, 1, 4, 5, 6, 7].map(chain).into();
    others.sort_unstable();
    assert_eq!(erased.elsewhere, others);
    assert_eq!((store.blob(&chain(2), &same).unwrap(), store.blob(&chain(2), &small).unwrap()), (None, None));
    assert_eq!(store.blob(&chain(2), &blobs(2, 0)[1].0).unwrap(), Some(blobs(2, 0)[1].1.clone()));
    assert_eq!(store.entry(&chain(2), 1).unwrap(), Some(entry(2, 1).bytes));
    check_chain(store, 1, 4);
    let again = store.erase(&chain(2), &[same, small], &|| true).unwrap().unwrap();
    assert_eq!((again.copies, again.bytes), (0, 0));
    store.commit(&[append(2, 3, 1)]).unwrap();
    assert_eq!(store.blob(&chain(2), &same).unwrap(), Some(bytes));
    assert_eq!(store.blob(&chain(2), &small).unwrap(), None);
}

fn an_erasure_that_is_not_allowed_changes_nothing(store: &dyn Store) {
    let (name, late) = blob_only(6, "to stay");
    store.commit(&[late]).unwrap();
    // It may read the store while it decides.
    let allow = || store.blob(&chain(6), &name).unwrap().is_none();
    assert_eq!(store.erase(&chain(6), &[name], &allow).unwrap(), None);
    assert_eq!(store.blob(&chain(6), &name).unwrap().as_deref(), Some(&b"to stay"[..]));
}
