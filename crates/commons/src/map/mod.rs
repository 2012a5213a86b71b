//! An authenticated map: a set of (key, value) with one root, and short proofs that a key has a value or none.
//!
//! A sparse Merkle tree over the hashes of keys in which a subtree of one leaf is that leaf and an empty one is 32 zero
//! bytes; `docs/spec/commons.md` draws it. Invariant: the root depends on what the map has, never on how it came about.
//! A clone is a snapshot: it costs nothing and shares all that is not changed afterwards. Deliberately absent: order
//! among keys, and any way to find a leaf but by its key or by walking through all.

mod diff;
mod proof;

use std::sync::{Arc, OnceLock};

use troupe_chain::Hash;

pub use proof::{Found, MAX_SIBLINGS, MapProof, NotProved};

/// The hash of nothing.
const EMPTY: Hash = Hash::from_bytes([0; 32]);
/// What is before a leaf's path and the name of its value.
const LEAF: u8 = 0;
/// What is before the two children of a node.
const NODE: u8 = 1;

/// A map as it is at one time.
#[derive(Clone, Default)]
pub struct Map {
    root: Link,
    len: usize,
}

/// What is at a place of the tree.
#[derive(Clone, Default)]
enum Link {
    #[default]
    Empty,
    Leaf(Arc<Leaf>),
    Node(Arc<Node>),
}

/// A key and its value.
struct Leaf {
    path: Path,
    key: Box<[u8]>,
    value: Box<[u8]>,
    hash: OnceLock<Hash>,
}

/// A place with at least two leaves under it.
#[derive(Clone)]
struct Node {
    children: [Link; 2],
    hash: OnceLock<Hash>,
}

/// Where a key's leaf is: the bits of the key's hash, from the first byte's highest on; 0 is left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Path([u8; 32]);

impl Path {
    fn of(key: &[u8]) -> Self {
        Self(*Hash::of(key).as_bytes())
    }

    fn bit(&self, depth: usize) -> usize {
        usize::from(self.0[depth / 8] >> (7 - depth % 8) & 1)
    }
}

impl Map {
    /// The root: all that the map has in 32 bytes; zeros for the empty map. What has changed since the last call is
    /// hashed once.
    pub fn root(&self) -> Hash {
        self.root.hash()
    }

    /// The number of leaves.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let path = Path::of(key);
        let (link, _) = self.root.descend(&path, |_| {});
        match link {
            Link::Leaf(leaf) if leaf.path == path => Some(&leaf.value),
            _ => None,
        }
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: &[u8], value: Vec<u8>) {
        let path = Path::of(key);
        let leaf = Leaf { path, key: key.into(), value: value.into(), hash: OnceLock::new() };
        self.len += usize::from(self.root.insert(0, Arc::new(leaf)));
    }

    /// Takes a key out; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        // Looked for first: what is not there must not cost a copy of the way to it.
        let there = self.get(key).is_some();
        if there {
            self.root.remove(0, &Path::of(key));
            self.len -= 1;
        }
        there
    }

    /// Every key with its value, in the order of the hashes of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut stack = vec![&self.root];
        std::iter::from_fn(move || {
            loop {
                match stack.pop()? {
                    Link::Empty => {}
                    Link::Leaf(leaf) => return Some((&*leaf.key, &*leaf.value)),
                    Link::Node(node) => stack.extend(node.children.iter().rev()),
                }
            }
        })
    }
}

impl Link {
    fn hash(&self) -> Hash {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf(leaf) => *leaf.hash.get_or_init(|| leaf_hash(&leaf.path, &Hash::of(&leaf.value))),
            Self::Node(node) => *node.hash.get_or_init(|| {
                let [left, right] = &node.children;
                node_hash(&left.hash(), &right.hash())
            }),
        }
    }

    /// Follows a path down to where it ends, telling of the sibling of each step; and how deep that is.
    fn descend(&self, path: &Path, mut sibling: impl FnMut(&Link)) -> (&Link, usize) {
        let (mut link, mut depth) = (self, 0);
        while let Self::Node(node) = link {
            let side = path.bit(depth);
            sibling(&node.children[1 - side]);
            link = &node.children[side];
            depth += 1;
        }
        (link, depth)
    }

    /// Puts a leaf at or below a place; whether its key is new.
    fn insert(&mut self, depth: usize, leaf: Arc<Leaf>) -> bool {
        match self {
            Self::Empty => {
                *self = Self::Leaf(leaf);
                true
            }
            Self::Leaf(old) if old.path == leaf.path => {
                *old = leaf;
                false
            }
            Self::Leaf(old) => {
                let mut children = [Self::Empty, Self::Empty];
                children[old.path.bit(depth)] = Self::Leaf(Arc::clone(old));
                let mut node = Node { children, hash: OnceLock::new() };
                node.children[leaf.path.bit(depth)].insert(depth + 1, leaf);
                *self = Self::Node(Arc::new(node));
                true
            }
            Self::Node(node) => {
                let node = Arc::make_mut(node);
                node.hash = OnceLock::new();
                node.children[leaf.path.bit(depth)].insert(depth + 1, leaf)
            }
        }
    }

    /// Removes a leaf that is there; a node that is left with one leaf becomes that leaf.
    fn remove(&mut self, depth: usize, path: &Path) {
        let Self::Node(node) = self else {
            *self = Self::Empty;
            return;
        };
        let node = Arc::make_mut(node);
        node.hash = OnceLock::new();
        node.children[path.bit(depth)].remove(depth + 1, path);
        if let [Self::Empty, leaf @ Self::Leaf(_)] | [leaf @ Self::Leaf(_), Self::Empty] = &node.children {
            *self = leaf.clone();
        }
    }
}

fn leaf_hash(path: &Path, value: &Hash) -> Hash {
    hash_of(LEAF, &path.0, value.as_bytes())
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash_of(NODE, left.as_bytes(), right.as_bytes())
}

fn hash_of(kind: u8, first: &[u8; 32], second: &[u8; 32]) -> Hash {
    let mut bytes = [kind; 65];
    bytes[1..33].copy_from_slice(first);
    bytes[33..].copy_from_slice(second);
    Hash::of(&bytes)
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Map({} leaves, {})", self.len, self.root())
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Eq for Map {}
