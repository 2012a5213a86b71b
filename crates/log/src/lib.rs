//! The logs of a node: a Merkle tree for each chain, one for the node over all of them, what is signed of them, and the
//! witness that sees to it that nobody signs two histories.
//!
//! A [`NodeLog`] reads committed entries and writes rows; it has no part in a commit. `docs/spec/checkpoints.md` is the
//! format, `docs/spec/rows.md` the rows. Invariants: what is signed is durable before it is handed out; a tree that was
//! signed is never signed otherwise.
//!
//! Deliberately absent: HTTP, and threads. Whoever has them calls [`NodeLog::round`] and gives a [`Submit`].

mod error;
mod keyfile;
mod node_log;
mod proofs;
mod push;
mod rows;
mod trees;
mod witness;

pub use error::LogError;
pub use keyfile::{
    KeyFileError, NODE_KEY_FILE, Passphrase, PrivateFileError, SealError, create_key, is_key_encrypted,
    load_key, load_or_create_key, save_key,
};
pub use node_log::{MAX_LEAVES_A_ROUND, NodeLog, Round};
pub use proofs::Inclusion;
pub use push::{PushError, Pushed, Submit, Submitted, WitnessAt};
pub use trees::Tree;
pub use witness::{Refused, WITNESS_KEY_FILE, Witness, WitnessError};
