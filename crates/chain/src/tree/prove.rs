//! Makes roots and proofs for any size that a tree once had, from the hashes of complete nodes.

use super::{Frontier, MAX_PROOF_HASHES, MAX_TREE_SIZE, TreeHash};

/// Gives the hashes of complete nodes.
pub trait Nodes {
    /// Why a hash cannot be given.
    type Error;

    /// The hash of the `index`th node from the left whose subtree has 2^`level` leaves, all of them there.
    ///
    /// # Errors
    /// Whatever keeps the hash from being read.
    fn node(&self, level: u32, index: u64) -> Result<TreeHash, Self::Error>;
}

/// There is no such proof: the leaf or the size is beyond the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{part} is not within a tree of {size}")]
pub struct OutOfTree {
    /// The index or the smaller size that was asked for.
    pub part: u64,
    /// The size of the tree.
    pub size: u64,
}

/// The root of the first `size` leaves.
///
/// # Errors
/// As [`Nodes::node`].
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<TreeHash, N::Error> {
    if size == 0 { Ok(TreeHash::of_nothing()) } else { range(nodes, 0, size) }
}

/// The right edge of the first `size` leaves, to go on from.
///
/// # Errors
/// As [`Nodes::node`].
pub fn frontier<N: Nodes>(nodes: &N, size: u64) -> Result<Frontier, N::Error> {
    let mut peaks = Vec::with_capacity(size.count_ones() as usize);
    for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
        peaks.push(nodes.node(level, (size >> level) - 1)?);
    }
    Ok(Frontier::new(size, peaks).unwrap_or_default())
}

/// The hashes that lead from a leaf to the root of the first `size` leaves: the leaf's sibling first.
///
/// # Errors
/// As [`Nodes::node`]; the inner error if `index` is not among them.
pub fn prove_inclusion<N: Nodes>(
    nodes: &N,
    index: u64,
    size: u64,
) -> Result<Result<Vec<TreeHash>, OutOfTree>, N::Error> {
    if index >= size || size > MAX_TREE_SIZE {
        return Ok(Err(OutOfTree { part: index, size }));
    }
    let mut path = Vec::with_capacity(MAX_PROOF_HASHES);
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(Ok(path))
}

/// The hashes that show the first `size` leaves to begin with the first `before`. There are none if `before` is 0 or
/// `size`.
///
/// # Errors
/// As [`Nodes::node`]; the inner error if `before` is more than `size`.
pub fn prove_consistency<N: Nodes>(
    nodes: &N,
    before: u64,
    size: u64,
) -> Result<Result<Vec<TreeHash>, OutOfTree>, N::Error> {
    if before > size || size > MAX_TREE_SIZE {
        return Ok(Err(OutOfTree { part: before, size }));
    }
    let mut path = Vec::with_capacity(MAX_PROOF_HASHES);
    if before == 0 {
        return Ok(Ok(path));
    }
    let (mut from, mut to) = (0, size);
    while to != before {
        let middle = from + split(to - from);
        if before <= middle {
            path.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    // Where the walk never went to the right, this subtree is the whole older tree, whose root the checker has.
    if from != 0 {
        path.push(range(nodes, from, to)?);
    }
    path.reverse();
    Ok(Ok(path))
}

/// The hash over leaves `from` to `to`, where `from` is a multiple of the least power of two that holds them.
fn range<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<TreeHash, N::Error> {
    let mut left = Vec::new();
    let mut from = from;
    // Complete subtrees from the left; the last one may be a leaf.
    while from < to {
        let level = (to - from).ilog2();
        left.push(nodes.node(level, from >> level)?);
        from += 1 << level;
    }
    let whole = left.into_iter().rev().reduce(|right, left| TreeHash::of_children(&left, &right));
    Ok(whole.unwrap_or_else(TreeHash::of_nothing))
}

/// The greatest power of two that is less than `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}
