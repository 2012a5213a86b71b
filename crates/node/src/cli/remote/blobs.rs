//! Blobs of a node's actor as a replay needs them: the messages and answers of many entries in one request, everything else
//! by itself, and all of it kept for as long as there is room.
//!
//! Nothing in it is trusted: it is for `verify` to say whether bytes are what they are named.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use troupe_api::{Blob, Client, ErrorCode, Problem};
use troupe_chain::{Entry, Hash, Redaction, RedactionKind, Text, Timestamp, Unreadable};

use super::{lock, patiently};

/// The most bytes of blobs that are kept; then all are let go, and fetched again where they are needed again.
const MAX_KEPT: usize = 512 << 20;
/// Of how many entries the blobs are asked for at once.
const BATCH: u64 = 256;

/// What was fetched.
#[derive(Default)]
pub(super) struct Blobs {
    kept: Mutex<Kept>,
    /// Which entry needs a blob to be run again; made when the first is needed.
    needed: OnceLock<HashMap<Hash, u64>>,
    /// The batches that were asked for, each by one thread.
    batches: Mutex<HashMap<u64, Arc<OnceLock<()>>>>,
}

#[derive(Default)]
struct Kept {
    blobs: HashMap<Hash, Option<Bytes>>,
    bytes: usize,
    redactions: HashMap<Hash, Redaction>,
}

impl Blobs {
    /// The bytes under a name, fetched unless they are here; `last` is the position of the last entry, and `entries` are all
    /// that were fetched.
    pub(super) fn get(
        &self,
        client: &Client,
        name: &Hash,
        last: u64,
        entries: impl FnOnce() -> Vec<Bytes>,
    ) -> Result<Option<Bytes>, Unreadable> {
        let known = || lock(&self.kept).blobs.get(name).cloned();
        if let Some(blob) = known() {
            return Ok(blob);
        }
        if let Some(seq) = self.needed_at(name, entries) {
            self.fetch_batch(client, seq / BATCH, last);
            if let Some(blob) = known() {
                return Ok(blob);
            }
        }
        // Without the lock: others fetch at the same time.
        let found = patiently(|| client.find_blob(name)).map_err(|error| Unreadable(error.to_string()))?;
        let (blob, redaction) = match found {
            Blob::Bytes(bytes) => (Some(Bytes::from(bytes)), None),
            Blob::Redacted(problem) => (None, Some(redaction_of(&problem)?)),
            Blob::Missing => (None, None),
        };
        let mut kept = lock(&self.kept);
        kept.redactions.extend(redaction.map(|redaction| (*name, redaction)));
        kept.keep(*name, blob.clone());
        Ok(blob)
    }

    /// What the node said of a blob that it did not hand out.
    pub(super) fn redaction(&self, name: &Hash) -> Option<Redaction> {
        lock(&self.kept).redactions.get(name).cloned()
    }

    /// The first entry that needs a blob to be run again, once entries were fetched.
    fn needed_at(&self, name: &Hash, entries: impl FnOnce() -> Vec<Bytes>) -> Option<u64> {
        let needed = match self.needed.get() {
            Some(needed) => needed,
            None => {
                let entries = entries();
                if entries.is_empty() {
                    return None;
                }
                self.needed.get_or_init(|| needed_of(&entries))
            }
        };
        needed.get(name).copied()
    }

    /// Asks for the blobs of many entries, once. What does not come of it is asked for by itself, with its reason.
    fn fetch_batch(&self, client: &Client, batch: u64, last: u64) {
        let once = Arc::clone(lock(&self.batches).entry(batch).or_default());
        once.get_or_init(|| {
            let mut next = batch * BATCH;
            while next < (batch + 1) * BATCH {
                let limit = (batch + 1) * BATCH - next;
                let Ok(Some(answer)) = patiently(|| client.needed_blobs(next, limit)) else { return };
                let mut kept = lock(&self.kept);
                for (name, bytes) in answer.blobs {
                    kept.keep(name, Some(bytes.into()));
                }
                if answer.next <= next {
                    return;
                }
                next = answer.next;
                if next > last {
                    return;
                }
            }
        });
    }
}

/// The first of the entries that needs each blob to be run again.
fn needed_of(entries: &[Bytes]) -> HashMap<Hash, u64> {
    let mut needed = HashMap::new();
    for entry in entries.iter().filter_map(|bytes| Entry::decode(bytes).ok()) {
        for (field, name) in entry.blobs() {
            if matches!(field, "message" | "calls.out") {
                needed.entry(name).or_insert(entry.seq);
            }
        }
    }
    needed
}

impl Kept {
    fn keep(&mut self, name: Hash, blob: Option<Bytes>) {
        let size = blob.as_ref().map_or(0, Bytes::len);
        if self.bytes + size > MAX_KEPT {
            self.blobs.clear();
            self.bytes = 0;
        }
        self.bytes += size;
        self.blobs.insert(name, blob);
    }
}

/// What a node says of a blob that it does not hand out.
fn redaction_of(problem: &Problem) -> Result<Redaction, Unreadable> {
    let kind = match problem.code {
        ErrorCode::Withheld => RedactionKind::Withheld,
        _ => RedactionKind::Erased,
    };
    let reason = Text::new(problem.detail.clone()).map_err(|error| {
        Unreadable(format!("the node says why a blob was {kind} in a way that it may not: {error}"))
    })?;
    Ok(Redaction { kind, at: Timestamp(problem.at.unwrap_or_default()), reason })
}
