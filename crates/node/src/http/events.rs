//! `GET …/events`: committed entries as server-sent events.
//!
//! Invariant: the actor waits for nobody. The body reads from the store when the connection has room, so that a reader
//! that is slow costs one batch of entries; one that takes nothing for a while is dropped by the server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use troupe_api::ErrorCode;

use super::problem::Refusal;
use super::query::Query;
use super::read::Answer;
use super::server::Serving;
use super::site::{Site, Target};
use super::tail::Tail;

/// How often a reader is told that the stream goes on.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) async fn events(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Answer {
    let query = Query::parse(query.as_deref(), &["from"])?;
    // A reader that comes back asks for the same URL, and says in the header where it was.
    let from = match last_event(request.headers())? {
        Some(last) => Some(last.saturating_add(1)),
        None => query.number("from")?,
    };
    let room = site.streams.enter()?;
    let tail = Tail::new(&actor, from).await?;
    if tail.has_ended() {
        // What makes a browser not come back.
        return Ok(empty());
    }
    let serving = Serving::of(request.extensions());
    let stream = Stream { tail, serving, begun: false, over: false, _room: room };
    let response = Response::builder()
        .header(header::CONTENT_TYPE, "text/event-stream")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    Ok(response.body(Body::new(Events(Some(Box::pin(stream.next()))))).unwrap_or_default())
}

fn empty() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn last_event(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|value| value.trim().parse().ok());
    let unfit = || Refusal::new(ErrorCode::BadQuery, "`Last-Event-ID` must be the position of an entry");
    number.map(Some).ok_or_else(unfit)
}

/// What is still to be said to a reader.
struct Stream {
    tail: Tail,
    serving: Serving,
    begun: bool,
    over: bool,
    _room: OwnedSemaphorePermit,
}

impl Stream {
    /// Waits for the next part; `None` if that was the last.
    async fn next(mut self) -> (Self, Option<Bytes>) {
        if self.over {
            return (self, None);
        }
        if !self.begun {
            self.begun = true;
            // So that whoever waits for the first entry knows that it is heard.
            return (self, Some(Bytes::from_static(b": entries follow\n\n")));
        }
        let part = tokio::select! {
            () = self.serving.stopped() => Part::Last("the node is stopping".to_owned()),
            entries = tokio::time::timeout(HEARTBEAT, self.tail.next()) => match entries {
                Err(_) => Part::Heartbeat,
                Ok(Ok(Some(entries))) => Part::Entries(entries),
                Ok(Ok(None)) => Part::End,
                Ok(Err(refusal)) => Part::Last(refusal.problem().detail.clone()),
            },
        };
        let bytes = match part {
            Part::Heartbeat => {
                self.tail.look();
                b": still here\n\n".to_vec()
            }
            Part::Entries(entries) => {
                let mut bytes = Vec::new();
                for entry in entries {
                    bytes.extend_from_slice(
                        format!("id: {}\nevent: {}\ndata: ", entry.seq, entry.kind).as_bytes(),
                    );
                    // Canonical JSON has no line breaks.
                    bytes.extend_from_slice(&entry.bytes);
                    bytes.extend_from_slice(b"\n\n");
                }
                bytes
            }
            Part::End => return (self, None),
            Part::Last(reason) => {
                self.over = true;
                format!("event: dropped\ndata: {}\n\n", json!({ "reason": reason })).into_bytes()
            }
        };
        (self, Some(bytes.into()))
    }
}

enum Part {
    Heartbeat,
    Entries(Vec<super::tail::TailEntry>),
    /// The chain has ended.
    End,
    Last(String),
}

type Next = Pin<Box<dyn Future<Output = (Stream, Option<Bytes>)> + Send>>;

/// The body of an answer: the next part is looked for when there is room for it.
struct Events(Option<Next>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(next) = self.0.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready((stream, part)) = next.as_mut().poll(context) else { return Poll::Pending };
        self.0 = part.is_some().then(|| Box::pin(stream.next()) as Next);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }
}
