//! The host ABI without an engine: what a job, or an actor that was granted it, may ask of the commons, and what comes of
//! each call.
//!
//! - [`FUNCTIONS`] is the one table of what there is. [`markdown`], [`c_header`] and [`wit`] write it for other people.
//! - [`admit`] and [`perform`] are a call once its arguments are at hand, over a [`Host`] that has grants and limits.
//! - [`call`] is a call as a core module makes it, over a [`Caller`] that has fuel and a memory.
//! - [`Job`] is what one run of a core module carries, and how the run concludes.
//!
//! A refusal is a number, and the guest goes on. A call is checked in this order: fuel, whether the function is there, the
//! capability, lengths, pointers, and what the bytes say. So nothing is allocated that a guest chose the length of before
//! that was bounded and paid.
//!
//! Invariant: every engine that runs guests comes here, so that a call leads to the same wherever it is made.

mod act;
mod answer;
mod call;
mod counts;
mod errors;
mod grants;
mod host;
mod job;
mod render;
mod table;

pub use act::{Act, COMMONS};
pub use answer::{NotACall, ReadAnswer, ReadRequest};
pub use call::{Caller, Stretch, call};
pub use counts::{PAGE, TooMuch, check_counts};
pub use errors::HostError;
pub use grants::CommonsGrants;
pub use host::{Came, Given, Host, Outcome, admit, cost, cost_of_bytes, perform};
pub use job::{Job, MEMORY, RUN, WORLD, first_state};
pub use render::{c_header, markdown, wit};
pub use table::{
    BYTES_A_FUEL, Capability, Carried, Does, FUNCTIONS, HostFunction, INTERFACE, MAX_DOCUMENT, MAX_ID,
    MODULE, Number, Param,
};
