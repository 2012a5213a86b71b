//! What the HTTP server serves: a node of actors, and which of them is at the root.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use troupe_api::ErrorCode;
use troupe_runtime::{Actor, SendError};

use super::problem::Refusal;
use crate::host::{Host, Running};

/// What the HTTP server serves.
pub struct Site {
    /// The node.
    pub host: Host,
    /// The actor at the root, where there is one. A fork that took its place is served instead.
    pub root: Option<Actor>,
}

impl From<&Running> for Site {
    fn from(running: &Running) -> Self {
        Self { host: running.host.clone(), root: Some(running.actor.clone()) }
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
    while let Some(heir) = actor.record()?.successor() {
        actor = site.host.actors.get(heir)?;
    }
    Ok(actor)
}
