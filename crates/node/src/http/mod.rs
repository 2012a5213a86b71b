//! The actor over HTTP: messages in, answers and committed history out.
//!
//! `docs` of every path are in the OpenAPI document that `/openapi.json` serves. Deliberately absent: anything that
//! decides an outcome, and any answer that depends on what is not committed.

mod message;
mod metrics;
mod problem;
mod read;
mod site;
mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

pub use self::site::Site;

pub use tls::{TlsAcceptor, TlsError};

/// The most connections that are open at the same time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a client may take to send the body of a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests that have begun may take when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// The threads that serve connections: few, since the actor's own thread does the work.
///
/// # Errors
/// If they cannot be started.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).max(1))
        .thread_name("troupe-http")
        .enable_all()
        .build()
}

/// Serves a node until `shutdown` is done, then finishes the requests that have begun.
///
/// # Errors
/// If the listener fails for good; a connection that fails concerns nobody else.
pub async fn serve(
    listener: TcpListener,
    site: Arc<Site>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_router(listener, router(site), None, shutdown).await
}

/// The other end of the connection that a request came by: an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves any router with the same connections, limits and shutdown; with `tls`, over HTTPS and nothing else.
///
/// Every request has [`Peer`] among its extensions.
///
/// # Errors
/// As [`serve`].
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    // Dropped to say that handshakes need not go on.
    let (stopping, stopped) = watch::channel(());
    tokio::pin!(shutdown);
    loop {
        let next = async { (Arc::clone(&connections).acquire_owned().await, listener.accept().await) };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_about_one_connection(&error) => continue,
            // Out of file handles, most likely: wait until some connection ends.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are small and complete: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let service = WithPeer { peer: Peer(peer), inner: TowerToHyperService::new(router.clone()) };
        let watcher = graceful.watcher();
        let Some(tls) = tls.clone() else {
            let connection = watcher.watch(connection(stream, service));
            tokio::spawn(async move {
                // A client that breaks off is no error of ours.
                let _ = connection.await;
                drop(permit);
            });
            continue;
        };
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            // In a task of its own: a client that is slow to shake hands keeps nobody else waiting.
            let shaken = tokio::select! {
                shaken = tls.accept(stream) => shaken.ok(),
                _ = stopped.changed() => None,
            };
            if let Some(stream) = shaken {
                let _ = watcher.watch(connection(stream, service)).await;
            }
            drop(permit);
        });
    }
    drop((listener, stopping));
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
    Ok(())
}

/// Tells a request who is at the other end.
#[derive(Clone)]
struct WithPeer {
    peer: Peer,
    inner: TowerToHyperService<Router>,
}

impl Service<hyper::Request<Incoming>> for WithPeer {
    type Response = <TowerToHyperService<Router> as Service<hyper::Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<hyper::Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<hyper::Request<Incoming>>>::Future;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.inner.call(request)
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

fn connection<S>(stream: S, service: WithPeer) -> http1::Connection<TokioIo<S>, WithPeer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_headers(64);
    builder.serve_connection(TokioIo::new(stream), service)
}

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
    Router::new()
        .merge(of_actor())
        .nest("/actors/{actor}", of_actor())
        .route("/healthz", get(read::healthz))
        .route("/readyz", get(read::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(read::openapi))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(site)
}

/// The paths of one actor.
fn of_actor() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(read::info).post(message::post))
        .route("/state", get(read::state))
        .route("/chain", get(read::chain))
        .route("/chain/{entry}", get(read::entry))
        .route("/blobs/{hash}", get(read::blob))
        .route("/component", get(read::component))
}
