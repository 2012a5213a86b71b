//! Runs commands: without input, and with what they print both shown and read.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::{env, io};

use anyhow::{Context, Result, bail};

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
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.with_context(|| format!("reading what {name} prints"))?;
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.write_all(b"\n")?;
        see(&plain(&String::from_utf8_lossy(&line)));
    }
    let status = child.wait().with_context(|| format!("waiting for {name}"))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
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
    fn both_streams_of_a_command_are_seen_and_its_failure_is_an_error() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let failed = run(&mut command, |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["out", "err"]);
        assert_eq!(failed.unwrap_err().to_string(), "sh failed: exit status: 3");
    }
}
