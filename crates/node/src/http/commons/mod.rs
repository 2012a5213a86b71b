//! The commons over HTTP: signed commands in, and what is committed out.
//!
//! Invariant: a command counts by its signature; whoever brings it has signed the request with the same key. A read shows
//! one committed state, however long it takes; walks through all records are on a thread that may block, and few at a time.

mod events;
mod metrics;
mod proof;
mod read;
mod receipts;
mod running;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use troupe_api::ErrorCode;
use troupe_commons::members::{self, Status};
use troupe_commons::{Charter, Message};
use troupe_identity::DidKey;
use troupe_runtime::Actor;

pub(super) use metrics::Counts;

use super::problem::Refusal;
use super::read::Answer;
use super::signed::SignedBy;
use super::site::{Site, blocking};
use super::{actors, body, message};
use crate::commons::{Committed, NAME};

/// The paths of the commons.
pub(super) fn routes(router: Router<Arc<Site>>) -> Router<Arc<Site>> {
    router
        .route("/commons", get(read::overview).post(command))
        .route("/commons/begin", post(begin))
        .route("/commons/members", get(read::members))
        .route("/commons/members/{member}", get(read::member))
        .route("/commons/accounts", get(read::accounts))
        .route("/commons/accounts/{account}", get(read::account))
        .route("/commons/holds", get(read::holds))
        .route("/commons/holds/{hold}", get(read::hold))
        .route("/commons/proposals", get(read::proposals))
        .route("/commons/proposals/{proposal}", get(read::proposal))
        .route("/commons/proposals/{proposal}/ballots", get(read::ballots))
        .route("/commons/jobs", get(read::jobs))
        .route("/commons/jobs/{job}", get(read::job))
        .route("/commons/jobs/{job}/events", get(events::events))
        .route("/commons/jobs/{job}/receipts", get(receipts::receipts))
        .route("/commons/parameters", get(read::parameters))
        .route("/commons/parameters/{parameter}", get(read::parameter))
        .route("/commons/reputation/{member}", get(read::reputation))
        .route("/commons/trust", get(read::trust))
        .route("/commons/proof", get(proof::proof))
}

/// The node's commons.
async fn find(site: &Site) -> Result<Actor, Refusal> {
    let host = site.host.clone();
    let none = || {
        let what = format!("this node has no commons: begin one with `troupe {NAME} begin CHARTER`");
        Refusal::new(ErrorCode::NotFound, what)
    };
    blocking(move || host.commons()).await?.ok_or_else(none)
}

/// The node's commons as it is committed.
async fn committed(site: &Site) -> Result<Committed, Refusal> {
    let view = super::site::view(&find(site).await?).await?;
    Committed::of(view).ok_or_else(not_at_hand)
}

fn not_at_hand() -> Refusal {
    Refusal::new(ErrorCode::Internal, "what the state of the commons names is not at hand")
}

/// The time of the last entry of the node's commons, all of whose state is at hand; none if it has no commons.
pub(super) async fn last_entry_at(site: &Site) -> Result<Option<u64>, Refusal> {
    let host = site.host.clone();
    let Some(actor) = blocking(move || host.commons()).await? else { return Ok(None) };
    // Reading one that is not in memory may take as long as a replay: whoever asks again meanwhile does not add to it.
    let _room = if actor.view_in_memory().is_none() { Some(site.walks.enter()?) } else { None };
    let view = super::site::view(&actor).await?;
    let at = view.tip.at.0;
    Committed::of(view).map(|_| Some(at)).ok_or_else(not_at_hand)
}

/// Whether a member of the node's commons acts with this key now. Where that cannot be told, it is nobody's.
pub(super) async fn is_member(site: &Site, key: &DidKey) -> bool {
    let did = key.to_string();
    let Ok(Committed { state, .. }) = committed(site).await else { return false };
    let member = members::of_key(&state, &did).and_then(|id| members::member(&state, id));
    member.is_some_and(|member| member.did == did && member.status != Status::Removed)
}

async fn begin(State(site): State<Arc<Site>>, SignedBy(by): SignedBy, request: Request<Body>) -> Answer {
    let charter: Charter = body::json(request).await?;
    let by = by.to_string();
    if !charter.founders.iter().any(|founder| founder.did == by) {
        return Err(Refusal::new(ErrorCode::Forbidden, format!("{by} is no founder: one of them signs")));
    }
    let new = site.host.prepare_commons(&charter)?;
    actors::created(&site.host.actors.start(new).await?).await
}

async fn command(
    State(site): State<Arc<Site>>,
    SignedBy(bringer): SignedBy,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let actor = find(&site).await?;
    let (request, body) = read_body(&actor, request).await?;
    // What cannot be read the machine refuses, and says why. What is due is anybody's to say.
    if let Ok(Message::Signed(signed)) = Message::read(&body)
        && signed.command.by != bringer.to_string()
    {
        let by = &signed.command.by;
        let what = format!("the request is signed by {bringer}, and its command is by {by}");
        return Err(Refusal::new(ErrorCode::Forbidden, what));
    }
    match message::send(&site, &actor, request).await {
        Ok(answer) => {
            site.counts.accept();
            Ok(answer)
        }
        // A refusal is `CODE: text`; the code is for programs.
        Err(refusal) if refusal.problem().code == ErrorCode::Rejected => {
            let code = refusal.problem().detail.split_once(": ").map(|(code, _)| code.to_owned());
            site.counts.refuse(code.as_deref().unwrap_or_default());
            Err(refusal.with_error(code))
        }
        Err(refusal) => Err(refusal),
    }
}

/// The body of a request, which stays as it is.
async fn read_body(actor: &Actor, request: Request<Body>) -> Result<(Request<Body>, Bytes), Refusal> {
    let (parts, body) = request.into_parts();
    let limit = message::max_message(actor).await?;
    let too_large = || format!("the commons takes messages of at most {limit} bytes");
    let whole = Request::from_parts(parts.clone(), body);
    let bytes = body::read(whole, limit, ErrorCode::NotAnObject, too_large).await?;
    Ok((Request::from_parts(parts, Body::from(bytes.clone())), bytes))
}
