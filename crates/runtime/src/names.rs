//! What names stand for, in memory. The rows in the store are what counts after a crash.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use troupe_chain::Hash;

/// What names stand for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: RwLock<HashMap<Box<str>, Hash>>,
}

impl Names {
    pub(crate) fn find(&self, name: &str) -> Option<Hash> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// Lets a name stand for an actor, whatever it stood for.
    pub(crate) fn set(&self, name: &str, id: Hash) {
        self.names.write().unwrap_or_else(PoisonError::into_inner).insert(name.into(), id);
    }

    /// Takes a name for an actor, unless it stands for another.
    pub(crate) fn reserve(&self, name: &str, id: Hash) -> bool {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        *names.entry(name.into()).or_insert(id) == id
    }

    /// Gives a name up, if it stands for this actor.
    pub(crate) fn release(&self, name: &str, id: &Hash) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.get(name) == Some(id) {
            names.remove(name);
        }
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.names.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
