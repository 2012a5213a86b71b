//! The chain format: names, entries, and their verification by replay.

mod hash;

pub use hash::{Hash, NotAName};
