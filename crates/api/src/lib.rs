//! What goes over the wire between a node and its clients.

mod client;
mod object;
mod payload;
mod types;

pub use client::{Answer, Client, ClientError, Entries, Prefer, State};
pub use object::{NotAnObject, check_object};
pub use payload::Payload;
pub use types::{ErrorCode, Info, Problem};

/// The OpenAPI document of the HTTP interface.
pub const OPENAPI: &str = include_str!("../openapi.json");
