//! Core modules as machines: a message is the input of a run, the reply its output, the state what it put by.
//!
//! A module imports functions of `icn` alone ([`crate::abi`]), and exports `run: () -> i64` and a `memory`. It begins with
//! its configuration as the state, or `null`; each message has a fresh instance, one budget of fuel, and every limit of a
//! component. A run that returns less than 0 has failed.

mod link;
mod load;
mod run;

pub(crate) use load::load;
pub(crate) use run::{begin, carry_over, run};
