//! What the crate promises, through its public interface alone.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod files;
mod keyring;
mod requests;
mod resolve;
