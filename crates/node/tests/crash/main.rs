//! Crashes and failing disks: what was answered is there afterwards, and nothing is answered that is not there.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod bank;
mod full;
mod kills;
mod points;
mod process;
mod soak;
mod trace;

#[path = "../common/random.rs"]
mod random;
#[path = "../common/wire.rs"]
mod wire;
