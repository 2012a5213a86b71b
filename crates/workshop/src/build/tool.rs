//! Programs of others: where they are, and running them.
//!
//! Invariant: whatever a tool prints goes to standard error as it is, since standard output is for results.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::BuildError;

/// Finds a program in the `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Runs a program to its end; `name` is what a person calls it.
///
/// # Errors
/// [`BuildError::Sources`] if it says that it failed, [`BuildError::System`] if it does not start.
pub(crate) fn run(command: &mut Command, name: &str) -> Result<(), BuildError> {
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status();
    let status = status.map_err(BuildError::system(format!("starting {name}")))?;
    if status.success() {
        return Ok(());
    }
    Err(failed(name, status))
}

/// Says that a program failed, after it has said why.
pub(super) fn failed(name: &str, status: std::process::ExitStatus) -> BuildError {
    match status.code() {
        Some(code) => BuildError::sources(format!("{name} failed with exit code {code}; it says why above")),
        None => BuildError::sources(format!("{name} was killed: {status}")),
    }
}

/// What a program prints, if it succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
