//! The binary as people and scripts use it: real processes, their output and their exit codes.

mod changed;
mod demo;
mod guarded;
mod guide;
mod many;
mod node;
mod round_trip;
mod scenarios;
mod tokens;
mod wrong_use;
