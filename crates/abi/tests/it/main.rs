//! The table, and what is made of it.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod table;
