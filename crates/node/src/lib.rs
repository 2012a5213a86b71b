//! Troupe as a library: one actor from a component file, and the HTTP server before it.

pub mod host;
pub mod http;
