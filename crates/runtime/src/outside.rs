//! The world as actors may ask it while they handle a message, where they were granted to.

use troupe_chain::{Hash, Outside, Text};

/// Opens the world for one transition after another.
pub trait World: Send + Sync {
    /// The outside for one transition of an actor with these grants.
    fn open<'a>(&'a self, grants: &'a [Text], base: CallBase) -> Box<dyn Outside + 'a>;
}

/// What names the calls of one transition: an attempt that is repeated after a crash asks with the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallBase {
    /// The actor.
    pub chain: Hash,
    /// The entry that the one being made follows.
    pub parent: Hash,
    /// The message.
    pub message: Hash,
}

impl CallBase {
    /// The id of the `n`th call, counted from 0, with this request.
    pub fn id(&self, n: u64, request: &Hash) -> Hash {
        let mut bytes = Vec::with_capacity(136);
        for name in [&self.chain, &self.parent, &self.message] {
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes.extend_from_slice(&n.to_be_bytes());
        bytes.extend_from_slice(request.as_bytes());
        Hash::of(&bytes)
    }
}
