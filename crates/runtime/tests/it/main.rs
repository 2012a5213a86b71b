//! What the sequencer and the group commit promise, with a native machine and stores that block, fail and crash.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod chains;
mod commits;
mod common;
mod crash;
mod crashes;
mod effects;
mod engines;
mod held;
mod keys;
mod mailbox;
mod redact;
mod script;
mod snapshots;
mod supervision;
mod threads;
mod world;
