//! The actors of a node: listed, begun, paused and ended.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Request, StatusCode, header};
use bytes::Bytes;
use troupe_api::{ActorList, ActorSummary, Nothing, StartActor, StopActor};
use troupe_chain::{Files, Hash, OnFailure, Supervision, Text};
use troupe_runtime::{Actor, Listed};

use super::body::{self, field};
use super::problem::Refusal;
use super::query::{Query, bad};
use super::read::{Answer, info_of, json};
use super::site::{Site, Target, blocking};
use crate::host::{ComponentSource, Start};
use troupe_manifest::Name;

/// Actors in one answer, unless `limit` says less or more.
const DEFAULT_LIMIT: u64 = 100;
/// The most actors in one answer.
const MAX_LIMIT: u64 = 1000;
/// Why an actor ends, if nobody says.
const ASKED: &str = "asked for over HTTP";

pub(super) async fn list(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["after", "limit", "all"])?;
    let limit = query.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let all = query.flag("all")?;
    let after = query.text("after").map(str::parse::<Hash>).transpose();
    let after = after.map_err(|error| bad(format!("`after`: {error}")))?;
    let actors = site.host.actors.clone();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // One more, to see whether there is one.
    let mut listed = blocking(move || actors.list(after, limit.saturating_add(1), all)).await?;
    let more = listed.len() > limit;
    listed.truncate(limit);
    let next = listed.last().filter(|_| more).map(|last| last.id.to_string());
    json(StatusCode::OK, &ActorList { actors: listed.iter().map(summary).collect(), next })
}

fn summary(listed: &Listed) -> ActorSummary {
    let (record, [handled, failed, fuel]) = (&listed.record, listed.counts);
    ActorSummary {
        actor: listed.id.to_string(),
        name: record.name().map(str::to_owned),
        status: record.status().as_str().to_owned(),
        seq: listed.seq,
        parent: record.parent().map(|(parent, _)| parent.to_string()),
        successor: record.successor().map(|heir| heir.to_string()),
        waiting: listed.waiting,
        handled,
        failed,
        fuel,
        restarts: record.restarts() as u64,
        loaded: listed.loaded,
    }
}

pub(super) async fn start(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer {
    let asked: StartActor = body::json(request).await?;
    let _room = site.loading.enter()?;
    let start = Start {
        component: ComponentSource::Stored(field("component", asked.component.parse())?),
        config: asked.config.map(|config| Bytes::from(config.get().to_owned())),
        limits: asked.limits.into_iter().collect(),
        grants: grants(asked.grants)?,
        files: Files::new(),
        name: asked.name.map(name).transpose()?,
        governed: asked.governed,
        supervision: asked.supervision.map(supervision).transpose()?.unwrap_or_default(),
    };
    let host = site.host.clone();
    let new = blocking(move || host.prepare(start)).await?;
    created(&site.host.actors.start(new).await?).await
}

/// The answer about an actor that was begun.
pub(super) async fn created(actor: &Actor) -> Answer {
    let info = info_of(actor).await?;
    let mut response = json(StatusCode::CREATED, &info)?;
    if let Ok(location) = HeaderValue::try_from(format!("/actors/{}", info.actor)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Reads the name of an actor that is to be begun.
pub(super) fn name(name: String) -> Result<Text, Refusal> {
    let name = field("name", Name::new(name))?;
    field("name", Text::new(name.as_str()))
}

pub(super) fn grants(grants: Vec<String>) -> Result<Vec<Text>, Refusal> {
    grants.into_iter().map(|grant| field("grants", Text::new(grant))).collect()
}

fn supervision(asked: troupe_api::Supervision) -> Result<Supervision, Refusal> {
    let usual = Supervision::default();
    let policy = |text: String| {
        let known: Vec<_> = OnFailure::ALL.iter().map(|policy| policy.as_str()).collect();
        let unknown = || format!("there is no policy `{text}`; there are {}", known.join(", "));
        field("supervision.on-failure", OnFailure::parse(&text).ok_or_else(unknown))
    };
    let number = |name: &str, asked: Option<u64>, usual: u64, least: u64| {
        let value = asked.unwrap_or(usual);
        let fits = (least..=troupe_chain::MAX_INTEGER).contains(&value);
        let unfit = || format!("must be from {least} to {}", troupe_chain::MAX_INTEGER);
        field(&format!("supervision.{name}"), fits.then_some(value).ok_or_else(unfit))
    };
    Ok(Supervision {
        on_failure: asked.on_failure.map(policy).transpose()?.unwrap_or(usual.on_failure),
        failures: number("failures", asked.failures, usual.failures, 1)?,
        within: number("within", asked.within, usual.within, 0)?,
        backoff: number("backoff", asked.backoff, usual.backoff, 0)?,
        max_backoff: number("max-backoff", asked.max_backoff, usual.max_backoff, 0)?,
        max_restarts: number("max-restarts", asked.max_restarts, usual.max_restarts, 0)?,
    })
}

/// Reads the reason for an end.
pub(super) fn reason(reason: Option<String>) -> Result<Text, Refusal> {
    field("reason", Text::new(reason.unwrap_or_else(|| ASKED.to_owned())))
}

pub(super) async fn stop(Target(actor): Target, request: Request<Body>) -> Answer {
    let asked: StopActor = body::json(request).await?;
    actor.stop(reason(asked.reason)?).await?;
    json(StatusCode::OK, &info_of(&actor).await?)
}

pub(super) async fn remove(Target(actor): Target) -> Answer {
    actor.remove(reason(None)?).await?;
    json(StatusCode::OK, &info_of(&actor).await?)
}

pub(super) async fn pause(Target(actor): Target, request: Request<Body>) -> Answer {
    let Nothing {} = body::json(request).await?;
    actor.pause().await?;
    json(StatusCode::OK, &info_of(&actor).await?)
}

pub(super) async fn resume(Target(actor): Target, request: Request<Body>) -> Answer {
    let Nothing {} = body::json(request).await?;
    actor.resume().await?;
    json(StatusCode::OK, &info_of(&actor).await?)
}
