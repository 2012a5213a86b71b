//! What a commons has committed: members, accounts, holds, proposals, jobs, parameters, reputation and trust.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use troupe_api::ErrorCode;
use troupe_commons::mana::{self, Owner};
use troupe_commons::members::{Member, active_members};
use troupe_commons::parameters::Parameter;
use troupe_commons::trust::Context;
use troupe_commons::{Charter, Id, MACHINE, governance, jobs as job_records, reputation as scores};

use super::{committed, find};
use crate::commons::view::{
    self, AccountView, HoldView, JobView, MemberView, Overview, Page, ParameterView, ProposalView,
    ReputationView, TrustView,
};
use crate::commons::{Committed, NotedJob};
use crate::executor::run;
use crate::http::problem::Refusal;
use crate::http::query::{Query, bad};
use crate::http::read::{Answer, Key, json, key};
use crate::http::site::{Site, blocking};

/// Records in one answer, unless `limit` says less or more.
const DEFAULT_LIMIT: u64 = 100;
/// The most records in one answer.
const MAX_LIMIT: u64 = 1000;

/// What a request is about: the site, and the commons as it is committed now.
struct Looked {
    committed: Committed,
    /// The time that balances are told for: not before the last entry.
    at: u64,
}

async fn look(site: &Site) -> Result<Looked, Refusal> {
    let committed = committed(site).await?;
    let now = site.host.actors.options().clock.now();
    Ok(Looked { at: now.0.max(committed.view.tip.at.0), committed })
}

/// A page, and what it is a page of.
#[derive(Serialize)]
struct Listed<T> {
    #[serde(flatten)]
    page: Page<T>,
    /// The position of the entry after which it was so.
    seq: u64,
    /// The time that balances are told for.
    at: u64,
}

impl<T> Listed<T> {
    fn new(page: Page<T>, looked: &Looked) -> Self {
        Self { page, seq: looked.committed.view.tip.seq, at: looked.at }
    }
}

pub(super) fn missing(what: &str, name: &str) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("the commons has no {what} `{name}`"))
}

pub(super) fn id(what: &str, text: &str) -> Result<Id, Refusal> {
    text.parse().map_err(|error| bad(format!("the id of a {what}: {error}")))
}

fn find_member(looked: &Looked, id_or_did: &str) -> Result<(Id, Member), Refusal> {
    view::find_member(&looked.committed.state, id_or_did).ok_or_else(|| missing("member", id_or_did))
}

/// Answers with a page; to make it, all keys are looked at.
async fn page<T: Serialize + Send + 'static>(
    site: &Site,
    query: Option<&str>,
    make: impl FnOnce(&Looked, Option<&str>, usize) -> Page<T> + Send + 'static,
) -> Answer {
    let query = Query::parse(query, &["after", "limit"])?;
    let limit = usize::try_from(query.limit(DEFAULT_LIMIT, MAX_LIMIT)?).unwrap_or(usize::MAX);
    let after = query.text("after").map(str::to_owned);
    let looked = look(site).await?;
    let _room = site.walks.enter()?;
    let make = move || Ok::<_, Refusal>(Listed::new(make(&looked, after.as_deref(), limit), &looked));
    json(StatusCode::OK, &blocking(make).await?)
}

pub(super) async fn overview(State(site): State<Arc<Site>>) -> Answer {
    let actor = find(&site).await?;
    let name = blocking(move || {
        let config = actor.genesis()?.config;
        let bytes = config.map(|name| actor.store().shared(&name)).transpose()?.flatten();
        let charter = bytes.and_then(|bytes| troupe_commons::from_bytes::<Charter>(&bytes).ok());
        Ok::<_, Refusal>(charter.map(|charter| charter.name).unwrap_or_default())
    })
    .await?;
    let Looked { committed: Committed { view, state }, at } = look(&site).await?;
    let balance = |owner| mana::account(&state, owner, at).balance;
    let overview = Overview {
        chain: view.tip.chain.to_string(),
        name,
        machine: MACHINE.to_owned(),
        head: view.tip.entry.to_string(),
        seq: view.tip.seq,
        at: view.tip.at.0,
        root: state.root().to_string(),
        active: active_members(&state),
        frozen: governance::is_frozen(&state),
        issued: balance(Owner::Issuance),
        fees: balance(Owner::Fees),
        escrow: balance(Owner::Escrow),
        executors: site.executors.members(&state).iter().map(ToString::to_string).collect(),
    };
    json(StatusCode::OK, &overview)
}

pub(super) async fn members(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    page(&site, query.as_deref(), |looked, after, limit| {
        view::members(&looked.committed.state, after, limit, looked.at)
    })
    .await
}

pub(super) async fn member(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let looked = look(&site).await?;
    let (id, member) = find_member(&looked, &key(path)?)?;
    json(StatusCode::OK, &MemberView::new(&looked.committed.state, id, member, looked.at))
}

pub(super) async fn accounts(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    page(&site, query.as_deref(), |looked, after, limit| {
        view::accounts(&looked.committed.state, after, limit, looked.at)
    })
    .await
}

pub(super) async fn account(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let name = key(path)?;
    let looked = look(&site).await?;
    let owner = match name.parse::<Owner>() {
        Ok(owner) => owner,
        // A member's own, by id or key.
        Err(_) => Owner::Member(find_member(&looked, &name)?.0),
    };
    let state = &looked.committed.state;
    let record = mana::record(state, owner).ok_or_else(|| missing("account", &name))?;
    json(StatusCode::OK, &AccountView::new(state, owner, record, looked.at))
}

pub(super) async fn holds(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    page(&site, query.as_deref(), |looked, after, limit| view::holds(&looked.committed.state, after, limit))
        .await
}

pub(super) async fn hold(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let name = key(path)?;
    let found = mana::hold(&look(&site).await?.committed.state, id("hold", &name)?);
    let hold = found.ok_or_else(|| missing("hold", &name))?;
    json(StatusCode::OK, &HoldView { id: name, hold })
}

pub(super) async fn proposals(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    page(&site, query.as_deref(), |looked, after, limit| {
        view::proposals(&looked.committed.state, after, limit)
    })
    .await
}

pub(super) async fn proposal(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let name = key(path)?;
    let found = governance::proposal(&look(&site).await?.committed.state, id("proposal", &name)?);
    let proposal = found.ok_or_else(|| missing("proposal", &name))?;
    json(StatusCode::OK, &ProposalView { id: name, proposal })
}

pub(super) async fn ballots(State(site): State<Arc<Site>>, path: Key, RawQuery(query): RawQuery) -> Answer {
    let name = key(path)?;
    let id = id("proposal", &name)?;
    if governance::proposal(&look(&site).await?.committed.state, id).is_none() {
        return Err(missing("proposal", &name));
    }
    page(&site, query.as_deref(), move |looked, after, limit| {
        view::ballots(&looked.committed.state, id, after, limit)
    })
    .await
}

pub(super) async fn jobs(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    page(&site, query.as_deref(), |looked, after, limit| view::jobs(&looked.committed.state, after, limit))
        .await
}

pub(super) async fn job(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let name = key(path)?;
    let id = id("job", &name)?;
    let found = job_records::job(&look(&site).await?.committed.state, id);
    let job = found.ok_or_else(|| missing("job", &name))?;
    let host = site.host.clone();
    let note = site.executors.note(id);
    let view = blocking(move || {
        let progress = run::progress(&host, id, &job);
        Ok::<_, Refusal>(NotedJob { view: JobView { id: name, job, progress }, note })
    });
    json(StatusCode::OK, &view.await?)
}

pub(super) async fn parameters(State(site): State<Arc<Site>>) -> Answer {
    let looked = look(&site).await?;
    let items = ParameterView::all(&looked.committed.state, looked.at);
    json(StatusCode::OK, &Listed::new(Page { items, next: None }, &looked))
}

pub(super) async fn parameter(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let name = key(path)?;
    let looked = look(&site).await?;
    let parameter = Parameter::find(&name).ok_or_else(|| missing("parameter", &name))?;
    json(StatusCode::OK, &ParameterView::new(&looked.committed.state, parameter, looked.at))
}

pub(super) async fn reputation(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let looked = look(&site).await?;
    let (id, _) = find_member(&looked, &key(path)?)?;
    let score = scores::score(&looked.committed.state, id, looked.at);
    json(StatusCode::OK, &ReputationView { member: id.to_string(), score, at: looked.at })
}

pub(super) async fn trust(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["from", "to", "context"])?;
    let needed = |name: &str| query.text(name).ok_or_else(|| bad(format!("`{name}` is missing")));
    let (from, to) = (needed("from")?, needed("to")?);
    let context = query.text("context").map_or(Ok(Context::General), str::parse);
    let context = context.map_err(|error| bad(format!("`context`: {error}")))?;
    let looked = look(&site).await?;
    let (from, to) = (find_member(&looked, from)?.0, find_member(&looked, to)?.0);
    json(StatusCode::OK, &TrustView::new(&looked.committed.state, context, from, to))
}
