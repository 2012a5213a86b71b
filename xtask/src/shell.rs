//! Runs commands: without input, and with what they print both shown and read.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::{env, fmt, io};

use anyhow::{Context, Result};

/// Lines of a failed command that are kept beside its last ones: what a reader of a long log looks for.
const KEPT_LINES: usize = 60;

/// A command that said that it failed, and the lines that say why: errors, panics, failed tests, and the last ones.
#[derive(Debug)]
pub(crate) struct Failed {
    name: String,
    status: ExitStatus,
    pub(crate) lines: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.name, self.status)
    }
}

impl std::error::Error for Failed {}

/// Cargo, in the repository's root, as it was called for this task.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(crate::cache::root()?).args(arguments);
    // What is set for this task's own package is none of theirs.
    for (name, _) in env::vars_os() {
        let own = name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_"));
        if own || name == "CARGO_MANIFEST_DIR" || name == "CARGO_MANIFEST_PATH" {
            cargo.env_remove(name);
        }
    }
    if io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none() {
        cargo.env("CARGO_TERM_COLOR", "always");
    }
    Ok(cargo)
}

/// Runs a command and hands each line that it prints, without colours, to `see`.
///
/// # Errors
/// If it cannot be started or says that it failed.
pub(crate) fn run(command: &mut Command, mut see: impl FnMut(&str)) -> Result<()> {
    let name = name(command);
    println!("$ {}", shown(command));
    let (reader, writer) = io::pipe().context("making a pipe")?;
    let both = writer.try_clone().context("making a pipe")?;
    let child = command.stdin(Stdio::null()).stdout(both).stderr(writer).spawn();
    // The command keeps its ends of the pipe, and reading would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.with_context(|| format!("starting {name}"))?;
    let mut telling = Telling::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.with_context(|| format!("reading what {name} prints"))?;
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.write_all(b"\n")?;
        let line = plain(&String::from_utf8_lossy(&line));
        see(&line);
        telling.keep(line);
    }
    let status = child.wait().with_context(|| format!("waiting for {name}"))?;
    if !status.success() {
        return Err(Failed { name, status, lines: telling.lines() }.into());
    }
    Ok(())
}

/// Of all that a command prints, the lines that tell why it failed.
#[derive(Default)]
struct Telling {
    marked: Vec<String>,
    last: VecDeque<String>,
    /// How many lines after a mark belong to it: the place of an error, the message of a panic.
    following: u8,
}

impl Telling {
    fn keep(&mut self, line: String) {
        let trimmed = line.trim_start();
        let mark = trimmed.starts_with("error")
            || trimmed.contains("panicked at")
            || ["FAIL [", "TIMEOUT [", "SIGABRT [", "SIGSEGV ["].iter().any(|mark| trimmed.starts_with(mark));
        self.following = if mark { 2 } else { self.following.saturating_sub(1) };
        if self.following > 0 && self.marked.len() < KEPT_LINES {
            self.marked.push(line);
            return;
        }
        self.last.push_back(line);
        if self.last.len() > KEPT_LINES / 4 {
            self.last.pop_front();
        }
    }

    fn lines(self) -> Vec<String> {
        self.marked.into_iter().chain(self.last).collect()
    }
}

/// Whether a command starts and succeeds. What it prints is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().rsplit('/').next().unwrap_or_default().to_owned()
}

fn shown(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name(command)).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// A line without the escape sequences that colour it.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.get(1..).unwrap_or_default();
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_not_part_of_a_line() {
        assert_eq!(plain("\x1b[1m\x1b[32m  3 tests\x1b[0m run"), "  3 tests run");
        assert_eq!(plain("no colours"), "no colours");
        assert_eq!(plain("cut off \x1b[1"), "cut off ");
    }

    #[test]
    fn a_failure_carries_the_lines_that_tell_why() {
        let mut command = Command::new("sh");
        let noise = "i=0; while [ $i -lt 99 ]; do echo noise $i; i=$((i+1)); done";
        command.args(["-c", &format!("echo 'error: this'; echo ' --> there'; {noise}; exit 1")]);
        let failed = run(&mut command, |_| {}).unwrap_err();
        let lines = &failed.downcast_ref::<Failed>().unwrap().lines;
        assert_eq!(lines[..3], ["error: this", " --> there", "noise 84"]);
        assert_eq!(lines.last().unwrap(), "noise 98");
    }

    #[test]
    fn both_streams_of_a_command_are_seen_and_its_failure_is_an_error() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let failed = run(&mut command, |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["out", "err"]);
        assert_eq!(failed.unwrap_err().to_string(), "sh failed: exit status: 3");
    }
}
