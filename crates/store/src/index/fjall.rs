//! The index of a real store: fjall, fed with sorted stretches that bypass its journal.
//!
//! Deliberately absent: fjall's own durability modes. A stretch is a table of its own or not there.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::{Change, Failure, Index, Pace, Walk};

/// Memory for blocks of the index: 64 MiB.
const CACHE_BYTES: u64 = 64 << 20;
/// Names are hashes, so each stretch overlaps all that is merged already, and a merge rewrites that too: merging
/// seldom costs a read a few more filters, and merging often most of the time of a core.
const TABLES_BEFORE_MERGE: u8 = 12;
/// The size of a table that a merge writes: 8 MiB. It is written to the disk at once, and commits wait behind it. Twelve of them
/// are the first level, which a merge rewrites.
const TABLE_BYTES: u64 = 8 << 20;

pub(crate) struct FjallIndex {
    // Kept so that the keyspace's threads live as long as it.
    _database: Database,
    keyspace: Keyspace,
}

impl FjallIndex {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let database = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .max_journaling_size(64 << 20)
            .max_cached_files(Some(128))
            .open()?;
        let merging =
            Leveled::default().with_l0_threshold(TABLES_BEFORE_MERGE).with_table_target_size(TABLE_BYTES);
        let merging = Arc::new(merging);
        let options = || {
            KeyspaceCreateOptions::default()
                .compaction_strategy(merging.clone())
                .data_block_size_policy(BlockSizePolicy::all(16 << 10))
                .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(
                    fjall::config::BloomConstructionPolicy::BitsPerKey(8.0),
                )))
        };
        let keyspace = database.keyspace("places", options)?;
        Ok(Self { _database: database, keyspace })
    }
}

impl Index for FjallIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.keyspace.get(key)?.map(|value| value.to_vec()))
    }

    fn walk(&self, kind: u8, from: Bound<&[u8]>) -> Walk<'_> {
        // The range has the tables that there are now, and keeps them.
        let range = self.keyspace.range(super::within(kind, from));
        Box::new(range.map(|guard| {
            let (key, value) = guard.into_inner()?;
            Ok((Bytes::copy_from_slice(&key[1..]), Bytes::copy_from_slice(&value)))
        }))
    }

    fn ingest(&self, changes: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), Failure> {
        let mut ingestion = self.keyspace.start_ingestion()?;
        let mut pace = Pace::default();
        for (key, value) in changes {
            pace.step();
            match value {
                Some(value) => ingestion.write(key, value)?,
                None => ingestion.write_tombstone(key)?,
            }
        }
        Ok(ingestion.finish()?)
    }

    fn bytes(&self) -> u64 {
        self.keyspace.disk_space()
    }
}
