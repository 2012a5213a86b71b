//! Chains for tests: what is appended follows from a chain's number and a seq, so that it can be checked later.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use bytes::Bytes;
use troupe_chain::Hash;
use troupe_store::{Append, NewEntry, Row, Store};

/// The id of the chain with this number.
pub(crate) fn chain(number: u64) -> Hash {
    entry(number, 0).name
}

/// The entry of a chain.
pub(crate) fn entry(number: u64, seq: u64) -> NewEntry {
    let filling = "x".repeat((number * 31 + seq * 17) as usize % 90);
    NewEntry::new(seq, format!("{{\"chain\":{number},\"filling\":\"{filling}\",\"seq\":{seq}}}"))
}

/// The blobs that go with an entry: a large one, a small one, an empty one, and one that every entry repeats.
pub(crate) fn blobs(number: u64, seq: u64) -> Vec<(Hash, Bytes)> {
    let bytes = [
        Bytes::from(format!("large {number} {seq} ").repeat((seq as usize * 7 + 3) % 23)),
        Bytes::from(format!("small {number} {seq}")),
        Bytes::new(),
        Bytes::from_static(b"the same state again and again"),
    ];
    bytes.into_iter().map(|bytes| (Hash::of(&bytes), bytes)).collect()
}

/// What the rows of a chain begin with.
pub(crate) fn row_prefix(number: u64) -> String {
    format!("chain {number} ")
}

/// The row that goes with an entry.
fn row(number: u64, seq: u64) -> (Bytes, Bytes) {
    let key = format!("{}{seq:06}", row_prefix(number));
    (key.into(), format!("due {seq} ").repeat(seq as usize % 7).into())
}

/// After how many more entries an entry's row is removed: usually soon, sometimes late, sometimes never.
fn row_stays(seq: u64) -> Option<u64> {
    match seq % 10 {
        0 => None,
        5 => Some(20),
        _ => Some(2),
    }
}

/// The rows that change with an entry: its own is put, and what is over is removed.
fn rows(number: u64, seq: u64) -> Vec<Row> {
    let over = (0..seq).filter(|earlier| row_stays(*earlier).is_some_and(|stays| earlier + stays == seq));
    let (key, value) = row(number, seq);
    over.map(|earlier| Row::remove(row(number, earlier).0)).chain([Row::put(key, value)]).collect()
}

/// An append of rows only.
pub(crate) fn rows_only(rows: Vec<Row>) -> Append {
    Append { chain: Hash::of(b"no chain"), expected: None, entries: Vec::new(), blobs: Vec::new(), rows }
}

/// Checks that exactly those rows are there that belong to a chain of `len` entries.
pub(crate) fn check_rows(store: &dyn Store, number: u64, len: u64) {
    let is_there = |seq: &u64| row_stays(*seq).is_none_or(|stays| seq + stays >= len);
    let expected: Vec<_> = (0..len).filter(is_there).map(|seq| row(number, seq)).collect();
    let found = store.rows(row_prefix(number).as_bytes(), None, usize::MAX).unwrap();
    assert_eq!(found, expected, "rows of chain {number} with {len} entries");
    for seq in 0..=len {
        let (key, value) = row(number, seq);
        let value = (seq < len && is_there(&seq)).then_some(value);
        assert_eq!(store.row(&key).unwrap(), value, "chain {number}, row of {seq} of {len}");
    }
}

/// An append of `count` entries from `seq` on.
pub(crate) fn append(number: u64, seq: u64, count: u64) -> Append {
    Append {
        chain: chain(number),
        expected: seq.checked_sub(1).map(|before| entry(number, before).name),
        entries: (seq..seq + count).map(|seq| entry(number, seq)).collect(),
        blobs: (seq..seq + count).flat_map(|seq| blobs(number, seq)).collect(),
        rows: (seq..seq + count).flat_map(|seq| rows(number, seq)).collect(),
    }
}

/// Checks that a chain has exactly `len` entries, all of them and their blobs byte for byte, and their rows.
pub(crate) fn check_chain(store: &dyn Store, number: u64, len: u64) {
    check_entries(store, number, len);
    check_rows(store, number, len);
}

/// Checks that a chain has exactly `len` entries, all of them and their blobs byte for byte.
pub(crate) fn check_entries(store: &dyn Store, number: u64, len: u64) {
    let id = chain(number);
    let head = store.head(&id).unwrap();
    assert_eq!(head.map(|head| head.seq + 1).unwrap_or(0), len, "length of chain {number}");
    assert_eq!(head.map(|head| head.entry), len.checked_sub(1).map(|last| entry(number, last).name));
    for seq in 0..len {
        let entry = entry(number, seq);
        assert_eq!(
            store.entry(&id, seq).unwrap().as_ref(),
            Some(&entry.bytes),
            "chain {number}, entry {seq}"
        );
        assert_eq!(store.find(&id, &entry.name).unwrap(), Some(seq));
        for (name, bytes) in blobs(number, seq) {
            assert_eq!(store.blob(&id, &name).unwrap(), Some(bytes), "chain {number}, blob of {seq}");
        }
    }
    assert_eq!(store.entry(&id, len).unwrap(), None);
    assert_eq!(store.find(&id, &entry(number, len).name).unwrap(), None);
}

/// Returns how many entries a chain has.
pub(crate) fn len(store: &dyn Store, number: u64) -> u64 {
    store.head(&chain(number)).unwrap().map_or(0, |head| head.seq + 1)
}
