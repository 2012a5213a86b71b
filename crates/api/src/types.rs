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
    /// The body of a request cannot be used: it is no object, or has a key or a value that it may not have.
    BadBody = "bad-body", 400;
    /// No token was given, or one that is not known.
    Unauthorized = "unauthorized", 401;
    /// The request has to be signed by a DID, and is not.
    Unsigned = "unsigned", 401;
    /// The signature is not of this request, not by the key that it names, or does not cover what matters.
    BadSignature = "bad-signature", 401;
    /// The signature is not good at this time: sign again, with a clock that is right.
    StaleSignature = "stale-signature", 401;
    /// The token, or whoever asks without one, may not do this.
    Forbidden = "forbidden", 403;
    /// There is no such resource, entry or blob.
    NotFound = "not-found", 404;
    /// Nothing that the node signed has it, yet: what is committed is signed within seconds.
    NotSigned = "not-signed", 404;
    /// The resource has no such method.
    MethodNotAllowed = "method-not-allowed", 405;
    /// The body took too long to arrive.
    SlowBody = "slow-body", 408;
    /// The name belongs to another actor.
    NameTaken = "name-taken", 409;
    /// The signed request was sent before: sign it again for it to count again.
    Replayed = "replayed", 409;
    /// The actor's chain has ended; a fork may have taken its place.
    Ended = "stopped", 410;
    /// The bytes were erased: when is in `at`, and why in `detail`.
    Erased = "erased", 410;
    /// The bytes are kept, and handed out only to whoever has the scope `manage`.
    Withheld = "withheld", 410;
    /// The message is larger than the actor's limit.
    TooLarge = "too-large", 413;
    /// The message contract refused the message. No entry was made.
    Rejected = "rejected", 422;
    /// The component, its configuration or its limits make no actor. Nothing was begun.
    CannotBegin = "cannot-begin", 422;
    /// The `Idempotency-Key` was used with another message. No entry was made.
    KeyReused = "key-reused", 422;
    /// The state does not fit the new code. Nothing was changed.
    NotCarriedOver = "not-carried-over", 422;
    /// The payloads cannot be erased, withheld or released: they are not there, or still needed.
    CannotRedact = "cannot-redact", 422;
    /// The chain has no state at that position.
    NoSuchSeq = "no-such-seq", 422;
    /// The path is for WebSockets, and the request asks for none.
    NotASocket = "not-a-websocket", 426;
    /// The client asks too often. Try again after `Retry-After` seconds.
    TooManyRequests = "too-many-requests", 429;
    /// The actor took the message and failed; `hash` names the entry.
    Failed = "failed", 500;
    /// The node failed. No entry was made.
    Internal = "internal", 500;
    /// Whether the message was recorded shows after the node's next start.
    OutcomeUnknown = "outcome-unknown", 500;
    /// Too many messages wait. Try again after `Retry-After` seconds.
    Busy = "busy", 503;
    /// The actor takes no messages until it is resumed.
    Paused = "paused", 503;
    /// The node has as many actors as it may have.
    TooMany = "too-many-actors", 503;
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
    /// When it was redacted, in milliseconds since 1970, for [`ErrorCode::Erased`] and [`ErrorCode::Withheld`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// What of the message does not fit the actor's schema, for [`ErrorCode::Rejected`] of an actor that has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
}

impl Problem {
    /// Title and detail as one sentence; the detail alone where it begins with the title.
    pub fn sentence(&self) -> String {
        match self.detail.starts_with(&self.title) {
            true => self.detail.clone(),
            false => format!("{}: {}", self.title, self.detail),
        }
    }
}

/// A part of a message that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// Where, as a JSON pointer; empty for the whole message.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// `GET /`: what runs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The actor's id: the name of its genesis.
    pub actor: String,
    /// Its name on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it takes messages: `running`, `paused`, `stopped` or `removed`.
    #[serde(default)]
    pub status: String,
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
    /// The limits that decide outcomes.
    pub limits: BTreeMap<String, u64>,
    /// Capabilities beyond what the world gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    /// The actor that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The fork that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// The version of the node.
    pub version: String,
}
