//! What a client asks of a node beside messages and histories: to begin, change and end actors.
//!
//! A [`Client`] of a node lists and begins; [`Client::actor`] gives one of an actor, which changes and ends it.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use troupe_chain::{Cid, Hash};

use crate::{
    ActorList, Blobs, Client, ClientError, ForkActor, Info, KeptBlob, Nothing, Rehearsal, RewindActor,
    StartActor, StopActor, Top, UpgradeActor, Upgraded, Uploaded, UploadedFile,
};

const JSON: &str = "application/json";

impl Client {
    /// Gives a component to the node. It may have it already.
    ///
    /// # Errors
    /// [`ClientError`]; what is no actor is a problem that says why.
    pub fn upload(&self, component: &[u8]) -> Result<Uploaded, ClientError> {
        self.ask("POST", "/components", Some(("application/wasm", component)))
    }

    /// Gives a file to the node, for actors that are granted it. It may have it already.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn upload_file(&self, bytes: &[u8]) -> Result<UploadedFile, ClientError> {
        self.ask("POST", "/files", Some(("application/octet-stream", bytes)))
    }

    /// Gives a blob to the node. It may have it already.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn put_blob(&self, bytes: &[u8]) -> Result<KeptBlob, ClientError> {
        self.ask("POST", "/dag", Some(("application/octet-stream", bytes)))
    }

    /// The bytes of a blob that somebody gave; `None` if nobody did. Whether they are what the CID says is not looked at.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn kept_blob(&self, cid: &Cid) -> Result<Option<Vec<u8>>, ClientError> {
        match self.call("GET", &format!("/dag/{cid}"), None) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Blobs in order of their hashes, from after one on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn kept_blobs(&self, after: Option<&str>, limit: u64) -> Result<Blobs, ClientError> {
        let after = after.map_or(String::new(), |after| format!("&after={after}"));
        self.ask("GET", &format!("/dag?limit={limit}{after}"), None)
    }

    /// The bytes of a component; `None` if the node does not have it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn stored_component(&self, name: &Hash) -> Result<Option<Vec<u8>>, ClientError> {
        match self.call("GET", &format!("/components/{name}"), None) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Actors in order of their ids, from after one on; those that were removed only with `all`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn list(&self, after: Option<&str>, limit: u64, all: bool) -> Result<ActorList, ClientError> {
        let mut path = format!("/actors?limit={limit}&all={all}");
        if let Some(after) = after {
            let _ = write!(path, "&after={after}");
        }
        self.ask("GET", &path, None)
    }

    /// Begins an actor.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn start(&self, actor: &StartActor) -> Result<Info, ClientError> {
        self.order("/actors", actor)
    }

    /// Ends the actor's chain.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn stop(&self, reason: Option<&str>) -> Result<Info, ClientError> {
        self.order("/stop", &StopActor { reason: reason.map(str::to_owned) })
    }

    /// Ends the actor's chain, gives up its name, and lists it no longer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn remove(&self) -> Result<Info, ClientError> {
        self.ask("DELETE", "", None)
    }

    /// Lets the actor take no messages.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn pause(&self) -> Result<Info, ClientError> {
        self.order("/pause", &Nothing {})
    }

    /// Lets the actor take messages again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn resume(&self) -> Result<Info, ClientError> {
        self.order("/resume", &Nothing {})
    }

    /// Gives the actor other code or other rules.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn upgrade(&self, upgrade: &UpgradeActor) -> Result<Upgraded, ClientError> {
        self.order("/upgrade", &UpgradeActor { dry_run: false, messages: None, ..upgrade.clone() })
    }

    /// Says what an upgrade would come to, and changes nothing.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn rehearse(&self, upgrade: &UpgradeActor) -> Result<Rehearsal, ClientError> {
        self.order("/upgrade", &UpgradeActor { dry_run: true, ..upgrade.clone() })
    }

    /// Begins another actor from this one's state at a position.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn fork(&self, at: u64, name: Option<&str>) -> Result<Info, ClientError> {
        self.order("/fork", &ForkActor { at, name: name.map(str::to_owned) })
    }

    /// Takes the actor back to its state at a position: what is returned is the fork that took its place.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn rewind(&self, to: u64, reason: Option<&str>) -> Result<Info, ClientError> {
        self.order("/rewind", &RewindActor { to, reason: reason.map(str::to_owned) })
    }

    /// Lines of the actor's log as NDJSON: the last ones, or from those of a position on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn log(&self, from: Option<u64>, limit: u64) -> Result<Vec<u8>, ClientError> {
        let from = from.map_or(String::new(), |from| format!("&from={from}"));
        self.call("GET", &format!("/log?limit={limit}{from}"), None)
    }

    /// What the node does now.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn top(&self) -> Result<Top, ClientError> {
        self.ask("GET", "/top", None)
    }

    pub(crate) fn order<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        // These bodies can always be written.
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.ask("POST", path, Some((JSON, &body)))
    }

    pub(crate) fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, &[u8])>,
    ) -> Result<T, ClientError> {
        let answer = self.call(method, path, body)?;
        self.json(path, &answer)
    }
}
