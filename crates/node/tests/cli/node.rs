//! Starts the binary, and nodes that are killed in the end.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The committed actor that counts.
pub(crate) fn counter() -> PathBuf {
    actors().join("counter/counter.wasm")
}

pub(crate) fn actors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors")
}

/// The binary, in a folder, with nothing of the user's.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.args(args).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command
        .env_remove("TROUPE_NODE")
        .env_remove("TROUPE_TOKEN")
        .env_remove("TROUPE_CA")
        .env_remove("TROUPE_KEY_PASSPHRASE");
    command
}

/// What a command came to.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end.
pub(crate) fn troupe(folder: &Path, args: &[&str]) -> Ran {
    let output = command(folder, args).stdin(Stdio::null()).output().expect("the binary runs");
    ran(output)
}

pub(crate) fn ran(Output { status, stdout, stderr }: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

impl Ran {
    /// Asserts the exit code and hands out what was printed.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that standard output has a text in it.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no {text:?} in:\n{}", self.out);
        self
    }

    /// Asserts that standard error has a text in it.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} in:\n{}", self.err);
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in:\n{}", self.out))
    }
}

/// A running node.
pub(crate) struct Node {
    child: Child,
    // Open until the end, so that the node can print.
    _out: BufReader<ChildStdout>,
    pub(crate) url: String,
    pub(crate) introduction: String,
    folder: PathBuf,
}

fn errors_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("node.err")).unwrap_or_default()
}

impl Node {
    /// Starts `troupe run` on a free port and waits until it listens.
    pub(crate) fn run(folder: &Path, component: &Path, more: &[&str]) -> Self {
        let component = component.to_str().expect("a path in UTF-8");
        Self::start(folder, &[&["run", component, "--addr", "127.0.0.1:0"], more].concat())
    }

    /// Starts `troupe serve` on a free port and waits until it listens.
    pub(crate) fn serve(folder: &Path, more: &[&str]) -> Self {
        let addr: &[&str] = if more.contains(&"--addr") { &[] } else { &["--addr", "127.0.0.1:0"] };
        Self::start(folder, &[&["serve"], addr, more].concat())
    }

    #[allow(
        clippy::zombie_processes,
        reason = "dropping the node waits for it; a test that fails before ends anyway"
    )]
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        let errors = File::options().create(true).append(true).open(folder.join("node.err"));
        let mut child = command(folder, args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors.expect("a file"))
            .spawn()
            .expect("the binary runs");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut introduction = String::new();
        loop {
            let mut line = String::new();
            let read = out.read_line(&mut line).expect("a line");
            assert!(read > 0, "it ended after:\n{introduction}{}", errors_of(folder));
            introduction.push_str(&line);
            if let Some(url) = line.strip_prefix("listening on ") {
                let (url, folder) = (url.trim().to_owned(), folder.to_owned());
                return Self { child, _out: out, url, introduction, folder };
            }
        }
    }

    /// Runs a command against this node to its end.
    pub(crate) fn troupe(&self, args: &[&str]) -> Ran {
        let mut command = command(&self.folder, args);
        ran(command.env("TROUPE_NODE", &self.url).stdin(Stdio::null()).output().expect("the binary runs"))
    }

    /// What nodes of the folder wrote to standard error.
    pub(crate) fn errors(&self) -> String {
        errors_of(&self.folder)
    }

    /// Kills the node as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks the node to stop, as Ctrl-C does, and gives its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
