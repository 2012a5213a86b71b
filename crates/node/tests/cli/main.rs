//! The binary as people and scripts use it: real processes, their output and their exit codes.

mod cache;
mod changed;
mod config;
mod dag;
mod debug;
mod demo;
mod dev;
mod device;
mod dice;
mod files;
mod guarded;
mod guide;
mod ids;
mod liar;
mod lying;
mod many;
mod node;
mod project;
mod proofs;
mod redact;
mod round_trip;
mod scenarios;
mod tokens;
mod wrong_use;
