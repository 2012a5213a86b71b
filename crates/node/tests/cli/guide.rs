//! The guide's commands, run as they stand: `docs/guide` shows what really comes out.
//!
//! In a `console` block, a line after `$ ` is a command, `^C` ends the node that `troupe serve` started, and the lines below
//! are the output, where `…` stands for anything. What only looks is looked at again until it shows, since actors tell each
//! other things in their own time. With `TROUPE_GUIDE=FOLDER`, pages with what came out are written there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long an output may take to be as the page says.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where the guide's node listens; here it is another port.
const ADDR: &str = "127.0.0.1:8080";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// A terminal in a folder of its own, and the node beside it.
struct Terminal {
    folder: tempfile::TempDir,
    node: Option<Child>,
    /// How much of the node's output was seen.
    seen: usize,
    addr: String,
}

impl Terminal {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for shared in ["actors", "docs"] {
            let link = folder.path().join(shared);
            std::os::unix::fs::symlink(repository().join(shared), link).expect("a link");
        }
        Self { folder, node: None, seen: 0, addr: ADDR.to_owned() }
    }

    fn command(&self, line: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_troupe"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = binary.parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new("bash");
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
        command.args(["-c", &format!("exec 2>&1; {}", line.replace(ADDR, &self.addr))]);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("PATH", std::env::join_paths(folders).expect("a path")).env("XDG_CACHE_HOME", cache);
        command.env("TROUPE_NODE", format!("http://{}", self.addr)).env_remove("TROUPE_TOKEN");
        command
    }

    /// Runs a command and gives what it wrote, as it would be at the usual port.
    fn run(&mut self, line: &str) -> String {
        if line == "^C" {
            return self.interrupt();
        }
        if line.starts_with("troupe serve") {
            return self.serve(line);
        }
        let output = self.command(line).output().expect("bash runs");
        self.usual(&String::from_utf8_lossy(&output.stdout))
    }

    fn usual(&self, output: &str) -> String {
        output.replace(&self.addr, ADDR).replace(&format!(" --node http://{ADDR}"), "")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("node.log")
    }

    fn serve(&mut self, line: &str) -> String {
        let log = File::create(self.log()).expect("a file");
        let node = self.command(&format!("exec {line} --addr 127.0.0.1:0")).stdout(log).spawn();
        self.node = Some(node.expect("bash runs"));
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(self.log()).expect("readable");
            if let Some((_, rest)) = text.split_once("listening on http://")
                && let Some((addr, _)) = rest.split_once('\n')
            {
                self.addr = addr.to_owned();
                self.seen = text.len();
                return self.usual(&text);
            }
            assert!(began.elapsed() < PATIENCE, "{line} does not start: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn interrupt(&mut self) -> String {
        let mut node = self.node.take().expect("a node runs");
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

/// Whether a command only looks, so that it can be given again.
fn only_looks(line: &str) -> bool {
    ["troupe state", "troupe ps", "troupe log"].iter().any(|look| line.starts_with(look))
        || (line.contains("curl") && line.contains("/state"))
}

/// Whether an output is as a page shows it.
fn matches(shown: &str, output: &str) -> bool {
    let (shown, output): (Vec<_>, Vec<_>) = (shown.lines().collect(), output.lines().collect());
    shown.len() == output.len()
        && shown.iter().zip(output).all(|(shown, output)| line_matches(shown.trim_end(), output.trim_end()))
}

fn line_matches(shown: &str, output: &str) -> bool {
    let Some((first, rest)) = shown.split_once('…') else { return shown == output };
    let Some(mut output) = output.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('…').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = output.split_once(part) else { return false };
        output = after;
    }
    output.ends_with(last)
}

/// Runs a page from its top; gives the page with what came out, and what was otherwise.
fn run(page: &str) -> (String, Vec<String>) {
    let mut terminal = Terminal::new();
    let (mut written, mut wrong) = (String::new(), Vec::new());
    let mut lines = page.lines().peekable();
    let mut in_console = false;
    while let Some(line) = lines.next() {
        written.push_str(line);
        written.push('\n');
        if line.starts_with("```") {
            in_console = line == "```console";
        }
        let command = line.strip_prefix("$ ").or((line == "^C").then_some(line));
        let Some(command) = command.filter(|_| in_console) else { continue };
        let mut shown = String::new();
        while let Some(next) = lines.next_if(|next| !next.starts_with("$ ") && !next.starts_with("```")) {
            shown.push_str(next);
            shown.push('\n');
        }
        let began = Instant::now();
        let mut output = terminal.run(command);
        while !matches(&shown, &output) && only_looks(command) && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(100));
            output = terminal.run(command);
        }
        if !matches(&shown, &output) {
            wrong.push(format!("$ {command}\nshown:\n{shown}came out:\n{output}"));
        }
        written.push_str(&output);
    }
    (written, wrong)
}

#[track_caller]
fn check(name: &str) {
    if !["bash", "curl", "jq"].iter().all(|tool| {
        Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    }) {
        eprintln!("SKIPPED: bash, curl and jq are not all here, so nothing says whether {name} is right");
        return;
    }
    let page = fs::read_to_string(repository().join("docs/guide").join(name)).expect("the page");
    let (written, wrong) = run(&page);
    if let Some(folder) = std::env::var_os("TROUPE_GUIDE") {
        fs::write(Path::new(&folder).join(name), written).expect("written");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_cooperative_of_the_guide_is_as_it_says() {
    check("cooperative.md");
}

#[test]
fn the_airports_of_the_guide_are_as_it_says() {
    check("airports.md");
}

#[test]
fn dots_in_a_shown_output_stand_for_anything() {
    assert!(matches("a …\nb\n", "a 1\nb \n") && matches("…x…z", "1x2xz") && matches("", ""));
    assert!(!matches("a …", "b 1") && !matches("a", "a\nb") && !matches("…x", "xy"));
}
