//! `GET /commons/proof`: one file that shows a stranger a record, or that there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use troupe_api::ErrorCode;
use troupe_chain::{Entry, Hash};
use troupe_commons::RecordProof;
use troupe_log::{LogError, NodeLog};
use troupe_store::Store;

use super::{committed, find};
use crate::http::checkpoints;
use crate::http::problem::Refusal;
use crate::http::query::{Query, bad};
use crate::http::read::{Answer, TEXT, bytes};
use crate::http::site::Site;

/// The most bytes of a key.
const MAX_KEY: usize = 512;
/// How long to wait until the node has signed what is committed: it does so once a second.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn proof(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &["key"])?;
    let what = "`key` is missing: the key of a record, such as `account/member-ID`";
    let key = query.text("key").ok_or_else(|| bad(what))?.to_owned();
    let is_key = key.len() <= MAX_KEY && key.contains('/') && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_key {
        return Err(bad(format!("`key` is `SECTION/NAME`, of at most {MAX_KEY} bytes")));
    }
    let actor = find(&site).await?;
    let committed = committed(&site).await?;
    let store = Arc::clone(actor.store());
    let _room = site.walks.enter()?;
    let prove = move |log: &NodeLog| -> Result<RecordProof, Refusal> {
        let (chain, last) = (actor.id(), committed.view.tip.seq);
        let entry = signed(log, &chain, stated(&*store, &chain, last)?)?;
        Ok(RecordProof { in_map: committed.state.prove(&key), key, entry })
    };
    let file = checkpoints::ask(&site, prove).await?;
    Ok(bytes(file.to_string().into(), Some(TEXT), &[]))
}

/// The last entry that names a state: an end does not.
fn stated(store: &dyn Store, chain: &Hash, last: u64) -> Result<u64, Refusal> {
    for seq in (1..=last).rev() {
        let entry = store.entry(chain, seq)?.and_then(|bytes| Entry::decode(&bytes).ok());
        if entry.is_some_and(|entry| entry.state().is_some()) {
            return Ok(seq);
        }
    }
    Err(Refusal::new(ErrorCode::Internal, "no entry of the commons names a state"))
}

/// The proof of an entry, once it is signed.
fn signed(log: &NodeLog, chain: &Hash, seq: u64) -> Result<troupe_chain::note::ProofFile, Refusal> {
    let begun = Instant::now();
    loop {
        match log.proof_file(chain, seq) {
            Err(LogError::NotYet(_) | LogError::OutOfTree(_)) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            result => return Ok(result?),
        }
    }
}
