//! The parts of Rust's SDK that generated code uses, as that has them.

pub(crate) use describe::Description;
pub(crate) use reason::Reason;

#[allow(unexpected_cfgs, dead_code, unreachable_pub, reason = "a part of another crate")]
#[path = "../../../../sdk/rust/src/describe.rs"]
mod describe;
#[allow(dead_code, unused_macros, unreachable_pub, reason = "a part of another crate")]
#[path = "../../../../sdk/rust/src/reason.rs"]
mod reason;
