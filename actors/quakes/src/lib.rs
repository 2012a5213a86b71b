//! An actor that sums up earthquakes, for the world `troupe:actor/actor`.
//!
//! A message is one event as the U.S. Geological Survey describes it. The state is a summary per region and the
//! strongest events; a strong one is also sent to the address of alerts. `README.md` says what is accepted.
//!
//! `event` reads messages, `summary` keeps the state, `check` is the state contract, `guest` ties them to the world.
//! The first three run anywhere. Deliberately absent: floating point numbers, and anything that grows without a limit.

// The rules are for the guest alone; elsewhere only the tests use them.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod check;
mod decimal;
mod event;
mod summary;
#[cfg(test)]
mod week;

#[cfg(target_arch = "wasm32")]
#[rustfmt::skip]
#[allow(missing_docs, clippy::all)]
mod bindings;
#[cfg(target_arch = "wasm32")]
mod guest;
