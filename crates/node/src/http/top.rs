//! What happens now: the busiest actors, the node's counters, and the last lines of a log.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde_json::json as value;
use troupe_api::{Top, TopActor, TopNode};
use troupe_chain::Hash;

use super::problem::Refusal;
use super::query::Query;
use super::read::{Answer, NDJSON, bytes, json};
use super::site::{Site, Target, blocking};

/// How many actors are told of.
const BUSIEST: usize = 50;
/// Lines of a log in one answer, unless `limit` says less or more.
const DEFAULT_LINES: u64 = 1000;
/// The most lines of a log in one answer.
const MAX_LINES: u64 = 10_000;

pub(super) async fn top(State(site): State<Arc<Site>>) -> Answer {
    let node = node(&site);
    let actors = site.host.actors.clone();
    let actors = blocking(move || {
        let busiest = actors.busiest(BUSIEST).into_iter();
        busiest
            .filter_map(|(id, counts, waiting)| top_actor(&actors, id, counts, waiting).transpose())
            .collect::<Result<Vec<_>, _>>()
    })
    .await?;
    json(StatusCode::OK, &Top { actors, node })
}

/// `None` for one that is not begun yet.
fn top_actor(
    actors: &troupe_runtime::Actors,
    id: Hash,
    [handled, failed, fuel]: [u64; 3],
    waiting: u64,
) -> Result<Option<TopActor>, Refusal> {
    let Ok(actor) = actors.get(id) else { return Ok(None) };
    let record = actor.record()?;
    let (name, status) = (record.name().map(str::to_owned), record.status().as_str().to_owned());
    Ok(Some(TopActor { actor: id.to_string(), name, status, waiting, handled, failed, fuel }))
}

fn node(site: &Site) -> TopNode {
    let actors = &site.host.actors;
    let metrics = actors.metrics();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (known, in_memory, memory) = actors.usage();
    TopNode {
        at: actors.options().clock.now().0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accepted: read(&metrics.accepted),
        rejected: read(&metrics.rejected),
        failed: read(&metrics.failed),
        aborted: read(&metrics.aborted),
        busy: read(&metrics.busy),
        fuel: read(&metrics.fuel),
        effects: read(&metrics.effects),
        commits: read(&metrics.commits),
        commit_errors: read(&metrics.commit_errors),
        actors: known,
        in_memory: in_memory as u64,
        memory,
        ready: actors.ready() as u64,
        due: actors.due().1 as u64,
        streams: site.open_streams() as u64,
        log_bytes: site.host.logs.bytes() as u64,
    }
}

pub(super) async fn log(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Query::parse(query.as_deref(), &["from", "limit"])?;
    let from = query.number("from")?;
    let limit = usize::try_from(query.limit(DEFAULT_LINES, MAX_LINES)?).unwrap_or(usize::MAX);
    let (logs, chain) = (site.host.logs.clone(), actor.id());
    let body = blocking(move || {
        let mut body = Vec::new();
        for line in logs.read(&chain, from, limit) {
            let (level, text) = (line.level.as_str(), &*line.line);
            // Writing to a vector cannot fail.
            let _ = writeln!(
                body,
                "{}",
                value!({ "seq": line.seq, "level": level, "line": text, "at": line.at })
            );
        }
        Ok::<_, Refusal>(body)
    })
    .await?;
    Ok(bytes(body.into(), Some(NDJSON), &[]))
}
