//! An airport, for the world `troupe:actor/actor`: counts what departs, and tells the airport where it arrives.
//!
//! A message is a flight, and each airport is an actor under its code in lower case. `README.md` says what is accepted.
//!
//! `airport` holds the rules and runs anywhere; `guest` ties them to the world. Deliberately absent: floating point
//! numbers, and anything that grows.

// The rules are for the guest alone; elsewhere only the tests use them.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod airport;

#[cfg(target_arch = "wasm32")]
#[rustfmt::skip]
#[allow(missing_docs, clippy::all)]
#[path = "../../quakes/src/bindings.rs"]
mod bindings;
#[cfg(target_arch = "wasm32")]
mod guest;
