//! What the commons promises, through the public interface alone.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod attacks;
mod cooperative;
mod laws;
mod machine;
mod map;
mod model;
mod simulation;
