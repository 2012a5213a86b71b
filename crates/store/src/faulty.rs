//! A disk that fails on purpose: the embedded store runs on it, unchanged, in memory.
//!
//! A [`SimDisk`] counts its operations and fails the ones that it is told to, in the ways that disks fail. After a
//! crash, [`SimDisk::after_crash`] is the disk as the next start finds it: what was synced is there, and of what
//! was not, nothing, everything or a seeded part. All of it is determined by the calls and the seed.
//!
//! ```
//! use troupe_store::faulty::{Survivors, SimDisk};
//! use troupe_store::{Append, NewEntry, Store};
//!
//! let disk = SimDisk::new();
//! let store = disk.open()?;
//! let genesis = NewEntry::new(0, &b"{}"[..]);
//! let chain = genesis.name;
//! store.commit(&[Append { chain, expected: None, entries: vec![genesis], blobs: vec![], rows: vec![] }])?;
//!
//! let restarted = disk.after_crash(Survivors::Lost).open()?;
//! assert_eq!(restarted.head(&chain)?, store.head(&chain)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Deliberately absent: bits that rot by themselves ([`SimDisk::flip`] is told which), and reads that fail.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile};
use crate::embedded::{DiskOptions, Embedded};
use crate::index::MemoryIndex;
use crate::{Store, StoreError};

/// What is left, after a crash, of writes and names that were never synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survivors {
    /// Nothing.
    Lost,
    /// Everything.
    Kept,
    /// Each sector of 512 bytes or not, in any order, and the first few of the changes of names, by this seed.
    Some(u64),
}

/// How an operation that changes the disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect.
    Error,
    /// A write writes only its first half; anything else has no effect.
    Short,
    /// As [`Fault::Error`], and so does everything after it.
    Crash,
}

/// A simulated disk. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Names as the running system sees them.
    names: BTreeMap<String, usize>,
    /// Names as they were when their folder was last synced.
    synced_names: BTreeMap<String, usize>,
    /// What happened to names since, in order.
    name_changes: Vec<Change>,
    files: Vec<Content>,
    /// Operations so far that change the disk or sync it.
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    fail_syncs: u32,
    crashed: bool,
    capacity: Option<u64>,
}

#[derive(Debug, Clone)]
enum Change {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Writes that the next sync makes durable.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Writes that a failed sync dropped: a later sync returns without them, as on Linux.
    dropped: Vec<(usize, Vec<u8>)>,
}

impl SimDisk {
    /// Makes an empty disk without limit that never fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the embedded store on this disk with segments of 4 KiB, so that small tests meet their edges.
    pub fn open(&self) -> Result<impl Store + use<>, StoreError> {
        self.open_with(DiskOptions { segment_bytes: 4 << 10, stretch_bytes: 2 << 10 })
    }

    /// Opens the embedded store on this disk. Its index is in memory, and all work is done within the calls.
    pub fn open_with(&self, options: DiskOptions) -> Result<impl Store + use<>, StoreError> {
        Embedded::open(Arc::new(self.clone()), Arc::new(MemoryIndex::default()), 1, options)
    }

    /// Returns how many operations there were that change the disk or sync it; the next has this number.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets the operation with this number fail.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state().faults.insert(operation, fault);
    }

    /// Lets the next sync of a file fail, and drop what it should have made durable.
    pub fn fail_next_sync(&self) {
        self.state().fail_syncs += 1;
    }

    /// Limits the bytes of all files together; `None` for no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Returns the disk as the next start finds it. This one is as it was.
    pub fn after_crash(&self, survivors: Survivors) -> Self {
        let state = self.state();
        let mut random = Random(match survivors {
            Survivors::Some(seed) => seed,
            Survivors::Lost | Survivors::Kept => 0,
        });
        let names = match survivors {
            Survivors::Lost => state.synced_names.clone(),
            Survivors::Kept => state.names.clone(),
            Survivors::Some(_) => {
                let mut names = state.synced_names.clone();
                let kept = random.below(state.name_changes.len() as u64 + 1);
                state.name_changes.iter().take(kept as usize).for_each(|change| change.apply(&mut names));
                names
            }
        };
        let files = state.files.iter().map(|file| file.after_crash(survivors, &mut random)).collect();
        let state = State { synced_names: names.clone(), names, files, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Returns the files with their lengths.
    pub fn files(&self) -> Vec<(String, u64)> {
        let state = self.state();
        state.names.iter().map(|(name, file)| (name.clone(), state.files[*file].now.len() as u64)).collect()
    }

    /// Returns a file's bytes as the running system sees them.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(path).map(|file| state.files[*file].now.clone())
    }

    /// Changes a byte of a file by `mask`, durably; says whether there is such a byte.
    pub fn flip(&self, path: &str, offset: u64, mask: u8) -> bool {
        let mut state = self.state();
        let Some(file) = state.names.get(path).copied() else { return false };
        let Content { now, synced, .. } = &mut state.files[file];
        let offset = offset as usize;
        for bytes in [now.get_mut(offset), synced.get_mut(offset)].into_iter().flatten() {
            *bytes ^= mask;
        }
        offset < state.files[file].now.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts an operation; `Ok(false)` means that it is to be cut short.
    fn begin(&mut self) -> io::Result<bool> {
        let fault = self.faults.get(&self.operations).copied();
        self.operations += 1;
        self.crashed |= fault == Some(Fault::Crash);
        match fault {
            _ if self.crashed => Err(io::Error::other("simulated crash")),
            None => Ok(true),
            Some(Fault::Short) => Ok(false),
            Some(_) => Err(io::Error::other("simulated failure")),
        }
    }

    fn begin_whole(&mut self) -> io::Result<()> {
        if self.begin()? { Ok(()) } else { Err(io::Error::other("simulated failure")) }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    fn file(&self, path: &str) -> io::Result<usize> {
        if self.crashed {
            return Err(io::Error::other("simulated crash"));
        }
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> u64 {
        self.names.values().map(|file| self.files[*file].now.len() as u64).sum()
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, file) => _ = names.insert(name.clone(), *file),
            // In one step, as file systems do it.
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Remove(name) => _ = names.remove(name),
        }
    }
}

impl Content {
    fn after_crash(&self, survivors: Survivors, random: &mut Random) -> Self {
        let now = match survivors {
            Survivors::Lost => self.synced.clone(),
            Survivors::Kept => self.now.clone(),
            Survivors::Some(_) => {
                let mut bytes = self.synced.clone();
                for (offset, written) in self.dropped.iter().chain(&self.unsynced) {
                    // Sectors are whole: they end at multiples of 512 of the file, not of the write.
                    let mut start = 0;
                    while start < written.len() {
                        let end = written.len().min(start + 512 - (offset + start) % 512);
                        if random.below(2) == 0 {
                            put(&mut bytes, offset + start, &written[start..end]);
                        }
                        start = end;
                    }
                }
                bytes
            }
        };
        Self { synced: now.clone(), now, ..Self::default() }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}

impl Disk for SimDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.begin_whole()?;
        let file = state.files.len();
        state.files.push(Content::default());
        state.change(Change::Create(path.to_owned(), file));
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.state().file(path)?;
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.begin_whole()?;
        state.file(from)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.begin_whole()?;
        state.file(path)?;
        state.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn make_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = state.names.keys().filter_map(|name| name.strip_prefix(path)?.strip_prefix('/'));
        Ok(names.map(str::to_owned).collect())
    }

    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.begin_whole()?;
        state.synced_names = state.names.clone();
        state.name_changes.clear();
        Ok(())
    }

    fn describe(&self, path: &str) -> PathBuf {
        PathBuf::from("simulated").join(path)
    }

    fn free(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }
}

struct SimFile {
    disk: SimDisk,
    file: usize,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        if state.crashed {
            return Err(io::Error::other("simulated crash"));
        }
        let bytes = state.files[self.file].now.get(offset as usize..).unwrap_or_default();
        let read = bytes.len().min(buffer.len());
        buffer[..read].copy_from_slice(&bytes[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let whole = state.begin()?;
        let bytes = if whole { bytes } else { &bytes[..bytes.len() / 2] };
        let growth = (offset + bytes.len() as u64).saturating_sub(state.files[self.file].now.len() as u64);
        if growth > 0 && state.capacity.is_some_and(|capacity| state.used() + growth > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let content = &mut state.files[self.file];
        put(&mut content.now, offset as usize, bytes);
        content.unsynced.push((offset as usize, bytes.to_vec()));
        if whole { Ok(()) } else { Err(io::Error::other("simulated short write")) }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fails = std::mem::take(&mut state.fail_syncs);
        state.fail_syncs = fails.saturating_sub(1);
        let result = if fails > 0 { Err(io::Error::other("simulated failure")) } else { state.begin_whole() };
        let content = &mut state.files[self.file];
        let writes = std::mem::take(&mut content.unsynced);
        match result {
            Ok(()) => writes.iter().for_each(|(offset, bytes)| put(&mut content.synced, *offset, bytes)),
            Err(_) => content.dropped.extend(writes),
        }
        result
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.file].now.len() as u64)
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % limit
    }
}
