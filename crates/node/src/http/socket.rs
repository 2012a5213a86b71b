//! `GET …/socket`: messages and answers over a WebSocket, and entries as they are committed.
//!
//! Invariant: a client costs at most [`MAX_PENDING`] messages that wait and one batch of entries; one that takes nothing
//! is dropped with the code 1008. Messages reach the actor in the order they came; answers go out as they are there.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, RawQuery, State};
use axum::http::Request;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{Interval, timeout};
use troupe_api::ErrorCode;
use troupe_chain::{Hash, Sender};
use troupe_runtime::{Actor, SendError};

use super::message::{self, MAX_KEY, max_message};
use super::problem::Refusal;
use super::query::{Query, bad};
use super::read::Answer;
use super::schema;
use super::server::Serving;
use super::site::{Site, Target};
use super::tail::{Tail, TailEntry};

/// The most messages of one socket that wait for their answers.
const MAX_PENDING: usize = 64;
/// The most bytes of a frame beside its message.
const MAX_ENVELOPE: u64 = 4096;
/// The most bytes of an `id`.
const MAX_ID: usize = 256;
/// How often a client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// So many pings without a sign are too many.
const MAX_SILENT_PINGS: u32 = 3;
/// How long a client may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// What a client sends. `id` comes back with the answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    message: &'a RawValue,
    /// As `Idempotency-Key`.
    key: Option<String>,
}

pub(super) async fn socket(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Answer {
    let query = Query::parse(query.as_deref(), &["entries", "from"])?;
    let (entries, from) = (query.flag("entries")?, query.number("from")?);
    if from.is_some() && !entries {
        return Err(bad("`from` is for entries: `entries` is not true"));
    }
    let serving = Serving::of(request.extensions());
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let upgrade = upgrade.map_err(|no| Refusal::new(ErrorCode::NotASocket, no.body_text()))?;
    let room = site.streams.enter()?;
    let limit = max_message(&actor).await?;
    let tail = if entries { Some(Tail::new(&actor, from).await?) } else { None };
    let most = usize::try_from(limit.saturating_add(MAX_ENVELOPE)).unwrap_or(usize::MAX);
    let talk = Talk { site, actor, limit, tail, pending: JoinSet::new(), serving, _room: room };
    let upgrade = upgrade.max_message_size(most).max_frame_size(most);
    Ok(upgrade.on_upgrade(move |socket| talk.hold(socket)))
}

/// An answer that will come.
type Coming = tokio::sync::oneshot::Receiver<Result<troupe_runtime::Answer, SendError>>;

/// One socket.
struct Talk {
    site: Arc<Site>,
    actor: Actor,
    limit: u64,
    tail: Option<Tail>,
    pending: JoinSet<Vec<u8>>,
    serving: Serving,
    _room: OwnedSemaphorePermit,
}

/// Why a socket ends.
enum End {
    /// It is gone.
    Gone,
    /// With a code and a reason.
    Close(u16, String),
}

const GOING_AWAY: u16 = 1001;
const UNSUPPORTED: u16 = 1003;
const POLICY: u16 = 1008;
const TOO_BIG: u16 = 1009;
const FAILED: u16 = 1011;

enum Event {
    Stopping,
    Ping,
    Received(Option<Result<Message, axum::Error>>),
    Answer(Vec<u8>),
    Entries(Result<Option<Vec<TailEntry>>, Refusal>),
}

impl Talk {
    async fn hold(mut self, mut socket: WebSocket) {
        if let End::Close(code, reason) = self.talk(&mut socket).await {
            let frame = CloseFrame { code, reason: reason.into() };
            let goodbye = async {
                socket.send(Message::Close(Some(frame))).await?;
                // What came before the goodbye is read, or the connection would be reset under it.
                while let Some(Ok(_)) = socket.recv().await {}
                Ok::<(), axum::Error>(())
            };
            let _ = timeout(GOODBYE, goodbye).await;
        }
    }

    async fn talk(&mut self, socket: &mut WebSocket) -> End {
        let mut pings = tokio::time::interval(PING_EVERY);
        pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut silent = 0;
        loop {
            let ended = match self.event(socket, &mut pings).await {
                Event::Stopping => Err(End::Close(GOING_AWAY, "the node is stopping".into())),
                Event::Ping if silent >= MAX_SILENT_PINGS => {
                    Err(End::Close(POLICY, "nothing was heard for too long".into()))
                }
                Event::Ping => {
                    silent += 1;
                    if let Some(tail) = &mut self.tail {
                        tail.look();
                    }
                    self.say(socket, Message::Ping(Bytes::new())).await
                }
                Event::Received(received) => {
                    silent = 0;
                    self.hear(socket, received).await
                }
                Event::Answer(answer) => self.say_text(socket, answer).await,
                Event::Entries(entries) => self.tell(socket, entries).await,
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    async fn event(&mut self, socket: &mut WebSocket, pings: &mut Interval) -> Event {
        let tail = &mut self.tail;
        let entries = async {
            match tail {
                Some(tail) => tail.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.serving.stopped() => Event::Stopping,
            _ = pings.tick() => Event::Ping,
            received = socket.recv() => Event::Received(received),
            Some(answer) = self.pending.join_next() => Event::Answer(answer.unwrap_or_default()),
            entries = entries => Event::Entries(entries),
        }
    }

    async fn hear(
        &mut self,
        socket: &mut WebSocket,
        received: Option<Result<Message, axum::Error>>,
    ) -> Result<(), End> {
        match received {
            Some(Ok(Message::Text(text))) => match self.ask(&text) {
                Some(answer) => self.say_text(socket, answer).await,
                None => Ok(()),
            },
            Some(Ok(Message::Binary(_))) => Err(End::Close(UNSUPPORTED, "frames are text".into())),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            // A library that does not say what went wrong in another way.
            Some(Err(error)) if error.to_string().contains("too long") => {
                Err(End::Close(TOO_BIG, format!("the actor takes messages of at most {} bytes", self.limit)))
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
        }
    }

    /// Takes a message to the actor; what comes back at once is an error.
    fn ask(&mut self, text: &str) -> Option<Vec<u8>> {
        let asked: Asked<'_> = match super::body::parse(text.as_bytes()) {
            Ok(asked) => asked,
            Err(refusal) => return Some(failed("null", &refusal)),
        };
        let id = asked.id.get();
        if id.len() > MAX_ID {
            let what = format!("an `id` has at most {MAX_ID} bytes");
            return Some(failed("null", &Refusal::new(ErrorCode::BadBody, what)));
        }
        match self.post(&asked) {
            Ok((message, answer)) => {
                let (id, site, actor) = (id.to_owned(), Arc::clone(&self.site), self.actor.clone());
                self.pending.spawn(async move {
                    match answer.await.unwrap_or(Err(SendError::Stopped)) {
                        Ok(answer) => {
                            let mut body = format!("{{\"id\":{id},").into_bytes();
                            message::write(&mut body, &answer, false);
                            body.push(b'}');
                            body
                        }
                        Err(error) => failed(&id, &schema::refusal(&site, &actor, message, error).await),
                    }
                });
                None
            }
            Err(refusal) => Some(failed(id, &refusal)),
        }
    }

    /// The message as the actor gets it, and the answer that will come.
    fn post(&self, asked: &Asked<'_>) -> Result<(Bytes, Coming), Refusal> {
        let message = asked.message.get();
        if self.pending.len() >= MAX_PENDING {
            let what = format!("{MAX_PENDING} messages of this socket wait already");
            return Err(Refusal::new(ErrorCode::Busy, what));
        }
        if !message.starts_with('{') {
            return Err(Refusal::new(ErrorCode::NotAnObject, "`message` is not a JSON object"));
        }
        if message.len() as u64 > self.limit {
            let what = format!("the actor takes messages of at most {} bytes", self.limit);
            return Err(Refusal::new(ErrorCode::TooLarge, what));
        }
        let key = match &asked.key {
            Some(key) if !(1..=MAX_KEY).contains(&key.len()) => {
                let what = format!("a `key` has 1 to {MAX_KEY} bytes");
                return Err(Refusal::new(ErrorCode::BadBody, what));
            }
            key => key.as_ref().map(|key| Hash::of(key.as_bytes())),
        };
        let message = Bytes::copy_from_slice(message.as_bytes());
        let coming = self.actor.post(Sender::Http { key }, message.clone())?;
        Ok((message, coming))
    }

    async fn tell(
        &mut self,
        socket: &mut WebSocket,
        entries: Result<Option<Vec<TailEntry>>, Refusal>,
    ) -> Result<(), End> {
        let entries = match entries {
            Ok(Some(entries)) => entries,
            Ok(None) => {
                self.tail = None;
                return Ok(());
            }
            Err(refusal) => return Err(End::Close(FAILED, cut(&refusal.problem().detail))),
        };
        for entry in entries {
            let mut text = b"{\"entry\":".to_vec();
            text.extend_from_slice(&entry.bytes);
            text.extend_from_slice(format!(",\"hash\":\"{}\"}}", entry.name).as_bytes());
            self.say_text(socket, text).await?;
        }
        Ok(())
    }

    async fn say_text(&mut self, socket: &mut WebSocket, text: Vec<u8>) -> Result<(), End> {
        // Everything that goes out was written as JSON.
        let text = String::from_utf8(text).map_err(|_| End::Close(FAILED, "not UTF-8".into()))?;
        self.say(socket, Message::Text(text.into())).await
    }

    async fn say(&mut self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        // Before the server gives the connection up, so that there is time to say why.
        let patience = self.serving.limits.write_timeout * 4 / 5;
        tokio::select! {
            sent = timeout(patience, socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::Gone),
                Err(_) => Err(End::Close(POLICY, "what is sent is not taken".into())),
            },
            () = self.serving.stopped() => Err(End::Close(GOING_AWAY, "the node is stopping".into())),
        }
    }
}

fn failed(id: &str, refusal: &Refusal) -> Vec<u8> {
    // A problem can always be written.
    let problem = serde_json::to_string(refusal.problem()).unwrap_or_default();
    format!("{{\"id\":{id},\"error\":{problem}}}").into_bytes()
}

/// As much of a reason as a close frame has room for.
fn cut(reason: &str) -> String {
    reason.chars().filter(char::is_ascii).take(120).collect()
}
