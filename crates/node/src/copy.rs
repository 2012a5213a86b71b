//! Puts a history into a store, as `import` does, and whoever needs a state of a chain that is not in a store.
//!
//! Whether the history is a chain is for the caller to check first; what is put in is what was there.

use std::collections::HashSet;

use bytes::Bytes;
use troupe_chain::{Body, Entry, Hash, History};
use troupe_runtime::imported_redaction;
use troupe_store::{Append, CommitError, NewEntry, Store, StoreError};

/// Bytes after which a batch is stored.
const BATCH_BYTES: u64 = 8 << 20;

/// Why a history is not in a store.
#[derive(Debug, thiserror::Error)]
pub enum NotCopied {
    /// It is no chain.
    #[error("the entry at seq {seq}: {error}")]
    False {
        /// The position.
        seq: u64,
        /// What is wrong with the entry.
        error: troupe_chain::Malformed,
    },
    /// It has no entries.
    #[error("there are no entries")]
    Empty,
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] troupe_chain::Unreadable),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store took none of it, or not all.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Copies the entries up to and with `last`, and their blobs. `copied` is called with the position of each.
///
/// # Errors
/// [`NotCopied`]; what was put in until then stays.
pub fn copy<H: History>(
    history: &H,
    store: &dyn Store,
    last: u64,
    mut copied: impl FnMut(u64),
) -> Result<(), NotCopied>
where
    H::Bytes: Into<Bytes>,
{
    let mut batch: Option<Append> = None;
    let mut seen = HashSet::new();
    let mut changes = 0;
    let wanted = usize::try_from(last).map_or(usize::MAX, |last| last.saturating_add(1));
    for (seq, bytes) in (0..).zip(history.entries().take(wanted)) {
        let bytes: Bytes = bytes?.into();
        let entry = Entry::decode(&bytes).map_err(|error| NotCopied::False { seq, error })?;
        let new = NewEntry::new(seq, bytes);
        let append = batch.get_or_insert_with(|| Append {
            chain: new.name,
            expected: None,
            entries: Vec::new(),
            blobs: Vec::new(),
            rows: Vec::new(),
        });
        append.entries.push(new);
        copy_blobs(history, store, &entry, append, &mut seen)?;
        if let Body::Engine(_) | Body::Upgrade(_) = entry.body {
            changes += 1;
            append.blobs.push(troupe_runtime::rules_change_blob(changes, seq));
        }
        if append.payload_bytes() >= BATCH_BYTES {
            commit(store, append)?;
        }
        copied(seq);
    }
    match &mut batch {
        Some(append) if !append.entries.is_empty() => commit(store, append),
        Some(_) => Ok(()),
        None => Err(NotCopied::Empty),
    }
}

fn copy_blobs<H: History>(
    history: &H,
    store: &dyn Store,
    entry: &Entry,
    append: &mut Append,
    seen: &mut HashSet<(bool, Hash)>,
) -> Result<(), NotCopied>
where
    H::Bytes: Into<Bytes>,
{
    for (field, name) in entry.blobs() {
        // What several chains have in common belongs to none of them.
        let is_shared = Entry::is_shared(field);
        if !seen.insert((is_shared, name)) {
            continue;
        }
        let Some(blob) = history.blob(&name)? else {
            let redaction = history.redaction(&name)?;
            append
                .rows
                .extend(redaction.map(|redaction| imported_redaction(&append.chain, &name, &redaction)));
            continue;
        };
        if is_shared {
            store.put_shared(&name, blob.as_ref())?;
        } else {
            append.blobs.push((name, blob.into()));
        }
    }
    Ok(())
}

/// Stores what the batch holds and makes it ready for what follows.
fn commit(store: &dyn Store, append: &mut Append) -> Result<(), NotCopied> {
    store.commit(std::slice::from_ref(append))?;
    append.expected = append.entries.last().map(|entry| entry.name);
    append.entries.clear();
    append.blobs.clear();
    append.rows.clear();
    Ok(())
}
