//! A tree in memory, for whoever has all its leaves at hand: a verifier that compares its history with a checkpoint.

use std::convert::Infallible;

use super::{Frontier, Nodes, TreeHash, TreeHead, inner_position};

/// A tree of which all leaves are known. It takes 64 bytes a leaf.
#[derive(Debug, Clone, Default)]
pub struct Leaves {
    leaves: Vec<TreeHash>,
    /// The nodes above them, in the order in which they were completed.
    inner: Vec<TreeHash>,
    frontier: Frontier,
}

impl Leaves {
    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: TreeHash) {
        self.leaves.push(leaf);
        let inner = &mut self.inner;
        self.frontier.push(leaf, |hash| inner.push(hash));
    }

    /// The tree as far as it has grown.
    pub fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    /// The tree as it was with its first `size` leaves; `None` if it has fewer.
    pub fn head_at(&self, size: u64) -> Option<TreeHead> {
        if size > self.frontier.size() {
            return None;
        }
        let Ok(root) = super::root(self, size);
        Some(TreeHead { size, root })
    }

    /// The hash of a leaf.
    pub fn leaf(&self, index: u64) -> Option<TreeHash> {
        self.leaves.get(usize::try_from(index).ok()?).copied()
    }
}

impl Nodes for Leaves {
    type Error = Infallible;

    /// A node that is not complete is the hash of nothing, which is in no tree.
    fn node(&self, level: u32, index: u64) -> Result<TreeHash, Infallible> {
        let found = match inner_position(level, index) {
            None => self.leaf(index),
            Some(at) => usize::try_from(at).ok().and_then(|at| self.inner.get(at)).copied(),
        };
        Ok(found.unwrap_or_else(TreeHash::of_nothing))
    }
}

impl Extend<TreeHash> for Leaves {
    fn extend<I: IntoIterator<Item = TreeHash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

impl FromIterator<TreeHash> for Leaves {
    fn from_iter<I: IntoIterator<Item = TreeHash>>(leaves: I) -> Self {
        let mut all = Self::default();
        all.extend(leaves);
        all
    }
}
