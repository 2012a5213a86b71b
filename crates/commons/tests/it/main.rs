//! What the commons promises, through the public interface alone.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod attacks;
mod commands;
mod cooperative;
mod governance;
mod jobs;
mod laws;
mod machine;
mod mandates;
mod map;
mod members;
mod model;
mod record_proofs;
mod simulation;
mod state_space;
mod trust;
mod vectors;
