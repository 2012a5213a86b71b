//! What changes an actor: other code or rules, a fork, a way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use serde_json::value::RawValue;
use troupe_api::{ErrorCode, ForkActor, Payload, RewindActor, UpgradeActor, Upgraded};
use troupe_chain::{Code, Files, Hash, Rules};
use troupe_component::{Grants, Limits};
use troupe_runtime::{Actor, View};

use super::actors::{created, grants, name, reason};
use super::body::{self, field};
use super::problem::Refusal;
use super::read::{Answer, info_of, json};
use super::site::{Site, Target, blocking, view};
use crate::host::Host;
use crate::rehearse::{NoRehearsal, rehearse};

/// How long a fork may take to be begun.
const BEGIN: Duration = Duration::from_secs(10);

pub(super) async fn upgrade(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    request: Request<Body>,
) -> Answer {
    let asked: UpgradeActor = body::json(request).await?;
    if asked.messages.is_some() && !asked.dry_run {
        return Err(Refusal::new(ErrorCode::BadBody, "`messages` is for a dry run: `dry-run` is not true"));
    }
    let (dry_run, messages) = (asked.dry_run, asked.messages.unwrap_or(u64::MAX));
    let current = view(&actor).await?;
    let host = site.host.clone();
    let room = site.loading.enter()?;
    let (rules, code) = blocking(move || rules(&host, &current, asked)).await?;
    drop(room);
    if dry_run {
        return dry(&site, actor, rules, messages).await;
    }
    let (host, asked, subject) = (site.host.clone(), rules.code.clone(), actor.clone());
    blocking(move || host.check_permitted(&subject, &asked)).await?;
    let upgraded = actor.upgrade(rules, code).await?;
    let state = raw(&upgraded.state)?;
    json(StatusCode::OK, &Upgraded { hash: upgraded.hash.to_string(), seq: upgraded.seq, state })
}

/// What is to hold from now on, and the component.
fn rules(host: &Host, current: &View, asked: UpgradeActor) -> Result<(Rules, Bytes), Refusal> {
    let old = &*current.tip.rules;
    let cannot = |error: String| Refusal::new(ErrorCode::CannotBegin, error);
    let component = match (asked.component, &old.code) {
        (Some(component), _) => field("component", component.parse::<Hash>())?,
        (None, Code::Component(name)) => *name,
        (None, Code::Native(_)) => return Err(cannot("the actor runs no component".into())),
    };
    let code = host.actors.store().shared(&component)?;
    let code = code.ok_or_else(|| cannot(format!("the node has no component {component}")))?;
    let mut limits = Limits::from_entry(&old.limits).map_err(|error| cannot(error.to_string()))?;
    for (name, value) in &asked.limits {
        limits.set(name, *value).map_err(|error| cannot(error.to_string()))?;
    }
    let mut granted = asked.grants.map(grants).transpose()?.unwrap_or_else(|| old.grants.clone());
    granted.sort();
    granted.dedup();
    let parsed = Grants::parse(&granted).map_err(|error| cannot(error.to_string()))?;
    host.keep_files(&granted, &Files::new())?;
    let machine = host.sandbox.load_granted(&code, &limits, &parsed);
    let world = machine.map_err(|error| cannot(error.to_string()))?.world().text();
    let (code_name, engine) = (Code::Component(component), host.sandbox.engine().clone());
    let rules = Rules { code: code_name, world, limits: limits.to_entry(), grants: granted, engine };
    Ok((rules, code))
}

async fn dry(site: &Site, actor: Actor, rules: Rules, messages: u64) -> Answer {
    let room = site.rehearsals.enter()?;
    let machines = site.host.machines();
    // A client that goes away takes its rehearsal along.
    let gone = Gone(Arc::default());
    let gone_there = Arc::clone(&gone.0);
    let told = blocking(move || {
        let _room = room;
        let chain = actor.id();
        rehearse(&**actor.store(), &chain, &machines, &rules, messages, &gone_there).map_err(|error| {
            match error {
                NoRehearsal::Abort(abort) => troupe_runtime::SendError::from(abort).into(),
                NoRehearsal::NoMachine(why) => Refusal::new(ErrorCode::CannotBegin, why),
                NoRehearsal::Redacted { redaction, .. } => super::redactions::refusal(&redaction),
                error => Refusal::new(ErrorCode::Internal, error.to_string()),
            }
        })
    })
    .await?;
    json(StatusCode::OK, &told)
}

/// Says that nobody waits any more.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) async fn fork(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    request: Request<Body>,
) -> Answer {
    let asked: ForkActor = body::json(request).await?;
    let name = asked.name.map(name).transpose()?;
    created(&actor.fork(asked.at, site.host.nonce()?, name).await?).await
}

pub(super) async fn rewind(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    request: Request<Body>,
) -> Answer {
    let asked: RewindActor = body::json(request).await?;
    let heir = actor.rewind(asked.to, reason(asked.reason)?).await?;
    let actors = &site.host.actors;
    // It is begun after the chain that it goes on from has ended.
    let mut watch = actors.watch(heir, 0);
    if actors.store().head(&heir)?.is_none() {
        let _ = tokio::time::timeout(BEGIN, watch.after(0)).await;
    }
    json(StatusCode::OK, &info_of(&actors.get(heir)?).await?)
}

/// Bytes as a JSON value.
pub(crate) fn raw(bytes: &[u8]) -> Result<Box<RawValue>, Refusal> {
    let mut text = Vec::with_capacity(bytes.len());
    Payload(bytes).write(&mut text);
    let text = String::from_utf8(text).unwrap_or_default();
    RawValue::from_string(text).map_err(|error| Refusal::new(ErrorCode::Internal, error.to_string()))
}
