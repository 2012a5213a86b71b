//! A node on one thread, from one seed: a bank whose accounts pay each other while the disk fails and the node crashes.
//!
//! Invariant: all that happens is determined by the seed: the order in which actors are served, the time, what comes from
//! outside, when the disk fails and what is left of it. So a seed that fails fails again.
//!
//! ```
//! let report = troupe_sim::run(1).expect("seed 1 holds");
//! assert_eq!(report, troupe_sim::run(1).expect("seed 1 holds"));
//! ```

mod account;
mod bank;
mod check;
mod random;

pub use bank::{Report, run};
