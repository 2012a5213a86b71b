//! What holds for the repository as a whole: who may import whom, how files look, and that the documents say what is.

mod documents;
mod graph;
mod tidy;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The repository's root folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the repository")
}

/// What a command prints, run in the repository's root.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).current_dir(root()).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The tracked files by path, with their text; those that are not text are left out.
fn files() -> Vec<(String, String)> {
    let list = output("git", &["ls-files", "-z"]);
    let paths = list.split('\0').filter(|path| !path.is_empty());
    paths.filter_map(|path| Some((path.to_owned(), fs::read_to_string(root().join(path)).ok()?))).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with all that was found.
fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
