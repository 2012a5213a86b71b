//! Whether something that a node has yet to do needs a blob of a chain.

use bytes::Bytes;
use troupe_chain::{Body, Hash};
use troupe_store::{Store, StoreError};

use super::Names;
use crate::effects::REPLY;
use crate::open::entry_of;
use crate::rows::{ANSWER, OUTBOX, TIMER, actor_key, read_effect_key};

/// How many rows are read at once.
const PAGE: usize = 1000;

/// Says what needs one of these blobs; `None` if nothing does.
pub(super) fn in_use(store: &dyn Store, chain: &Hash, names: &Names) -> Result<Option<String>, StoreError> {
    for kind in [OUTBOX, ANSWER, TIMER] {
        let prefix = actor_key(kind, chain);
        let mut after: Option<Bytes> = None;
        loop {
            let page = store.rows(&prefix, after.as_deref(), PAGE)?;
            for (key, _) in &page {
                if let Some(what) = needed_by(store, chain, kind, key, names)? {
                    return Ok(Some(what));
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => break,
            }
        }
    }
    Ok(None)
}

fn needed_by(
    store: &dyn Store,
    chain: &Hash,
    kind: u8,
    key: &[u8],
    names: &Names,
) -> Result<Option<String>, StoreError> {
    let Some((_, seq, n)) = read_effect_key(key) else { return Ok(None) };
    let Some((_, entry)) = entry_of(store, chain, seq)? else { return Ok(None) };
    if kind == ANSWER {
        let reply = match &entry.body {
            Body::Message(message) if n == REPLY => message.reply,
            _ => None,
        };
        let is_needed = reply.is_some_and(|name| names.contains_key(&name));
        return Ok(
            is_needed.then(|| format!("the reply of entry {seq} is on its way; try again once it is there"))
        );
    }
    let effect = entry.body.effects().get(n as usize);
    let is_needed = effect.is_some_and(|effect| effect.blobs().any(|(_, name)| names.contains_key(&name)));
    Ok(is_needed.then(|| match kind {
        TIMER => format!("timer {n} of entry {seq} brings them; let it go off, or let the actor cancel it"),
        _ => format!("effect {n} of entry {seq} is not done yet; try again once it is"),
    }))
}
