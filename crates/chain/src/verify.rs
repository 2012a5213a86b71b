//! The verifier: structure, then blobs, then replay and origins, in the order in which they must fail.
//!
//! Deliberately absent: the log and its checkpoints, and the provenance of senders, which a report counts as "not
//! checked": with other chains at hand, [`check_origin`](crate::check_origin) tells.

use crate::history::{History, Machines};
use crate::link::{Broken, LinkFault, Tip};
use crate::once::Once;
use crate::recorded::{check_blob, find_blob};
use crate::replay::Replayer;
use crate::verdict::{CannotCheck, NotVerified, Report};
use crate::{Body, Entry, Hash};

/// Checks a history in the order of `docs/spec/chain.md`: structure, blobs, replay.
///
/// `progress` is called with the position of each entry replayed.
///
/// # Errors
/// [`NotVerified`] with the first thing that is wrong.
pub fn verify<H: History, M: Machines>(
    history: &H,
    machines: &M,
    mut progress: impl FnMut(u64),
) -> Result<Report, NotVerified> {
    // One pass does all of it, so that every byte is read and hashed once. Only if something is wrong are the stages gone
    // through one by one, because a fault of an earlier stage comes first wherever it stands.
    replay_all(history, machines, &mut progress).or_else(|fault| {
        check_links(history)?;
        check_blobs(history)?;
        Err(fault)
    })
}

fn replay_all<H: History, M: Machines>(
    history: &H,
    machines: &M,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, NotVerified> {
    let head = history.head();
    let mut entries = history.entries();
    let genesis = entries.next().ok_or(CannotCheck::Empty)?.map_err(CannotCheck::from)?;
    let mut replayer = Replayer::begin(history, machines, genesis.as_ref())?;
    let mut once = Once::default();
    if let Ok(entry) = Entry::decode(genesis.as_ref()) {
        once.check(&entry).map_err(|what| NotVerified::Origin { seq: 0, what })?;
    }
    for bytes in entries {
        let bytes = bytes.map_err(CannotCheck::from)?;
        let seq = replayer.tip().seq + 1;
        let entry = replayer.step(bytes.as_ref(), |field, name| find_blob(history, seq, field, name))?;
        check_results(history, &entry, &replayer)?;
        once.check(&entry).map_err(|what| NotVerified::Origin { seq, what })?;
        progress(seq);
    }
    check_head(replayer.tip(), head)?;
    Ok(replayer.report())
}

/// Checks the blobs that the replay did not read: those it gave back must be what is found under their names, if
/// anything is.
pub(crate) fn check_results<H: History, M: Machines>(
    history: &H,
    entry: &Entry,
    replayer: &Replayer<'_, M>,
) -> Result<(), NotVerified> {
    let replayed = matches!(entry.body, Body::Message(_)) && !replayer.passed_over();
    for (field, name) in entry.blobs() {
        // A message that was replayed has been checked; one that was taken on trust goes the long way.
        if (replayed && field == "message") || !(history.has_results() || is_needed(field)) {
            continue;
        }
        check_found(history, entry.seq, field, name, |bytes| {
            field == "state" && replayed && bytes == replayer.state()
        })?;
    }
    Ok(())
}

/// Checks what is found under a blob's name: those bytes, or nothing where nothing need be.
fn check_found<H: History>(
    history: &H,
    seq: u64,
    field: &'static str,
    name: Hash,
    is_known: impl Fn(&[u8]) -> bool,
) -> Result<(), NotVerified> {
    match find_blob(history, seq, field, &name) {
        Ok(blob) if is_known(blob.as_ref()) => Ok(()),
        Ok(blob) => check_blob(seq, field, name, blob.as_ref()),
        Err(CannotCheck::Redacted { .. }) => Ok(()),
        Err(CannotCheck::MissingBlob { .. }) if !is_needed(field) => Ok(()),
        Err(why) => Err(why.into()),
    }
}

/// Checks that the entries form a chain that ends in the given head. Payloads are not looked at.
///
/// # Errors
/// [`NotVerified::Structure`] or [`NotVerified::Head`].
pub fn check_links<H: History>(history: &H) -> Result<Tip, NotVerified> {
    let head = history.head();
    let mut entries = history.entries().peekable();
    let genesis = entries.next().ok_or(CannotCheck::Empty)?.map_err(CannotCheck::from)?;
    let (mut tip, _) = Tip::check_genesis(genesis.as_ref())?;
    while let Some(bytes) = entries.next() {
        let bytes = bytes.map_err(CannotCheck::from)?;
        if let Err(broken) = tip.check(bytes.as_ref()) {
            let next = entries.peek().and_then(|next| next.as_ref().ok()).map(AsRef::as_ref);
            return Err(blame(broken, bytes.as_ref(), next, &tip, head).into());
        }
    }
    check_head(&tip, head)?;
    Ok(tip)
}

pub(crate) fn check_head(tip: &Tip, expected: Hash) -> Result<(), NotVerified> {
    if tip.entry == expected {
        return Ok(());
    }
    Err(NotVerified::Head { seq: tip.seq, expected, found: tip.entry })
}

/// Says which of two entries is the changed one when a parent does not match: if the later one is what the rest of the
/// history says it is, the earlier one is wrong.
fn blame(broken: Broken, bytes: &[u8], next: Option<&[u8]>, tip: &Tip, head: Hash) -> Broken {
    let LinkFault::Parent { found: Some(expected), .. } = broken.fault else { return broken };
    let name = Hash::of(bytes);
    let vouched = match next {
        Some(next) => Entry::decode(next).is_ok_and(|next| next.parent == Some(name)),
        None => name == head,
    };
    let says_seq = Entry::decode(bytes).is_ok_and(|entry| entry.seq == broken.seq);
    if vouched && says_seq {
        return Broken { seq: tip.seq, fault: LinkFault::Name { expected, found: tip.entry } };
    }
    broken
}

/// Checks that every blob that is there matches its name, and that every blob that the replay needs is there or was
/// redacted.
///
/// # Errors
/// [`NotVerified::Blob`] or [`CannotCheck::MissingBlob`].
pub fn check_blobs<H: History>(history: &H) -> Result<(), NotVerified> {
    for (seq, bytes) in (0..).zip(history.entries()) {
        let bytes = bytes.map_err(CannotCheck::from)?;
        let entry = Entry::decode(bytes.as_ref()).map_err(|fault| Broken { seq, fault: fault.into() })?;
        for (field, name) in entry.blobs() {
            if history.has_results() || is_needed(field) {
                check_found(history, seq, field, name, |_| false)?;
            }
        }
    }
    Ok(())
}

/// States, replies and what was sent come out of the replay; everything else goes into it.
fn is_needed(field: &str) -> bool {
    !matches!(field, "state" | "reply" | "effects.message" | "effects.config" | "calls.in")
}
