//! What a client asks of one actor: messages, its state, and its history.

use serde::Deserialize;
use serde_json::value::RawValue;
use troupe_chain::Hash;
use ureq::http::HeaderMap;

use crate::{Blob, Client, ClientError, Info};

/// What a handled message led to.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// The name of the entry.
    pub hash: String,
    /// Its position.
    pub seq: u64,
    /// The new state; absent in a minimal answer.
    #[serde(default)]
    pub state: Option<Box<RawValue>>,
    /// The reply; absent in a minimal answer, and if the actor gave none.
    #[serde(default)]
    pub reply: Option<Box<RawValue>>,
}

/// How much of an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// Hash, position, state and reply.
    Full,
    /// Hash and position.
    Minimal,
}

/// The current state and where it belongs.
#[derive(Debug, Clone)]
pub struct State {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The position of the entry that led to it.
    pub seq: u64,
}

/// Some entries of a chain.
#[derive(Debug, Clone)]
pub struct Entries {
    /// Canonical entries, in order.
    pub entries: Vec<Vec<u8>>,
    /// The name of the chain's last entry.
    pub head: Hash,
    /// Its position.
    pub seq: u64,
}

impl Client {
    /// What runs there.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn info(&self) -> Result<Info, ClientError> {
        let root = self.root();
        let (_, body) = self.get(root)?;
        self.json(root, &body)
    }

    /// Sends one message and waits until its outcome is durable.
    ///
    /// # Errors
    /// [`ClientError`]; a message that was refused or that the actor failed on is [`ClientError::Problem`].
    pub fn send(&self, message: &[u8], prefer: Prefer) -> Result<Answer, ClientError> {
        let mut headers = vec![("content-type", "application/json")];
        if prefer == Prefer::Minimal {
            headers.push(("prefer", "return=minimal"));
        }
        let root = self.root();
        let (_, body) = self.read(root, self.run("POST", root, &headers, Some(message)))?;
        self.json(root, &body)
    }

    /// The current state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn state(&self) -> Result<State, ClientError> {
        let (headers, bytes) = self.get("/state")?;
        let seq = self.header(&headers, "troupe-seq", "/state")?;
        Ok(State { bytes, seq })
    }

    /// Entries from position `from` on: at most `limit`, and perhaps fewer although there are more.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn entries(&self, from: u64, limit: u64) -> Result<Entries, ClientError> {
        let path = format!("/chain?from={from}&limit={limit}");
        let (headers, body) = self.get(&path)?;
        let entries = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(Entries {
            entries: entries.map(<[u8]>::to_vec).collect(),
            head: self.header(&headers, "troupe-head", &path)?,
            seq: self.header(&headers, "troupe-seq", &path)?,
        })
    }

    /// One entry by its position or its name; `None` if there is none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn entry(&self, key: &str) -> Result<Option<Vec<u8>>, ClientError> {
        found(self.get(&format!("/chain/{key}")))
    }

    /// The bytes of a blob; `None` if the node has none under this name. They may be anything.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(match self.find_blob(name)? {
            Blob::Bytes(bytes) => Some(bytes),
            Blob::Redacted(_) | Blob::Missing => None,
        })
    }

    /// The bytes of the component.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn component(&self) -> Result<Vec<u8>, ClientError> {
        Ok(self.get("/component")?.1)
    }

    /// The path of what the base names: an actor has no slash at its end.
    fn root(&self) -> &'static str {
        if self.url().split_once("://").is_some_and(|(_, host)| host.contains('/')) { "" } else { "/" }
    }
}

fn found(answer: Result<(HeaderMap, Vec<u8>), ClientError>) -> Result<Option<Vec<u8>>, ClientError> {
    match answer {
        Ok((_, bytes)) => Ok(Some(bytes)),
        Err(ClientError::Problem(problem)) if problem.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
