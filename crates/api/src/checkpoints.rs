//! What a node signs, and the proofs that lead there.

use serde::{Deserialize, Serialize};
use troupe_chain::note::{BadNote, NodeLeaf, ProofFile, SignedCheckpoint};
use troupe_chain::tree::TreeHash;

use crate::{Client, ClientError};

/// Leaves asked for at once.
const LEAVES: u64 = 10_000;

/// Shows that a log has a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InclusionProof {
    /// The leaf's place; in the log of a chain, the entry's seq.
    pub index: u64,
    /// The size of the tree.
    pub size: u64,
    /// In base64, from the leaf's sibling up to the root's child.
    pub hashes: Vec<String>,
}

/// Shows that a log begins with an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// The older size.
    pub from: u64,
    /// The newer size.
    pub to: u64,
    /// In base64, as RFC 6962 orders them.
    pub hashes: Vec<String>,
}

impl ConsistencyProof {
    /// The hashes; `None` if one is none.
    pub fn hashes(&self) -> Option<Vec<TreeHash>> {
        self.hashes.iter().map(|hash| hash.parse().ok()).collect()
    }
}

impl Client {
    /// The newest checkpoint: of the node's log, or of the chain of [`Client::actor`]. No signature is checked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, ClientError> {
        let path = "/checkpoint";
        let bytes = self.call("GET", path, None)?;
        SignedCheckpoint::parse(&bytes).map_err(|error| self.not_read(path, &error))
    }

    /// Leaves of the node's log from a place on, as many as it gives at once; none past its end.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn leaves(&self, from: u64) -> Result<Vec<NodeLeaf>, ClientError> {
        let path = format!("/leaves?from={from}&limit={LEAVES}");
        let bytes = self.call("GET", &path, None)?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let leaf = |line: &[u8]| NodeLeaf::parse(line);
        lines.map(leaf).collect::<Result<_, _>>().map_err(|error| {
            let url = format!("{}{path}", self.url());
            ClientError::Unexpected { url, status: 200, excerpt: error.to_string() }
        })
    }

    /// The key that the node says it signs with. Who it really is, somebody else must say.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn key(&self) -> Result<String, ClientError> {
        let bytes = self.call("GET", "/key", None)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// The proof of an entry of the chain of [`Client::actor`]. Nothing of it is checked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn proof(&self, seq: u64) -> Result<ProofFile, ClientError> {
        let path = format!("/proof?seq={seq}");
        let bytes = self.call("GET", &path, None)?;
        ProofFile::parse(&bytes).map_err(|error| self.not_read(&path, &error))
    }

    /// The proof that a log of `to` leaves begins with its first `from`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn consistency(&self, from: u64, to: u64) -> Result<ConsistencyProof, ClientError> {
        let path = format!("/proof/consistency?from={from}&to={to}");
        let bytes = self.call("GET", &path, None)?;
        self.json(&path, &bytes)
    }

    fn not_read(&self, path: &str, error: &BadNote) -> ClientError {
        let url = format!("{}{path}", self.url());
        ClientError::Unexpected { url, status: 200, excerpt: error.to_string() }
    }
}
