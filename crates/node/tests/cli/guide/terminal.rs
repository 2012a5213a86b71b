//! A terminal in a folder of its own, and the node beside it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::repository;

/// How long an output may take to be as the page says.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Where the guide's node listens; here it is another port.
const ADDR: &str = "127.0.0.1:8080";
/// What starts a node.
const NODES: [&str; 3] = ["troupe serve", "troupe run", "troupe dev"];
/// What the page's folder has of the repository.
const SHARED: [&str; 3] = ["actors", "docs", "sdk"];
/// In the user's cache folder, a Rust compiler that has the target for WebAssembly.
const RUSTC: &str = "troupe/toolchains/debian-rust/bin/rustc";

pub(super) struct Terminal {
    folder: tempfile::TempDir,
    /// Where the commands are run.
    current: PathBuf,
    /// The user's cache folder.
    cache: PathBuf,
    node: Option<Child>,
    /// How much of the node's output was seen.
    seen: usize,
    addr: String,
}

impl Terminal {
    pub(super) fn new(tools: Option<PathBuf>) -> Self {
        // The tools of five languages are gigabytes, and the folder for what is short-lived may be in memory.
        let folder = match tools {
            Some(_) => tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"),
            None => tempfile::tempdir().expect("a folder"),
        };
        for shared in SHARED {
            let link = folder.path().join(shared);
            std::os::unix::fs::symlink(repository().join(shared), link).expect("a link");
        }
        let cache = tools.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide"));
        let current = folder.path().to_owned();
        Self { folder, current, cache, node: None, seen: 0, addr: ADDR.to_owned() }
    }

    /// Writes a file of the page.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.current.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    fn command(&self, line: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_troupe"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = binary.parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new("bash");
        command.args(["-c", &format!("exec 2>&1; {}", line.replace(ADDR, &self.addr))]);
        command.current_dir(&self.current).stdin(Stdio::null());
        command
            .env("PATH", std::env::join_paths(folders).expect("a path"))
            .env("XDG_CACHE_HOME", &self.cache);
        command.env("TROUPE_NODE", format!("http://{}", self.addr)).env_remove("TROUPE_TOKEN");
        let rustc = self.cache.join(RUSTC);
        if rustc.is_file() {
            // As if rustup had added the target to the installed one.
            command.env("RUSTC", rustc);
        }
        command
    }

    /// Runs a command and gives what it wrote, as it would be at the usual port.
    pub(super) fn run(&mut self, line: &str) -> String {
        if line == "^C" {
            return self.interrupt();
        }
        if let Some(folder) = line.strip_prefix("cd ") {
            self.current = self.current.join(folder).canonicalize().expect("a folder");
            return String::new();
        }
        if NODES.iter().any(|node| line.starts_with(node)) {
            return self.serve(line);
        }
        let output = self.command(line).output().expect("bash runs");
        self.usual(&String::from_utf8_lossy(&output.stdout))
    }

    fn usual(&self, output: &str) -> String {
        let folder = self.folder.path().display().to_string();
        output.replace(&self.addr, ADDR).replace(&format!(" --node http://{ADDR}"), "").replace(&folder, "~")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("node.log")
    }

    /// Starts a node and gives what it wrote until it listens, or until it ended without that.
    fn serve(&mut self, line: &str) -> String {
        assert!(self.node.is_none(), "{line}: a node runs already");
        let log = File::create(self.log()).expect("a file");
        let node = self.command(&format!("exec {line} --addr 127.0.0.1:0")).stdout(log).spawn();
        let mut node = node.expect("bash runs");
        let began = Instant::now();
        loop {
            let ended = node.try_wait().expect("it can be waited for").is_some();
            let text = fs::read_to_string(self.log()).expect("readable");
            if let Some((_, rest)) = text.split_once("listening on http://")
                && let Some((addr, _)) = rest.split_once('\n')
            {
                self.addr = addr.to_owned();
                self.seen = text.len();
                self.node = Some(node);
                return self.usual(&text);
            }
            if ended {
                return self.usual(&text);
            }
            if began.elapsed() > PATIENCE {
                let _ = node.kill();
                panic!("{line} does not start: {text}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the node and gives what it wrote since it listened.
    fn interrupt(&mut self) -> String {
        let Some(mut node) = self.node.take() else {
            // What it wrote instead of listening is among what came out otherwise.
            return "no node runs\n".to_owned();
        };
        let kill = Command::new("kill").args(["-INT", &node.id().to_string()]).status();
        assert!(kill.expect("kill runs").success() && node.wait().expect("it ends").success());
        let text = fs::read_to_string(self.log()).expect("readable");
        self.usual(&text[self.seen..])
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(node) = &mut self.node {
            // It may have ended already.
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}
