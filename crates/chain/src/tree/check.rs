//! Checks proofs from nothing but the proof and the roots: the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use super::{MAX_TREE_SIZE, TreeHash, TreeHead};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotProved {
    /// The leaf is not within the tree, or the older tree is larger, or a tree is larger than any may be.
    #[error("{part} is not within a tree of {size}")]
    OutOfTree {
        /// The index or the older size.
        part: u64,
        /// The size of the tree.
        size: u64,
    },
    /// It has too many or too few hashes for its place.
    #[error("{0} hashes are not what a proof for this place has")]
    Length(usize),
    /// It leads to another root.
    #[error("it leads to the root {got}, which is not {expected}")]
    Root {
        /// The root that it was to lead to.
        expected: TreeHash,
        /// The root that it leads to.
        got: TreeHash,
    },
}

/// Checks that a tree has this leaf at this place.
///
/// # Errors
/// [`NotProved`].
pub fn check_inclusion(
    leaf: &TreeHash,
    index: u64,
    head: &TreeHead,
    proof: &[TreeHash],
) -> Result<(), NotProved> {
    if index >= head.size || head.size > MAX_TREE_SIZE {
        return Err(NotProved::OutOfTree { part: index, size: head.size });
    }
    let length = NotProved::Length(proof.len());
    let (mut node, mut last) = (index, head.size - 1);
    let mut root = *leaf;
    for hash in proof {
        if last == 0 {
            return Err(length);
        }
        if node & 1 == 1 || node == last {
            root = TreeHash::of_children(hash, &root);
            (node, last) = up_while_left(node, last);
        } else {
            root = TreeHash::of_children(&root, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(length);
    }
    same(&head.root, root)
}

/// Checks that a tree begins with an older one.
///
/// # Errors
/// [`NotProved`].
pub fn check_consistency(older: &TreeHead, newer: &TreeHead, proof: &[TreeHash]) -> Result<(), NotProved> {
    if older.size > newer.size || newer.size > MAX_TREE_SIZE {
        return Err(NotProved::OutOfTree { part: older.size, size: newer.size });
    }
    let length = NotProved::Length(proof.len());
    if older.size == 0 || older.size == newer.size {
        if !proof.is_empty() {
            return Err(length);
        }
        let expected = if older.size == 0 { &TreeHash::of_nothing() } else { &newer.root };
        return same(expected, older.root);
    }
    // The older tree, if it is complete, is itself where the way up begins.
    let mut hashes = proof.iter().copied();
    let begin = if older.size.is_power_of_two() { Some(older.root) } else { hashes.next() };
    let begin = begin.ok_or(length)?;
    let (mut node, mut last) = (older.size - 1, newer.size - 1);
    let ones = node.trailing_ones();
    (node, last) = (node >> ones, last >> ones);
    let (mut old_root, mut new_root) = (begin, begin);
    for hash in hashes {
        if last == 0 {
            return Err(length);
        }
        if node & 1 == 1 || node == last {
            old_root = TreeHash::of_children(&hash, &old_root);
            new_root = TreeHash::of_children(&hash, &new_root);
            (node, last) = up_while_left(node, last);
        } else {
            new_root = TreeHash::of_children(&new_root, &hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(length);
    }
    same(&older.root, old_root)?;
    same(&newer.root, new_root)
}

/// Goes up as long as the node is a left child without a sibling.
fn up_while_left(node: u64, last: u64) -> (u64, u64) {
    if node == 0 {
        return (node, last);
    }
    let levels = node.trailing_zeros();
    (node >> levels, last >> levels)
}

fn same(expected: &TreeHash, got: TreeHash) -> Result<(), NotProved> {
    if *expected == got { Ok(()) } else { Err(NotProved::Root { expected: *expected, got }) }
}
