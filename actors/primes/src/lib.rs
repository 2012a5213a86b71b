//! Counts primes: a core module that runs as a job.
//!
//! The input is `{"from":2,"to":10000}`; the output `{"count":1229,"largest":9973}`. Whoever doubts it replays the receipt,
//! or looks the number up.

// The search is for the guest alone; elsewhere only the tests use it.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod count;
#[cfg(target_arch = "wasm32")]
mod guest;
