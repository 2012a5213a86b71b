//! What goes over the wire between a node and its clients: bodies, error codes, the OpenAPI document, and a blocking
//! [`Client`].
//!
//! ```
//! use troupe_api::{ErrorCode, Problem};
//!
//! let body = r#"{"code":"busy","status":503,"title":"busy","detail":"the mailbox is full"}"#;
//! let problem: Problem = serde_json::from_str(body)?;
//! assert_eq!(problem.code, ErrorCode::Busy);
//! assert_eq!(problem.code.status(), problem.status);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod actor;
mod blobs;
mod checkpoints;
mod client;
mod courier;
mod fetch;
mod manage;
mod node;
mod object;
mod payload;
mod redact;
mod roots;
mod signing;
mod types;

pub use actor::{Answer, Entries, Prefer, State};
pub use blobs::NeededBlobs;
pub use checkpoints::{ConsistencyProof, InclusionProof};
pub use client::{Client, ClientError};
pub use courier::Courier;
pub use fetch::{Allowed, Asking, Fetched, Fetcher, NotFetched};
pub use manage::{
    ActorList, ActorSummary, Blobs, CarriedOver, Difference, ForkActor, KeptBlob, Nothing, Rehearsal,
    RewindActor, StartActor, StopActor, Supervision, Top, TopActor, TopNode, UpgradeActor, Upgraded,
    Uploaded, UploadedFile,
};
pub use object::{NotAnObject, check_object};
pub use payload::Payload;
pub use redact::{Blob, ListedRedaction, RedactActor, RedactedActor, RedactedPart, Redactions};
pub use types::{ErrorCode, FieldProblem, Info, Problem};

/// The OpenAPI document of the HTTP interface.
pub const OPENAPI: &str = include_str!("../openapi.json");
