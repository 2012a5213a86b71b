//! WebAssembly components as machines: loaded with every difference from their world named, run in a sandbox in which
//! outcomes depend on nothing but code, limits and input.
//!
//! - [`Sandbox`] makes engines; [`Sandbox::load`] makes a [`WasmComponent`] of bytes, or a [`LoadError`] that says why not.
//! - [`WasmComponent`] is a [`troupe_chain::Machine`]: each message gets a fresh instance and one fuel budget.
//! - [`Limits`] and [`Grants`] are what genesis lists; [`World`] is what a component may import and must export.
//! - [`abi`] is what jobs, and actors that were granted it, may ask of the commons; core modules that run as jobs are
//!   loaded by the same [`Sandbox::load`], of [`World::Job`].
//! - [`CodeCache`] keeps compiled code on disk.
//! - [`outside`] is how calls to the web are written down.
//! - WASI 0.2 is answered from the entry, whoever runs it and when (`docs/spec/wasi.md`); [`Import`] says what a component
//!   gets of what it imports. Commands and handlers of HTTP requests are actors, too.

pub mod abi;
mod actor;
mod cache;
mod effects;
mod fetch;
mod grants;
mod guest;
mod host;
mod interface;
mod limits;
mod line;
mod load;
mod module;
mod needs;
mod ordinary;
pub mod outside;
mod run;
mod sandbox;
mod surface;
mod trap;
mod tree;
mod url;
mod wasi;
mod watch;
mod wit;
mod world;
mod written;

pub use actor::{CallError, MAX_DESCRIPTION, NoDescription, WasmComponent};
pub use cache::{Cleared, CodeCache, CompiledCode, Distrust};
pub use grants::{Allowed, BadGrant, CommonsGrants, Denied, Grants};
pub use interface::Mismatch;
pub use limits::{BadLimit, Limits};
pub use load::{LoadError, check_limits};
pub use sandbox::{Allocation, NoEngine, Sandbox, SandboxConfig};
pub use tree::{MAX_FILE_BYTES, MAX_FILES, Missing};
pub use url::{BadUrl, Url};
pub use wasi::names::{Import, Met};
pub use watch::{CodeEvent, CodeWatch};
pub use world::World;
pub use written::{LineSink, Listener, MAX_TOLD, Stream};
