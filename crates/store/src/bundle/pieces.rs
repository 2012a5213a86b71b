//! A history piece by piece, in the order in which a bundle holds it: each entry, then the blobs that it is the first
//! to name.
//!
//! The invariant: what comes out is linked and is what its name says, whatever it was read from.

use std::collections::{HashSet, VecDeque};

use troupe_chain::{CannotCheck, Entry, Hash, History, NotVerified, Tip, Unreadable};

use super::redactions::Redactions;
use super::{BundleError, Fault};

/// A part of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<B> {
    /// An entry.
    Entry {
        /// Its position in the chain.
        seq: u64,
        /// Its name.
        name: Hash,
        /// Its canonical bytes.
        bytes: B,
    },
    /// A blob.
    Blob {
        /// The first entry that names it.
        seq: u64,
        /// The field that does.
        field: &'static str,
        /// Its name.
        name: Hash,
        /// Its bytes.
        bytes: B,
    },
}

/// Hands out everything that a history holds, checked: each entry followed by the blobs that it is the first to name.
/// Blobs that are not there are left out. The first error is the last item.
pub fn pieces<H: History>(history: &H) -> impl Iterator<Item = Result<Piece<H::Bytes>, NotVerified>> {
    Pieces::new(history, false)
}

pub(super) struct Pieces<'h, H, I> {
    history: &'h H,
    head: Hash,
    entries: I,
    tip: Option<Tip>,
    pending: VecDeque<(&'static str, Hash)>,
    seen: HashSet<Hash>,
    /// Whether a blob that is an entry's bytes as well is left out.
    skip_entries: bool,
    missing: u64,
    redactions: Redactions,
    is_done: bool,
}

impl<'h, H: History> Pieces<'h, H, ()> {
    /// Begins; with `skip_entries`, a blob that is an earlier entry's bytes as well is left out.
    pub(super) fn new(
        history: &'h H,
        skip_entries: bool,
    ) -> Pieces<'h, H, impl Iterator<Item = Result<H::Bytes, Unreadable>>> {
        Pieces {
            history,
            head: history.head(),
            entries: history.entries(),
            tip: None,
            pending: VecDeque::new(),
            seen: HashSet::new(),
            skip_entries,
            missing: 0,
            redactions: Redactions::new(),
            is_done: false,
        }
    }
}

impl<H: History, I: Iterator<Item = Result<H::Bytes, Unreadable>>> Pieces<'_, H, I> {
    /// The end of what has been handed out.
    pub(super) fn tip(&self) -> Option<&Tip> {
        self.tip.as_ref()
    }

    /// How many named blobs were not there.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// What the history says of them.
    pub(super) fn redactions(&self) -> &Redactions {
        &self.redactions
    }

    fn step(&mut self) -> Result<Option<Piece<H::Bytes>>, NotVerified> {
        while let (Some((field, name)), Some(tip)) = (self.pending.pop_front(), &self.tip) {
            if !self.seen.insert(name) {
                continue;
            }
            let seq = tip.seq;
            let Some(bytes) = self.history.blob(&name).map_err(CannotCheck::from)? else {
                self.missing += 1;
                let redaction = self.history.redaction(&name).map_err(CannotCheck::from)?;
                self.redactions.extend(redaction.map(|redaction| (name, redaction)));
                continue;
            };
            let found = Hash::of(bytes.as_ref());
            if found != name {
                return Err(NotVerified::Blob { seq, field, name, found });
            }
            return Ok(Some(Piece::Blob { seq, field, name, bytes }));
        }
        match (self.entries.next().transpose().map_err(CannotCheck::from)?, &mut self.tip) {
            (Some(bytes), tip) => {
                let (name, entry) = check_next(tip, bytes.as_ref())?;
                if self.skip_entries {
                    self.seen.insert(name);
                }
                self.pending.extend(entry.blobs());
                Ok(Some(Piece::Entry { seq: entry.seq, name, bytes }))
            }
            (None, Some(tip)) if tip.entry == self.head => Ok(None),
            (None, Some(tip)) => {
                Err(NotVerified::Head { seq: tip.seq, expected: self.head, found: tip.entry })
            }
            (None, None) => Err(CannotCheck::Empty.into()),
        }
    }
}

impl<H: History, I: Iterator<Item = Result<H::Bytes, Unreadable>>> Iterator for Pieces<'_, H, I> {
    type Item = Result<Piece<H::Bytes>, NotVerified>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let item = self.step().transpose();
        self.is_done = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Checks that `bytes` follow `tip`, or are a genesis where there is none, and moves on.
pub(super) fn check_next(tip: &mut Option<Tip>, bytes: &[u8]) -> Result<(Hash, Entry), NotVerified> {
    match tip {
        Some(tip) => Ok(tip.check(bytes)?),
        None => {
            let (start, linked) = Tip::check_genesis(bytes)?;
            *tip = Some(start);
            Ok((linked.name, linked.entry))
        }
    }
}

/// Checks that every one of the blobs `held` beside a history is named by one of its entries. Returns how many blobs
/// are named and not held.
///
/// # Errors
/// [`Fault::Unreached`] with a name that no entry names; [`BundleError::Chain`] if an entry cannot be read.
pub fn check_reach<H: History>(
    history: &H,
    held: impl IntoIterator<Item = Hash>,
) -> Result<u64, BundleError> {
    let mut left: HashSet<Hash> = held.into_iter().collect();
    let all = left.clone();
    let mut missing = HashSet::new();
    let mut last = 0;
    for (seq, bytes) in (0..).zip(history.entries()) {
        let bytes = bytes.map_err(CannotCheck::from)?;
        let entry = Entry::decode(bytes.as_ref())
            .map_err(|fault| NotVerified::from(troupe_chain::Broken { seq, fault: fault.into() }))?;
        for (_, name) in entry.blobs() {
            left.remove(&name);
            if !all.contains(&name) {
                missing.insert(name);
            }
        }
        last = seq;
    }
    match left.into_iter().min() {
        Some(name) => Err(Fault::Unreached { seq: last, name }.into()),
        None => Ok(missing.len() as u64),
    }
}
