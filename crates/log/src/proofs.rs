//! Proofs from what is published: each reads O(log n) rows and keeps nobody waiting.

use bytes::Bytes;
use troupe_chain::Hash;
use troupe_chain::note::{LogProof, NodeLeaf, ProofFile};
use troupe_chain::tree::{OutOfTree, TreeHash, TreeHead, prove_consistency, prove_inclusion};

use crate::rows::{leaf_key, read_leaf};
use crate::trees::Kept;
use crate::{LogError, NodeLog, Tree};

/// That a log has a leaf at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The leaf's place.
    pub index: u64,
    /// The size of the tree that it leads to.
    pub size: u64,
    /// From the leaf's sibling up to the root's child.
    pub hashes: Vec<TreeHash>,
}

impl NodeLog {
    /// How far a log is signed and published.
    ///
    /// # Errors
    /// [`LogError::NotYet`] if nothing is.
    pub fn published(&self, tree: Tree) -> Result<TreeHead, LogError> {
        match tree {
            Tree::Node => self.checkpoint().map(|signed| *signed.head()).ok_or(LogError::NotYet(tree)),
            Tree::Chain(chain) => Ok(self.mention(&chain)?.head),
        }
    }

    /// Proves that a log has its leaf at `index`, in the tree of `size` leaves or in the newest.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn inclusion(&self, tree: Tree, index: u64, size: Option<u64>) -> Result<Inclusion, LogError> {
        let size = self.within(tree, size)?;
        let hashes = prove_inclusion(&Kept::new(&*self.store, tree), index, size)??;
        Ok(Inclusion { index, size, hashes })
    }

    /// Proves that a log of `to` leaves, or the newest, begins with the one of `from`. Also says what `to` is.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn consistency(
        &self,
        tree: Tree,
        from: u64,
        to: Option<u64>,
    ) -> Result<(u64, Vec<TreeHash>), LogError> {
        let to = self.within(tree, to)?;
        Ok((to, prove_consistency(&Kept::new(&*self.store, tree), from, to)??))
    }

    /// A size that was asked for, if it is published; the newest if none was.
    fn within(&self, tree: Tree, size: Option<u64>) -> Result<u64, LogError> {
        let published = self.published(tree)?.size;
        match size {
            Some(size) if size > published => Err(OutOfTree { part: size, size: published }.into()),
            Some(size) => Ok(size),
            None => Ok(published),
        }
    }

    /// One file that proves an entry of a chain to whoever has the node's key.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn proof_file(&self, chain: &Hash, seq: u64) -> Result<ProofFile, LogError> {
        let tree = Tree::Chain(*chain);
        let of_node = self.checkpoint().ok_or(LogError::NotYet(tree))?;
        let mention = self.mention(chain)?;
        let hashes = prove_inclusion(&Kept::new(&*self.store, tree), seq, mention.head.size)??;
        let missing =
            || LogError::Changed { tree, size: mention.head.size, what: format!("entry {seq} is missing") };
        let entry = self.store.entry(chain, seq)?.ok_or_else(missing)?.to_vec();
        let in_chain = LogProof { index: seq, hashes, checkpoint: self.sign(tree, mention.head) };
        let kept = Kept::new(&*self.store, Tree::Node);
        let hashes = prove_inclusion(&kept, mention.index, of_node.head().size)??;
        let in_node = LogProof { index: mention.index, hashes, checkpoint: (*of_node).clone() };
        Ok(ProofFile { key: self.key().clone(), entry, in_chain, in_node })
    }

    /// Leaves of the node's log as far as it is published, from `from` on, at most `limit`.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn leaves(&self, from: u64, limit: u64) -> Result<Vec<NodeLeaf>, LogError> {
        let size = self.published(Tree::Node)?.size;
        let read = |index| {
            let row: Option<Bytes> = self.store.row(&leaf_key(index))?;
            let missing =
                LogError::Changed { tree: Tree::Node, size, what: format!("leaf {index} is missing") };
            row.and_then(|row| read_leaf(&row)).ok_or(missing)
        };
        (from..size.min(from.saturating_add(limit))).map(read).collect()
    }
}
