//! Scenarios of an actor: messages in, expected states, replies and effects out, from a file and with no node.
//!
//! A [`Suite`] is what a file says; [`run()`] plays each [`Scenario`] against a machine and tells every [`Finding`] with
//! the line of the file that it is about. [`accept()`] writes what was found into the file where the file asks for that.
//!
//! - Time is the scenario's: it stands still between steps unless a step says otherwise. Timers go off and requests end as
//!   a node would have it, in order.
//! - What is not written is not checked.
//!
//! [`try_properties`] tries what must hold for every actor with generated messages, and makes a case that fails small.
//!
//! Invariant: a scenario is a pure function of its file and the component, so that what passes once passes always.
//!
//! Deliberately absent: other actors. What they would answer, a step says. Crons go off only where a step says so.

mod accept;
mod compare;
mod diff;
mod effects;
mod file;
mod outside;
mod property;
mod run;
mod stage;
mod step;
mod value;

pub use accept::{Accepted, NotAccepted, accept};
pub use diff::Change;
pub use file::{MAX_SCENARIOS, MAX_STEPS, Replay, Scenario, Setup, Suite};
pub use property::{Broken, Case, Tried, try_properties};
pub use run::{Finding, Found, Played, run};
pub use stage::MAX_DUE;
