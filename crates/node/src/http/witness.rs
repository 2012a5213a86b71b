//! A witness over HTTP: `add-checkpoint` of C2SP tlog-witness.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, header};
use axum::routing::{get, post};
use troupe_chain::note::MAX_SUBMISSION_BYTES;
use troupe_log::{Refused, Witness};

const TEXT: &str = "text/plain; charset=utf-8";
/// How long a submission may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// What the protocol calls the answer to a submission that does not go on from the last.
const SIZE: &str = "text/x.tlog.size";

/// Every path of a witness.
pub fn witness_router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/key", get(key))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(witness)
}

async fn key(State(witness): State<Arc<Witness>>) -> String {
    format!("{}\n", witness.key())
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Body) -> Response<Body> {
    let read = axum::body::to_bytes(body, MAX_SUBMISSION_BYTES);
    let body = match tokio::time::timeout(BODY_TIMEOUT, read).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return answer(400, TEXT, format!("the submission cannot be read: {error}\n")),
        Err(_) => return answer(408, TEXT, "the submission took too long\n".to_owned()),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    // What is cosigned is synced first, which may take a while.
    let looked = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body, now)).await;
    match looked {
        Ok(Ok(signature)) => answer(200, TEXT, signature.to_string()),
        Ok(Err(Refused::Conflict(size))) => answer(409, SIZE, format!("{size}\n")),
        Ok(Err(refused)) => answer(refused.status(), TEXT, format!("{refused}\n")),
        Err(error) => answer(500, TEXT, format!("{error}\n")),
    }
}

fn answer(status: u16, content_type: &'static str, body: String) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, content_type);
    response.body(Body::from(body)).unwrap_or_default()
}
