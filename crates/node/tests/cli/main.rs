//! The binary as people and scripts use it: real processes, their output and their exit codes.

mod cache;
mod changed;
mod dag;
mod debug;
mod demo;
mod dev;
mod dice;
mod dids;
mod files;
mod guarded;
mod guide;
mod ids;
mod keys;
mod liar;
mod lying;
mod many;
mod node;
mod project;
mod proofs;
mod redact;
mod round_trip;
mod scenarios;
mod terminal;
mod tokens;
mod ui;
mod wrong_use;
