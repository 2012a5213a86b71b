//! Server-sent events: a stream of parts, each of which is looked for when the connection has room for it.
//!
//! Invariant: nobody waits for a reader. One that takes nothing for a while is dropped by the server.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use serde::Serialize;
use serde_json::json;

/// How often a reader is told that the stream goes on.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// What says so.
pub(super) const STILL_HERE: &[u8] = b": still here\n\n";

/// What is still to be said to a reader.
pub(super) trait Source: Sized + Send + 'static {
    /// Waits for the next part; `None` if that was the last.
    fn next(self) -> impl Future<Output = (Self, Option<Bytes>)> + Send;
}

/// The answer that says it.
pub(super) fn answer(source: impl Source) -> Response<Body> {
    let response = Response::builder()
        .header(header::CONTENT_TYPE, "text/event-stream")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.body(Body::new(Parts(Some(Box::pin(source.next()))))).unwrap_or_default()
}

/// The answer to a reader that comes back after the end: what makes a browser stay away.
pub(super) fn over() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Writes an event. JSON has no line breaks.
pub(super) fn event(part: &mut Vec<u8>, kind: &str, data: &impl Serialize) {
    part.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
    // What is told here can be written as JSON.
    part.extend(serde_json::to_vec(data).unwrap_or_default());
    part.extend_from_slice(b"\n\n");
}

/// The last event of a stream that ends before what it is about.
pub(super) fn dropped(reason: &str) -> Bytes {
    let mut part = Vec::new();
    event(&mut part, "dropped", &json!({ "reason": reason }));
    part.into()
}

type Next<S> = Pin<Box<dyn Future<Output = (S, Option<Bytes>)> + Send>>;

/// The body of an answer.
struct Parts<S>(Option<Next<S>>);

impl<S: Source> HttpBody for Parts<S> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(next) = self.0.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready((source, part)) = next.as_mut().poll(context) else { return Poll::Pending };
        self.0 = part.is_some().then(|| Box::pin(source.next()) as Next<S>);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }
}
