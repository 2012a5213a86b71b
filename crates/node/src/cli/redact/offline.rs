//! Redaction of a store that no node has open.

use std::path::Path;

use troupe_api::{ListedRedaction, RedactActor, RedactedActor, RedactedPart};
use troupe_chain::{Hash, Text};
use troupe_runtime::{
    Clock, RedactError, RedactOrder, RedactWhat, Redacted, SystemClock, finish_redactions,
    redact as redact_chain, redact_by_name, redactions_of, view_of,
};
use troupe_store::Store;

use crate::cli::failure::{Failure, chain_of};
use crate::cli::place::open_chain;
use crate::cli::screen::Screen;
use crate::cli::verify;

/// How many rows are read at once.
const PAGE: usize = 1000;

fn redact_store(
    store: &dyn Store,
    chain: &Hash,
    screen: &Screen,
    asked: &RedactActor,
) -> Result<RedactedActor, Failure> {
    let (what, done) = match asked.r#do.as_str() {
        "erase" => (RedactWhat::Erase, "erased"),
        "withhold" => (RedactWhat::Withhold, "withheld"),
        _ => (RedactWhat::Release, "released"),
    };
    let reason = Text::new(asked.reason.clone().unwrap_or_default()).map_err(Failure::cannot)?;
    let (from, to) = (asked.from, asked.to.unwrap_or(asked.from));
    let by = "whoever has the store".to_owned();
    let order = RedactOrder { what, from, to, fields: asked.fields.clone(), reason, by };
    // What a node that was killed left half done comes first, as at a node's start.
    finish_redactions(store).map_err(refused)?;
    let machines = verify::machines(screen);
    let view = |chain: Hash| view_of(store, &chain, &machines);
    let first = redact_chain(store, chain, &|| view(*chain), &order, SystemClock.now()).map_err(refused)?;
    let Redacted { blobs, mut copies, mut bytes, snapshot, mut elsewhere } = first;
    let mut also = Vec::new();
    if asked.everywhere {
        let names: Vec<Hash> = blobs.iter().map(|(_, _, name)| *name).collect();
        for other in std::mem::take(&mut elsewhere) {
            let there = redact_by_name(store, &other, &|| view(other), &order, &names, SystemClock.now());
            let there = there.map_err(|error| refused(error).while_(other))?;
            copies += there.copies;
            bytes += there.bytes;
            also.push(other.to_string());
        }
    }
    let part =
        |(seq, field, name): (Option<u64>, String, Hash)| RedactedPart { name: name.to_string(), seq, field };
    Ok(RedactedActor {
        done: done.to_owned(),
        blobs: blobs.into_iter().map(part).collect(),
        copies,
        bytes,
        snapshot,
        also,
        elsewhere: elsewhere.iter().map(ToString::to_string).collect(),
    })
}

pub(super) fn redact(
    screen: &Screen,
    path: &Path,
    actor: Option<&str>,
    asked: &RedactActor,
) -> Result<RedactedActor, Failure> {
    let (store, history) = open_chain(path, actor)?;
    redact_store(&*store, &history.chain(), screen, asked)
}

fn refused(error: RedactError) -> Failure {
    let failure = Failure::cannot(chain_of(&error));
    match error {
        RedactError::CurrentState(_) => failure.help(
            "send a message that takes the data out of the state, then erase; or leave the state out: --message --reply …",
        ),
        _ => failure,
    }
}

/// What of a chain of a store was redacted.
pub(super) fn list(store: &dyn Store, chain: &Hash) -> Result<Vec<ListedRedaction>, Failure> {
    let mut listed = Vec::new();
    let mut after: Option<Hash> = None;
    loop {
        let page = redactions_of(store, chain, after.as_ref(), PAGE)?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|last| last.name);
        listed.extend(page.into_iter().map(|found| ListedRedaction {
            part: RedactedPart { name: found.name.to_string(), seq: found.seq, field: found.field },
            kind: found.redaction.kind.to_string(),
            at: found.redaction.at.0,
            reason: found.redaction.reason.to_string(),
            by: found.by,
        }));
        if is_last {
            return Ok(listed);
        }
    }
}
