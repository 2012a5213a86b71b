//! Rows on a real disk: through starts, the loss of the index, and between overlay and index.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use std::fs;
use std::path::Path;

use bytes::Bytes;
use common::{append, check_chain, rows_only};
use troupe_store::{DiskOptions, DiskStore, Row, Store};

/// Small, so that a few commits fill segments and reach the index.
const SMALL: DiskOptions = DiskOptions { segment_bytes: 16 << 10, stretch_bytes: 4 << 10 };

fn open(path: &Path) -> DiskStore {
    DiskStore::open_with(path, SMALL).unwrap()
}

fn key(number: u64) -> Bytes {
    format!("row {number:05}").into()
}

fn put(store: &dyn Store, numbers: impl Iterator<Item = u64>, value: &'static str) {
    let rows: Vec<_> = numbers.map(|number| Row::put(key(number), value)).collect();
    rows.chunks(10).for_each(|rows| store.commit(&[rows_only(rows.to_vec())]).unwrap());
}

fn remove(store: &dyn Store, numbers: impl Iterator<Item = u64>) {
    let rows: Vec<_> = numbers.map(|number| Row::remove(key(number))).collect();
    rows.chunks(10).for_each(|rows| store.commit(&[rows_only(rows.to_vec())]).unwrap());
}

fn check(store: &dyn Store, expected: impl Iterator<Item = (u64, &'static str)>) {
    let expected: Vec<(Bytes, Bytes)> =
        expected.map(|(number, value)| (key(number), Bytes::from_static(value.as_bytes()))).collect();
    assert_eq!(store.rows(b"row", None, usize::MAX).unwrap(), expected);
    for (key, value) in &expected {
        assert_eq!(store.row(key).unwrap().as_ref(), Some(value));
    }
}

#[test]
fn rows_survive_starts_and_the_loss_of_the_index_and_removed_ones_stay_removed() {
    let folder = tempfile::tempdir().unwrap();
    let expected = || (0..600).filter(|number| number % 3 != 0).map(|number| (number, "new"));
    let store = open(folder.path());
    put(&store, 0..600, "old");
    remove(&store, (0..600).step_by(3));
    put(&store, (0..600).filter(|number| number % 3 != 0), "new");
    check(&store, expected());
    drop(store);
    for _ in 0..2 {
        check(&open(folder.path()), expected());
        fs::remove_dir_all(folder.path().join("index")).unwrap();
        check(&open(folder.path()), expected());
    }
    remove(&open(folder.path()), 0..600);
    check(&open(folder.path()), [].into_iter());
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    check(&open(folder.path()), [].into_iter());
}

#[test]
fn rows_that_come_and_go_within_a_stretch_leave_nothing_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let open = || DiskStore::open(folder.path()).unwrap();
    let empty = {
        open().commit(&[append(0, 0, 1)]).unwrap();
        open().usage().unwrap().index_bytes
    };
    let store = open();
    put(&store, 0..5_000, "due");
    remove(&store, 0..5_000);
    drop(store);
    let store = open();
    check(&store, [].into_iter());
    // A table with nothing but the mark.
    let grown = store.usage().unwrap().index_bytes - empty;
    assert!(grown < 4 << 10, "{grown} bytes");
}

#[test]
fn a_row_of_the_index_that_is_put_again_and_removed_within_a_stretch_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let open = || DiskStore::open(folder.path()).unwrap();
    put(&open(), 0..3_000, "old");
    // Few of many, so that looking for each of them takes longer than it is worth; then many of many.
    for (gone, left) in [(&[0, 1_500, 2_999][..], 2_997), (&(100..400).collect::<Vec<_>>()[..], 2_697)] {
        let store = open();
        put(&store, gone.iter().copied(), "new");
        remove(&store, gone.iter().copied());
        drop(store);
        let store = open();
        assert_eq!(store.rows(b"", None, usize::MAX).unwrap().len(), left);
        assert!(gone.iter().all(|number| store.row(&key(*number)).unwrap().is_none()));
    }
}

#[test]
fn a_scan_shows_one_moment_while_rows_move() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 0..1, "token");
    // One row is there at any moment, under another key each time.
    std::thread::scope(|scope| {
        let mover = scope.spawn(|| {
            for number in 0..2_000 {
                let rows = vec![Row::remove(key(number)), Row::put(key(number + 1), "token")];
                store.commit(&[rows_only(rows)]).unwrap();
            }
        });
        while !mover.is_finished() {
            let rows = store.rows(b"row", None, usize::MAX).unwrap();
            assert_eq!(rows.len(), 1, "{rows:?}");
        }
    });
    check(&store, [(2_000, "token")].into_iter());
}

#[test]
fn rows_and_entries_of_one_append_are_there_together_after_a_lost_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (0..120).for_each(|seq| store.commit(&[append(0, seq, 1), append(1, 2 * seq, 2)]).unwrap());
    drop(store);
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    let store = open(folder.path());
    check_chain(&store, 0, 120);
    check_chain(&store, 1, 240);
}
