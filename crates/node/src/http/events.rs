//! `GET …/events`: committed entries as server-sent events.
//!
//! Invariant: the actor waits for nobody. Entries are read from the store when the connection has room, so that a reader
//! that is slow costs one batch of them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use troupe_api::ErrorCode;

use super::problem::Refusal;
use super::query::Query;
use super::read::Answer;
use super::server::Serving;
use super::site::{Site, Target};
use super::sse;
use super::tail::Tail;

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
        return Ok(sse::over());
    }
    let serving = Serving::of(request.extensions());
    Ok(sse::answer(Stream { tail, serving, begun: false, over: false, _room: room }))
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

impl sse::Source for Stream {
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
            entries = tokio::time::timeout(sse::HEARTBEAT, self.tail.next()) => match entries {
                Err(_) => Part::Heartbeat,
                Ok(Ok(Some(entries))) => Part::Entries(entries),
                Ok(Ok(None)) => Part::End,
                Ok(Err(refusal)) => Part::Last(refusal.problem().detail.clone()),
            },
        };
        let bytes = match part {
            Part::Heartbeat => {
                self.tail.look();
                Bytes::from_static(sse::STILL_HERE)
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
                bytes.into()
            }
            Part::End => return (self, None),
            Part::Last(reason) => {
                self.over = true;
                sse::dropped(&reason)
            }
        };
        (self, Some(bytes))
    }
}

enum Part {
    Heartbeat,
    Entries(Vec<super::tail::TailEntry>),
    /// The chain has ended.
    End,
    Last(String),
}
