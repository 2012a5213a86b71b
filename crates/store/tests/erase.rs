//! Erasing: nothing of it is left in any file, whatever the moment at which the disk failed.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use common::{append, chain, check_chain, entry};
use troupe_chain::Hash;
use troupe_store::faulty::{Fault, SimDisk, Survivors};
use troupe_store::{Append, DiskOptions, DiskStore, Row, Store, StoreError};

/// How long to wait for what must come at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than a read of a frame, so that it lies in several sectors.
fn secret(number: u64) -> Bytes {
    format!("the address of person {number}, in full; ").repeat(200).into()
}

/// A needle that is in a secret, and in nothing else.
fn needle(number: u64) -> Vec<u8> {
    format!("person {number},").into_bytes()
}

/// Appends an entry of chain 0 that brings a secret.
fn tell(store: &dyn Store, seq: u64, number: u64) {
    let mut told = append(0, seq, 1);
    told.blobs.push((Hash::of(&secret(number)), secret(number)));
    store.commit(&[told]).unwrap();
}

fn has(files: &[Vec<u8>], number: u64) -> bool {
    files.iter().any(|file| file.windows(needle(number).len()).any(|window| window == needle(number)))
}

fn files_of(folder: &Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_of(&path)) } else { files.push(fs::read(path).unwrap()) }
    }
    files
}

fn sim_files(disk: &SimDisk) -> Vec<Vec<u8>> {
    disk.files().iter().map(|(name, _)| disk.read(name).unwrap()).collect()
}

#[test]
fn no_file_of_a_store_has_a_byte_of_what_was_erased() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions { segment_bytes: 32 << 10, stretch_bytes: 8 << 10 };
    let store = DiskStore::open_with(folder.path(), options).unwrap();
    for seq in 0..30 {
        // Some of it twice, far apart, so that it is in the log twice.
        tell(&store, seq, seq % 20);
    }
    assert!(has(&files_of(folder.path()), 3) && has(&files_of(folder.path()), 4));
    let erased = store.erase(&chain(0), &[Hash::of(&secret(3))], &|| true).unwrap().unwrap();
    assert_eq!((erased.copies, erased.bytes), (2, 2 * secret(3).len() as u64));
    assert!(!has(&files_of(folder.path()), 3), "while the store is open");
    drop(store);
    assert!(!has(&files_of(folder.path()), 3), "once it is closed");
    // The log alone is enough to begin again, and has what was not erased.
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    let store = DiskStore::open_with(folder.path(), options).unwrap();
    assert_eq!(store.blob(&chain(0), &Hash::of(&secret(3))).unwrap(), None);
    assert_eq!(store.blob(&chain(0), &Hash::of(&secret(4))).unwrap(), Some(secret(4)));
    check_chain(&store, 0, 30);
    tell(&store, 30, 50);
    drop(store);
    let store = DiskStore::open_with(folder.path(), options).unwrap();
    check_chain(&store, 0, 31);
    assert_eq!(store.blob(&chain(0), &Hash::of(&secret(3))).unwrap(), None);
    assert!(!has(&files_of(folder.path()), 3), "after two starts");
}

#[test]
fn a_blob_that_looks_like_its_own_erasure_is_erased_all_the_same() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    let blobs = [Bytes::from(vec![0; 700]), Bytes::from(vec![0xff; 9]), Bytes::from_static(b"\0")];
    let names: Vec<_> = blobs.iter().map(|bytes| Hash::of(bytes)).collect();
    let mut told = append(0, 0, 1);
    told.blobs.extend(names.iter().copied().zip(blobs.clone()));
    store.commit(&[told]).unwrap();
    store.erase(&chain(0), &names[1..2], &|| true).unwrap();
    assert_eq!(store.blob(&chain(0), &names[1]).unwrap(), None);
    assert_eq!(store.blob(&chain(0), &names[0]).unwrap(), Some(blobs[0].clone()), "its neighbour stays");
    store.erase(&chain(0), &names, &|| true).unwrap();
    for store in [&store as &dyn Store, &disk.after_crash(Survivors::Lost).open().unwrap()] {
        assert!(names.iter().all(|name| store.blob(&chain(0), name).unwrap().is_none()));
        check_chain(store, 0, 1);
    }
}

#[test]
fn wherever_the_disk_fails_the_next_start_has_all_of_it_or_nothing() {
    let run = |fault: Option<(u64, Fault)>| {
        let disk = SimDisk::new();
        let store = disk.open().unwrap();
        for seq in 0..6 {
            tell(&store, seq, seq % 4);
        }
        let begun = disk.operations();
        if let Some((operation, fault)) = fault {
            disk.fail_at(begun + operation, fault);
        }
        let told = store.erase(&chain(0), &[Hash::of(&secret(1))], &|| true);
        let halted = store.ready().is_err();
        drop(store);
        (disk.operations() - begun, disk, told, halted)
    };
    let (operations, _, told, _) = run(None);
    assert!(operations > 10 && told.unwrap().unwrap().copies == 2);
    for operation in 0..operations {
        for fault in [Fault::Error, Fault::Short, Fault::Crash] {
            let (_, disk, told, halted) = run(Some((operation, fault)));
            assert!(told.is_err() && halted, "{operation} {fault:?}: {told:?}");
            for survivors in
                [Survivors::Lost, Survivors::Kept, Survivors::Some(operation), Survivors::Some(99)]
            {
                let case = format!("operation {operation}, {fault:?}, {survivors:?}");
                let disk = disk.after_crash(survivors);
                let store = disk.open().unwrap_or_else(|error| panic!("{case}: {error}"));
                check_chain(&store, 0, 6);
                let left = store
                    .blob(&chain(0), &Hash::of(&secret(1)))
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(left.is_some(), has(&sim_files(&disk), 1), "{case}");
                store.erase(&chain(0), &[Hash::of(&secret(1))], &|| true).unwrap();
                assert!(!has(&sim_files(&disk), 1), "{case}");
                assert_eq!(store.blob(&chain(0), &Hash::of(&secret(2))).unwrap(), Some(secret(2)), "{case}");
                check_chain(&store, 0, 6);
                drop(store);
                let store = disk.after_crash(Survivors::Lost).open().unwrap();
                assert_eq!(store.blob(&chain(0), &Hash::of(&secret(1))).unwrap(), None, "{case}");
            }
        }
    }
}

#[test]
fn a_frame_of_format_1_is_erased_too_and_damage_is_still_damage() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    for seq in 0..3 {
        store.commit(&[append(0, seq, 1)]).unwrap();
    }
    let erased = store.erase(&chain(0), &[common::blobs(0, 1)[1].0], &|| true).unwrap().unwrap();
    assert_eq!(erased.copies, 1);
    drop(store);
    let log = disk.read("log/000000000001.seg").unwrap();
    let frame = log.windows(4).position(|bytes| bytes == b"Ers2").unwrap();
    let (start, end) = (frame as u64, frame as u64 + 400);
    let mut refused = 0;
    for offset in start..end {
        let damaged = disk.after_crash(Survivors::Lost);
        damaged.flip("log/000000000001.seg", offset, 0x20);
        match damaged.open() {
            Err(StoreError::Corrupt { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
            Ok(store) => panic!("byte {offset} was taken as it was: {:?}", store.head(&chain(0))),
        }
    }
    assert_eq!(refused, 400);
}

#[test]
fn an_entry_is_never_taken_for_erased() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    let name = entry(0, 0).name;
    store.commit(&[append(0, 0, 1), append(0, 1, 1)]).unwrap();
    let erased = store.erase(&chain(0), &[name, chain(0)], &|| true).unwrap().unwrap();
    assert_eq!(erased.copies, 0);
    check_chain(&store, 0, 2);
}

#[test]
fn rows_that_go_with_an_erased_blob_stay() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    tell(&store, 0, 1);
    let row = Row::put("about", "it");
    store.commit(&[Append { chain: chain(0), ..common::rows_only(vec![row]) }]).unwrap();
    store.erase(&chain(0), &[Hash::of(&secret(1))], &|| true).unwrap();
    assert_eq!(store.row(b"about").unwrap().as_deref(), Some(&b"it"[..]));
    check_chain(&disk.after_crash(Survivors::Lost).open().unwrap(), 0, 1);
}

#[test]
fn a_store_says_how_it_is_while_it_erases() {
    let store = Arc::new(SimDisk::new().open().unwrap());
    tell(&*store, 0, 1);
    let before = store.usage().unwrap();
    let (tell, told) = mpsc::channel();
    let erased = store.erase(&chain(0), &[Hash::of(&secret(1))], &|| {
        // From here on commits wait. Another thread asks, so that the test ends if it has to wait, too.
        let (asked, tell) = (Arc::clone(&store), tell.clone());
        std::thread::spawn(move || tell.send((asked.ready().is_ok(), asked.usage().unwrap())));
        let told = told.recv_timeout(PATIENCE).expect("an answer before the erasure is over");
        assert_eq!(told, (true, before));
        true
    });
    assert_eq!(erased.unwrap().unwrap().copies, 1);
}
