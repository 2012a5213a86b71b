//! What the HTTP server answers, and what it withstands.

mod connections;
mod guests;
mod messages;
mod reading;
mod server;
mod surface;
mod tls;

#[path = "../common/wire.rs"]
mod wire;
