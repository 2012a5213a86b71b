//! What the HTTP server serves: a node of actors, which of them is at the root, and who may do what.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use troupe_api::ErrorCode;
use troupe_log::NodeLog;
use troupe_runtime::{Actor, SendError, View};

use super::commons::Counts;
use super::problem::Refusal;
use super::schema::Described;
use super::signed::Seen;
use crate::access::{Policy, RateLimit};
use crate::executor::Watched;
use crate::host::{Host, Running};

/// The most streams of events and sockets that are open at the same time.
pub(super) const MAX_STREAMS: usize = 1024;
/// The most components that are taken at the same time, and actors that are begun or changed.
pub(super) const MAX_LOADING: usize = 4;
/// The most rehearsals at the same time.
pub(super) const MAX_REHEARSALS: usize = 2;
/// The most walks through all records of the commons at the same time.
pub(super) const MAX_WALKS: usize = 8;

/// What the HTTP server serves.
pub struct Site {
    /// The node.
    pub host: Host,
    /// The actor at the root, where there is one. A fork that took its place is served instead.
    pub root: Option<Actor>,
    /// Who may do what; without one, everybody may do everything.
    pub policy: Option<Policy>,
    /// What the node signs; without one, nothing.
    pub log: Option<Arc<NodeLog>>,
    /// How often a client may ask; without one, as often as it can.
    pub rate: Option<RateLimit>,
    /// What its executors show; without any, nothing.
    pub executors: Watched,
    pub(super) streams: Room,
    pub(super) loading: Room,
    pub(super) rehearsals: Room,
    pub(super) walks: Room,
    pub(super) counts: Counts,
    pub(super) described: Described,
    pub(super) seen: Seen,
}

impl Site {
    /// Serves a node to whoever can reach it.
    pub fn new(host: Host, root: Option<Actor>) -> Self {
        Self {
            host,
            root,
            policy: None,
            log: None,
            rate: None,
            executors: Watched::default(),
            streams: Room::new("streams and sockets are open", MAX_STREAMS),
            loading: Room::new("components are loading", MAX_LOADING),
            rehearsals: Room::new("rehearsals are running", MAX_REHEARSALS),
            counts: Counts::default(),
            walks: Room::new("walks through the commons are under way", MAX_WALKS),
            described: Described::default(),
            seen: Seen::default(),
        }
    }

    /// Lets requests through only as `policy` and `rate` say.
    pub fn guarded(mut self, policy: Policy, rate: Option<RateLimit>) -> Self {
        self.policy = Some(policy);
        self.rate = rate;
        self
    }

    /// Hands out what a node's logs sign.
    pub fn signing(mut self, log: Option<Arc<NodeLog>>) -> Self {
        self.log = log;
        self
    }

    /// Shows what executors do.
    pub fn executing(mut self, executors: Watched) -> Self {
        self.executors = executors;
        self
    }

    /// How many streams and sockets are open.
    pub fn open_streams(&self) -> usize {
        self.streams.limit - self.streams.free.available_permits()
    }
}

impl From<&Running> for Site {
    fn from(running: &Running) -> Self {
        Self::new(running.host.clone(), Some(running.actor.clone()))
    }
}

/// Room for so many at the same time.
pub(super) struct Room {
    what: &'static str,
    limit: usize,
    free: Arc<Semaphore>,
}

impl Room {
    fn new(what: &'static str, limit: usize) -> Self {
        Self { what, limit, free: Arc::new(Semaphore::new(limit)) }
    }

    /// Takes a place, or says that there is none.
    pub(super) fn enter(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let full = |_| Refusal::new(ErrorCode::Busy, format!("{} {} already", self.limit, self.what));
        Arc::clone(&self.free).try_acquire_owned().map_err(full)
    }
}

/// The actor that a request is about: the one in its path, or the one at the root.
pub(super) struct Target(pub(super) Actor);

impl FromRequestParts<Arc<Site>> for Target {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, site).await;
        let params = params.map_err(|error| Refusal::new(ErrorCode::BadQuery, error.body_text()))?;
        match params.iter().find(|(name, _)| *name == "actor") {
            Some((_, name)) => Ok(Self(find(site, name)?)),
            None => match &site.root {
                Some(root) => Ok(Self(heir(site, root)?)),
                None => Err(Refusal::new(
                    ErrorCode::NotFound,
                    "no actor is at the root of this node; they are at `/actors/NAME`",
                )),
            },
        }
    }
}

/// Finds an actor by name or id.
pub(super) fn find(site: &Site, name: &str) -> Result<Actor, Refusal> {
    site.host.actors.find(name).map_err(|error| match error {
        SendError::Unknown => {
            let what = format!("there is no actor `{name}`; `/actors` lists those there are");
            Refusal::new(ErrorCode::NotFound, what)
        }
        error => error.into(),
    })
}

/// The actor, or the last of those that took its place.
fn heir(site: &Site, root: &Actor) -> Result<Actor, Refusal> {
    let mut actor = root.clone();
    // The usual case needs no look at the store.
    if actor.view_in_memory().is_some_and(|view| !view.tip.stopped) {
        return Ok(actor);
    }
    while let Some(heir) = actor.record()?.successor() {
        // Until it is there, what it takes the place of says that it has ended.
        if site.host.actors.store().head(&heir)?.is_none() {
            break;
        }
        actor = site.host.actors.get(heir)?;
    }
    Ok(actor)
}

/// What is committed. An actor that is not in memory is read on a thread that may block: it may have to be replayed.
pub(super) async fn view(actor: &Actor) -> Result<Arc<View>, Refusal> {
    if let Some(view) = actor.view_in_memory() {
        return Ok(view);
    }
    let actor = actor.clone();
    blocking(move || actor.view()).await
}

/// Does what may block on a thread for that.
pub(super) async fn blocking<T, E>(act: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Refusal>
where
    T: Send + 'static,
    E: Into<Refusal> + Send + 'static,
{
    match tokio::task::spawn_blocking(act).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => Err(Refusal::new(ErrorCode::Internal, error.to_string())),
    }
}
