//! Signed notes, checkpoints, cosignatures and proofs as the C2SP specifications write them.
//!
//! `docs/spec/checkpoints.md` names the specifications and says what Troupe adds. Invariant: every reader accepts exactly
//! what the writer writes, within limits that have a name; nothing is believed of a note before a key that the reader has
//! verified it.
//!
//! Deliberately absent: where keys are kept, and what time it is.

mod checkpoint;
mod key;
mod leaf;
mod lines;
mod name;
mod proof;
mod proof_file;
mod signed;
mod submission;

pub use checkpoint::{Checkpoint, MAX_EXTENSIONS, SignedCheckpoint};
pub use key::{BadKey, KeyKind, PublicKey, SecretKey};
pub use leaf::NodeLeaf;
pub use lines::BadNote;
pub(crate) use lines::number;
pub use name::{KeyName, MAX_KEY_NAME};
pub use proof::{LogProof, PROOF_HEADER};
pub use proof_file::{MAX_PROOF_FILE_BYTES, PROOF_FILE_HEADER, ProofFile, Proved, Trust, Untrue};
pub use signed::{MAX_NOTE_BYTES, MAX_SIGNATURES, NoteSignature, SignedNote};
pub use submission::{MAX_SUBMISSION_BYTES, Submission};
