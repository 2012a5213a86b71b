//! The folder on a real disk: who has it, what is refused, and an index that is gone, behind or broken.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use std::fs;
use std::path::Path;

use common::{append, chain, check_chain, entry};
use troupe_chain::Hash;
use troupe_store::{DiskOptions, DiskStore, Store, StoreError};

/// Small, so that a few commits fill segments and reach the index.
const SMALL: DiskOptions = DiskOptions { segment_bytes: 16 << 10, stretch_bytes: 4 << 10 };

fn open(path: &Path) -> DiskStore {
    DiskStore::open_with(path, SMALL).unwrap()
}

fn refusal(path: &Path) -> StoreError {
    DiskStore::open(path).err().unwrap()
}

/// Grows chains 0 and 1 from `from` to `to` entries.
fn grow(store: &dyn Store, from: u64, to: u64) {
    for seq in from..to {
        store.commit(&[append(0, seq, 1), append(1, seq, 1)]).unwrap();
    }
}

fn check_all(store: &dyn Store, len: u64) {
    check_chain(store, 0, len);
    check_chain(store, 1, len);
    let mut chains = vec![(chain(0), entry(0, len - 1).head()), (chain(1), entry(1, len - 1).head())];
    chains.sort_by_key(|(chain, _)| *chain);
    assert_eq!(store.chains().unwrap(), chains);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_reopened_store_has_everything_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let store = open(folder.path());
        if round > 0 {
            check_all(&store, round * 30);
        }
        grow(&store, round * 30, round * 30 + 30);
        store.put_shared(&Hash::of(b"shared"), b"shared").unwrap();
        check_all(&store, round * 30 + 30);
    }
    assert_eq!(open(folder.path()).shared(&Hash::of(b"shared")).unwrap().as_deref(), Some(&b"shared"[..]));
}

#[test]
fn sizes_may_change_between_starts() {
    let folder = tempfile::tempdir().unwrap();
    grow(&open(folder.path()), 0, 20);
    grow(
        &DiskStore::open_with(folder.path(), DiskOptions { segment_bytes: 70_000, ..SMALL }).unwrap(),
        20,
        40,
    );
    grow(&DiskStore::open_with(folder.path(), DiskOptions { segment_bytes: 4096, ..SMALL }).unwrap(), 40, 60);
    check_all(&open(folder.path()), 60);
}

#[test]
fn a_deleted_index_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    grow(&open(folder.path()), 0, 50);
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    let store = open(folder.path());
    check_all(&store, 50);
    grow(&store, 50, 60);
    drop(store);
    check_all(&open(folder.path()), 60);
}

#[test]
fn an_index_that_is_behind_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let saved = tempfile::tempdir().unwrap();
    grow(&open(folder.path()), 0, 20);
    copy(&folder.path().join("index"), saved.path());
    grow(&open(folder.path()), 20, 70);
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    copy(saved.path(), &folder.path().join("index"));
    check_all(&open(folder.path()), 70);
}

#[test]
fn the_index_of_another_store_is_not_used() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    grow(&open(one.path()), 0, 20);
    open(other.path()).commit(&[append(7, 0, 3)]).unwrap();
    fs::remove_dir_all(one.path().join("index")).unwrap();
    copy(&other.path().join("index"), &one.path().join("index"));
    check_all(&open(one.path()), 20);
}

#[test]
fn a_broken_index_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    grow(&open(folder.path()), 0, 20);
    break_files(&folder.path().join("index"));
    check_all(&open(folder.path()), 20);
}

fn break_files(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            break_files(&path);
        } else {
            fs::write(path, b"not what it was").unwrap();
        }
    }
}

#[test]
fn a_log_that_is_shorter_than_the_index_knows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    grow(&open(folder.path()), 0, 50);
    let mut segments: Vec<_> = fs::read_dir(folder.path().join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    segments.sort();
    fs::rename(segments.last().unwrap(), folder.path().join("aside")).unwrap();
    assert!(matches!(refusal(folder.path()), StoreError::Corrupt { .. }));
    fs::rename(folder.path().join("aside"), segments.last().unwrap()).unwrap();
    fs::rename(&segments[1], folder.path().join("aside")).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, StoreError::Corrupt { segment: 2, .. }), "{error}");
}

#[test]
fn damage_that_a_start_does_not_meet_is_found_by_the_read() {
    let folder = tempfile::tempdir().unwrap();
    grow(&open(folder.path()), 0, 50);
    let segment = folder.path().join("log/000000000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let text = entry(0, 3).bytes;
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at + 5] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let store = open(folder.path());
    assert!(matches!(store.entry(&chain(0), 3), Err(StoreError::Corrupt { segment: 1, .. })));
    assert_eq!(store.entry(&chain(0), 4).unwrap(), Some(entry(0, 4).bytes));
}

#[test]
fn a_second_open_is_refused_and_names_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = refusal(folder.path());
    assert!(matches!(error, StoreError::Locked { .. }));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(store);
    open(folder.path());
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    fs::write(folder.path().join("format"), "{\"format\":4}").unwrap();
    let text = refusal(folder.path()).to_string();
    assert!(text.contains("written by a newer Troupe (format 4, this one reads 3)"), "{text}");
}

#[test]
fn a_garbled_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    for text in [
        "",
        "format",
        "{}",
        "{\"format\":0,\"id\":\"1\"}",
        "{\"format\":1}",
        "{\"format\":3}",
        "{\"format\":\"1\"}",
    ] {
        fs::write(folder.path().join("format"), text).unwrap();
        assert!(matches!(refusal(folder.path()), StoreError::NotAStore { .. }), "{text}");
    }
}

#[test]
fn a_file_and_a_folder_of_something_else_are_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert!(refusal(&file).to_string().contains("it is a file"));
    assert!(matches!(refusal(folder.path()), StoreError::NotAStore { .. }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // Nor can a store be below a file.
    assert!(matches!(refusal(&file.join("store")), StoreError::Io { .. }));
}

#[test]
fn a_start_that_was_cut_short_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lock"), "4711\n").unwrap();
    fs::write(folder.path().join("format.tmp"), "{").unwrap();
    grow(&open(folder.path()), 0, 2);
    check_all(&open(folder.path()), 2);
}
