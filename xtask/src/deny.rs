//! `cargo deny`: licences, sources and duplicates of the dependencies, and what is known against them.
//!
//! It is installed, at a pinned version, into a folder of its own if this machine has none.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::summary::Verdict;
use crate::{cache, shell};

const VERSION: &str = "0.20.2";

/// Checks what `deny.toml` says.
///
/// Known vulnerabilities are a database of their own; where that cannot be fetched, the rest is checked all the same.
pub(crate) fn check() -> Result<Verdict> {
    let program = program()?;
    let deny = |arguments: &[&str]| -> Result<Command> {
        let mut deny = Command::new(&program);
        deny.current_dir(cache::root()?).args(["--workspace", "--locked"]).args(arguments);
        Ok(deny)
    };
    shell::run(&mut deny(&["check", "--hide-inclusion-graph", "bans", "licenses", "sources"])?, |_| {})?;
    if !shell::succeeds(&mut deny(&["fetch", "db"])?) {
        return Ok(Verdict::Skipped(
            "licences are in order, but advisories were NOT checked: no database".into(),
        ));
    }
    shell::run(&mut deny(&["check", "--disable-fetch", "advisories"])?, |_| {})?;
    Ok(Verdict::Passed)
}

/// The installed cargo-deny, or the one in the cache folder, which is made if need be.
fn program() -> Result<PathBuf> {
    if shell::succeeds(Command::new("cargo-deny").arg("--version")) {
        return Ok("cargo-deny".into());
    }
    let tools = cache::folder()?.join("tools");
    let program = tools.join("bin/cargo-deny");
    let says = Command::new(&program).arg("--version").output();
    if says.is_ok_and(|says| says.stdout == format!("cargo-deny {VERSION}\n").as_bytes()) {
        return Ok(program);
    }
    // Without optimisation: it runs for a second, and compiles in a third of the time.
    let mut install = shell::cargo(&["install", "--quiet", "--locked", "--debug", "--force", "cargo-deny"])?;
    install.args(["--version", VERSION, "--root"]).arg(&tools);
    install.arg("--target-dir").arg(tools.join("build"));
    install.env("CARGO_PROFILE_DEV_DEBUG", "false");
    shell::run(&mut install, |_| {}).context("installing cargo-deny")?;
    Ok(program)
}
