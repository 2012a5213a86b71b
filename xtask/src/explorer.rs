//! The explorer in a real browser, against real nodes: `cargo xtask test explorer`.
//!
//! The tests are in `ui/tests`. They leave a picture of each screen in `target/explorer`, to be looked at.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::summary::Counts;
use crate::{cache, python, shell};

const PACKAGES: [&str; 2] = ["playwright==1.65.2", "blake3==1.0.11"];
/// What the browser is called, on Debian and elsewhere.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Runs the step. Answers why it cannot be done here, if it cannot.
pub(crate) fn check(counts: &mut Counts) -> Result<Option<String>> {
    let there = |name: &&&str| shell::succeeds(Command::new(name).arg("--version"));
    let Some(browser) = BROWSERS.iter().find(there) else {
        return Ok(Some("this needs Chromium; Debian has it as `apt-get install chromium`".into()));
    };
    let python = python::of_its_own("playwright", &PACKAGES)?;
    shell::run(&mut shell::cargo(&["build", "-p", "troupe", "--locked"])?, |_| {})?;
    let root = cache::root()?;
    let out = root.join("target/explorer");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let mut tests = Command::new(python);
    tests.arg(root.join("ui/tests/explorer.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    tests.env("TROUPE", target.join("debug/troupe")).env("CHROMIUM", browser);
    tests.env("ROOT", root).env("OUT", &out);
    shell::run(&mut tests, |line| counts.read(line))?;
    println!("pictures are in {}", out.display());
    Ok(None)
}
