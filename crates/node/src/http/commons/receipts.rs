//! The receipts of a job, as their executors signed them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use troupe_chain::{Body, Entry, Hash};
use troupe_commons::jobs::{self, MAX_REPLICAS};
use troupe_commons::{Act, Id, Message, Signed};
use troupe_runtime::Actor;
use troupe_store::StoreError;

use super::{committed, find};
use crate::commons::view::Page;
use crate::http::problem::Refusal;
use crate::http::query::bad;
use crate::http::read::{Answer, Key, json, key};
use crate::http::site::{Site, blocking};

pub(super) async fn receipts(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let name = key(path)?;
    let id: Id = name.parse().map_err(|error| bad(format!("the id of a job: {error}")))?;
    let committed = committed(&site).await?;
    let missing =
        || Refusal::new(troupe_api::ErrorCode::NotFound, format!("the commons has no job `{name}`"));
    jobs::job(&committed.state, id).ok_or_else(missing)?;
    let actor = find(&site).await?;
    let _room = site.walks.enter()?;
    let last = committed.view.tip.seq;
    let items = blocking(move || walk(&actor, id, last)).await?;
    json(StatusCode::OK, &Page { items, next: None })
}

/// Goes from the end of the chain back to the job's submission, and picks up what was signed on the way.
fn walk(actor: &Actor, id: Id, last: u64) -> Result<Vec<Signed>, StoreError> {
    let mut found = Vec::new();
    for seq in (2..=last).rev() {
        let Some(bytes) = actor.store().entry(&actor.id(), seq)? else { continue };
        let Some((message, reply)) = Entry::decode(&bytes).ok().and_then(|entry| match entry.body {
            Body::Message(message) => Some((message.message, message.reply)),
            _ => None,
        }) else {
            continue;
        };
        let Some(message) = actor.store().blob(&actor.id(), &message)? else { continue };
        let Ok(Message::Signed(signed)) = Message::read(&message) else { continue };
        match &signed.command.act {
            Act::Receipt { job, .. } if *job == id => found.push(*signed),
            Act::Submit { .. } if submits(actor, reply, id)? => break,
            _ => {}
        }
        if found.len() as u64 >= MAX_REPLICAS {
            break;
        }
    }
    Ok(found)
}

/// Whether the reply of a submission names the job.
fn submits(actor: &Actor, reply: Option<Hash>, id: Id) -> Result<bool, StoreError> {
    let Some(reply) = reply else { return Ok(false) };
    let reply = actor.store().blob(&actor.id(), &reply)?;
    let name = id.to_string();
    Ok(reply.is_some_and(|reply| String::from_utf8_lossy(&reply).contains(&name)))
}
