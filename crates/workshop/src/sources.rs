//! Whether the files of a project have changed: by their times and sizes, looked at again and again.
//!
//! Looking costs less than a millisecond for a project of ordinary size, and works on every file system, which no
//! notification does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders that tools write to, or that no author edits.
const LEFT_OUT: &[&str] = &["build", "node_modules", "target", "__pycache__"];
/// How many files are looked at; beyond that a change may go unseen.
const MAX_FILES: usize = 10_000;

/// The files of a project as they are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Sources {
    /// Looks at every file below a folder but those that begin with a dot or are made by tools.
    pub fn look(folder: &Path) -> Self {
        let mut sources = Self::default();
        sources.add(folder);
        sources
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first file that is otherwise than it was in `before`, there or gone.
    pub fn changed<'a>(&'a self, before: &'a Self) -> Option<&'a Path> {
        let differs = |(path, of): &(&'a PathBuf, &(Option<SystemTime>, u64)), other: &Self| {
            other.0.get(*path) != Some(*of)
        };
        let now = self.0.iter().find(|file| differs(file, before));
        let gone = || before.0.iter().find(|file| differs(file, self));
        now.or_else(gone).map(|(path, _)| path.as_path())
    }

    fn add(&mut self, folder: &Path) {
        // A folder that has just gone has no files.
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || LEFT_OUT.contains(&&*name) || self.0.len() >= MAX_FILES {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                self.add(&entry.path());
            } else {
                self.0.insert(entry.path(), (metadata.modified().ok(), metadata.len()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_other_or_gone_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("src/a.rs");
        fs::create_dir(folder.path().join("src")).unwrap();
        let look = || Sources::look(folder.path());
        let none = look();
        assert!(none.is_empty());
        fs::write(&file, "1").unwrap();
        let one = look();
        assert_eq!(one.changed(&none), Some(file.as_path()));
        assert_eq!(one.changed(&look()), None);
        fs::write(&file, "12").unwrap();
        assert_eq!(look().changed(&one), Some(file.as_path()));
        fs::remove_file(&file).unwrap();
        assert_eq!(look().changed(&one), Some(file.as_path()));
    }

    #[test]
    fn what_tools_write_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for made in ["build", "target", "node_modules", ".troupe"] {
            fs::create_dir(folder.path().join(made)).unwrap();
            fs::write(folder.path().join(made).join("x"), "").unwrap();
        }
        assert!(Sources::look(folder.path()).is_empty());
        assert!(Sources::look(&folder.path().join("nowhere")).is_empty());
    }
}
