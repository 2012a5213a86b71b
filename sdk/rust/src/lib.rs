//! Actors for Troupe, in Rust.
//!
//! An actor is a type with the trait [`Actor`]. It is the state; messages, replies and the configuration are types that
//! serde can read and write as JSON. [`export!`] makes a component of it:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use troupe_actor::{Actor, Context, Reason};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Counter { count: u64 }
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "lowercase")]
//! enum Message { Inc, Add(u64) }
//!
//! impl Actor for Counter {
//!     type Message = Message;
//!     type Reply = u64;
//!
//!     fn handle(&mut self, message: Message, _: &mut Context) -> Result<u64, Reason> {
//!         self.count += match message { Message::Inc => 1, Message::Add(n) => n };
//!         Ok(self.count)
//!     }
//! }
//!
//! troupe_actor::export!(Counter);
//! ```
//!
//! - [`Actor`] has the other functions, each with a default: the first state, both contracts, migration, a description.
//! - [`Context`] says who sent a message and when, and has a method for each effect: send, request, timers, children.
//! - [`bail!`] and [`ensure!`] return with a [`Reason`]; [`debug!`], [`info!`], [`warn!`] and [`error!`] log.
//! - [`testing::Harness`] runs an actor in a test, without WebAssembly.
//!
//! Deliberately absent: clocks, files, sockets, threads and randomness. A component has none.

mod actor;
mod context;
mod describe;
mod dispatch;
mod effects;
mod host;
mod json;
mod logging;
mod object;
mod reason;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[cfg(feature = "web")]
pub mod web;

#[cfg(target_arch = "wasm32")]
#[rustfmt::skip]
#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]
#[doc(hidden)]
pub mod bindings;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
// The C library of WASI has a heap of its own, in the same place.
#[cfg(all(target_arch = "wasm32", target_os = "unknown", feature = "heap"))]
#[allow(
    unsafe_code,
    unreachable_pub,
    reason = "an allocator cannot be without; other crates have the same file"
)]
mod heap;

#[cfg(all(target_arch = "wasm32", target_os = "unknown", feature = "heap"))]
#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

pub use actor::Actor;
pub use context::{About, Context, EffectId, EffectRef, Sender};
pub use describe::Description;
pub use effects::{Child, OnFailure, Supervision};
pub use json::Json;
pub use logging::{Level, log};
pub use object::object;
pub use reason::Reason;

/// Makes the crate a component that is this actor. To be written once.
///
/// On other targets than `wasm32` it only checks that the type is an [`Actor`].
#[cfg(target_arch = "wasm32")]
#[macro_export]
macro_rules! export {
    ($actor:ty) => {
        const _: () = {
            type Exported = $crate::guest::Exported<$actor>;
    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}

/// Makes the crate a component that is this actor. To be written once.
///
/// On other targets than `wasm32` it only checks that the type is an [`Actor`].
#[cfg(not(target_arch = "wasm32"))]
#[macro_export]
macro_rules! export {
    ($actor:ty) => {
        const _: () = {
            const fn is_an_actor<A: $crate::Actor>() {}
            is_an_actor::<$actor>();
        };
    };
}
