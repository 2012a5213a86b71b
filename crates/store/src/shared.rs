//! Blobs that belong to no chain: a file each, named by hash.
//!
//! Invariant: a file that has its name is whole and durable, for it gets the name after it was synced.
//!
//! Deliberately absent: removal.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use troupe_chain::Hash;

use crate::StoreError;
use crate::disk::Disk;

const DIR: &str = "shared";

pub(crate) struct Shared {
    disk: Arc<dyn Disk>,
    /// Bytes of all files. Held while one is written, so that two writers of one name do not meet.
    bytes: Mutex<u64>,
}

impl Shared {
    pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<Self, StoreError> {
        let open = || -> io::Result<u64> {
            disk.make_dir(DIR)?;
            let mut bytes = 0;
            for name in disk.list(DIR)? {
                let path = format!("{DIR}/{name}");
                if name.ends_with(".tmp") {
                    disk.remove(&path)?;
                } else {
                    bytes += disk.open(&path)?.len()?;
                }
            }
            // A name that a killed process gave may not be durable yet.
            disk.sync_dir(DIR)?;
            Ok(bytes)
        };
        let bytes = open().map_err(|source| failed(&disk, "reading", DIR, source))?;
        Ok(Self { disk, bytes: Mutex::new(bytes) })
    }

    pub(crate) fn put(&self, name: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        let mut total = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let path = format!("{DIR}/{name}");
        if self.exists(&path)? {
            return Ok(());
        }
        let temporary = format!("{path}.tmp");
        let write = || -> io::Result<()> {
            let file = self.disk.create(&temporary)?;
            file.write_at(bytes, 0)?;
            file.sync_data()?;
            self.disk.rename(&temporary, &path)
        };
        if let Err(source) = write() {
            // What was written takes space; that it cannot be removed either changes nothing.
            let _ = self.disk.remove(&temporary);
            return Err(failed(&self.disk, "writing", &path, source));
        }
        if let Err(source) = self.disk.sync_dir(DIR) {
            // Without its name the next put starts over, instead of trusting a name that may not last.
            let _ = self.disk.remove(&path);
            return Err(failed(&self.disk, "syncing the folder of", &path, source));
        }
        *total += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn get(&self, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        let path = format!("{DIR}/{name}");
        let read = || -> io::Result<Bytes> {
            let file = self.disk.open(&path)?;
            let mut bytes = vec![0; file.len()? as usize];
            let read = file.read_at(&mut bytes, 0)?;
            bytes.truncate(read);
            Ok(bytes.into())
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(&self.disk, "reading", &path, source)),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exists(&self, path: &str) -> Result<bool, StoreError> {
        match self.disk.open(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(failed(&self.disk, "opening", path, source)),
        }
    }
}

fn failed(disk: &Arc<dyn Disk>, action: &'static str, path: &str, source: io::Error) -> StoreError {
    StoreError::Io { action, path: disk.describe(path), source }
}
