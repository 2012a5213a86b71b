//! What the node signs: checkpoints of its logs, and proofs that lead there.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use troupe_api::{ConsistencyProof, ErrorCode, InclusionProof};
use troupe_chain::tree::TreeHash;
use troupe_log::{LogError, NodeLog, Tree};

use super::problem::Refusal;
use super::query::Query;
use super::read::{Answer, NDJSON, TEXT, bytes, json};
use super::site::{Site, Target, blocking};

/// Leaves in one answer, unless `limit` says less or more.
const DEFAULT_LEAVES: u64 = 1000;
/// The most leaves in one answer.
const MAX_LEAVES: u64 = 10_000;

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        let code = match &error {
            LogError::NotYet(_) | LogError::OutOfTree(_) => ErrorCode::NotSigned,
            _ => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

/// Asks the node's logs, on a thread that may block.
pub(super) async fn ask<T: Send + 'static, E: Into<Refusal> + Send + 'static>(
    site: &Site,
    ask: impl FnOnce(&NodeLog) -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal> {
    let Some(log) = site.log.clone() else {
        return Err(Refusal::new(
            ErrorCode::NotSigned,
            "this node signs nothing: it was begun without a key",
        ));
    };
    blocking(move || ask(&log)).await
}

pub(super) async fn key(State(site): State<Arc<Site>>) -> Answer {
    let key = ask(&site, |log| Ok::<_, LogError>(log.key().to_string())).await?;
    Ok(bytes(format!("{key}\n").into(), Some(TEXT), &[]))
}

pub(super) async fn witnesses(State(site): State<Arc<Site>>) -> Answer {
    let keys = ask(&site, |log| {
        Ok::<_, LogError>(log.witnesses().iter().map(|key| format!("{key}\n")).collect::<String>())
    });
    Ok(bytes(keys.await?.into(), Some(TEXT), &[]))
}

pub(super) async fn of_node(State(site): State<Arc<Site>>) -> Answer {
    let signed = ask(&site, |log| log.checkpoint().ok_or(LogError::NotYet(Tree::Node))).await?;
    Ok(bytes(signed.to_string().into(), Some(TEXT), &[]))
}

pub(super) async fn of_chain(State(site): State<Arc<Site>>, Target(actor): Target) -> Answer {
    let chain = actor.id();
    let signed = ask(&site, move |log| log.chain_checkpoint(&chain)).await?;
    Ok(bytes(signed.to_string().into(), Some(TEXT), &[]))
}

pub(super) async fn leaves(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["from", "limit"])?;
    let (from, limit) = (query.number("from")?.unwrap_or(0), query.limit(DEFAULT_LEAVES, MAX_LEAVES)?);
    let (leaves, size) =
        ask(&site, move |log| Ok::<_, LogError>((log.leaves(from, limit)?, log.published(Tree::Node)?.size)))
            .await?;
    let next = from + leaves.len() as u64;
    let lines = leaves.iter().flat_map(|leaf| [leaf.to_bytes(), b"\n".to_vec()]).flatten();
    let header = (next < size).then(|| ("troupe-next", next.to_string()));
    Ok(bytes(lines.collect::<Vec<u8>>().into(), Some(NDJSON), header.as_slice()))
}

pub(super) async fn inclusion_in_node(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    inclusion(&site, Tree::Node, "index", query.as_deref()).await
}

pub(super) async fn inclusion_in_chain(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    RawQuery(query): RawQuery,
) -> Answer {
    inclusion(&site, Tree::Chain(actor.id()), "seq", query.as_deref()).await
}

pub(super) async fn consistency_of_node(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    consistency(&site, Tree::Node, query.as_deref()).await
}

pub(super) async fn consistency_of_chain(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    RawQuery(query): RawQuery,
) -> Answer {
    consistency(&site, Tree::Chain(actor.id()), query.as_deref()).await
}

/// One file that proves one entry.
pub(super) async fn file(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    RawQuery(query): RawQuery,
) -> Answer {
    let seq = Query::parse(query.as_deref(), &["seq"])?.number("seq")?;
    let chain = actor.id();
    let prove = move |log: &NodeLog| {
        let last = log.published(Tree::Chain(chain))?.size.saturating_sub(1);
        log.proof_file(&chain, seq.unwrap_or(last))
    };
    let file = ask(&site, prove).await?;
    Ok(bytes(file.to_string().into(), Some(TEXT), &[]))
}

async fn inclusion(site: &Site, tree: Tree, place: &'static str, query: Option<&str>) -> Answer {
    let query = Query::parse(query, &[place, "size"])?;
    let (index, size) = (query.number(place)?, query.number("size")?);
    let prove = move |log: &NodeLog| {
        let last = match size {
            Some(size) => size,
            None => log.published(tree)?.size,
        };
        log.inclusion(tree, index.unwrap_or(last.saturating_sub(1)), size)
    };
    let proof = ask(site, prove).await?;
    let hashes = texts(&proof.hashes);
    json(StatusCode::OK, &InclusionProof { index: proof.index, size: proof.size, hashes })
}

async fn consistency(site: &Site, tree: Tree, query: Option<&str>) -> Answer {
    let query = Query::parse(query, &["from", "to"])?;
    let (from, to) = (query.number("from")?.unwrap_or(0), query.number("to")?);
    let (to, hashes) = ask(site, move |log| log.consistency(tree, from, to)).await?;
    json(StatusCode::OK, &ConsistencyProof { from, to, hashes: texts(&hashes) })
}

fn texts(hashes: &[TreeHash]) -> Vec<String> {
    hashes.iter().map(ToString::to_string).collect()
}
