//! The server before a router: connections, their limits, and the end.
//!
//! Invariant: whatever a client does, its connection ends: a head, a body and every answer have their time, and there are
//! only so many connections. Whoever is slow keeps nobody else waiting. When the server stops, requests that have begun
//! are finished; streams and sockets are told to end by [`Serving`].
//!
//! Deliberately absent: HTTP/2, and what is in a request.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Sleep;

use super::{Site, TlsAcceptor, router};

/// What clients may take of a server.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// The most connections that are open at the same time; more wait to be accepted.
    pub connections: usize,
    /// How long a client may take to send the head of a request.
    pub head_timeout: Duration,
    /// How long a client may take to send the body of a request.
    pub body_timeout: Duration,
    /// How long a client may take none of an answer.
    pub write_timeout: Duration,
    /// How long requests that have begun may take when the server stops.
    pub drain_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

/// The threads that serve connections: few, since the actors' own threads do the work.
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
    serve_within(ServerLimits::default(), listener, router, tls, shutdown).await
}

/// As [`serve_router`], with limits of one's own.
///
/// # Errors
/// As [`serve`].
pub async fn serve_within(
    limits: ServerLimits,
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let limits = Arc::new(limits);
    let connections = Arc::new(Semaphore::new(limits.connections));
    // Every connection has a receiver, and so has whatever it was upgraded to.
    let (stop, stopping) = watch::channel(false);
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
        let serving = Serving { limits: Arc::clone(&limits), stopping: stopping.clone() };
        let service = Told { peer: Peer(peer), serving, inner: TowerToHyperService::new(router.clone()) };
        let tls = tls.clone();
        let mut stopping = stopping.clone();
        tokio::spawn(async move {
            match tls {
                None => converse(stream, service, stopping).await,
                Some(tls) => {
                    // A client that is slow to shake hands is not waited for at the end.
                    let shaken = tokio::select! {
                        shaken = tls.accept(stream) => shaken.ok(),
                        _ = stopping.wait_for(|stopping| *stopping) => None,
                    };
                    if let Some(stream) = shaken {
                        converse(stream, service, stopping).await;
                    }
                }
            }
            drop(permit);
        });
    }
    drop((listener, stopping));
    stop.send_replace(true);
    let _ = tokio::time::timeout(limits.drain_timeout, stop.closed()).await;
    Ok(())
}

/// Answers one connection's requests to their end. A client that breaks off is no error of ours.
async fn converse<S>(stream: S, service: Told, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &service.serving.limits;
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout).max_headers(64);
    let stream = Patient { inner: stream, patience: limits.write_timeout, waiting: None };
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The other end of the connection that a request came by: an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The server that a request came to: an extension of every request. Whoever holds it is waited for at the end.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    pub(super) limits: Arc<ServerLimits>,
    /// Whether the server is stopping.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Serving {
    /// The server of a request; one that never stops, where a router is used without a server.
    pub(super) fn of(extensions: &axum::http::Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| {
            let (_, stopping) = watch::channel(false);
            Self { limits: Arc::default(), stopping }
        })
    }

    /// Waits until the server stops.
    pub(super) async fn stopped(&mut self) {
        if self.stopping.wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Tells a request who is at the other end, and which server it came to.
#[derive(Clone)]
struct Told {
    peer: Peer,
    serving: Serving,
    inner: TowerToHyperService<Router>,
}

impl Service<hyper::Request<Incoming>> for Told {
    type Response = <TowerToHyperService<Router> as Service<hyper::Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<hyper::Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<hyper::Request<Incoming>>>::Future;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.serving.clone());
        self.inner.call(request)
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

/// A stream that fails if the other end takes nothing for a while.
struct Patient<S> {
    inner: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S: Unpin> Patient<S> {
    fn or_time_out<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(result) = poll(Pin::new(&mut self.inner), context) {
            self.waiting = None;
            return Poll::Ready(result);
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.or_time_out(context, |inner, context| inner.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.or_time_out(context, |inner, context| inner.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.or_time_out(context, |inner, context| inner.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.or_time_out(context, |inner, context| inner.poll_shutdown(context))
    }
}
