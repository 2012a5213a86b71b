//! Entries as canonical bytes, and back.

mod read;
mod read_effect;
mod write;

/// The version of the format, `v` in every entry.
pub const FORMAT_VERSION: u64 = 1;
