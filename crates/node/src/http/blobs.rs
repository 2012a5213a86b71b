//! `GET /blobs`: what entries need to be run again, many blobs in one answer. Whoever verifies from afar would wait for each
//! of them otherwise.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::RawQuery;
use troupe_api::NeededBlobs;
use troupe_chain::{Entry, Hash};
use troupe_runtime::redaction_of;
use troupe_store::StoreError;

use super::query::Query;
use super::read::{Answer, BINARY, bytes};
use super::site::{Target, blocking, view};

/// Entries that one answer is about, unless `limit` says less or more.
const DEFAULT_LIMIT: u64 = 256;
/// The most entries that one answer is about.
const MAX_LIMIT: u64 = 1000;
/// The bytes after which an answer takes up no further entry.
const MAX_BYTES: usize = 8 << 20;
/// What a replay does not come to by itself.
const NEEDED: [&str; 2] = ["message", "calls.out"];

/// The messages and recorded answers of entries, each blob once. What is redacted or is not there is left out: asked for by
/// itself, it says why.
pub(super) async fn blobs(Target(actor): Target, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["from", "limit"])?;
    let (from, limit) = (query.number("from")?.unwrap_or(0), query.limit(DEFAULT_LIMIT, MAX_LIMIT)?);
    let view = view(&actor).await?;
    let (chain, last) = (view.tip.chain, view.tip.seq);
    let store = Arc::clone(actor.store());
    let (body, next) = blocking(move || {
        let (mut body, mut seen, mut next) = (Vec::new(), HashSet::new(), from);
        while next <= last && next - from < limit && body.len() < MAX_BYTES {
            let Some(entry) = store.entry(&chain, next)?.and_then(|entry| Entry::decode(&entry).ok()) else {
                break;
            };
            next += 1;
            for (field, name) in entry.blobs() {
                if !NEEDED.contains(&field) || !seen.insert(name) {
                    continue;
                }
                let blob = store.blob(&chain, &name)?.filter(|blob| Hash::of(blob) == name);
                if let Some(blob) = blob
                    && redaction_of(&*store, &chain, &name)?.is_none()
                {
                    NeededBlobs::write(&mut body, &name, &blob);
                }
            }
        }
        Ok::<_, StoreError>((body, next))
    })
    .await?;
    Ok(bytes(body.into(), Some(BINARY), &[("troupe-next", next.to_string())]))
}
