//! What the HTTP server answers, and what it withstands.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod access;
mod actors;
mod checkpoints;
mod connections;
mod dag;
mod dids;
mod guests;
mod limits;
mod messages;
mod monitoring;
mod reading;
mod redactions;
mod schemas;
mod server;
mod signed;
mod streams;
mod surface;
mod tls;
mod ui;
mod upgrades;

#[path = "../common/person.rs"]
mod person;
#[path = "../common/wire.rs"]
mod wire;
