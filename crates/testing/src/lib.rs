//! Guests made at test time: components from WebAssembly text, without any WebAssembly toolchain.
//!
//! - [`component_from_wat`] makes a component of a core module in text and a world in WIT.
//! - [`importing`] makes one that imports all of a world and does nothing.
//! - [`Guest`] makes the text: a shared prelude, and a few instructions per export, the same for each [`World`].
//! - [`guests`] is the library of guests that behave, or misbehave while they run.
//! - [`wasi`] has guests that import WASI 0.2, and its packages.
//! - [`misfits`] are the components that a host should not take in the first place.
//!
//! A guest that is not to be found here is made in place:
//!
//! ```
//! use troupe_testing::{Call, Guest, World};
//!
//! // Keeps the longer of the state and the message.
//! let longest = Guest::new(World::Simple)
//!     .body(
//!         Call::Handle,
//!         "(if (i32.gt_u (local.get $mlen) (local.get $slen))
//!            (then (return (call $ok (local.get $m) (local.get $mlen)))))
//!          (call $ok (local.get $s) (local.get $slen))",
//!     )
//!     .component();
//! assert!(longest.starts_with(b"\0asm"));
//! ```
//!
//! Deliberately absent: anything that runs a component.

mod asking;
mod component;
mod guest;
pub mod guests;
mod importing;
pub mod misfits;
pub mod wasi;
mod world;

pub use component::{component_from_wat, module_from_wat};
pub use guest::{Guest, Place};
pub use importing::importing;
pub use world::{Call, World};
