//! The rows that the logs keep in the store. All begin with `l`; `docs/spec/rows.md` lists them.

use bytes::Bytes;
use troupe_chain::Hash;
use troupe_chain::note::NodeLeaf;
use troupe_chain::tree::{TreeHash, TreeHead};

use crate::Tree;

/// How many hashes a page has: 2 KiB.
pub(crate) const PAGE_HASHES: u64 = 64;
/// The bytes of a hash.
pub(crate) const HASH_BYTES: usize = 32;

/// What is under the key of the newest checkpoint of the node's log.
pub(crate) const SIGNED_KEY: &[u8] = b"ls";

fn key(kind: u8, tree: &Tree, rest: &[u8]) -> Bytes {
    [&[b'l', kind], tree.id().as_bytes().as_slice(), rest].concat().into()
}

/// The hashes of complete nodes, [`PAGE_HASHES`] of them.
pub(crate) fn page_key(tree: &Tree, page: u64) -> Bytes {
    key(b'p', tree, &page.to_be_bytes())
}

/// How far a tree has grown.
pub(crate) fn tree_key(tree: &Tree) -> Bytes {
    key(b't', tree, &[])
}

/// The last two leaves that a chain has in the node's log.
pub(crate) fn chain_key(chain: &Hash) -> Bytes {
    key(b'c', &Tree::Chain(*chain), &[])
}

/// A leaf of the node's log.
pub(crate) fn leaf_key(index: u64) -> Bytes {
    [b"ln".as_slice(), &index.to_be_bytes()].concat().into()
}

pub(crate) fn write_head(head: &TreeHead) -> Bytes {
    [head.size.to_be_bytes().as_slice(), head.root.as_bytes()].concat().into()
}

pub(crate) fn read_head(bytes: &[u8]) -> Option<TreeHead> {
    let (size, root) = bytes.split_first_chunk()?;
    let root = TreeHash::from_bytes(root.try_into().ok()?);
    Some(TreeHead { size: u64::from_be_bytes(*size), root })
}

pub(crate) fn write_leaf(leaf: &NodeLeaf) -> Bytes {
    [leaf.chain.as_bytes().as_slice(), &write_head(&leaf.head)].concat().into()
}

pub(crate) fn read_leaf(bytes: &[u8]) -> Option<NodeLeaf> {
    let (chain, head) = bytes.split_first_chunk()?;
    Some(NodeLeaf { chain: Hash::from_bytes(*chain), head: read_head(head)? })
}

/// Where the node's log says how far a chain's has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The leaf's place in the node's log.
    pub(crate) index: u64,
    /// The chain's log.
    pub(crate) head: TreeHead,
}

/// The newest mention first; the one before it, for as long as the newest is not published.
pub(crate) fn write_mentions(mentions: &[Mention]) -> Bytes {
    let one =
        |mention: &Mention| [mention.index.to_be_bytes().as_slice(), &write_head(&mention.head)].concat();
    mentions.iter().flat_map(one).collect::<Vec<u8>>().into()
}

pub(crate) fn read_mentions(bytes: &[u8]) -> Option<Vec<Mention>> {
    const MENTION_BYTES: usize = 8 + 8 + HASH_BYTES;
    let one = |bytes: &[u8]| {
        let (index, head) = bytes.split_first_chunk()?;
        Some(Mention { index: u64::from_be_bytes(*index), head: read_head(head)? })
    };
    bytes.len().is_multiple_of(MENTION_BYTES).then(|| bytes.chunks(MENTION_BYTES).map(one).collect())?
}
