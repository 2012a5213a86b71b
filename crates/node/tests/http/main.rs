//! What the HTTP server answers, and what it withstands.

mod connections;
mod guests;
mod messages;
mod reading;
mod server;
mod surface;

#[path = "../common/wire.rs"]
mod wire;
