//! Proofs: that a map with a certain root has a value under a key, or nothing.

use troupe_chain::Hash;

use super::{EMPTY, Link, Map, Path, leaf_hash, node_hash};

/// The most siblings of a proof: a path has no more bits.
pub const MAX_SIBLINGS: usize = 256;

/// What is found where a key's path ends, and the way from there to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapProof {
    /// What is found.
    pub found: Found,
    /// The hashes beside the way, from the lowest upwards.
    pub siblings: Vec<Hash>,
}

/// What is found where a key's path ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The key's own leaf, with this value.
    Value(Vec<u8>),
    /// Nothing.
    Nothing,
    /// The leaf of another key, which begins with the same bits.
    Other {
        /// The hash of the other key.
        path: Hash,
        /// The name of its value.
        value: Hash,
    },
}

/// A proof that shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProved {
    /// It leads to another root.
    #[error("the proof leads to the root {got}, not to {expected}")]
    Root {
        /// The root that it should lead to.
        expected: Hash,
        /// The root that it leads to.
        got: Hash,
    },
    /// The other leaf is not in the key's way.
    #[error("the other leaf is not where the key's would be")]
    Elsewhere,
    /// There are more siblings than a path has bits.
    #[error("{0} siblings are more than a path has bits")]
    TooLong(usize),
}

impl Map {
    /// Proves what the map has under a key.
    pub fn prove(&self, key: &[u8]) -> MapProof {
        let path = Path::of(key);
        let mut siblings = Vec::new();
        let (link, _) = self.root.descend(&path, |sibling| siblings.push(sibling.hash()));
        siblings.reverse();
        let found = match link {
            Link::Leaf(leaf) if leaf.path == path => Found::Value(leaf.value.to_vec()),
            Link::Leaf(leaf) => {
                Found::Other { path: Hash::from_bytes(leaf.path.0), value: Hash::of(&leaf.value) }
            }
            Link::Empty | Link::Node(_) => Found::Nothing,
        };
        MapProof { found, siblings }
    }
}

impl MapProof {
    /// The value that it shows, `None` for an absent key, if the root that it leads to is believed.
    pub fn value(&self) -> Option<&[u8]> {
        match &self.found {
            Found::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The root that it leads to from a key.
    ///
    /// # Errors
    /// [`NotProved`] if it leads nowhere.
    pub fn root(&self, key: &[u8]) -> Result<Hash, NotProved> {
        let path = Path::of(key);
        let depth = self.siblings.len();
        if depth > MAX_SIBLINGS {
            return Err(NotProved::TooLong(depth));
        }
        let lowest = match &self.found {
            Found::Value(value) => leaf_hash(&path, &Hash::of(value)),
            Found::Nothing => EMPTY,
            Found::Other { path: other, value } => {
                let other = Path(*other.as_bytes());
                if other == path || (0..depth).any(|bit| other.bit(bit) != path.bit(bit)) {
                    return Err(NotProved::Elsewhere);
                }
                leaf_hash(&other, value)
            }
        };
        let up = |below: Hash, (bit, sibling): (usize, &Hash)| match path.bit(bit) {
            0 => node_hash(&below, sibling),
            _ => node_hash(sibling, &below),
        };
        Ok((0..depth).rev().zip(&self.siblings).fold(lowest, up))
    }

    /// Checks it against a root that is believed; the key's value there, or `None` where the key is proved to be absent.
    ///
    /// # Errors
    /// [`NotProved`].
    pub fn check(&self, root: &Hash, key: &[u8]) -> Result<Option<&[u8]>, NotProved> {
        let got = self.root(key)?;
        if got == *root { Ok(self.value()) } else { Err(NotProved::Root { expected: *root, got }) }
    }
}
