//! `troupe dev` and `troupe build`, with a command that copies a component in place of a compiler.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::node::{Ran, actors, counter, troupe};

/// How long something may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(60);

const MANIFEST: &str = r#"
component = "build/it.wasm"
name = "it"
[build]
command = "test -s source.wasm && cp source.wasm $TROUPE_COMPONENT"
"#;

/// A project whose source is the component itself.
fn project() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("project");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("actor.toml"), MANIFEST).unwrap();
    fs::copy(counter(), folder.join("source.wasm")).unwrap();
    (temporary, folder)
}

/// The same actor with other bytes: there is an empty section of its own at the end.
fn other_counter() -> Vec<u8> {
    [&fs::read(counter()).unwrap()[..], b"\0\x02\x01x"].concat()
}

/// A running `troupe dev`, killed in the end.
struct Dev {
    child: Child,
    folder: PathBuf,
    outer: PathBuf,
}

impl Dev {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let outer = folder.parent().unwrap().to_owned();
        let file = |name: &str| File::create(outer.join(name)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
        command.args(["dev", "--addr", "127.0.0.1:0"]).args(more).current_dir(folder);
        command.env("XDG_CACHE_HOME", outer.join("cache")).stdin(Stdio::null());
        let child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        let dev = Self { child, folder: folder.to_owned(), outer };
        dev.shows("listening on ");
        dev
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.outer.join(name)).unwrap_or_default()
    }

    /// Waits until one of the streams has a text.
    #[track_caller]
    fn wait(&self, stream: &str, text: &str) {
        let began = Instant::now();
        while !self.read(stream).contains(text) {
            let (out, err) = (self.read("out"), self.read("err"));
            assert!(began.elapsed() < PATIENCE, "no {text:?} in {stream}:\n{out}\n{err}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    fn says(&self, text: &str) {
        self.wait("err", text);
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        self.wait("out", text);
    }

    fn send(&self, message: &str) -> Ran {
        let out = self.read("out");
        let url = out.split("listening on ").nth(1).unwrap().lines().next().unwrap();
        troupe(&self.folder, &["send", &format!("{url}/actors/it"), message])
    }

    /// Asks it to stop, as Ctrl-C does.
    fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_change_is_reloaded_and_the_state_is_kept() {
    let (_temporary, folder) = project();
    let dev = Dev::start(&folder, &[]);
    dev.says("begun it");
    dev.send(r#"{"add":2}"#).code(0);
    dev.shows("state  count  0 → 2");
    fs::write(folder.join("source.wasm"), other_counter()).unwrap();
    dev.says("source.wasm changed, building");
    dev.says("reloaded it");
    dev.send(r#"{"add":3}"#).code(0).says(r#"{"count":5}"#);
    dev.shows("state  count  2 → 5");
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn with_reset_a_change_begins_anew() {
    let (_temporary, folder) = project();
    let dev = Dev::start(&folder, &["--reset"]);
    dev.says("begun it");
    dev.send(r#"{"add":2}"#).code(0);
    fs::write(folder.join("source.wasm"), other_counter()).unwrap();
    dev.shows("stop ");
    dev.shows("{\"count\":0}");
    let began = Instant::now();
    while dev.read("err").matches("begun it").count() < 2 {
        assert!(began.elapsed() < PATIENCE, "{}", dev.read("err"));
        std::thread::sleep(Duration::from_millis(20));
    }
    dev.send(r#"{"add":3}"#).code(0).says(r#"{"count":3}"#);
}

#[test]
fn what_does_not_build_or_is_gone_leaves_the_code_from_before() {
    let (_temporary, folder) = project();
    let dev = Dev::start(&folder, &[]);
    dev.says("begun it");
    fs::write(folder.join("source.wasm"), "").unwrap();
    dev.says("failed with exit code 1");
    dev.says("the code from before goes on");
    dev.send(r#"{"add":2}"#).code(0);
    fs::remove_file(folder.join("source.wasm")).unwrap();
    dev.says("source.wasm is gone, building");
    dev.send(r#"{"add":2}"#).code(0).says(r#"{"count":4}"#);
    fs::write(folder.join("source.wasm"), "no component").unwrap();
    dev.says("does not begin as WebAssembly does");
    fs::write(folder.join("source.wasm"), other_counter()).unwrap();
    dev.says("reloaded it");
    dev.send(r#"{"add":1}"#).code(0).says(r#"{"count":5}"#);
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn a_state_that_the_new_code_does_not_take_is_kept_with_the_old_code() {
    let (_temporary, folder) = project();
    let dev = Dev::start(&folder, &[]);
    dev.says("begun it");
    dev.send(r#"{"add":2}"#).code(0);
    fs::copy(actors().join("quakes/quakes.wasm"), folder.join("source.wasm")).unwrap();
    dev.says("the new code does not take the state");
    dev.says("troupe dev --reset");
    dev.send(r#"{"add":2}"#).code(0).says(r#"{"count":4}"#);
}

#[test]
fn a_project_that_never_built_runs_once_it_does() {
    let (_temporary, folder) = project();
    fs::write(folder.join("source.wasm"), "").unwrap();
    let dev = Dev::start(&folder, &[]);
    dev.says("nothing runs yet; save a file to try again");
    dev.send(r#"{"add":2}"#).code(2);
    fs::copy(counter(), folder.join("source.wasm")).unwrap();
    dev.says("begun it");
    dev.send(r#"{"add":2}"#).code(0);
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn a_refused_message_and_a_broken_manifest_are_shown() {
    let (_temporary, folder) = project();
    let dev = Dev::start(&folder, &[]);
    dev.says("begun it");
    dev.send(r#"{"add":"one"}"#).code(1);
    dev.says("refused: not an addition");
    dev.says("refused a message from http");
    fs::write(folder.join("actor.toml"), "component = 7").unwrap();
    dev.says("`component` must be a string");
    fs::write(folder.join("actor.toml"), MANIFEST).unwrap();
    dev.says("unchanged it");
}

#[test]
fn with_a_store_the_actor_goes_on_the_next_time() {
    let (_temporary, folder) = project();
    let dev = Dev::start(&folder, &["--store", ".troupe"]);
    dev.says("begun it");
    dev.send(r#"{"add":2}"#).code(0);
    assert_eq!(dev.stop(), Some(0));
    fs::write(folder.join("source.wasm"), other_counter()).unwrap();
    let dev = Dev::start(&folder, &["--store", ".troupe"]);
    dev.says("reloaded it");
    dev.send(r#"{"add":3}"#).code(0).says(r#"{"count":5}"#);
}

#[test]
fn a_component_is_built_and_checked() {
    let (_temporary, folder) = project();
    troupe(&folder, &["build"]).code(0).says("built ").says("init ").says(r#"{"count":0}"#);
    assert_eq!(fs::read(folder.join("build/it.wasm")).unwrap(), fs::read(counter()).unwrap());
    let report = troupe(&folder, &["build", "--json"]).code(0).json();
    assert_eq!(report["world"], "ntwk:simple-actor/first-actor");
    fs::write(folder.join("source.wasm"), "(module)").unwrap();
    troupe(&folder, &["build"]).code(1).complains("WebAssembly text");
    fs::write(folder.join("source.wasm"), "").unwrap();
    troupe(&folder, &["build"]).code(1).complains("`it` was not built").complains("exit code 1");
}

#[test]
fn a_build_that_leaves_nothing_and_a_path_outside_are_said() {
    let (_temporary, folder) = project();
    let manifest = |text: &str| fs::write(folder.join("actor.toml"), text).unwrap();
    manifest("component = \"build/it.wasm\"\n[build]\ncommand = \"true\"\n");
    troupe(&folder, &["build"]).code(1).complains("the build left no ");
    for outside in ["../it.wasm", "/tmp/it.wasm"] {
        manifest(&format!("component = \"{outside}\"\n[build]\ncommand = \"true\"\n"));
        troupe(&folder, &["build"]).code(2).complains("which is not in the project");
    }
    manifest("[build]\nlanguage = \"c\"\n");
    troupe(&folder, &["build"]).code(2).complains("no key `language`");
    manifest("[build]\nlang = \"cobol\"\n");
    troupe(&folder, &["build"]).code(2).complains("rust, js, ts, python, c");
}

#[test]
fn a_folder_that_is_no_project_is_said_with_what_makes_one() {
    let temporary = tempfile::tempdir().unwrap();
    troupe(temporary.path(), &["build"]).code(2).complains("there is none of").complains("troupe new");
    troupe(temporary.path(), &["dev", "nowhere"]).code(2).complains("there is no folder nowhere");
}
