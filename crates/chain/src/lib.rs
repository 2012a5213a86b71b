//! The chain format: entries that name the one before by hash, and their verification by replay.
//!
//! The format is `docs/spec/chain.md`. This crate knows nothing of WebAssembly, storage, networks or clocks: a
//! [`Machine`] says what a message leads to, a [`Tip`] links the outcome, and [`verify`] does it all again for whoever
//! does not believe it.
//!
//! ```
//! use troupe_chain::{Code, Genesis, Hash, Text, Timestamp, Tip};
//!
//! let genesis = Genesis {
//!     code: Code::Component(Hash::of(b"the bytes of a component")),
//!     world: Text::new("troupe:actor/actor@0.1.0")?,
//!     config: None,
//!     limits: [(Text::new("fuel")?, 1_000_000)].into(),
//!     engine: [(Text::new("engine")?, Text::new("none")?)].into(),
//!     grants: Vec::new(),
//!     owner: None,
//!     nonce: Hash::from_bytes([7; 32]),
//!     fork: None,
//!     started_by: None,
//! };
//! let (tip, entry) = Tip::start(genesis, Timestamp(1_700_000_000_000));
//!
//! // The chain's id is the name of its first entry, so whoever has the bytes can check the id.
//! assert_eq!(Hash::of(&entry.bytes), tip.chain);
//! let (checked, _) = Tip::check_genesis(&entry.bytes)?;
//! assert_eq!(checked, tip);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bisect;
mod cid;
mod codec;
mod compare;
mod did;
mod effect;
mod entry;
mod failure;
mod files;
pub mod fraud;
mod hash;
mod history;
mod json;
mod link;
mod machine;
pub mod note;
mod once;
mod parts;
mod provenance;
mod recorded;
mod redaction;
mod replay;
mod rerun;
mod supervision;
mod text;
pub mod tree;
mod verdict;
mod verify;

pub use bisect::first_difference;
pub use cid::{Cid, NotACid};
pub use codec::FORMAT_VERSION;
pub use did::{BadDid, DidKey};
pub use effect::{Asked, Effect, EffectId, EffectRef, Notice, Sender, Spawn};
pub use entry::{
    Body, Call, Code, Engine, Entry, Failure, Fork, Fuel, Genesis, Init, Limits, Message, Rules, Stop,
    Timestamp, Unfit, Upgrade,
};
pub use failure::FailureCode;
pub use files::{FILE_FIELD, Files, GrantedFile};
pub use hash::{Hash, Hasher, NotAName};
pub use history::{History, Machines, Unreadable};
pub use json::{MAX_INTEGER, Malformed};
pub use link::{Broken, LinkFault, Linked, Tip};
pub use machine::{
    Abort, Accepted, Answered, Context, Failed, Held, Leaf, Level, LogLine, Machine, Nowhere, Outcome,
    Outside, Rejection, Step, hand_over,
};
pub use once::Once;
pub use parts::{PART_ENTRIES, Part, Parts, first_fault, parts};
pub use provenance::{Entries, Origin, check_origin};
pub use recorded::Fetch;
pub use redaction::{Gap, Redaction, RedactionKind};
pub use replay::Replayer;
pub use rerun::{Rerun, rerun};
pub use supervision::{OnFailure, Supervision};
pub use text::{NotText, Text};
pub use verdict::{CannotCheck, Divergence, NotVerified, Report};
pub use verify::{check_blobs, check_links, verify};
