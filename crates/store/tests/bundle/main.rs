//! Bundles, in both forms: what they hold comes back, and nothing in them can be changed unseen.

mod forms;
mod long;
mod opening;
mod redactions;
#[path = "../../../chain/tests/it/tally.rs"]
mod tally;
mod tampering;
mod vectors;
