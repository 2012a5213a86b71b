//! Bodies of requests and answers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $status:literal;)+) => {
        /// What went wrong, for programs. The codes are stable; messages are for people and are not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode { $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }
        }
    };
}

error_codes! {
    /// The body is not a JSON object.
    NotAnObject = "not-a-json-object", 400;
    /// A parameter of the query cannot be used.
    BadQuery = "bad-query", 400;
    /// There is no such resource, entry or blob.
    NotFound = "not-found", 404;
    /// The resource has no such method.
    MethodNotAllowed = "method-not-allowed", 405;
    /// The message is larger than the actor's limit.
    TooLarge = "too-large", 413;
    /// The message contract refused the message. No entry was made.
    Rejected = "rejected", 422;
    /// The actor took the message and failed; `hash` names the entry.
    Failed = "failed", 500;
    /// The node failed. No entry was made.
    Internal = "internal", 500;
    /// Whether the message was recorded shows after the node's next start.
    OutcomeUnknown = "outcome-unknown", 500;
    /// Too many messages wait. Try again after `Retry-After` seconds.
    Busy = "busy", 503;
    /// The node takes no more messages: its store is halted, or it is stopping.
    Halted = "halted", 503;
    /// The deadline passed before the outcome was known. No entry was made.
    OutOfTime = "out-of-time", 504;
    /// The disk is full. No entry was made.
    StoreFull = "store-full", 507;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The body of an error, `application/problem+json` (RFC 9457) with a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, in a few words.
    pub title: String,
    /// What happened, where, and what to do.
    pub detail: String,
    /// The name of the failure's entry, for [`ErrorCode::Failed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Its position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The chain's code for the failure, such as `fuel` or `trap:unreachable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `GET /`: what runs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The actor's id: the name of its genesis.
    pub actor: String,
    /// The hash of its component.
    pub component: String,
    /// The WIT world of its component.
    pub world: String,
    /// The name of the last entry.
    pub head: String,
    /// Its position.
    pub seq: u64,
    /// The name of the current state.
    pub state: String,
    /// What outcomes depend on beside the component.
    pub engine: BTreeMap<String, String>,
    /// The limits that genesis fixes.
    pub limits: BTreeMap<String, u64>,
    /// The version of the node.
    pub version: String,
}
