//! The commons of a cooperative as one native machine: members, mana, jobs, governance, reputation, trust and parameters.
//!
//! Whoever replays its chain gets every balance, tally and score. The rules and formats are `docs/spec/commons.md`. This
//! crate is pure: integers only, no clock, no input or output; what time it is, and which chain, an entry says.
//! Deliberately absent: executing jobs, signing, HTTP, and anything that walks through all accounts to do one command.

mod apply;
mod canonical;
mod charter;
mod command;
pub mod governance;
pub mod jobs;
mod machine;
pub mod mana;
pub mod mandate;
pub mod map;
pub mod members;
pub mod parameters;
mod record_proof;
mod refusal;
pub mod reputation;
mod state;
pub mod trust;
pub mod view;

pub(crate) use apply::Moment;
pub use apply::{Applied, Place, Reply};
pub use canonical::{Id, NotCanonical, SignatureBytes, from_bytes, to_bytes};
pub use charter::{Charter, Founder, MAX_FOUNDERS};
pub use command::{Act, Command, DOMAIN, Due, MAX_MESSAGE, MAX_VALIDITY, Message, Signed, Tick};
pub use machine::{Commons, KEPT_STATES, MACHINE, WORLD};
pub use record_proof::{
    BadRecordProof, MAX_RECORD_PROOF_BYTES, NotShown, ProvedRecord, RECORD_PROOF_HEADER, RecordProof,
};
pub use refusal::{Code, Refusal};
pub use state::{Mana, Millionths, Millis, State, StateRecord, WHOLE};
