//! Blobs by CID: put, taken and listed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{Request, StatusCode};
use troupe_api::{Blobs, ErrorCode, KeptBlob};
use troupe_chain::Cid;

use super::body;
use super::problem::Refusal;
use super::query::{Query, bad};
use super::read::{Answer, BINARY, Key, bytes, json, key};
use super::site::{Site, blocking};
use crate::dag::{DagError, Kept, MAX_BLOB_BYTES};

/// Blobs in one answer, unless `limit` says less or more.
const DEFAULT_LIMIT: u64 = 100;
/// The most blobs in one answer.
const MAX_LIMIT: u64 = 1000;

pub(super) async fn put(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer {
    let _room = site.loading.enter()?;
    let too_large = || DagError::TooLarge.to_string();
    let blob = body::read(request, MAX_BLOB_BYTES, ErrorCode::BadBody, too_large).await?;
    let dag = Arc::clone(&site.host.dag);
    let kept = blocking(move || dag.put(&blob)).await?;
    json(StatusCode::CREATED, &shown(&kept))
}

pub(super) async fn get(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let cid: Cid = key(path)?.parse().map_err(|error| bad(format!("{error}")))?;
    let dag = Arc::clone(&site.host.dag);
    let found = blocking(move || dag.get(&cid.0)).await?;
    let missing = || Refusal::new(ErrorCode::NotFound, format!("the node has no blob {cid}"));
    let headers = [("etag", format!("\"{cid}\"")), ("cache-control", "public, immutable".to_owned())];
    Ok(bytes(found.ok_or_else(missing)?, Some(BINARY), &headers))
}

pub(super) async fn list(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["after", "limit"])?;
    let limit = usize::try_from(query.limit(DEFAULT_LIMIT, MAX_LIMIT)?).unwrap_or(usize::MAX);
    let after = query.text("after").map(str::parse::<Cid>).transpose();
    let after = after.map_err(|error| bad(format!("`after`: {error}")))?;
    let dag = Arc::clone(&site.host.dag);
    // One more, to see whether there is one.
    let mut listed = blocking(move || dag.list(after.map(|cid| cid.0).as_ref(), limit + 1)).await?;
    let more = listed.len() > limit;
    listed.truncate(limit);
    let next = listed.last().filter(|_| more).map(|last| last.cid.to_string());
    json(StatusCode::OK, &Blobs { blobs: listed.iter().map(shown).collect(), next })
}

fn shown(kept: &Kept) -> KeptBlob {
    KeptBlob { at: kept.at.0, cid: kept.cid.to_string(), hash: kept.cid.0.to_string(), size: kept.size }
}
