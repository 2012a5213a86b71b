//! A chain's entries as they are committed, at the pace of whoever reads.
//!
//! Invariant: nobody waits for a reader. It is told that the chain has grown, and reads from the store when it can.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Entry, Hash};
use troupe_runtime::{Actor, Watch};

use super::problem::Refusal;
use super::site::{blocking, view};

/// The most entries that are read at once.
const MAX_ENTRIES: u64 = 256;
/// No more entries are read at once when they have so many bytes.
const MAX_BYTES: usize = 1 << 20;

/// The entries of a chain from a position on.
pub(super) struct Tail {
    actor: Actor,
    watch: Watch,
    next: u64,
    /// The last entry that is known to be committed.
    known: u64,
    ended: bool,
}

/// A committed entry.
pub(super) struct TailEntry {
    pub(super) seq: u64,
    pub(super) kind: &'static str,
    pub(super) name: Hash,
    pub(super) bytes: Bytes,
}

impl Tail {
    /// From a position on; without one, from the next entry on.
    pub(super) async fn new(actor: &Actor, from: Option<u64>) -> Result<Self, Refusal> {
        // Watched first: an entry between the two looks is told of.
        let watch = actor.watch(0);
        let view = view(actor).await?;
        let known = view.tip.seq;
        let next = from.unwrap_or(known + 1);
        let ended = view.tip.stopped && next > known;
        Ok(Self { actor: actor.clone(), watch, next, known, ended })
    }

    /// Whether no entry will follow.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Waits for entries; `None` if none will follow. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<TailEntry>>, Refusal> {
        loop {
            if self.ended {
                return Ok(None);
            }
            self.known = self.known.max(self.watch.seq());
            if self.next <= self.known {
                break;
            }
            if !self.watch.after(self.next - 1).await {
                return Ok(None);
            }
        }
        let (chain, store) = (self.actor.id(), Arc::clone(self.actor.store()));
        let (from, last) = (self.next, self.known);
        let entries = blocking(move || {
            let (mut entries, mut size) = (Vec::new(), 0);
            for seq in from..=last.min(from.saturating_add(MAX_ENTRIES - 1)) {
                let Some(bytes) = store.entry(&chain, seq)? else { break };
                size += bytes.len();
                entries.push(read(seq, bytes));
                if size >= MAX_BYTES {
                    break;
                }
            }
            Ok::<_, troupe_store::StoreError>(entries)
        })
        .await?;
        self.next = entries.last().map_or(last, |entry| entry.seq) + 1;
        self.ended = entries.last().is_some_and(|entry| entry.kind == "stop");
        Ok(Some(entries))
    }

    /// Looks at the chain's end itself, once in a while, in case it was not told of.
    pub(super) fn look(&mut self) {
        if let Some(view) = self.actor.view_in_memory() {
            self.known = self.known.max(view.tip.seq);
        }
    }
}

fn read(seq: u64, bytes: Bytes) -> TailEntry {
    // What the store holds was an entry when it was committed.
    let kind = Entry::decode(&bytes).map_or("entry", |entry| entry.body.kind());
    TailEntry { seq, kind, name: Hash::of(&bytes), bytes }
}
