//! The index of a real store: fjall, fed with sorted stretches that bypass its journal.
//!
//! Deliberately absent: fjall's own durability modes. A stretch is a table of its own or not there.

use std::path::Path;
use std::sync::Arc;

use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::{Failure, Index, Row};

/// Memory for blocks of the index: 64 MiB.
const CACHE_BYTES: u64 = 64 << 20;
/// Names are hashes, so each stretch overlaps all that is merged already, and a merge rewrites that too: merging
/// seldom costs a read a few more filters, and merging often most of the time of a core.
const TABLES_BEFORE_MERGE: u8 = 12;

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
        let options = || {
            KeyspaceCreateOptions::default()
                .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(TABLES_BEFORE_MERGE)))
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

    fn scan(&self, kind: u8, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Failure> {
        for guard in self.keyspace.prefix([kind]) {
            let (key, value) = guard.into_inner()?;
            visit(&key, &value);
        }
        Ok(())
    }

    fn ingest(&self, rows: &[Row]) -> Result<(), Failure> {
        let mut ingestion = self.keyspace.start_ingestion()?;
        for row in rows {
            ingestion.write(row.key(), row.value())?;
        }
        Ok(ingestion.finish()?)
    }

    fn bytes(&self) -> u64 {
        self.keyspace.disk_space()
    }
}
