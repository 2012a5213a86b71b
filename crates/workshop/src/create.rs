//! New projects: what `troupe new` writes.
//!
//! Invariant: nothing is written into a folder that has anything in it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::name::{BadName, check_name};
use crate::{Lang, sdk};

/// The folder of a project that the SDK is in.
const VENDOR: &str = "vendor/troupe-actor";
/// What stands for the project's name in a template.
const NAME: &str = "{{name}}";
/// The same, as an identifier.
const IDENTIFIER: &str = "{{identifier}}";

/// A file of a template: its path in the project, and its text.
type File = (&'static str, &'static str);

macro_rules! files {
    ($($path:literal = $source:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../templates/", $source)))),*]
    };
}

const COMMON: &[File] = files! {
    "actor.toml" = "common/actor.toml.in",
    ".gitignore" = "common/gitignore.in",
    "tests/counter.toml" = "common/counter.toml.in",
};

const RUST: &[File] = files! {
    "Cargo.toml" = "rust/Cargo.toml.in",
    ".cargo/config.toml" = "rust/config.toml.in",
    "README.md" = "rust/README.md.in",
    "src/lib.rs" = "rust/lib.rs.in",
};

const JS: &[File] = files! {
    "package.json" = "js/package.json.in",
    "README.md" = "js/README.md.in",
    "actor.js" = "js/actor.js.in",
    "tests/actor.test.js" = "js/actor.test.js.in",
};

const TS: &[File] = files! {
    "package.json" = "ts/package.json.in",
    "tsconfig.json" = "ts/tsconfig.json.in",
    "README.md" = "ts/README.md.in",
    "actor.ts" = "ts/actor.ts.in",
};

const PYTHON: &[File] = files! {
    "requirements.txt" = "python/requirements.txt.in",
    "README.md" = "python/README.md.in",
    "app.py" = "python/app.py.in",
    "tests/test_app.py" = "python/test_app.py.in",
};

const C: &[File] = files! {
    "README.md" = "c/README.md.in",
    "actor.c" = "c/actor.c.in",
};

fn template(lang: Lang) -> &'static [File] {
    match lang {
        Lang::Rust => RUST,
        Lang::Js => JS,
        Lang::Ts => TS,
        Lang::Python => PYTHON,
        Lang::C => C,
    }
}

/// A project that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Where.
    pub folder: PathBuf,
    /// The files that are the author's, in the order of their names.
    pub files: Vec<&'static str>,
    /// Where the SDK is, below the folder.
    pub vendor: &'static str,
}

/// A project that was not written.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// It cannot be called so.
    #[error(transparent)]
    Name(#[from] BadName),
    /// There is something in the folder.
    #[error("{} is there already, and not empty", .0.display())]
    NotEmpty(PathBuf),
    /// This program was built without the SDK.
    #[error("this troupe was built without the SDK for {}", .0.title())]
    NoSdk(Lang),
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a project for an actor called `name` into `folder`, which must be empty or not there.
///
/// # Errors
/// [`CreateError`].
pub fn create(folder: &Path, name: &str, lang: Lang) -> Result<Created, CreateError> {
    check_name(name)?;
    let sdk = sdk::files(lang);
    if sdk.is_empty() {
        return Err(CreateError::NoSdk(lang));
    }
    let is_free = match folder.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(CreateError::NotEmpty(folder.to_owned()));
    }
    let own = template(lang).iter().chain(COMMON);
    for (path, text) in own.clone() {
        let text = text.replace(NAME, name).replace(IDENTIFIER, &name.replace('-', "_"));
        write(&folder.join(path), text.as_bytes())?;
    }
    for file in sdk {
        write(&folder.join(VENDOR).join(file.path), file.bytes)?;
    }
    let mut files: Vec<_> = own.map(|(path, _)| *path).collect();
    files.sort_unstable();
    Ok(Created { folder: folder.to_owned(), files, vendor: VENDOR })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CreateError> {
    let cannot = |source| CreateError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    fs::write(path, bytes).map_err(cannot)
}
