//! How fast appends become durable, beside what the disk can do and beside fjall alone.
//!
//! All variants run in turn, round by round, in one process and on one disk; the table shows each one's median.
//! `cargo bench -p troupe-store --bench append` prints the rates; `-- history` writes about 1 GiB and prints what
//! it takes on disk and how long a start takes then.

#![allow(clippy::unwrap_used, reason = "a benchmark has nobody to answer to")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use troupe_chain::Hash;
use troupe_store::{Append, DiskStore, MemoryStore, NewEntry, Row, Store};

const GROUPS: [usize; 4] = [1, 10, 64, 1000];
const ROUNDS: usize = 9;
const ROUND_TIME: Duration = Duration::from_millis(300);
/// Bounds what one run writes, to a few GiB.
const ROUND_APPENDS: usize = 60_000;
const RAW_BYTES: usize = 640;

fn main() {
    let folder =
        tempfile::tempdir_in(std::env::var("TROUPE_BENCH_DIR").unwrap_or_else(|_| ".".into())).unwrap();
    if std::env::args().any(|argument| argument == "history") {
        history(folder.path());
    } else {
        rates(folder.path());
    }
}

/// How many appends later a row is removed: the usual fate of one that is due at once.
const ROW_STAYS: usize = 100;

/// Chains that grow by one entry of about 600 bytes and blobs of 100, 256 and 60 bytes at a time.
struct Traffic {
    heads: Vec<(Hash, Option<NewEntry>)>,
    next: usize,
    random: u64,
    /// Whether each append puts a row of 40 and 120 bytes and removes an earlier one.
    rows: bool,
}

impl Traffic {
    fn new(chains: usize) -> Self {
        let heads = (0..chains).map(|chain| (Hash::of(&chain.to_le_bytes()), None)).collect();
        Self { heads, next: 0, random: 1, rows: false }
    }

    fn with_rows() -> Self {
        Self { rows: true, ..Self::new(1) }
    }

    fn batch(&mut self, size: usize) -> Vec<Append> {
        (0..size).map(|_| self.append()).collect()
    }

    fn append(&mut self) -> Append {
        let slot = self.next % self.heads.len();
        self.next += 1;
        let blobs = [100, 256, 60].map(|len| {
            let bytes = self.noise(len);
            (Hash::of(&bytes), bytes)
        });
        let (chain, head) = self.heads[slot].clone();
        let seq = head.as_ref().map_or(0, |head| head.seq + 1);
        let mut text = format!("{{\"data\":{{\"at\":1700000000000,\"before\":\"{}\",", blobs[1].0);
        text += &format!("\"from\":{{\"key\":\"{}\",\"kind\":\"http\"}},\"fuel\":123456,", blobs[2].0);
        text += &format!("\"kind\":\"message\",\"message\":\"{}\",\"reply\":\"{}\",", blobs[0].0, blobs[2].0);
        text += &format!(
            "\"seq\":{seq},\"state\":\"{}\",\"v\":1,\"x\":\"{}\"}},\"parent\":\"{chain}\"}}",
            blobs[1].0,
            "-".repeat(60)
        );
        let entry = NewEntry::new(seq, text);
        self.heads[slot].1 = Some(entry.clone());
        let expected = head.map(|head| head.name);
        let rows = if self.rows { self.rows() } else { Vec::new() };
        Append { chain, expected, entries: vec![entry], blobs: blobs.into(), rows }
    }

    fn rows(&mut self) -> Vec<Row> {
        let key = |number: usize| format!("{:032}{number:08x}", 0);
        let over = self.next.checked_sub(ROW_STAYS).map(|number| Row::remove(key(number)));
        let value = self.noise(120);
        [Row::put(key(self.next), value)].into_iter().chain(over).collect()
    }

    fn noise(&mut self, len: usize) -> Bytes {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            bytes.extend((self.random ^ self.random >> 33).to_le_bytes());
        }
        bytes.truncate(len);
        bytes.into()
    }
}

/// Writes bytes one after the other into a file that was zeroed and synced, and begins again at its end.
struct Raw {
    file: File,
    at: u64,
    len: u64,
}

impl Raw {
    fn new(path: &Path) -> Self {
        let file = File::options().create_new(true).read(true).write(true).open(path).unwrap();
        let len = 64 << 20;
        file.write_all_at(&vec![0; len as usize], 0).unwrap();
        file.sync_all().unwrap();
        Self { file, at: 0, len }
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.at + bytes.len() as u64 > self.len {
            self.at = 0;
        }
        self.file.write_all_at(bytes, self.at).unwrap();
        self.file.sync_data().unwrap();
        self.at += bytes.len() as u64;
    }
}

/// The alternative: entries, blobs and heads as keys of fjall, one durable batch per group.
struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

impl Fjall {
    fn new(path: &Path) -> Self {
        let database = Database::builder(path).open().unwrap();
        let keyspace = database.keyspace("all", KeyspaceCreateOptions::default).unwrap();
        Self { database, keyspace }
    }

    fn commit(&self, batch: &[Append]) {
        let mut rows = self.database.batch().durability(Some(PersistMode::SyncData));
        for append in batch {
            let chain = append.chain.as_bytes();
            for entry in &append.entries {
                rows.insert(
                    &self.keyspace,
                    [&b"e"[..], chain, &entry.seq.to_be_bytes()].concat(),
                    &entry.bytes[..],
                );
                rows.insert(
                    &self.keyspace,
                    [&b"n"[..], chain, entry.name.as_bytes()].concat(),
                    entry.seq.to_be_bytes(),
                );
                rows.insert(&self.keyspace, [&b"h"[..], chain].concat(), &entry.name.as_bytes()[..]);
            }
            for (name, bytes) in &append.blobs {
                rows.insert(&self.keyspace, [&b"b"[..], chain, name.as_bytes()].concat(), &bytes[..]);
            }
        }
        rows.commit().unwrap();
    }
}

/// Calls `work` with batches made outside the clock until the round is over; returns appends per second.
fn rate(traffic: &mut Traffic, group: usize, mut work: impl FnMut(&[Append])) -> f64 {
    let (mut busy, mut appends) = (Duration::ZERO, 0);
    while busy < ROUND_TIME && appends < ROUND_APPENDS {
        let batch = traffic.batch(group);
        let start = Instant::now();
        work(&batch);
        busy += start.elapsed();
        appends += group;
    }
    appends as f64 / busy.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rates(folder: &Path) {
    const NAMES: [&str; 8] = [
        "raw 640 B",
        "raw, same bytes",
        "DiskStore",
        "DiskStore, rows",
        "DiskStore, 10k chains",
        "fjall alone",
        "MemoryStore",
        "MemoryStore, rows",
    ];
    let (mut small, mut raw) = (Raw::new(&folder.join("small")), Raw::new(&folder.join("raw")));
    let disk = DiskStore::open(folder.join("disk")).unwrap();
    let many = DiskStore::open(folder.join("many")).unwrap();
    let rows = DiskStore::open(folder.join("rows")).unwrap();
    let fjall = Fjall::new(&folder.join("fjall"));
    let mut traffic: Vec<_> = [1, 1, 1, 10_000, 1].map(Traffic::new).into();
    let mut with_rows = Traffic::with_rows();
    println!("{:>22} {}", "appends/s (ratio)", GROUPS.map(|group| format!("{group:>18}")).join(""));
    let mut table = vec![Vec::new(); NAMES.len()];
    for group in GROUPS {
        let mut results = vec![Vec::new(); NAMES.len()];
        for _ in 0..ROUNDS {
            let noise = vec![7; RAW_BYTES * group];
            // The bytes of the same appends, with the checksum that any log needs.
            let same = traffic[1].batch(1)[0].payload_bytes() as usize * group;
            let same = vec![7; same];
            results[0].push(rate(&mut traffic[0], group, |_| small.append(&noise)));
            results[1].push(rate(&mut traffic[1], group, |_| {
                std::hint::black_box(crc32fast::hash(&same));
                raw.append(&same);
            }));
            results[2].push(rate(&mut traffic[2], group, |batch| disk.commit(batch).unwrap()));
            results[3].push(rate(&mut with_rows, group, |batch| rows.commit(batch).unwrap()));
            results[4].push(rate(&mut traffic[3], group, |batch| many.commit(batch).unwrap()));
            results[5].push(rate(&mut traffic[4], group, |batch| fjall.commit(batch)));
            // A new one each time, for it never lets go of what it has.
            let (memory, mut calls) = (MemoryStore::new(), Traffic::new(1));
            results[6].push(rate(&mut calls, group, |batch| memory.commit(batch).unwrap()));
            let (memory, mut calls) = (MemoryStore::new(), Traffic::with_rows());
            results[7].push(rate(&mut calls, group, |batch| memory.commit(batch).unwrap()));
        }
        for (row, values) in table.iter_mut().zip(results) {
            row.push(median(values));
        }
    }
    for (name, row) in NAMES.iter().zip(&table) {
        let cells = row.iter().enumerate().map(|(group, rate)| {
            let cell = format!("{rate:.0} ({:.2})", rate / table[usize::from(group > 0)][group]);
            format!("{cell:>18}")
        });
        println!("{name:>22} {}", cells.collect::<String>());
    }
    println!("ratios: of raw 640 B for groups of 1, of raw, same bytes above");
    for (with, without) in [(3, 2), (7, 6)] {
        let ratios = table[with].iter().zip(&table[without]).map(|(with, without)| with / without);
        let cells = ratios.map(|ratio| format!("{ratio:>18.2}"));
        println!("{:>22} {}", format!("of {}", NAMES[without]), cells.collect::<String>());
    }
}

fn history(folder: &Path) {
    for chains in [1, 10_000] {
        let path = folder.join(format!("of-{chains}"));
        let store = DiskStore::open(&path).unwrap();
        let mut traffic = Traffic::new(chains);
        let mut payload = 0;
        let mut probe = None;
        while payload < 1 << 30 {
            let batch = traffic.batch(64);
            payload += batch.iter().map(Append::payload_bytes).sum::<u64>();
            store.commit(&batch).unwrap();
            if payload < 1 << 29 {
                probe = batch.into_iter().next();
            }
        }
        let probe = probe.unwrap();
        println!("{chains} chains, {payload} bytes of entries and blobs");
        let start = Instant::now();
        drop(store);
        println!("  close {:?}", start.elapsed());
        let start = Instant::now();
        let store = DiskStore::open(&path).unwrap();
        println!("  open {:?}", start.elapsed());
        let start = Instant::now();
        assert!(store.blob(&probe.chain, &probe.blobs[1].0).unwrap().is_some());
        println!("  first read of an old blob {:?}", start.elapsed());
        let start = Instant::now();
        let listed = store.chains().unwrap().len();
        println!("  list {listed} chains {:?}", start.elapsed());
        let usage = store.usage().unwrap();
        println!("  {usage:?}, {:.3} times the payload", usage.total() as f64 / payload as f64);
        drop(store);
        println!("  the folder has {:.3} times the payload", size(&path) as f64 / payload as f64);
        std::fs::remove_dir_all(path.join("index")).unwrap();
        let start = Instant::now();
        drop(DiskStore::open(&path).unwrap());
        println!("  open without an index {:?}", start.elapsed());
        std::fs::remove_dir_all(&path).unwrap();
    }
}

fn size(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().map(|entry| size(&entry.unwrap().path())).sum()
    } else {
        std::fs::metadata(path).unwrap().blocks() * 512
    }
}
