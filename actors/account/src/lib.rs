//! A bank account, for the world `troupe:actor/actor`: pays other accounts, and takes back what they did not get.
//!
//! `README.md` says who tells whom what. `account` holds the rules and runs anywhere; `guest` ties them to the world.
//! Deliberately absent: floating point numbers, anything that grows without a limit, and trust between banks: whoever is an
//! actor may deposit.

// The rules are for the guest alone; elsewhere only the tests use them.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod account;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
#[rustfmt::skip]
#[allow(missing_docs, clippy::all)]
#[path = "../../quakes/src/bindings.rs"]
mod bindings;
#[cfg(target_arch = "wasm32")]
mod guest;
