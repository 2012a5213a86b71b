//! The chain format: entries that name the one before by hash, and their verification by replay.
//!
//! The format is `docs/spec/chain.md`. This crate knows nothing of WebAssembly, storage, networks or clocks: a
//! [`Machine`] says what a message leads to, a [`Tip`] links the outcome, and [`verify`] does it all again for whoever
//! does not believe it.

mod codec;
mod entry;
mod failure;
mod hash;
mod history;
mod json;
mod link;
mod machine;
mod replay;
mod text;
mod verdict;
mod verify;

pub use codec::FORMAT_VERSION;
pub use entry::{
    Body, Call, Code, Effect, Engine, Entry, Failure, Fuel, Genesis, Init, Limits, Message, Sender,
    Timestamp, Unfit,
};
pub use failure::FailureCode;
pub use hash::{Hash, Hasher, NotAName};
pub use history::{History, Machines, Unreadable};
pub use json::{MAX_INTEGER, Malformed};
pub use link::{Broken, LinkFault, Linked, Tip};
pub use machine::{
    Abort, Accepted, Context, Failed, Level, LogLine, Machine, Outcome, Outgoing, Rejection, Step,
};
pub use replay::Replayer;
pub use text::{NotText, Text};
pub use verdict::{CannotCheck, Divergence, NotVerified, Report};
pub use verify::{check_blobs, check_links, verify};
