//! What the sandbox promises of every guest, in every world that it is for.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod abi;
mod actors;
mod cache;
mod common;
mod contracts;
mod deadlines;
mod description;
mod determinism;
mod effects;
mod limits;
mod loader;
mod migrate;
mod stock;
mod wasi;
mod web;
mod written;
