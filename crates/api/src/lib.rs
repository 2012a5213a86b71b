//! What goes over the wire between a node and its clients.

mod payload;
mod types;

pub use payload::Payload;
pub use types::{ErrorCode, Info, Problem};
