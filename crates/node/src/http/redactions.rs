//! Payloads that are taken back: erased, withheld, released, and listed.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use troupe_api::{ErrorCode, ListedRedaction, RedactActor, RedactedActor, RedactedPart, Redactions};
use troupe_chain::{Hash, Redaction, RedactionKind};
use troupe_runtime::{
    Actor, RedactError, RedactOrder, RedactWhat, Redacted, RedactedBlob, redaction_of, redactions_of,
};

use super::actors::reason;
use super::body::{self, field};
use super::problem::Refusal;
use super::query::Query;
use super::read::{Answer, json};
use super::server::Peer;
use super::site::{Site, Target, blocking};
use crate::access::{Asked, Scope, Who};

/// Redactions in one answer, unless `limit` says less or more.
const DEFAULT_LIMIT: u64 = 1000;
/// The most redactions in one answer.
const MAX_LIMIT: u64 = 10_000;

/// Who asks, if whoever it is may do everything: then nothing is withheld.
pub(super) struct Manager(pub(super) Option<String>);

impl FromRequestParts<Arc<Site>> for Manager {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Infallible> {
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let peer = parts.extensions.get::<Peer>().map_or(unknown, |peer| peer.0.ip());
        let Some(policy) = &site.policy else { return Ok(Self(Some("anyone".to_owned()))) };
        let asked = Asked::of_parts(peer, &parts.uri, &parts.headers);
        let who = policy.authorize(&asked, Scope::Manage).ok();
        Ok(Self(who.map(|who| match who {
            Who::Token(id) => format!("token {id}"),
            Who::Local => "this machine".to_owned(),
            Who::Anyone => "anyone".to_owned(),
        })))
    }
}

/// What a client gets to read of a redaction.
pub(super) fn refusal(redaction: &Redaction) -> Refusal {
    let code = match redaction.kind {
        RedactionKind::Erased => ErrorCode::Erased,
        RedactionKind::Withheld => ErrorCode::Withheld,
    };
    Refusal::new(code, redaction.reason.to_string()).with_at(redaction.at.0)
}

/// Says why a blob is not handed out, if it is not: it was erased and did not come again, or it is withheld from whoever
/// asks.
pub(super) async fn check(
    actor: &Actor,
    name: Hash,
    is_there: bool,
    manager: &Manager,
) -> Result<(), Refusal> {
    let (store, chain) = (Arc::clone(actor.store()), actor.id());
    let redaction = blocking(move || redaction_of(&*store, &chain, &name)).await?;
    match redaction {
        Some(redaction) if !is_there => Err(refusal(&redaction)),
        Some(redaction) if redaction.kind == RedactionKind::Withheld && manager.0.is_none() => {
            Err(refusal(&redaction))
        }
        _ => Ok(()),
    }
}

pub(super) async fn list(Target(actor): Target, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["after", "limit"])?;
    let limit = query.limit(DEFAULT_LIMIT, MAX_LIMIT)? as usize;
    let bad = |error: troupe_chain::NotAName| Refusal::new(ErrorCode::BadQuery, error.to_string());
    let after = query.text("after").map(|name| name.parse::<Hash>().map_err(bad)).transpose()?;
    let (store, chain) = (Arc::clone(actor.store()), actor.id());
    let found = blocking(move || redactions_of(&*store, &chain, after.as_ref(), limit)).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.name.to_string());
    let listed = |found: RedactedBlob| ListedRedaction {
        part: RedactedPart { name: found.name.to_string(), seq: found.seq, field: found.field },
        kind: found.redaction.kind.to_string(),
        at: found.redaction.at.0,
        reason: found.redaction.reason.to_string(),
        by: found.by,
    };
    json(StatusCode::OK, &Redactions { redactions: found.into_iter().map(listed).collect(), next })
}

pub(super) async fn redact(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    manager: Manager,
    request: Request<Body>,
) -> Answer {
    let asked: RedactActor = body::json(request).await?;
    let (what, done) = match asked.r#do.as_str() {
        "erase" => (RedactWhat::Erase, "erased"),
        "withhold" => (RedactWhat::Withhold, "withheld"),
        "release" => (RedactWhat::Release, "released"),
        other => {
            let what = format!("there is no `{other}`; there are erase, withhold and release");
            return field("do", Err(what));
        }
    };
    if asked.everywhere && what != RedactWhat::Erase {
        return field("everywhere", Err("only what is erased is looked for in other actors"));
    }
    let order = RedactOrder {
        what,
        from: asked.from,
        to: asked.to.unwrap_or(asked.from),
        fields: asked.fields,
        reason: reason(asked.reason)?,
        by: manager.0.unwrap_or_default(),
    };
    // Each reads all that the store holds.
    let room = site.loading.enter()?;
    let host = site.host.clone();
    let told = blocking(move || {
        let _room = room;
        let first = actor.redact(&order)?;
        let mut told = told(done, &first);
        if what == RedactWhat::Erase {
            // What an actor said then may repeat what it was told.
            host.logs.forget(&actor.id(), order.from, order.to);
        }
        if asked.everywhere {
            let names: Vec<Hash> = first.blobs.iter().map(|(_, _, name)| *name).collect();
            told.elsewhere.clear();
            for other in &first.elsewhere {
                let there = host.actors.get(*other).map_err(Refusal::from)?;
                let also = there.redact_by_name(&order, &names)?;
                told.also.push(other.to_string());
                told.copies += also.copies;
                told.bytes += also.bytes;
            }
        }
        Ok::<_, Refusal>(told)
    })
    .await?;
    json(StatusCode::OK, &told)
}

fn told(done: &str, redacted: &Redacted) -> RedactedActor {
    let part = |(seq, field, name): &(Option<u64>, String, Hash)| RedactedPart {
        name: name.to_string(),
        seq: *seq,
        field: field.clone(),
    };
    RedactedActor {
        done: done.to_owned(),
        blobs: redacted.blobs.iter().map(part).collect(),
        copies: redacted.copies,
        bytes: redacted.bytes,
        snapshot: redacted.snapshot,
        also: Vec::new(),
        elsewhere: redacted.elsewhere.iter().map(ToString::to_string).collect(),
    }
}

impl From<RedactError> for Refusal {
    fn from(error: RedactError) -> Self {
        let code = match &error {
            RedactError::Order(_)
            | RedactError::Nothing { .. }
            | RedactError::CurrentState(_)
            | RedactError::UnderWay(_) => ErrorCode::CannotRedact,
            RedactError::Busy => ErrorCode::Busy,
            RedactError::Open(_) | RedactError::Store(_) | RedactError::Commit(_) => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}
