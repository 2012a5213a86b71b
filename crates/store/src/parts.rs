//! A hash map in many small parts.
//!
//! One large table is made, grown and given back at once: milliseconds in which nobody can commit. A part is small enough
//! that none of that is felt.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

const PARTS: usize = 256;

/// A hash map whose keys are spread over many small ones.
#[derive(Debug)]
pub(crate) struct Parts<K, V> {
    parts: Box<[HashMap<K, V, RandomState>]>,
    /// Chooses the part of a key.
    choose: RandomState,
}

impl<K, V> Default for Parts<K, V> {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| HashMap::default()).collect(), choose: RandomState::default() }
    }
}

impl<K: Hash + Eq, V> Parts<K, V> {
    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        self.choose.hash_one(key) as usize % PARTS
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.parts[self.part(key)].get(key)
    }

    pub(crate) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let part = self.part(key);
        self.parts[part].get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        let part = self.part(&key);
        self.parts[part].insert(key, value);
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(HashMap::len).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_once() {
        let mut parts = Parts::default();
        for n in 0..10_000u32 {
            parts.insert(n % 5000, n);
        }
        assert_eq!(parts.len(), 5000);
        assert_eq!(parts.get(&4999), Some(&9999));
        assert_eq!(parts.get(&5000), None);
        *parts.get_mut(&7).unwrap() = 1;
        let mut all: Vec<_> = parts.iter().map(|(key, value)| (*key, *value)).collect();
        all.sort_unstable();
        assert_eq!((all.len(), all[7], all[8]), (5000, (7, 1), (8, 5008)));
    }
}
