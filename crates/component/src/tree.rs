//! The files that a chain grants, as a tree of folders: what `wasi:filesystem` shows, and all that there is of it.
//!
//! Invariant: a path is a file or a folder, and never both. A folder is there because a file is in it; `/` always is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use troupe_chain::{Files, GrantedFile, Hash};

/// The most files that an actor may be granted. No row of [`Limits`](crate::Limits): grants with more are refused before
/// anything runs, so that no outcome depends on it.
pub const MAX_FILES: usize = 256;
/// The most bytes of all files of an actor together; no row of [`Limits`](crate::Limits) either.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Files by their paths, without the `/` that each begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    files: BTreeMap<String, File>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    name: Hash,
    /// `None` until somebody gives them.
    bytes: Option<Arc<[u8]>>,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    File(&'a File),
    Folder,
}

/// Where a path leads to that does not lead to a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// There is nothing.
    NoEntry,
    /// It goes on below a file.
    NotAFolder,
    /// It leaves the folder that it starts from.
    Outside,
}

/// Files that are granted and cannot be given to an actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The bytes of one are not there.
    #[error("the bytes of the granted file `{path}` are missing: {name}")]
    Bytes {
        /// Where the actor would find it.
        path: String,
        /// The name of its bytes.
        name: Hash,
    },
    /// They have too many bytes.
    #[error("the granted files have {0} bytes together, and may have {MAX_FILE_BYTES}")]
    TooLarge(u64),
}

impl File {
    /// Its bytes; none before they were given, and then no guest runs.
    pub(crate) fn bytes(&self) -> Arc<[u8]> {
        self.bytes.clone().unwrap_or_default()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }

    /// The name of its bytes.
    pub(crate) fn name(&self) -> &Hash {
        &self.name
    }
}

impl Tree {
    /// Adds a file.
    pub(crate) fn add(&mut self, file: GrantedFile<'_>) -> Result<(), &'static str> {
        let path = file.path.strip_prefix('/').ok_or("its path does not begin with `/`")?;
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err("its path is not that of a file: no part may be empty, `.` or `..`");
        }
        if self.files.len() == MAX_FILES {
            return Err("an actor is granted at most 256 files");
        }
        if self.files.contains_key(path) {
            return Err("another file has this path");
        }
        let above = path.match_indices('/').any(|(at, _)| self.files.contains_key(&path[..at]));
        if above || self.is_folder(path) {
            return Err("its path goes through another file, or another file's path through it");
        }
        self.files.insert(path.to_owned(), File { name: file.name, bytes: None });
        Ok(())
    }

    /// Gives every file its bytes.
    pub(crate) fn with_bytes(&self, given: &Files) -> Result<Self, Missing> {
        let mut all = 0_u64;
        let mut files = BTreeMap::new();
        for (path, File { name, .. }) in &self.files {
            let missing = || Missing::Bytes { path: format!("/{path}"), name: *name };
            let bytes = given.get(name).ok_or_else(missing)?;
            all = all.saturating_add(bytes.len() as u64);
            files.insert(path.clone(), File { name: *name, bytes: Some(Arc::clone(bytes)) });
        }
        if all > MAX_FILE_BYTES {
            return Err(Missing::TooLarge(all));
        }
        Ok(Self { files })
    }

    /// Whether there are no files.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The first file whose bytes nobody gave.
    pub(crate) fn without_bytes(&self) -> Option<&str> {
        self.files.iter().find(|(_, file)| file.bytes.is_none()).map(|(path, _)| path.as_str())
    }

    /// What is at a path from the root.
    pub(crate) fn get(&self, path: &str) -> Option<Node<'_>> {
        match self.files.get(path) {
            Some(file) => Some(Node::File(file)),
            None => self.is_folder(path).then_some(Node::Folder),
        }
    }

    /// Goes a path from a folder, and gives the path from the root where it ends.
    pub(crate) fn resolve(&self, folder: &str, path: &str) -> Result<String, Nothing> {
        if path.starts_with('/') {
            return Err(Nothing::Outside);
        }
        if path.is_empty() {
            return Err(Nothing::NoEntry);
        }
        let mut at = folder.to_owned();
        for part in path.split('/') {
            match self.get(&at) {
                Some(Node::Folder) => {}
                Some(Node::File(_)) => return Err(Nothing::NotAFolder),
                None => return Err(Nothing::NoEntry),
            }
            match part {
                "" | "." => {}
                ".." if at == folder => return Err(Nothing::Outside),
                ".." => at.truncate(at.rfind('/').unwrap_or(0)),
                part => {
                    if !at.is_empty() {
                        at.push('/');
                    }
                    at.push_str(part);
                }
            }
        }
        self.get(&at).map(|_| at).ok_or(Nothing::NoEntry)
    }

    /// What is in a folder, in ascending order of names.
    pub(crate) fn list(&self, folder: &str) -> Vec<(String, Node<'_>)> {
        let mut folders = BTreeSet::new();
        let mut entries = Vec::new();
        for (rest, file) in self.below(folder) {
            match rest.split_once('/') {
                None => entries.push((rest.to_owned(), Node::File(file))),
                Some((name, _)) if folders.insert(name) => entries.push((name.to_owned(), Node::Folder)),
                Some(_) => {}
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries
    }

    fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.below(path).next().is_some()
    }

    /// The files below a folder, by their paths from there.
    fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().filter_map(move |(path, file)| match folder {
            "" => Some((path.as_str(), file)),
            folder => Some((path.strip_prefix(folder)?.strip_prefix('/')?, file)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Result<Tree, &'static str> {
        let mut tree = Tree::default();
        for path in paths {
            tree.add(GrantedFile { name: Hash::of(path.as_bytes()), path })?;
        }
        Ok(tree)
    }

    #[test]
    fn a_path_is_a_file_or_a_folder_and_never_both() {
        assert!(tree(&["/a/b", "/a/c", "/ab", "/a.b/c"]).is_ok());
        for bad in [
            &["a"] as &[&str],
            &[""],
            &["/"],
            &["/a/"],
            &["//a"],
            &["/a/../b"],
            &["/./a"],
            &["/a", "/a"],
            &["/a", "/a/b"],
            &["/a/b", "/a"],
        ] {
            assert!(tree(bad).is_err(), "{bad:?}");
        }
        let many: Vec<_> = (0..=MAX_FILES).map(|n| format!("/{n}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(tree(&many[..MAX_FILES]).is_ok());
        assert_eq!(tree(&many), Err("an actor is granted at most 256 files"));
    }

    #[test]
    fn a_path_is_gone_part_by_part() {
        let tree = tree(&["/a/b/c", "/a/d"]).unwrap();
        for (folder, path, expect) in [
            ("", "a/b/c", Ok("a/b/c")),
            ("", "./a//b/", Ok("a/b")),
            ("", "a/b/../d", Ok("a/d")),
            ("", "a/..", Ok("")),
            ("a", "b", Ok("a/b")),
            ("a", "b/..", Ok("a")),
            ("a/b", "..", Err(Nothing::Outside)),
            ("a", "b/../..", Err(Nothing::Outside)),
            ("", "/a", Err(Nothing::Outside)),
            ("", "", Err(Nothing::NoEntry)),
            ("", "a/e", Err(Nothing::NoEntry)),
            ("", "e/..", Err(Nothing::NoEntry)),
            ("", "a/d/", Err(Nothing::NotAFolder)),
            ("", "a/d/..", Err(Nothing::NotAFolder)),
        ] {
            assert_eq!(
                tree.resolve(folder, path).as_deref(),
                expect.as_ref().map(|path| *path),
                "{folder} {path}"
            );
        }
    }

    #[test]
    fn a_folder_lists_what_is_in_it_and_not_below() {
        let tree = tree(&["/b/c", "/b/a/x", "/b/a/y", "/a"]).unwrap();
        let names = |folder| tree.list(folder).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(""), ["a", "b"]);
        assert_eq!(names("b"), ["a", "c"]);
        assert_eq!(names("b/a"), ["x", "y"]);
    }

    #[test]
    fn bytes_that_are_missing_or_too_many_are_named() {
        let tree = tree(&["/a", "/b"]).unwrap();
        assert_eq!(tree.without_bytes(), Some("a"));
        let mut given = Files::from([(Hash::of(b"/a"), Arc::from(&b"1"[..]))]);
        let missing = tree.with_bytes(&given).unwrap_err();
        let name = Hash::of(b"/b");
        assert_eq!(missing.to_string(), format!("the bytes of the granted file `/b` are missing: {name}"));
        given.insert(name, vec![0; 64 << 20].into());
        assert_eq!(tree.with_bytes(&given), Err(Missing::TooLarge((64 << 20) + 1)));
        given.insert(name, vec![0; (64 << 20) - 1].into());
        assert_eq!(tree.with_bytes(&given).unwrap().without_bytes(), None);
    }
}
