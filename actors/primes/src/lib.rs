//! Counts primes: a core module that runs as a job.
//!
//! The input is `{"from":2,"to":10000}`; the output `{"count":1229,"largest":9973}`. Whoever doubts it replays the receipt,
//! or looks the number up.

// For the guest alone, and its tests.
#[cfg(any(test, target_arch = "wasm32"))]
mod count;
#[cfg(target_arch = "wasm32")]
mod guest;
