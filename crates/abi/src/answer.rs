//! How a read of the commons is written down: compact JSON with its keys in ascending order, bytes as base64.
//!
//! Invariant: what is written reads back as the same. The guest's side writes requests and reads answers, a node's side
//! the other way round; a replay reads what both wrote.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use troupe_chain::{Hash, MAX_INTEGER};

use crate::HostError;

/// Bytes that are not a request, or not an answer.
#[derive(Debug, thiserror::Error)]
#[error("not a recorded call: {0}")]
pub struct NotACall(String);

impl NotACall {
    /// Says why.
    pub fn new(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}

/// What a guest asks of the commons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadRequest {
    /// The member that it is about, where it is about one.
    pub of: Option<Hash>,
}

/// What the commons answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadAnswer {
    /// A number of at most 2^53-1.
    Value(u64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Why there is none.
    Refused(HostError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenAnswer {
    Bytes(String),
    Error(String),
    Value(u64),
}

impl ReadRequest {
    /// The bytes that a chain records.
    pub fn encode(self) -> Vec<u8> {
        serde_json::to_vec(&WrittenRequest { of: self.of.map(|of| of.to_string()) }).unwrap_or_default()
    }

    /// Reads the bytes that a chain records.
    ///
    /// # Errors
    /// [`NotACall`] if they are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotACall> {
        let written: WrittenRequest = serde_json::from_slice(bytes).map_err(NotACall::new)?;
        let of = written.of.map(|of| of.parse().map_err(NotACall::new)).transpose()?;
        Ok(Self { of })
    }
}

impl ReadAnswer {
    /// The bytes that a chain records.
    pub fn encode(&self) -> Vec<u8> {
        let written = match self {
            Self::Value(value) => WrittenAnswer::Value(*value),
            Self::Bytes(bytes) => WrittenAnswer::Bytes(BASE64_STANDARD.encode(bytes)),
            Self::Refused(error) => WrittenAnswer::Error(error.as_str().to_owned()),
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// Reads the bytes that a chain records.
    ///
    /// # Errors
    /// [`NotACall`] if they are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotACall> {
        match serde_json::from_slice(bytes).map_err(NotACall::new)? {
            WrittenAnswer::Value(value) if value <= MAX_INTEGER => Ok(Self::Value(value)),
            WrittenAnswer::Value(_) => Err(NotACall::new("a number beyond 2^53-1")),
            WrittenAnswer::Bytes(text) => {
                BASE64_STANDARD.decode(text).map(Self::Bytes).map_err(NotACall::new)
            }
            WrittenAnswer::Error(name) => {
                HostError::named(&name).map(Self::Refused).ok_or_else(|| NotACall::new("an unknown error"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let of = Some(Hash::from_bytes([7; 32]));
        for request in [ReadRequest { of }, ReadRequest { of: None }] {
            assert_eq!(ReadRequest::decode(&request.encode()).unwrap(), request);
        }
        for answer in [
            ReadAnswer::Value(MAX_INTEGER),
            ReadAnswer::Bytes(vec![0, 255]),
            ReadAnswer::Refused(HostError::NotFound),
        ] {
            assert_eq!(ReadAnswer::decode(&answer.encode()).unwrap(), answer);
        }
        assert_eq!(ReadAnswer::Value(7).encode(), br#"{"value":7}"#);
        assert_eq!(ReadAnswer::Refused(HostError::NotFound).encode(), br#"{"error":"not-found"}"#);
        for bad in [r#"{"value":9007199254740992}"#, r#"{"error":"no"}"#, r#"{"bytes":"?"}"#, "{}", "1"] {
            assert!(ReadAnswer::decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
