//! What whoever hands out a history says of the blobs that he does not hand out.
//!
//! Invariant: a redaction is a claim of the operator, beside the chain. It excuses that bytes are not there, so that an
//! entry is *not replayed*; it never makes an entry true.
//!
//! Deliberately absent: a redaction as an entry. The chain never changes.

use std::fmt;

use crate::entry::Timestamp;
use crate::json::{ObjectReader, ObjectWriter, Reader};
use crate::{Hash, Malformed, Text};

/// What became of a blob's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RedactionKind {
    /// They are gone for good.
    Erased,
    /// They are kept, and not handed out.
    Withheld,
}

/// Why a blob is not there, as the operator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// What became of the bytes.
    pub kind: RedactionKind,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Text,
}

/// Entries that follow each other and were not replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The field whose blob the first of them needs.
    pub field: &'static str,
    /// The blob.
    pub name: Hash,
    /// Why it is not there.
    pub redaction: Redaction,
}

impl RedactionKind {
    /// The kind in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Withheld => "withheld",
        }
    }
}

impl fmt::Display for RedactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.reason)
    }
}

impl Redaction {
    /// The canonical JSON of a redaction of a blob, as bundles and nodes hand it out.
    pub fn encode(&self, name: &Hash) -> Vec<u8> {
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.integer("at", self.at.0);
        object.text("kind", self.kind.as_str());
        object.hash("name", name);
        object.text("reason", self.reason.as_str());
        object.end();
        out
    }

    /// Reads [`Redaction::encode`].
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<(Hash, Self), Malformed> {
        let mut reader = Reader::new(bytes);
        let mut object = ObjectReader::begin(&mut reader)?;
        let at = object.field("at", Reader::integer)?;
        let kind = object.field("kind", |reader| match reader.plain_string()? {
            "erased" => Ok(RedactionKind::Erased),
            "withheld" => Ok(RedactionKind::Withheld),
            other => reader.fail(format!("expected \"erased\" or \"withheld\", found {other:?}")),
        })?;
        let name = object.field("name", Reader::hash)?;
        let reason = object.field("reason", Reader::text)?;
        object.end()?;
        reader.end()?;
        match (at, kind, name, reason) {
            (Some(at), Some(kind), Some(name), Some(reason)) => {
                Ok((name, Self { kind, at: Timestamp(at), reason }))
            }
            _ => reader.fail("expected `at`, `kind`, `name` and `reason`"),
        }
    }
}
