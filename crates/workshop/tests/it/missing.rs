//! Tools that are not there. Each test runs itself again with an empty `PATH`, since the environment is the process's.

use std::process::Command;

use troupe_workshop::{BuildError, Lang, Options, Project, Toolchain, build, create};

/// Says to the process of this test that its `PATH` is empty.
const BARE: &str = "TROUPE_TEST_BARE";

/// Runs a test in a process without tools.
fn bare(name: &str, test: impl FnOnce()) {
    if std::env::var_os(BARE).is_some() {
        return test();
    }
    let folder = tempfile::tempdir().expect("a process");
    let mut command = Command::new(std::env::current_exe().expect("a process"));
    command.args(["--exact", &format!("missing::{name}")]).env(BARE, "yes").env("PATH", folder.path());
    let output = command.env_remove("RUSTC").output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn fails(lang: Lang, install: bool, toolchain: Toolchain) -> (String, Vec<String>) {
    let temporary = tempfile::tempdir().expect("a project");
    let folder = temporary.path().join("counter");
    create(&folder, "counter", lang).expect("a project");
    let options = Options { toolchain, install, cache: Some(temporary.path()), say: &|_| () };
    match build(&Project::open(&folder).expect("a project"), &options) {
        Err(BuildError::Missing { what, help }) => (what, help),
        other => panic!("{lang}: {other:?}"),
    }
}

#[test]
fn what_is_missing_is_named_with_the_command_that_gets_it() {
    bare("what_is_missing_is_named_with_the_command_that_gets_it", || {
        for (lang, what, help) in [
            (Lang::Rust, "cargo is not installed", "rustup target add wasm32-unknown-unknown"),
            (Lang::Js, "node is not installed", "Node 20"),
            (Lang::Ts, "node is not installed", "Node 20"),
            (Lang::Python, "python3 is not installed", "Python 3.11"),
            (Lang::C, "there is no C compiler for WebAssembly", "clang and lld"),
        ] {
            let (found, helps) = fails(lang, false, Toolchain::Auto);
            assert!(found.contains(what), "{lang}: {found}");
            assert!(helps.iter().any(|one| one.contains(help)), "{lang}: {helps:?}");
        }
    });
}

#[test]
fn to_install_tools_takes_tools() {
    bare("to_install_tools_takes_tools", || {
        for lang in [Lang::Python, Lang::C] {
            assert!(fails(lang, true, Toolchain::Auto).0.contains("python3 is not installed"), "{lang}");
        }
        assert!(fails(Lang::Rust, true, Toolchain::Debian).0.contains("cargo is not installed"));
    });
}
