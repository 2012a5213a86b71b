//! What an actor says that it takes: shown as it says it, and used to say which part of a refused message is wrong.
//!
//! Invariant: a schema decides nothing. It is looked at once the actor has refused, and one that cannot be used is none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::value::RawValue;
use troupe_api::FieldProblem;
use troupe_chain::{Code, Hash, Machines};
use troupe_runtime::{Actor, SendError};
use troupe_schema::Description;

use super::problem::Refusal;
use super::read::{Answer, json};
use super::site::{Site, Target, blocking, view};

/// How many components are remembered with what they say; with one more, all are forgotten and asked again.
const MAX_DESCRIBED: usize = 256;

/// What components say, by their hashes.
#[derive(Default)]
pub(super) struct Described(Mutex<BTreeMap<Hash, Said>>);

/// What a component says, as text and as it can be used.
#[derive(Clone, Default)]
struct Said {
    text: Option<Arc<str>>,
    description: Option<Arc<Description>>,
}

pub(super) async fn schema(State(site): State<Arc<Site>>, Target(actor): Target) -> Answer {
    let said = said(&site, &actor).await?;
    let text = said.text.as_deref().unwrap_or("{}");
    let raw: &RawValue = serde_json::from_str(text).unwrap_or(RawValue::NULL);
    json(StatusCode::OK, &raw)
}

/// What is told of a message that came to nothing: of one that its contract refused, also which part does not fit the
/// actor's schema.
pub(super) async fn refusal(site: &Arc<Site>, actor: &Actor, message: Bytes, error: SendError) -> Refusal {
    let refused = matches!(error, SendError::Rejected(_));
    let refusal = Refusal::from(error);
    if refused { refusal.with_fields(fields(site, actor, message).await) } else { refusal }
}

/// What of a refused message does not fit the actor's schema; nothing if that cannot be told.
async fn fields(site: &Arc<Site>, actor: &Actor, message: Bytes) -> Vec<FieldProblem> {
    let Ok(Said { description: Some(description), .. }) = said(site, actor).await else { return Vec::new() };
    let problems = blocking(move || {
        let Some(schema) = &description.message else { return Ok(Vec::new()) };
        let value = serde_json::from_slice(&message).unwrap_or_default();
        Ok::<_, Refusal>(schema.problems(&value))
    });
    let problems = problems.await.unwrap_or_default();
    problems.into_iter().map(|one| FieldProblem { path: one.path, problem: one.problem }).collect()
}

async fn said(site: &Arc<Site>, actor: &Actor) -> Result<Said, Refusal> {
    let rules = Arc::clone(&view(actor).await?.tip.rules);
    let Code::Component(name) = rules.code else { return Ok(Said::default()) };
    let known = || site.described.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(said) = known().get(&name) {
        return Ok(said.clone());
    }
    let (sandbox, store) = (site.host.sandbox.clone(), Arc::clone(actor.store()));
    let said = blocking(move || {
        let code = store.shared(&name)?.unwrap_or_default();
        let files = troupe_runtime::files_of(&*store, &rules)?;
        let text = match sandbox.machine(&rules, &code, &files) {
            Ok(machine) => machine.description().ok().flatten().map(Arc::from),
            Err(_) => None,
        };
        let description = text.as_deref().and_then(|text| Description::parse(text).ok()).map(Arc::new);
        Ok::<_, Refusal>(Said { text, description })
    })
    .await?;
    let mut known = known();
    if known.len() >= MAX_DESCRIBED {
        known.clear();
    }
    known.insert(name, said.clone());
    Ok(said)
}
