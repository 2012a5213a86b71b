//! Troupe as a library: a node of actors, one actor from a component file, and the HTTP server before them.
//!
//! - [`Runtime`] is the short way: a path, `start`, `handle_message`.
//! - [`host::Setup`] has every setting, and [`host::Running`] what came of it.
//! - [`http::serve`] puts an HTTP server before a running actor.
//! - [`manifest`] reads what an actor and a node are to be from files, and [`access`] decides who may do what.
//!
//! The layers below are crates of their own: [`troupe_chain`] (entries and their verification), [`troupe_component`]
//! (the sandbox), [`troupe_store`] and [`troupe_runtime`] (sequencer and group commit).

pub mod access;
pub mod checkpoints;
pub mod commons;
pub mod copy;
pub mod dag;
pub mod did;
pub mod environment;
pub mod executor;
pub mod host;
pub mod http;
pub mod huge_pages;
pub mod live;
pub mod load;
pub mod logs;
pub mod machines;
pub mod otlp;
pub mod outside;
pub mod parallel;
pub mod receipt;
pub mod rehearse;
mod runtime;

pub use runtime::{Runtime, RuntimeError};
pub use troupe_manifest::{self as manifest, units};
pub use {
    troupe_api, troupe_chain, troupe_commons, troupe_component, troupe_identity, troupe_log, troupe_runtime,
    troupe_store,
};
