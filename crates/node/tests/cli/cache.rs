//! `troupe cache`, and what commands say about compiled code.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::node::{counter, troupe};

#[test]
fn what_was_compiled_is_listed_and_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, path) = (folder.path(), counter());
    let path = path.to_str().unwrap();
    troupe(folder, &["cache", "list"]).code(0).says("nothing is kept in ");
    let checked = troupe(folder, &["check", path, "--json"]).code(0);
    assert_eq!(checked.err, "", "progress is for terminals");
    let listed = troupe(folder, &["cache", "list", "--json"]).code(0).json();
    assert_eq!(listed["component"], checked.json()["component"]);
    troupe(folder, &["cache", "list"]).code(0).says(&listed["engine"].as_str().unwrap()[..16]).says("1 file");
    let place = troupe(folder, &["cache", "path"]).code(0).out;
    assert_eq!(place.trim(), folder.join("cache/troupe/code").to_str().unwrap());
    troupe(folder, &["cache", "clear"]).code(0).says("removed 1 file");
    let left = troupe(folder, &["cache", "list", "--json"]).code(0).out;
    assert_eq!(left, "");
}

#[test]
fn code_that_is_not_trusted_is_said_and_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, path) = (folder.path(), counter());
    let path = path.to_str().unwrap();
    troupe(folder, &["check", path]).code(0);
    let listed = troupe(folder, &["cache", "list", "--json"]).code(0).json();
    let file = listed["path"].as_str().unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o622)).unwrap();
    troupe(folder, &["check", path]).code(0).complains("is not used, and compiled again: its mode is");
    fs::write(file, "foreign").unwrap();
    troupe(folder, &["check", path]).code(0).complains("it is damaged");
    assert_eq!(troupe(folder, &["check", path]).code(0).err, "");
}

#[test]
fn without_a_cache_folder_the_command_says_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_troupe"));
    command
        .args(["cache", "path"])
        .current_dir(folder.path())
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("XDG_CACHE_HOME"));
}
