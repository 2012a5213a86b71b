//! The history that a node hands out over HTTP, fetched once and then read from memory.
//!
//! Nothing in it is trusted: it is for `verify` to say whether it is a chain.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use troupe_api::{Blob, Client, ClientError, ErrorCode, Info, Problem};
use troupe_chain::{Hash, History, Redaction, RedactionKind, Text, Timestamp, Unreadable};

use super::failure::Failure;
use super::node::explain;
use super::progress;
use super::screen::Screen;

/// Entries asked for at once.
const PAGE: u64 = 10_000;
/// The most bytes of blobs that are kept, rather than fetched again when they are needed again.
const MAX_KEPT: usize = 512 << 20;

/// A chain at a running node, up to the head that it had when this was made.
pub(super) struct Remote {
    client: Client,
    head: Hash,
    seq: u64,
    entries: Mutex<Vec<Bytes>>,
    blobs: Mutex<Kept>,
    screen: Screen,
}

#[derive(Default)]
struct Kept {
    blobs: HashMap<Hash, Option<Bytes>>,
    bytes: usize,
    redactions: HashMap<Hash, Redaction>,
}

impl Remote {
    pub(super) fn new(client: Client, screen: &Screen) -> Result<Self, Failure> {
        let info = client.info().map_err(|error| explain_root(&client, &error))?;
        Self::at(client, &info, screen)
    }

    /// The chain of an actor that was looked up already.
    pub(super) fn at(client: Client, info: &Info, screen: &Screen) -> Result<Self, Failure> {
        let head = info.head.parse().map_err(Failure::cannot)?;
        let (entries, blobs) = (Mutex::default(), Mutex::default());
        Ok(Self { client, head, seq: info.seq, entries, blobs, screen: *screen })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Entries from a position on, up to and with another.
    pub(super) fn range(&self, from: u64, to: u64) -> Result<Vec<Bytes>, Failure> {
        let mut all: Vec<Bytes> = Vec::new();
        let bar = progress::bar(&self.screen, "fetching", Some((to + 1).saturating_sub(from)));
        while from + (all.len() as u64) <= to {
            let next = from + all.len() as u64;
            let page = self.client.entries(next, PAGE.min(to - next + 1))?.entries;
            if page.is_empty() {
                let what = format!(
                    "{} says that its last entry is at {to}, but gave none at {next}",
                    self.client.url()
                );
                return Err(Failure::cannot(what));
            }
            bar.inc(page.len() as u64);
            let wanted = usize::try_from(to - next + 1).unwrap_or(usize::MAX);
            all.extend(page.into_iter().take(wanted).map(Bytes::from));
        }
        bar.finish_and_clear();
        Ok(all)
    }

    /// All entries, fetched the first time.
    fn all(&self) -> Result<Vec<Bytes>, Unreadable> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.is_empty() {
            *entries = self.range(0, self.seq).map_err(|failure| Unreadable(failure.to_string()))?;
        }
        Ok(entries.clone())
    }
}

/// A node may have actors and none at its root.
fn explain_root(client: &Client, error: &ClientError) -> Failure {
    if let ClientError::Refused(_) = error {
        // Here an actor is wanted, by its URL: the client knows what to do.
        return match error.help() {
            Some(help) => Failure::cannot(error).help(help),
            None => Failure::cannot(error),
        };
    }
    let failure = explain(error);
    match error.problem() {
        Some(problem) if problem.code == ErrorCode::NotFound => {
            failure.help(format_args!("name an actor: --actor NAME, or {}/actors/NAME", client.url()))
        }
        _ => failure,
    }
}

impl History for Remote {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        self.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        let (entries, error) = match self.all() {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        entries.into_iter().map(Ok).chain(error.map(Err))
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        let mut kept = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blob) = kept.blobs.get(name) {
            return Ok(blob.clone());
        }
        let blob = match self.client.find_blob(name).map_err(|error| Unreadable(error.to_string()))? {
            Blob::Bytes(bytes) => Some(Bytes::from(bytes)),
            Blob::Redacted(problem) => {
                kept.redactions.insert(*name, redaction_of(&problem)?);
                None
            }
            Blob::Missing => None,
        };
        let size = blob.as_ref().map_or(0, Bytes::len);
        if kept.bytes + size <= MAX_KEPT {
            kept.bytes += size;
            kept.blobs.insert(*name, blob.clone());
        }
        Ok(blob)
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        if self.blob(name)?.is_some() {
            return Ok(None);
        }
        let kept = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.redactions.get(name).cloned())
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
