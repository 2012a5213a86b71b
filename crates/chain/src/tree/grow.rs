//! A tree that grows leaf by leaf, and where the hashes of its nodes are kept.
//!
//! Invariant: a node is hashed once, when its last leaf is there, and never changes. So the hashes of complete nodes
//! above the leaves are a list that is only appended to: after each leaf come the nodes that it completes, from below
//! upwards.

use super::{TreeHash, TreeHead};

/// The right edge of a tree: all that is needed for it to grow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// The roots of the largest complete subtrees, from the left: one for each bit of `size`.
    peaks: Vec<TreeHash>,
}

impl Frontier {
    /// Takes up a tree of `size` leaves; `peaks` has one hash for each bit of it, the largest subtree's first.
    pub fn new(size: u64, peaks: Vec<TreeHash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; `completed` gets the hash of each node that is complete with it, from below upwards.
    pub fn push(&mut self, leaf: TreeHash, mut completed: impl FnMut(TreeHash)) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = TreeHash::of_children(&left, &hash);
            completed(hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The tree as it is.
    pub fn head(&self) -> TreeHead {
        let root =
            self.peaks.iter().rev().copied().reduce(|right, left| TreeHash::of_children(&left, &right));
        TreeHead { size: self.size, root: root.unwrap_or_else(TreeHash::of_nothing) }
    }
}

/// How many complete nodes above its leaves a tree of `size` leaves has.
pub fn inner_hashes(size: u64) -> u64 {
    size - u64::from(size.count_ones())
}

/// The place of a node in the list of complete nodes: the `index`th from the left whose subtree has 2^`level` leaves.
/// Leaves, at level 0, have none.
pub fn inner_position(level: u32, index: u64) -> Option<u64> {
    let above = level.checked_sub(1)?;
    let last_leaf = index.checked_add(1)?.checked_mul(1_u64.checked_shl(level)?)? - 1;
    Some(inner_hashes(last_leaf) + u64::from(above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stand_in_the_list_in_the_order_in_which_they_are_completed() {
        let mut frontier = Frontier::default();
        let mut listed = 0;
        for leaf in 0..1000_u64 {
            let mut completed = 0;
            frontier.push(TreeHash::of_leaf(&leaf.to_be_bytes()), |_| completed += 1);
            for level in 1..=completed {
                assert_eq!(inner_position(level, ((leaf + 1) >> level) - 1), Some(listed));
                listed += 1;
            }
            assert_eq!(inner_hashes(leaf + 1), listed);
        }
        assert_eq!(inner_position(0, 5), None);
        assert_eq!(inner_position(64, 0), None);
    }
}
