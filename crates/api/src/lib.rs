//! What goes over the wire between a node and its clients.

/// The OpenAPI document of the HTTP interface.
pub const OPENAPI: &str = "{}";

mod payload;
mod types;

pub use payload::Payload;
pub use types::{ErrorCode, Info, Problem};
