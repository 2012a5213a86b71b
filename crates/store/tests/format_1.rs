//! A store of format 1, written here byte by byte as its page in the specification had it.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use std::fs;
use std::path::Path;

use common::{append, check_chain, check_entries, row_prefix};
use troupe_chain::Hash;
use troupe_store::{Append, DiskOptions, DiskStore, Store, StoreError};

const ID: u64 = 0x1122_3344_5566_7788;
const SEGMENT: usize = 16 << 10;
const OPTIONS: DiskOptions = DiskOptions { segment_bytes: SEGMENT as u64, stretch_bytes: 4 << 10 };

/// Adds a frame in segment 1; returns its head crc.
fn frame(log: &mut Vec<u8>, append: &Append, previous: u32) -> u32 {
    let start = log.len();
    let position = 1_u64 << 32 | start as u64;
    let mut head = Vec::new();
    head.extend(position.to_le_bytes());
    head.extend(position.to_le_bytes());
    head.extend(append.entries[0].seq.to_le_bytes());
    head.extend([0; 4]);
    head.extend(previous.to_le_bytes());
    head.extend((append.entries.len() as u32).to_le_bytes());
    head.extend((append.blobs.len() as u32).to_le_bytes());
    head.extend(append.chain.as_bytes());
    head.extend(append.expected.map_or([0; 32], |name| *name.as_bytes()));
    let entries = append.entries.iter().map(|entry| (entry.name, entry.bytes.clone()));
    let items: Vec<_> = entries.chain(append.blobs.clone()).collect();
    let mut payload = Vec::new();
    for (name, bytes) in items {
        head.extend(name.as_bytes());
        head.extend((bytes.len() as u32).to_le_bytes());
        head.extend(crc32fast::hash(&bytes).to_le_bytes());
        payload.extend(bytes);
    }
    let len = (8 + head.len() + payload.len()).next_multiple_of(8);
    head[24..28].copy_from_slice(&(len as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new_with_initial((ID ^ ID >> 32) as u32);
    crc.update(&head);
    let crc = crc.finalize();
    log.extend(b"Trp1");
    log.extend(crc.to_le_bytes());
    log.extend(head);
    log.extend(payload);
    log.resize(start + len, 0);
    crc
}

/// Makes a store with five entries of chain 0; returns where the last frame begins.
fn make(path: &Path) -> usize {
    let (mut log, mut previous, mut last) = (Vec::new(), 0, 0);
    for seq in 0..5 {
        last = log.len();
        previous = frame(&mut log, &append(0, seq, 1), previous);
    }
    log.resize(SEGMENT, 0);
    fs::create_dir(path.join("log")).unwrap();
    fs::write(path.join("log/000000000001.seg"), log).unwrap();
    fs::write(path.join("format"), format!("{{\"format\":1,\"id\":\"{ID:016x}\"}}\n")).unwrap();
    last
}

fn open(path: &Path) -> Result<DiskStore, StoreError> {
    DiskStore::open_with(path, OPTIONS)
}

#[test]
fn a_store_of_format_1_is_read_and_goes_on_in_the_newest_format() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    for round in 0..2 {
        let store = open(folder.path()).unwrap();
        check_entries(&store, 0, 5);
        assert_eq!(store.rows(row_prefix(0).as_bytes(), None, 9).unwrap(), []);
        let format = fs::read_to_string(folder.path().join("format")).unwrap();
        assert_eq!(format, format!("{{\"format\":3,\"id\":\"{ID:016x}\"}}\n"));
        (0..30).for_each(|seq| store.commit(&[append(1, round * 30 + seq, 1)]).unwrap());
        drop(store);
        fs::remove_dir_all(folder.path().join("index")).unwrap();
        let store = open(folder.path()).unwrap();
        check_entries(&store, 0, 5);
        check_chain(&store, 1, round * 30 + 30);
    }
    assert_eq!(open(folder.path()).unwrap().head(&Hash::of(b"no chain")).unwrap(), None);
}

#[test]
fn a_torn_tail_of_format_1_is_cut_and_damage_before_it_is_refused() {
    for damaged in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let last = make(folder.path());
        let segment = folder.path().join("log/000000000001.seg");
        let mut bytes = fs::read(&segment).unwrap();
        bytes[if damaged { 200 } else { last + 200 }] ^= 1;
        fs::write(&segment, bytes).unwrap();
        match open(folder.path()) {
            Ok(store) if !damaged => check_entries(&store, 0, 4),
            Err(StoreError::Corrupt { segment: 1, offset: 0, .. }) if damaged => {}
            other => panic!("damaged: {damaged}, {:?}", other.map(drop)),
        }
    }
}
