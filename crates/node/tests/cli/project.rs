//! `troupe new`, and `troupe build` of what it made, without the tools of any language.

use std::fs;
use std::process::Command;

use crate::node::troupe;

#[test]
fn a_new_project_lists_its_files_and_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let made = troupe(folder.path(), &["new", "--lang", "rust", "counter"]).code(0);
    made.says("created counter, an actor in Rust").says("src/lib.rs   begin here").says("troupe dev");
    let project = folder.path().join("counter");
    assert!(project.join("vendor/troupe-actor/src/lib.rs").is_file());
    let json = troupe(folder.path(), &["new", "--lang", "c", "some/other", "--json"]).code(0).json();
    assert_eq!((&json["name"], &json["folder"]), (&"other".into(), &"some/other".into()));
}

#[test]
fn a_folder_a_name_and_a_language_that_will_not_do_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let new = |args: &[&str]| troupe(folder.path(), &[&["new"], args].concat()).code(2);
    new(&["--lang", "cobol", "counter"]).complains("rust, js, ts, python, c");
    new(&["counter"]).complains("--lang");
    new(&["--lang", "rust", "Counter"]).complains("a-z, 0-9 and -").complains("my-shop-2");
    new(&["--lang", "rust", ".."]).complains("is no name for a project");
    fs::create_dir(folder.path().join("counter")).unwrap();
    fs::write(folder.path().join("counter/notes.txt"), "mine").unwrap();
    new(&["--lang", "rust", "counter"]).complains("is there already, and not empty");
    assert_eq!(fs::read_dir(folder.path().join("counter")).unwrap().count(), 1);
}

#[test]
fn without_tools_each_language_says_what_gets_them() {
    let folder = tempfile::tempdir().unwrap();
    for (lang, help) in [
        ("rust", "rustup target add wasm32-unknown-unknown"),
        ("js", "install Node 20"),
        ("ts", "install Node 20"),
        ("python", "install Python 3.11"),
        ("c", "install clang and lld"),
    ] {
        let name = format!("in-{lang}");
        troupe(folder.path(), &["new", "--lang", lang, &name]).code(0);
        let mut build = Command::new(env!("CARGO_BIN_EXE_troupe"));
        let output =
            build.args(["build", &name]).current_dir(folder.path()).env("PATH", "").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(help), "{lang}: {said}");
    }
}
