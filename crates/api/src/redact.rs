//! Bodies about payloads that are taken back, and a blob or why there is none.
//!
//! Deliberately absent: what the fields of an entry are; the node says which of them can be redacted.

use serde::{Deserialize, Serialize};
use troupe_chain::Hash;

use crate::client::{Client, ClientError};
use crate::{ErrorCode, Problem};

/// `POST …/redactions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RedactActor {
    /// What is to be done: `erase`, `withhold` or `release`.
    pub r#do: String,
    /// The position of the first entry.
    pub from: u64,
    /// The position of the last entry; without it, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// Which payloads of these entries, by the field that names them; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Why, for whoever finds that they are not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the same bytes of all other actors of the node are meant, too.
    #[serde(default)]
    pub everywhere: bool,
}

/// What a redaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedActor {
    /// What was done: `erased`, `withheld` or `released`.
    pub done: String,
    /// The payloads, of the actor that was asked about.
    pub blobs: Vec<RedactedPart>,
    /// Copies that were overwritten, of all actors.
    pub copies: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The position of a state from which the actor can be resumed, where something was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<u64>,
    /// Other actors of which the same bytes were erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Other actors that still have the same bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
}

/// A payload that was redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedPart {
    /// Its name.
    pub name: String,
    /// The position of the entry that it was redacted of, where it was found by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The field of that entry.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
}

/// `GET …/redactions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redactions {
    /// In the order of their names.
    pub redactions: Vec<ListedRedaction>,
    /// What `after` is for those that follow; none if these are the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A redaction of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRedaction {
    /// The payload.
    #[serde(flatten)]
    pub part: RedactedPart,
    /// What became of it: `erased` or `withheld`.
    pub kind: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Why.
    pub reason: String,
    /// Who asked for it, as far as the node knows.
    pub by: String,
}

/// What is found under a blob's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blob {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing, since it was redacted: when is in `at`, and why in `detail`.
    Redacted(Box<Problem>),
    /// Nothing.
    Missing,
}

impl Client {
    /// The bytes of a blob, or why there are none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn find_blob(&self, name: &Hash) -> Result<Blob, ClientError> {
        match self.get(&format!("/blobs/{name}")) {
            Ok((_, bytes)) => Ok(Blob::Bytes(bytes)),
            Err(ClientError::Problem(problem)) => match problem.code {
                ErrorCode::Erased | ErrorCode::Withheld => Ok(Blob::Redacted(problem)),
                _ if problem.status == 404 => Ok(Blob::Missing),
                _ => Err(ClientError::Problem(problem)),
            },
            Err(error) => Err(error),
        }
    }

    /// Redacts payloads of the actor.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn redact(&self, asked: &RedactActor) -> Result<RedactedActor, ClientError> {
        self.order("/redactions", asked)
    }

    /// What of the actor was redacted, in pages.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn redactions(&self, after: Option<&str>) -> Result<Redactions, ClientError> {
        let after = after.map_or(String::new(), |after| format!("?after={after}"));
        self.ask("GET", &format!("/redactions{after}"), None)
    }
}
