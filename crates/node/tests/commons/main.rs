//! The commons on a node: begun, driven by signed commands over HTTP, killed, read, proved and verified.
#![allow(clippy::unwrap_used, reason = "tests")]

mod command_line;
mod events;
mod executing;
mod executor;
mod gate;
mod jobs;
mod people;
#[path = "../common/person.rs"]
mod person;
#[path = "../common/random.rs"]
mod random;
mod reading;
mod recovery;
mod several;
mod testing;
mod watching;
#[path = "../common/wire.rs"]
mod wire;
