//! What differs between two maps: as much work as there are differences, since equal parts are shared.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Leaf, Link, Map, Path};

impl Map {
    /// Every key whose value differs from that in `before`, with its value here: `None` where it is gone.
    pub fn since<'a>(&'a self, before: &'a Self) -> Vec<(&'a [u8], Option<&'a [u8]>)> {
        let mut found = Vec::new();
        differ(&before.root, &self.root, &mut found);
        found
    }
}

fn differ<'a>(before: &'a Link, after: &'a Link, found: &mut Vec<(&'a [u8], Option<&'a [u8]>)>) {
    match (before, after) {
        (Link::Node(old), Link::Node(new)) if Arc::ptr_eq(old, new) => {}
        (Link::Node(old), Link::Node(new)) => {
            for (old, new) in old.children.iter().zip(&new.children) {
                differ(old, new, found);
            }
        }
        (Link::Leaf(old), Link::Leaf(new)) if Arc::ptr_eq(old, new) => {}
        _ => {
            // One side has at most one leaf here, so this is no more than the other side has more.
            let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
            gather(before, &mut old);
            gather(after, &mut new);
            found.extend(
                old.iter().filter(|(path, _)| !new.contains_key(path)).map(|(_, leaf)| (&*leaf.key, None)),
            );
            let same = |leaf: &Leaf| old.get(&leaf.path).is_some_and(|old| old.value == leaf.value);
            found
                .extend(new.values().filter(|leaf| !same(leaf)).map(|leaf| (&*leaf.key, Some(&*leaf.value))));
        }
    }
}

fn gather<'a>(link: &'a Link, leaves: &mut BTreeMap<Path, &'a Leaf>) {
    match link {
        Link::Empty => {}
        Link::Leaf(leaf) => {
            leaves.insert(leaf.path, leaf);
        }
        Link::Node(node) => node.children.iter().for_each(|child| gather(child, leaves)),
    }
}
