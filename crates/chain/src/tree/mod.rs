//! Merkle trees of RFC 6962 (its successor RFC 9162 has the same): roots, and proofs that whoever has a root checks alone.
//!
//! `docs/spec/checkpoints.md` says what the leaves are. Invariant: making a proof reads O(log n) hashes through [`Nodes`]
//! and nothing else, and checking one allocates nothing that its sender could make large.
//!
//! Deliberately absent: where hashes are kept.

mod check;
mod grow;
mod hash;
mod leaves;
mod prove;

pub use check::{NotProved, check_consistency, check_inclusion};
pub use grow::{Frontier, inner_hashes, inner_position};
pub use hash::{NotATreeHash, TreeHash};
pub use leaves::Leaves;
pub use prove::{Nodes, OutOfTree, frontier, prove_consistency, prove_inclusion, root};

/// The most leaves of a tree: 2^63−1, as in tlog-witness.
pub const MAX_TREE_SIZE: u64 = (1 << 63) - 1;

/// The most hashes of a proof: a tree has at most 63 levels above its leaves, and a consistency proof one more.
pub const MAX_PROOF_HASHES: usize = 64;

/// A tree as far as it has grown: how many leaves, and the hash over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: TreeHash,
}

impl TreeHead {
    /// The tree without leaves.
    pub fn empty() -> Self {
        Self { size: 0, root: TreeHash::of_nothing() }
    }
}
