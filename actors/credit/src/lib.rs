//! A mutual-credit cooperative, for the world `troupe:actor/actor`: one component, three roles.
//!
//! Members order transfers, a clearing house keeps what each owes within its limit, and an auditor follows that all of it
//! adds up to nothing. `README.md` says who tells whom what.
//!
//! `wire` has the messages, `member`, `clearing` and `auditor` the rules of each role, `role` chooses one, and `guest`
//! ties them to the world. All but the last run anywhere. Deliberately absent: floating point numbers, and anything that
//! grows without a limit.

// The rules are for the guest alone; elsewhere only the tests use them.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod auditor;
mod clearing;
mod member;
mod role;
#[cfg(test)]
mod tests;
mod wire;

#[cfg(target_arch = "wasm32")]
#[rustfmt::skip]
#[allow(missing_docs, clippy::all)]
#[path = "../../quakes/src/bindings.rs"]
mod bindings;
#[cfg(target_arch = "wasm32")]
mod guest;
