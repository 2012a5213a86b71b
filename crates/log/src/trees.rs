//! Merkle trees in the store: read by whoever proves something, and grown from committed entries.
//!
//! The hashes of a tree's complete nodes are a list that is only appended to, kept in pages. So growing writes the last
//! page anew and those that follow it, and a proof reads a page for each level at most.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use troupe_chain::Hash;
use troupe_chain::tree::{Frontier, Nodes, TreeHash, TreeHead, frontier, inner_hashes, inner_position};
use troupe_store::{Row, Store};

use crate::LogError;
use crate::rows::{HASH_BYTES, PAGE_HASHES, leaf_key, page_key, read_head, read_leaf, tree_key, write_head};

/// One of a node's logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tree {
    /// The log over all chains.
    Node,
    /// The log of one chain.
    Chain(Hash),
}

impl Tree {
    /// What stands for it in rows: the chain's id, or zeros, which are no chain's.
    pub(crate) fn id(&self) -> Hash {
        match self {
            Self::Node => Hash::from_bytes([0; 32]),
            Self::Chain(chain) => *chain,
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node => f.write_str("the node's log"),
            Self::Chain(chain) => write!(f, "the log of chain {chain}"),
        }
    }
}

/// A tree as the store has it.
pub(crate) struct Kept<'a> {
    store: &'a dyn Store,
    tree: Tree,
    /// Pages that were read for this one answer.
    pages: RefCell<HashMap<u64, Bytes>>,
}

impl<'a> Kept<'a> {
    pub(crate) fn new(store: &'a dyn Store, tree: Tree) -> Self {
        Self { store, tree, pages: RefCell::default() }
    }

    /// How far it has grown.
    pub(crate) fn head(&self) -> Result<TreeHead, LogError> {
        let Some(row) = self.store.row(&tree_key(&self.tree))? else { return Ok(TreeHead::empty()) };
        read_head(&row).ok_or(LogError::BrokenRow { tree: self.tree, key: "lt" })
    }

    /// The hash of a leaf, from what it is a leaf of.
    pub(crate) fn leaf(&self, index: u64) -> Result<TreeHash, LogError> {
        let hash = match &self.tree {
            Tree::Chain(chain) => {
                let entry = self.store.entry(chain, index)?;
                entry.map(|entry| TreeHash::of_leaf(Hash::of(&entry).as_bytes()))
            }
            Tree::Node => self.store.row(&leaf_key(index))?.and_then(|row| Some(read_leaf(&row)?.hash())),
        };
        hash.ok_or_else(|| self.changed(index + 1, format!("leaf {index} is missing")))
    }

    fn changed(&self, size: u64, what: String) -> LogError {
        LogError::Changed { tree: self.tree, size, what }
    }

    fn page(&self, page: u64) -> Result<Bytes, LogError> {
        if let Some(page) = self.pages.borrow().get(&page) {
            return Ok(page.clone());
        }
        let bytes = self.store.row(&page_key(&self.tree, page))?.unwrap_or_default();
        self.pages.borrow_mut().insert(page, bytes.clone());
        Ok(bytes)
    }

    /// Takes the tree up where it ends. Its hashes are made again where they are not what they were.
    pub(crate) fn growth(self) -> Result<Growth<'a>, LogError> {
        let head = self.head()?;
        let edge = frontier(&self, head.size).ok().filter(|edge| edge.head() == head);
        let last = inner_hashes(head.size) / PAGE_HASHES;
        let sound = edge.is_some() && self.page(last)?.len() >= self.hashes_in(last, head.size) * HASH_BYTES;
        match edge.filter(|_| sound) {
            Some(edge) => {
                let mut page = self.page(last)?.to_vec();
                page.truncate(self.hashes_in(last, head.size) * HASH_BYTES);
                Ok(Growth { kept: self, edge, page })
            }
            None => self.made_again(&head),
        }
    }

    /// How many hashes page `page` has in a tree of `size`, if it is the last.
    fn hashes_in(&self, page: u64, size: u64) -> usize {
        usize::try_from(inner_hashes(size) - page * PAGE_HASHES).unwrap_or(usize::MAX)
    }

    /// Makes all hashes of a tree again from its leaves. They must lead to what was signed.
    fn made_again(self, head: &TreeHead) -> Result<Growth<'a>, LogError> {
        let mut growth =
            Growth { kept: Self::new(self.store, self.tree), edge: Frontier::default(), page: Vec::new() };
        let mut rows = Vec::new();
        for index in 0..head.size {
            growth.push(self.leaf(index)?, &mut rows);
            if rows.len() >= 64 {
                crate::node_log::commit(self.store, std::mem::take(&mut rows))?;
            }
        }
        if growth.edge.head() != *head {
            let what = format!("its leaves lead to the root {}", growth.edge.head().root);
            return Err(self.changed(head.size, what));
        }
        rows.push(growth.last_page());
        crate::node_log::commit(self.store, rows)?;
        Ok(growth)
    }
}

impl Nodes for Kept<'_> {
    type Error = LogError;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, LogError> {
        let Some(position) = inner_position(level, index) else { return self.leaf(index) };
        let page = self.page(position / PAGE_HASHES)?;
        let at = usize::try_from(position % PAGE_HASHES).unwrap_or(usize::MAX) * HASH_BYTES;
        let hash = page.get(at..at + HASH_BYTES).and_then(|hash| hash.try_into().ok());
        let missing = || self.changed((index + 1) << level, format!("the hash at {position} is missing"));
        hash.map(TreeHash::from_bytes).ok_or_else(missing)
    }
}

/// A tree that grows. What it comes to is in the rows that it hands out, and nowhere else.
pub(crate) struct Growth<'a> {
    kept: Kept<'a>,
    edge: Frontier,
    /// The last page, as far as it is full.
    page: Vec<u8>,
}

impl Growth<'_> {
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    pub(crate) fn head(&self) -> TreeHead {
        self.edge.head()
    }

    /// Adds a leaf; pages that it fills go into `rows`.
    pub(crate) fn push(&mut self, leaf: TreeHash, rows: &mut Vec<Row>) {
        let before = inner_hashes(self.edge.size());
        let Self { kept, edge, page } = self;
        let mut position = before;
        edge.push(leaf, |hash| {
            page.extend_from_slice(hash.as_bytes());
            position += 1;
            if position.is_multiple_of(PAGE_HASHES) {
                let key = page_key(&kept.tree, position / PAGE_HASHES - 1);
                rows.push(Row::put(key, std::mem::take(page)));
            }
        });
    }

    /// Adds the next leaf of a chain, from its entry.
    pub(crate) fn push_entry(&mut self, rows: &mut Vec<Row>) -> Result<(), LogError> {
        let leaf = self.kept.leaf(self.edge.size())?;
        self.push(leaf, rows);
        Ok(())
    }

    fn last_page(&self) -> Row {
        let page = inner_hashes(self.edge.size()) / PAGE_HASHES;
        Row::put(page_key(&self.kept.tree, page), self.page.clone())
    }

    /// What makes the tree as large as it is now, beside the pages that were filled.
    pub(crate) fn finish(&self, rows: &mut Vec<Row>) {
        if !self.page.is_empty() {
            rows.push(self.last_page());
        }
        rows.push(Row::put(tree_key(&self.kept.tree), write_head(&self.edge.head())));
    }
}
