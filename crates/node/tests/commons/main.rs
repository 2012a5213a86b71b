//! The commons on a node: begun, driven by signed commands over HTTP, killed, read, proved and verified.
#![allow(clippy::unwrap_used, reason = "tests")]

mod command_line;
mod people;
#[path = "../common/person.rs"]
mod person;
mod reading;
mod recovery;
#[path = "../common/wire.rs"]
mod wire;
