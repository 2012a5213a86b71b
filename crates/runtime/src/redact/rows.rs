//! What a node remembers of the blobs that it does not hand out, or has erased: a row for each.
//!
//! Invariant: a row that says *erasing* is durable before the first byte is overwritten, and a start finishes it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use troupe_chain::{Hash, Redaction, RedactionKind, Text, Timestamp};
use troupe_store::{Row, Store, StoreError};

use crate::rows::{REDACTION, decode, get, put};

/// How far a redaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// The bytes are about to be overwritten.
    Erasing,
    /// The bytes are gone.
    Erased,
    /// The bytes are kept, and not handed out.
    Withheld,
}

/// The value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marked {
    pub(crate) stage: Stage,
    pub(crate) at: u64,
    pub(crate) seq: Option<u64>,
    pub(crate) field: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    /// A stored state from which the actor can be resumed without the bytes.
    pub(crate) snapshot: u64,
}

/// A blob that a node does not hand out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactedBlob {
    /// Its name.
    pub name: Hash,
    /// What became of it, when and why.
    pub redaction: Redaction,
    /// The entry that it was redacted of; `None` if it was found by its name alone.
    pub seq: Option<u64>,
    /// The field of that entry.
    pub field: String,
    /// Who asked for it, as far as the node knows.
    pub by: String,
}

impl Marked {
    pub(crate) fn redaction(&self) -> Redaction {
        let kind = match self.stage {
            Stage::Erasing | Stage::Erased => RedactionKind::Erased,
            Stage::Withheld => RedactionKind::Withheld,
        };
        let reason = Text::new(self.reason.clone()).or_else(|_| Text::new("-"));
        // A dash is a text, and a reason was one when the row was made.
        let reason = reason.unwrap_or_else(|_| unreachable!("a dash is a text"));
        Redaction { kind, at: Timestamp(self.at), reason }
    }

    fn into_blob(self, name: Hash) -> RedactedBlob {
        RedactedBlob { name, redaction: self.redaction(), seq: self.seq, field: self.field, by: self.by }
    }
}

pub(crate) fn key(chain: &Hash, name: &Hash) -> Bytes {
    [&[REDACTION][..], chain.as_bytes(), name.as_bytes()].concat().into()
}

pub(crate) fn row(chain: &Hash, name: &Hash, marked: &Marked) -> Row {
    put(key(chain, name), marked)
}

/// Reads [`key`].
pub(crate) fn read_key(key: &[u8]) -> Option<(Hash, Hash)> {
    let (chain, name) = key.get(1..)?.split_first_chunk::<32>()?;
    Some((Hash::from_bytes(*chain), Hash::from_bytes(name.try_into().ok()?)))
}

pub(crate) fn marked(store: &dyn Store, chain: &Hash, name: &Hash) -> Result<Option<Marked>, StoreError> {
    get(store, &key(chain, name))
}

/// What a store's node says of a blob of a chain; `None` if it was never redacted.
///
/// # Errors
/// [`StoreError`] if the row cannot be read.
pub fn redaction_of(store: &dyn Store, chain: &Hash, name: &Hash) -> Result<Option<Redaction>, StoreError> {
    Ok(marked(store, chain, name)?.map(|marked| marked.redaction()))
}

/// Lists the redacted blobs of a chain in the order of their names, from after one on, at most `limit`.
///
/// # Errors
/// [`StoreError`] if the rows cannot be read.
pub fn redactions_of(
    store: &dyn Store,
    chain: &Hash,
    after: Option<&Hash>,
    limit: usize,
) -> Result<Vec<RedactedBlob>, StoreError> {
    let prefix = [&[REDACTION][..], chain.as_bytes()].concat();
    let after = after.map(|name| key(chain, name));
    let rows = store.rows(&prefix, after.as_deref(), limit)?;
    let blob = |(key, value): (Bytes, Bytes)| {
        let marked: Marked = decode(&key, &value)?;
        Ok(read_key(&key).map(|(_, name)| marked.into_blob(name)))
    };
    rows.into_iter().filter_map(|row| blob(row).transpose()).collect()
}

/// Remembers what a bundle says of a blob, for a chain that is imported.
pub fn imported_redaction(chain: &Hash, name: &Hash, redaction: &Redaction) -> Row {
    // What is withheld elsewhere is not here.
    let marked = Marked {
        stage: match redaction.kind {
            RedactionKind::Erased => Stage::Erased,
            RedactionKind::Withheld => Stage::Withheld,
        },
        at: redaction.at.0,
        seq: None,
        field: String::new(),
        reason: redaction.reason.to_string(),
        by: "imported".to_owned(),
        snapshot: 0,
    };
    row(chain, name, &marked)
}
