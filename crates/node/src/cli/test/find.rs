//! Which files are scenarios, and what they are about where they do not say it.

use std::path::{Path, PathBuf};

use troupe::manifest::Manifest;
use troupe_scenario::Setup;

use crate::cli::failure::Failure;

/// The folder of an actor's scenarios.
const FOLDER: &str = "tests";
/// The file that says what an actor is begun with.
const MANIFEST: &str = "actor.toml";

/// The scenario files that paths mean, in order.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let here = [PathBuf::from(".")];
    let mut files = Vec::new();
    for path in if paths.is_empty() { &here[..] } else { paths } {
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            return Err(Failure::cannot(format_args!("there is no file or folder {}", path.display())));
        }
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let tests = folder.join(FOLDER);
    let tests = if tests.is_dir() { tests } else { folder.to_owned() };
    let cannot = |error| Failure::cannot(format_args!("cannot read {}: {error}", tests.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&tests).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let other = ["actor.toml", "Cargo.toml", "troupe.toml"].map(std::ffi::OsStr::new);
        let is_other = path.file_name().is_some_and(|name| other.contains(&name));
        if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() && !is_other {
            // What is shown is as short as what was typed.
            files.push(path.strip_prefix(".").map(Path::to_owned).unwrap_or(path));
        }
    }
    files.sort();
    if files.is_empty() {
        let what = format!("there are no scenarios in {}", tests.display());
        return Err(Failure::cannot(what).help("a scenario is a file such as tests/counter.toml"));
    }
    Ok(files)
}

/// What the actor's manifest says, in the folder of a scenario file or the one above.
pub(super) fn base(file: &Path) -> Result<Setup, Failure> {
    let folder = file.parent().unwrap_or(Path::new(""));
    for manifest in [folder.join(MANIFEST), folder.join("..").join(MANIFEST)] {
        if manifest.is_file() {
            return Manifest::load(&manifest).map(|manifest| Setup::of(&manifest)).map_err(Failure::cannot);
        }
    }
    Ok(Setup::default())
}
