//! What is committed: head, state, entries and blobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::{Response, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;
use troupe_api::{ErrorCode, Info};
use troupe_chain::{Code, Hash};
use troupe_runtime::{Actor, Clock, Status, SystemClock};
use troupe_store::StoreError;

use super::commons;
use super::problem::Refusal;
use super::query::Query;
use super::redactions::{self, Manager};
use super::site::{Site, Target, blocking, view};

/// Entries in one answer, unless `limit` says less or more.
const DEFAULT_LIMIT: u64 = 1000;
/// The most entries in one answer.
const MAX_LIMIT: u64 = 10_000;
/// The most bytes of entries in one answer.
const MAX_BYTES: usize = 8 << 20;
/// How far the head may be ahead of the clock before the node is not ready, in milliseconds.
const MAX_AHEAD_MS: u64 = 60_000;

const JSON: &str = "application/json";
pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const BINARY: &str = "application/octet-stream";

pub(super) type Answer = Result<Response<Body>, Refusal>;

pub(super) async fn info(Target(actor): Target) -> Answer {
    json(StatusCode::OK, &info_of(&actor).await?)
}

/// What is told of an actor.
pub(super) async fn info_of(actor: &Actor) -> Result<Info, Refusal> {
    let view = view(actor).await?;
    let record = actor.record()?;
    let rules = &view.tip.rules;
    let component = match &rules.code {
        Code::Component(name) => name.to_string(),
        Code::Native(name) => name.to_string(),
    };
    let engine = rules.engine.iter().map(|(k, v)| (k.to_string(), v.to_string()));
    let limits = rules.limits.iter().map(|(k, v)| (k.to_string(), *v));
    let status = match record.status() {
        Status::Running | Status::Paused if view.tip.stopped => Status::Stopped,
        status => status,
    };
    Ok(Info {
        actor: view.tip.chain.to_string(),
        name: record.name().map(str::to_owned),
        status: status.as_str().to_owned(),
        component,
        world: rules.world.to_string(),
        head: view.tip.entry.to_string(),
        seq: view.tip.seq,
        state: Hash::of(&view.state).to_string(),
        engine: engine.collect::<BTreeMap<_, _>>(),
        limits: limits.collect(),
        grants: rules.grants.iter().map(ToString::to_string).collect(),
        parent: record.parent().map(|(parent, _)| parent.to_string()),
        successor: record.successor().map(|heir| heir.to_string()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

pub(super) async fn state(Target(actor): Target, manager: Manager) -> Answer {
    let view = view(&actor).await?;
    redactions::check(&actor, Hash::of(&view.state), true, &manager).await?;
    let headers = [
        ("troupe-entry", view.tip.entry.to_string()),
        ("troupe-seq", view.tip.seq.to_string()),
        ("troupe-state", Hash::of(&view.state).to_string()),
    ];
    Ok(bytes(view.state.clone(), None, &headers))
}

pub(super) async fn chain(Target(actor): Target, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["from", "limit"])?;
    let from = query.number("from")?.unwrap_or(0);
    let limit = query.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let view = view(&actor).await?;
    let (chain, last) = (view.tip.chain, view.tip.seq);
    let store = Arc::clone(actor.store());
    let (body, next) = blocking(move || {
        let mut body = Vec::new();
        let mut next = from;
        while next <= last && next - from < limit && body.len() < MAX_BYTES {
            let Some(entry) = store.entry(&chain, next)? else { break };
            body.extend_from_slice(&entry);
            body.push(b'\n');
            next += 1;
        }
        Ok::<_, StoreError>((body, next))
    })
    .await?;
    let mut headers = vec![("troupe-head", view.tip.entry.to_string()), ("troupe-seq", last.to_string())];
    if next <= last {
        headers.push(("troupe-next", next.to_string()));
    }
    Ok(bytes(body.into(), Some(NDJSON), &headers))
}

/// The last part of the path.
pub(super) type Key = Result<RawPathParams, RawPathParamsRejection>;

pub(super) fn key(params: Key) -> Result<String, Refusal> {
    let params = params.map_err(|error| Refusal::new(ErrorCode::BadQuery, error.body_text()))?;
    let last = params.iter().last().map(|(_, key)| key.to_owned());
    last.ok_or_else(|| Refusal::new(ErrorCode::BadQuery, "the path names nothing"))
}

pub(super) async fn entry(Target(actor): Target, path: Key) -> Answer {
    let key = key(path)?;
    let view = view(&actor).await?;
    let (chain, last) = (view.tip.chain, view.tip.seq);
    let store = Arc::clone(actor.store());
    let number = key.parse::<u64>().ok();
    let name = key.parse::<Hash>().ok();
    if number.is_none() && name.is_none() {
        let what = format!("`{key}` is neither a position nor a name of 64 lower-case hex digits");
        return Err(Refusal::new(ErrorCode::BadQuery, what));
    }
    let found = blocking(move || {
        let seq = match (name, number) {
            (Some(name), _) => store.find(&chain, &name)?,
            (None, number) => number,
        };
        match seq.filter(|seq| *seq <= last) {
            Some(seq) => store.entry(&chain, seq),
            None => Ok(None),
        }
    })
    .await?;
    let missing = || {
        Refusal::new(ErrorCode::NotFound, format!("the chain has no entry `{key}`; its last is at {last}"))
    };
    Ok(bytes(found.ok_or_else(missing)?, Some(JSON), &[]))
}

pub(super) async fn blob(Target(actor): Target, manager: Manager, path: Key) -> Answer {
    let bad = |error: troupe_chain::NotAName| Refusal::new(ErrorCode::BadQuery, error.to_string());
    let name: Hash = key(path)?.parse().map_err(bad)?;
    let chain = actor.id();
    let store = Arc::clone(actor.store());
    let found = blocking(move || match store.blob(&chain, &name)? {
        // What chains share is given out only as far as this one names it.
        None if troupe_runtime::names_shared(&*store, &chain, &name)? => Ok(store.shared(&name)?),
        found => Ok::<_, Refusal>(found),
    });
    let found = found.await?;
    redactions::check(&actor, name, found.is_some(), &manager).await?;
    match found {
        // Some names in the store are not hashes of what they name; those are nobody else's business.
        Some(blob) if Hash::of(&blob) == name => Ok(bytes(blob, None, &[])),
        _ => Err(Refusal::new(ErrorCode::NotFound, format!("this actor has no blob {name}"))),
    }
}

pub(super) async fn component(Target(actor): Target) -> Answer {
    let Code::Component(name) = view(&actor).await?.tip.rules.code else {
        return Err(Refusal::new(ErrorCode::NotFound, "the actor runs no component"));
    };
    let store = Arc::clone(actor.store());
    let missing = || Refusal::new(ErrorCode::Internal, format!("the component {name} is missing"));
    let code = blocking(move || store.shared(&name)).await?.ok_or_else(missing)?;
    Ok(bytes(code, Some("application/wasm"), &[("troupe-component", name.to_string())]))
}

/// Answers as long as the process serves at all.
pub(super) async fn healthz() -> Response<Body> {
    bytes(Bytes::from_static(b"ok\n"), Some(TEXT), &[])
}

/// Answers if a message would have a chance.
pub(super) async fn readyz(State(site): State<Arc<Site>>) -> Answer {
    ready(&site).await?;
    Ok(bytes(Bytes::from_static(b"ready\n"), Some(TEXT), &[]))
}

/// Whether a message would have a chance; if not, why.
pub(super) async fn ready(site: &Site) -> Result<(), Refusal> {
    let of_root = match &site.root {
        Some(root) => view(root).await?.tip.at.0,
        None => 0,
    };
    let not_ready = |what: String| Refusal::new(ErrorCode::Halted, what);
    let of_commons = commons::last_entry_at(site)
        .await
        .map_err(|refusal| not_ready(format!("the commons cannot be read: {}", refusal.problem().detail)))?;
    let last = of_root.max(of_commons.unwrap_or_default());
    let ahead = last.saturating_sub(SystemClock.now().0);
    if ahead > MAX_AHEAD_MS {
        return Err(not_ready(format!(
            "the last entry is {ahead} ms ahead of the clock: set the clock right"
        )));
    }
    let actors = &site.host.actors;
    if actors.is_full() {
        return Err(not_ready("the last message found no room in the store".into()));
    }
    let store = Arc::clone(actors.store());
    blocking(move || store.ready().map_err(|error| not_ready(error.to_string()))).await
}

pub(super) async fn openapi() -> Response<Body> {
    bytes(Bytes::from_static(troupe_api::OPENAPI.as_bytes()), Some(JSON), &[])
}

/// A value as the JSON body of an answer.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value);
    let body = body.map_err(|error| Refusal::new(ErrorCode::Internal, error.to_string()))?;
    let mut response = bytes(body.into(), Some(JSON), &[]);
    *response.status_mut() = status;
    Ok(response)
}

/// Bytes as they are; without a type given, JSON if they are JSON.
pub(super) fn bytes(
    body: Bytes,
    content_type: Option<&'static str>,
    headers: &[(&'static str, String)],
) -> Response<Body> {
    let content_type = content_type.unwrap_or_else(|| {
        let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&body).is_ok();
        if is_json { JSON } else { BINARY }
    });
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, content_type)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(body)).unwrap_or_default()
}
