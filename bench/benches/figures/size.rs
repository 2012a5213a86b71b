//! What the disk store takes for what it keeps.

use bytes::Bytes;
use troupe::troupe_chain::Hash;
use troupe::troupe_store::{Append, DiskStore, NewEntry, Store};

use crate::{report, table};

/// Canonical entries and blobs to store, in bytes.
const GOAL: u64 = 1 << 30;

pub(crate) fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let store = DiskStore::open(folder.path())?;
    let mut payload = 0;
    let mut expected = None;
    let mut seq = 0_u64;
    let chain = Hash::of(b"size");
    while payload < GOAL {
        let (mut entries, mut blobs) = (Vec::new(), Vec::new());
        for _ in 0..256 {
            // Sizes of a real step; contents that do not compress.
            let (entry, message, state, reply) =
                (noise(seq, 0, 620), noise(seq, 1, 102), noise(seq, 2, 256), noise(seq, 3, 60));
            payload += 620 + 102 + 256 + 60;
            let name = if seq == 0 { chain } else { Hash::of(&entry) };
            entries.push(NewEntry { name, seq, bytes: entry });
            blobs.extend([message, state, reply].map(|blob| (Hash::of(&blob), blob)));
            seq += 1;
        }
        let head = entries.last().map(|entry| entry.name);
        store.commit(&[Append { chain, expected, entries, blobs, rows: Vec::new() }])?;
        expected = head;
    }
    let began = std::time::Instant::now();
    drop(store);
    let store = DiskStore::open(folder.path())?;
    let reopened = began.elapsed();
    let stored = store.usage()?.total();
    table();
    let gib = |bytes: u64| format!("{:.2} GiB", bytes as f64 / f64::from(1 << 30));
    report("canonical entries and blobs", gib(payload), 1.0, "");
    report("stored, with index and what is reserved", gib(stored), stored as f64 / payload as f64, "≤ 1.5");
    println!("\nclosed and opened again in {reopened:?}");
    Ok(())
}

/// Bytes that are the same in each run and do not compress.
fn noise(seq: u64, part: u64, len: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(len + 32);
    let mut hash = Hash::of(&[seq.to_le_bytes(), part.to_le_bytes()].concat());
    while bytes.len() < len {
        bytes.extend_from_slice(hash.as_bytes());
        hash = Hash::of(hash.as_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}
