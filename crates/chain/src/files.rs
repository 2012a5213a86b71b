//! Files that rules grant: each is a blob of the chain, under a path that the actor sees.
//!
//! Invariant: what a grant says of a file is read here only, so that whoever copies a chain and whoever runs it agree on
//! the blobs that belong to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Hash, Text};

/// The field under which the blobs of granted files are found ([`Entry::blobs`](crate::Entry::blobs)).
pub const FILE_FIELD: &str = "grants.file";

/// The bytes of granted files, by their names.
pub type Files = BTreeMap<Hash, Arc<[u8]>>;

/// A file that is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantedFile<'a> {
    /// The name of its bytes.
    pub name: Hash,
    /// Where the actor finds it.
    pub path: &'a str,
}

impl<'a> GrantedFile<'a> {
    /// What a grant says of a file: `file:NAME:PATH`. `None` if it grants something else.
    pub fn of(grant: &'a Text) -> Option<Self> {
        let (name, path) = grant.as_str().strip_prefix("file:")?.split_once(':')?;
        Some(Self { name: Hash::from_hex(name.as_bytes())?, path })
    }

    /// The files among grants, in their order.
    pub fn all(grants: &'a [Text]) -> impl Iterator<Item = Self> {
        grants.iter().filter_map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_name_and_a_path() {
        let name = Hash::of(b"words");
        let grant = Text::new(format!("file:{name}:/a:b")).unwrap();
        assert_eq!(GrantedFile::of(&grant), Some(GrantedFile { name, path: "/a:b" }));
        for other in ["http:example.net", "file:/etc", "file:12:/a", "file:"] {
            assert_eq!(GrantedFile::of(&Text::new(other).unwrap()), None, "{other}");
        }
    }
}
