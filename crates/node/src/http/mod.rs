//! A node's actors over HTTP: messages in, answers and committed history out, and what begins, changes and ends them.
//!
//! The OpenAPI document that `/openapi.json` serves has every path. Deliberately absent: anything that decides an outcome,
//! and any answer that depends on what is not committed.

mod actors;
mod blobs;
mod body;
mod change;
mod checkpoints;
mod commons;
mod components;
mod dag;
mod events;
mod guard;
mod message;
mod metrics;
mod problem;
mod query;
mod read;
mod redactions;
mod schema;
mod server;
mod signed;
mod site;
mod socket;
mod sse;
mod tail;
mod tls;
mod top;
mod ui;
mod witness;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

pub use self::server::{Peer, ServerLimits, runtime, serve, serve_router, serve_within};
pub use self::site::Site;
pub use self::tls::{TlsAcceptor, TlsError};
pub use self::ui::{MAX_BUNDLE_WITHIN, single_file};
pub use self::witness::witness_router;

/// Takes messages and answers each with the same bytes: what the HTTP stack alone can do, to measure against.
pub fn constant_router() -> Router {
    const ANSWER: &str = "{\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
                          \"seq\":12345,\"state\":{\"count\":12345},\"reply\":null}";
    let answer = |body: bytes::Bytes| async move {
        drop(body);
        ([("content-type", "application/json")], ANSWER)
    };
    Router::new().route("/", axum::routing::post(answer))
}

/// Every path. The OpenAPI document lists the same.
pub fn router(site: Arc<Site>) -> Router {
    let router = Router::new()
        .route("/actors", get(actors::list).post(actors::start))
        .route("/components", post(components::upload))
        .route("/files", post(components::upload_file))
        .route("/dag", get(dag::list).post(dag::put))
        .route("/dag/{cid}", get(dag::get))
        .route("/components/{hash}", get(components::component))
        .route("/top", get(top::top))
        .route("/healthz", get(read::healthz))
        .route("/readyz", get(read::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(read::openapi))
        .route("/ui", get(ui::redirect))
        .route("/ui/", get(ui::index))
        .route("/ui/{file}", get(ui::file))
        .route("/key", get(checkpoints::key))
        .route("/witnesses", get(checkpoints::witnesses))
        .route("/checkpoint", get(checkpoints::of_node))
        .route("/leaves", get(checkpoints::leaves))
        .route("/proof/inclusion", get(checkpoints::inclusion_in_node))
        .route("/proof/consistency", get(checkpoints::consistency_of_node))
        // At the root these are the node's own.
        .route("/actors/{actor}/checkpoint", get(checkpoints::of_chain))
        .route("/actors/{actor}/proof", get(checkpoints::file))
        .route("/actors/{actor}/proof/inclusion", get(checkpoints::inclusion_in_chain))
        .route("/actors/{actor}/proof/consistency", get(checkpoints::consistency_of_chain))
        .route("/", of_actor())
        .route("/actors/{actor}", of_actor())
        // A client that has an actor's URL as its base asks for the root below it.
        .route("/actors/{actor}/", of_actor());
    let router = ["", "/actors/{actor}"].into_iter().fold(router, below_actor);
    commons::routes(router)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&site), signed::signed))
        .layer(from_fn_with_state(Arc::clone(&site), guard::guard))
        .with_state(site)
}

/// An actor itself.
fn of_actor() -> MethodRouter<Arc<Site>> {
    get(read::info).post(message::post).delete(actors::remove)
}

/// The paths below an actor.
fn below_actor(router: Router<Arc<Site>>, actor: &str) -> Router<Arc<Site>> {
    let at = |path: &str| format!("{actor}{path}");
    router
        .route(&at("/state"), get(read::state))
        .route(&at("/chain"), get(read::chain))
        .route(&at("/chain/{entry}"), get(read::entry))
        .route(&at("/blobs"), get(blobs::blobs))
        .route(&at("/blobs/{hash}"), get(read::blob))
        .route(&at("/component"), get(read::component))
        .route(&at("/schema"), get(schema::schema))
        .route(&at("/events"), get(events::events))
        .route(&at("/socket"), get(socket::socket))
        .route(&at("/log"), get(top::log))
        .route(&at("/stop"), post(actors::stop))
        .route(&at("/pause"), post(actors::pause))
        .route(&at("/resume"), post(actors::resume))
        .route(&at("/upgrade"), post(change::upgrade))
        .route(&at("/fork"), post(change::fork))
        .route(&at("/rewind"), post(change::rewind))
        .route(&at("/redactions"), get(redactions::list).post(redactions::redact))
}
