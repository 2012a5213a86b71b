//! The leaves of a node's own log: each says how far one chain's log has grown.

use crate::Hash;
use crate::json::{Malformed, ObjectReader, ObjectWriter, Reader};
use crate::tree::{TreeHash, TreeHead};

/// How far a chain's log has grown: one leaf of its node's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeLeaf {
    /// The chain's id.
    pub chain: Hash,
    /// Its log.
    pub head: TreeHead,
}

impl NodeLeaf {
    /// The leaf's data: canonical JSON, `{"chain":…,"root":…,"size":…}` with both hashes in hex.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(180);
        let mut object = ObjectWriter::new(&mut out);
        object.hash("chain", &self.chain);
        object.hash("root", &Hash::from_bytes(*self.head.root.as_bytes()));
        object.integer("size", self.head.size);
        object.end();
        out
    }

    /// Reads the data of a leaf.
    ///
    /// # Errors
    /// [`Malformed`] unless it is exactly what [`NodeLeaf::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut object = ObjectReader::begin(&mut reader)?;
        let missing = |what: &'static str| Malformed { offset: 0, what: format!("`{what}` is missing") };
        let chain = object.field("chain", Reader::hash)?.ok_or_else(|| missing("chain"))?;
        let root = object.field("root", Reader::hash)?.ok_or_else(|| missing("root"))?;
        let size = object.field("size", Reader::integer)?.ok_or_else(|| missing("size"))?;
        object.end()?;
        reader.end()?;
        let root = TreeHash::from_bytes(*root.as_bytes());
        Ok(Self { chain, head: TreeHead { size, root } })
    }

    /// The leaf's hash in the node's tree.
    pub fn hash(&self) -> TreeHash {
        TreeHash::of_leaf(&self.to_bytes())
    }
}
