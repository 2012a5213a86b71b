//! A chain from outside, and the machines to replay it with: what a verification is given.

use crate::machine::Machine;
use crate::{Engine, Files, Hash, Redaction, Rules, Text};

/// A chain as somebody hands it over. Nothing in it is trusted.
pub trait History {
    /// How bytes are handed out.
    type Bytes: AsRef<[u8]>;

    /// The name that the last entry must have.
    fn head(&self) -> Hash;

    /// The entries' bytes, from genesis to head.
    fn entries(&self) -> impl Iterator<Item = Result<Self::Bytes, Unreadable>>;

    /// The bytes found under a blob's name; `None` if there are none. They need not match the name.
    ///
    /// # Errors
    /// [`Unreadable`] if whether there are any cannot be told.
    fn blob(&self, name: &Hash) -> Result<Option<Self::Bytes>, Unreadable>;

    /// Why there are no bytes under a blob's name, if whoever hands out the history says so.
    ///
    /// # Errors
    /// [`Unreadable`] if that cannot be told.
    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        let _ = name;
        Ok(None)
    }

    /// Whether it holds the blobs that a replay gives back (states, replies, what was sent), so that they are compared as
    /// well. A source that would have to fetch each of them says no: that they come out again is checked by their names.
    fn has_results(&self) -> bool {
        true
    }
}

/// Finds the machine that the rules of a chain ask for.
pub trait Machines {
    /// The machines it makes.
    type Machine: Machine;

    /// The engine that they run on.
    fn engine(&self) -> &Engine;

    /// Makes the machine for `rules`, whatever engine they name; `code` is the component, and `files` has the bytes of
    /// each file that they grant.
    ///
    /// # Errors
    /// Why there is none, for a person to read.
    fn machine(&self, rules: &Rules, code: &[u8], files: &Files) -> Result<Self::Machine, String>;

    /// Finds the world that a component is loaded as, under rules that may say another.
    ///
    /// # Errors
    /// Why there is none, for a person to read.
    fn world(&self, rules: &Rules, code: &[u8]) -> Result<Text, String> {
        let _ = code;
        Ok(rules.world.clone())
    }
}

impl<M: Machines + ?Sized> Machines for Box<M> {
    type Machine = M::Machine;

    fn engine(&self) -> &Engine {
        (**self).engine()
    }

    fn machine(&self, rules: &Rules, code: &[u8], files: &Files) -> Result<Self::Machine, String> {
        (**self).machine(rules, code, files)
    }

    fn world(&self, rules: &Rules, code: &[u8]) -> Result<Text, String> {
        (**self).world(rules, code)
    }
}

/// The source of a history could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);
