//! What the HTTP server answers, and what it withstands.

mod access;
mod actors;
mod connections;
mod guests;
mod limits;
mod messages;
mod reading;
mod server;
mod streams;
mod surface;
mod tls;
mod upgrades;

#[path = "../common/wire.rs"]
mod wire;
