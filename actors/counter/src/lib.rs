//! An actor that counts, for the world `ntwk:simple-actor/first-actor`.
//!
//! Its state is `{"count":N}` and its messages are `{"add":N}`, N being any 64-bit signed integer; nothing else is
//! accepted, nor a sum that does not fit. Each time that a message brings the count to a multiple of ten, it sends the
//! new state to the actor `observer`.
//!
//! `count` holds the rules and runs anywhere; `guest` ties them to the world. Deliberately absent: anything kept
//! outside the state.

// The rules are for the guest alone; elsewhere only the tests use them.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod count;

#[cfg(target_arch = "wasm32")]
#[rustfmt::skip]
#[allow(missing_docs, clippy::all)]
mod bindings;
#[cfg(target_arch = "wasm32")]
mod guest;
