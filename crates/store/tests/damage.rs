//! Torn tails are cut, damage is refused.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod common;

use common::{append, check_chain, len};
use troupe_store::faulty::{SimDisk, Survivors};
use troupe_store::{Store, StoreError};

const FIRST: &str = "log/000000000001.seg";

/// A disk with a few commits in one segment, and where each of them ends.
fn disk_with_commits(count: u64) -> (SimDisk, Vec<u64>) {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    let mut ends = Vec::new();
    for seq in 0..count {
        store.commit(&[append(0, seq, 1)]).unwrap();
        ends.push(store.usage().unwrap().log_bytes);
    }
    assert_eq!(disk.files().iter().filter(|(name, _)| name.ends_with(".seg")).count(), 1);
    (disk, ends)
}

#[test]
fn a_change_of_any_byte_of_the_last_frame_cuts_it_and_the_store_goes_on() {
    let (disk, ends) = disk_with_commits(4);
    for offset in ends[2]..ends[3] {
        let torn = disk.after_crash(Survivors::Lost);
        assert!(torn.flip(FIRST, offset, 0x11));
        let store = torn.open().unwrap();
        check_chain(&store, 0, 3);
        let bytes = torn.read(FIRST).unwrap();
        assert!(
            bytes[ends[2] as usize..].iter().all(|byte| *byte == 0),
            "byte {offset}: the tail is not zero"
        );
        store.commit(&[append(0, 3, 2)]).unwrap();
        drop(store);
        check_chain(&torn.after_crash(Survivors::Lost).open().unwrap(), 0, 5);
    }
}

#[test]
fn a_change_of_any_byte_below_what_was_synced_is_refused() {
    let (disk, ends) = disk_with_commits(4);
    for offset in 0..ends[2] {
        for mask in [1, 0xff] {
            let damaged = disk.after_crash(Survivors::Lost);
            assert!(damaged.flip(FIRST, offset, mask));
            let frame = ends.iter().rev().find(|end| **end <= offset).copied().unwrap_or(0);
            match damaged.open().err() {
                Some(StoreError::Corrupt { segment: 1, offset: at, .. }) => {
                    assert_eq!(u64::from(at), frame);
                }
                other => panic!("byte {offset}: {other:?}"),
            }
            // Refusing changes nothing: with the byte as it was, all is there.
            assert!(damaged.flip(FIRST, offset, mask));
            check_chain(&damaged.open().unwrap(), 0, 4);
        }
    }
}

#[test]
fn damage_in_an_earlier_segment_is_refused() {
    let disk = SimDisk::new();
    let store = disk.open().unwrap();
    for seq in 0..30 {
        store.commit(&[append(0, seq, 1)]).unwrap();
    }
    drop(store);
    assert!(disk.files().iter().filter(|(name, _)| name.ends_with(".seg")).count() > 3);
    for offset in (0..2000).step_by(13) {
        let damaged = disk.after_crash(Survivors::Lost);
        assert!(damaged.flip("log/000000000002.seg", offset, 4));
        let error = damaged.open().err();
        assert!(
            matches!(error, Some(StoreError::Corrupt { segment: 1 | 2, .. })),
            "byte {offset}: {error:?}"
        );
    }
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_what_it_leaves_is_never_read_again() {
    let (disk, ends) = disk_with_commits(4);
    for cut in ends[2]..ends[3] {
        let torn = disk.after_crash(Survivors::Lost);
        // The rest of the last frame never arrived; each byte of it is zero.
        zero(&torn, cut, ends[3]);
        let store = torn.open().unwrap();
        let found = len(&store, 0);
        // Only padding was cut if the frame is whole.
        assert!(found == 3 || cut + 8 > ends[3], "cut at {cut}: {found} entries");
        check_chain(&store, 0, found);
        store.commit(&[append(0, found, 1)]).unwrap();
        check_chain(&torn.after_crash(Survivors::Lost).open().unwrap(), 0, found + 1);
    }
}

/// Writes zeros by flipping each bit that is set.
fn zero(disk: &SimDisk, from: u64, to: u64) {
    let bytes = disk.read(FIRST).unwrap();
    for offset in from..to {
        disk.flip(FIRST, offset, bytes[offset as usize]);
    }
}
