//! What the embedded store answers, and how it erases.
//!
//! Invariant: an erasure overwrites blobs while nobody writes and nobody reads one; heads, entries and rows are read all the
//! while.

use std::collections::HashSet;
use std::sync::PoisonError;

use bytes::Bytes;
use troupe_chain::Hash;

use super::{Embedded, chain_of};
use crate::index;
use crate::log::erase::Plan;
use crate::log::{End, frame};
use crate::overlay::Key;
use crate::rows::{self, Range};
use crate::{Append, CommitError, Erased, Head, Store, StoreError, Usage};

/// What is left of the last segment must at least take a few large messages.
const ROOM: u64 = 8 << 20;

impl Store for Embedded {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        self.commit_batch(batch).map(drop)
    }

    fn head(&self, chain: &Hash) -> Result<Option<Head>, StoreError> {
        self.read_head(chain)
    }

    fn chains(&self) -> Result<Vec<(Hash, Head)>, StoreError> {
        // The overlay first: what leaves it meanwhile is in the index by then.
        let recent: Vec<(Hash, Head)> = {
            let overlay = self.overlay.read().unwrap_or_else(PoisonError::into_inner);
            let sealed = overlay.sealed.iter().flat_map(|layer| layer.heads.iter());
            sealed.chain(overlay.active.heads.iter()).map(|(chain, head)| (*chain, *head)).collect()
        };
        let mut heads = index::heads(&*self.index)?;
        for (chain, head) in recent {
            let known = heads.entry(chain).or_insert(head);
            if known.seq < head.seq {
                *known = head;
            }
        }
        Ok(heads.into_iter().collect())
    }

    fn entry(&self, chain: &Hash, seq: u64) -> Result<Option<Bytes>, StoreError> {
        let is_it = |head: &frame::Head, item: u32| {
            head.chain == *chain && item < head.entries && head.seq + u64::from(item) == seq
        };
        let Some((frame, item)) = self.find_item(&Key::seq(chain, seq), is_it)? else { return Ok(None) };
        frame.item(item)
    }

    fn find(&self, chain: &Hash, name: &Hash) -> Result<Option<u64>, StoreError> {
        let is_it = |head: &frame::Head, item: u32| item < head.entries && head.names(chain, item, name);
        let found = self.find_item(&Key::entry(chain, name), is_it)?;
        Ok(found.map(|(frame, item)| frame.head.seq + u64::from(item)))
    }

    fn blob(&self, chain: &Hash, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        let is_it = |head: &frame::Head, item: u32| item >= head.entries && head.names(chain, item, name);
        let _whole = self.erasing.read().unwrap_or_else(PoisonError::into_inner);
        let Some((frame, item)) = self.find_item(&Key::blob(chain, name), is_it)? else { return Ok(None) };
        frame.item(item)
    }

    fn erase(
        &self,
        chain: &Hash,
        names: &[Hash],
        allow: &dyn Fn() -> bool,
    ) -> Result<Option<Erased>, StoreError> {
        let names: HashSet<Hash> = names.iter().copied().collect();
        let mut plan = Plan::default();
        let _one = self.one_erasure.lock().unwrap_or_else(PoisonError::into_inner);
        // Commits go on while most of the log is read.
        let before = self.writer().end().at;
        plan.extend(&self.reader, (End::START.at, before), chain, &names)?;
        let writer = self.writer();
        plan.extend(&self.reader, (before, writer.end().at), chain, &names)?;
        self.still_writes()?;
        if !allow() {
            return Ok(None);
        }
        // What the overlay knows is not written again, and an erased blob that comes again must be.
        self.index_all();
        self.still_writes()?;
        let written = {
            let _alone = self.erasing.write().unwrap_or_else(PoisonError::into_inner);
            plan.carry_out(&self.disk)
        };
        if let Err(error) = written {
            _ = self.halted.set(format!("erasing failed ({})", chain_of(&error)));
            return Err(error);
        }
        drop(writer);
        let elsewhere = plan.elsewhere.iter().copied().collect();
        Ok(Some(Erased { copies: plan.copies(), bytes: plan.bytes, elsewhere }))
    }

    fn row(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let recent = self.overlay.read().unwrap_or_else(PoisonError::into_inner).row(key);
        recent.map_or_else(|| index::row(&*self.index, key), Ok)
    }

    fn rows(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        let range = Range { prefix, after };
        let (recent, known) = {
            // Nothing leaves the overlay before the walk begins, so both are of one moment.
            let overlay = self.overlay.read().unwrap_or_else(PoisonError::into_inner);
            (overlay.rows(range), index::rows(&*self.index, range))
        };
        rows::merge(recent, known, limit)
    }

    fn put_shared(&self, name: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        self.shared.put(name, bytes)
    }

    fn shared(&self, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        self.shared.get(name)
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        let (log_bytes, rest) = *self.log_bytes();
        Ok(Usage {
            log_bytes,
            reserved_bytes: rest + self.spare.bytes(),
            index_bytes: self.index.bytes(),
            shared_bytes: self.shared.bytes(),
        })
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.still_writes()?;
        let (_, rest) = *self.log_bytes();
        let segment = self.options.segment_bytes;
        if rest >= ROOM.min(segment / 2) || self.spare.bytes() > 0 {
            return Ok(());
        }
        let free = self.disk.free();
        let failed = |source| StoreError::Io {
            action: "asking for the free space of",
            path: self.disk.describe(""),
            source,
        };
        let free = free.map_err(failed)?;
        if free < segment { Err(StoreError::Full { needed: segment, free }) } else { Ok(()) }
    }
}
