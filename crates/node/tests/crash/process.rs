//! Nodes as processes that are killed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The committed actor that counts.
pub(crate) fn counter() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors/counter/counter.wasm")
}

/// Compiled code, kept from one run of the tests to the next.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("code")
}

/// `troupe run` or `troupe serve` on the store in `folder`, with its standard error in a file beside it.
pub(crate) struct Process {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Process {
    /// Starts it and does not wait for anything.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_under(folder, &[])
    }

    /// As [`Process::start`], by another program: its name and its arguments.
    pub(crate) fn start_under(folder: &Path, wrapper: &[&str]) -> Self {
        let counter = counter();
        Self::spawn(folder, wrapper, &["run".as_ref(), counter.as_os_str()])
    }

    /// Starts a node of many actors.
    pub(crate) fn serve(folder: &Path) -> Self {
        Self::spawn(folder, &[], &["serve".as_ref()])
    }

    fn spawn(folder: &Path, wrapper: &[&str], what: &[&OsStr]) -> Self {
        let binary = [env!("CARGO_BIN_EXE_troupe")];
        let words = [wrapper, &binary].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(what).args(["--addr", "127.0.0.1:0"]);
        command.arg("--store").arg(folder.join("store")).arg("--cache").arg(cache());
        let errors = File::create(folder.join("stderr")).expect("a file");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().expect("the binary runs");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, out, folder: folder.to_owned() }
    }

    /// Waits until it listens.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let mut line = String::new();
        loop {
            line.clear();
            if self.out.read_line(&mut line).expect("a line") == 0 {
                let errors = fs::read_to_string(self.folder.join("stderr")).unwrap_or_default();
                panic!("the node did not start: {errors}");
            }
            if let Some(url) = line.strip_prefix("listening on http://") {
                return url.trim().parse().expect("an address");
            }
        }
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop, as Ctrl-C does, and gives its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        // Its own process, also where it was started by another program.
        let pid = fs::read_to_string(self.folder.join("store/lock")).expect("a lock");
        assert!(Command::new("kill").args(["-INT", pid.trim()]).status().expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `troupe verify --json` on a folder's store.
#[track_caller]
pub(crate) fn verify(folder: &Path) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.arg("verify").arg(folder.join("store")).arg("--json").env("XDG_CACHE_HOME", cache());
    let output = command.output().expect("the binary runs");
    let report = String::from_utf8_lossy(&output.stdout);
    let all: serde_json::Value = serde_json::from_str(&report).expect("a report in JSON");
    let chains = all["chains"].as_array().into_iter().flatten();
    let wrong: Vec<_> = chains.filter(|chain| chain["verified"] != true).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{wrong:?} {}{errors}", all["origins"]);
    all
}
