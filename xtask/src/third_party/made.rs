//! Components that the toolchains of other languages make of sources that know nothing of this repository, with nothing
//! stubbed: StarlingMonkey by componentize-js, CPython by componentize-py, C with wasi-libc by zig.
//!
//! The tools are packages of npm and PyPI, in pinned versions. What two of them make has other bytes each time, and would
//! be compiled anew each time; so it is kept until its sources change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::source::fetched;
use crate::{cache, python, shell};

const COMPONENTIZE_JS: (&str, &str) = ("@bytecodealliance/componentize-js", "0.23.0");
const JCO: (&str, &str) = ("@bytecodealliance/jco", "1.35.0");
/// Must lie beside the packages that it imports.
const SCRIPT: &str = "componentize.mjs";

/// What makes a component.
#[derive(Clone, Copy)]
pub(super) enum Toolchain {
    /// A handler of requests, with all features of StarlingMonkey.
    StarlingMonkey,
    /// An actor, with CPython, without `--stub-wasi`.
    ComponentizePy,
    /// A command, with wasi-libc, and the adapter from preview 1 that jco ships.
    WasiLibc,
}

impl Toolchain {
    /// Makes the component, unless it is there, and says where it is.
    pub(super) fn component(self, folder: &Path) -> Result<PathBuf> {
        let place = folder.join("made").join(self.name());
        let (made, part) = (place.join("component.wasm"), place.join("part.wasm"));
        if made.exists() && self.sources().iter().all(|source| is_copied(source, &place)) {
            return Ok(made);
        }
        fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
        for source in self.sources() {
            let copied =
                cache::root().and_then(|root| Ok(fs::copy(root.join(source), copy(source, &place))?));
            copied.with_context(|| format!("copying {source}"))?;
        }
        match self {
            Self::StarlingMonkey => starling_monkey(&place, &packages(folder)?, &part)?,
            Self::ComponentizePy => componentize_py(&place, &part)?,
            Self::WasiLibc => wasi_libc(&place, &packages(folder)?, &part)?,
        }
        // One that was made only in part never has this name.
        fs::rename(&part, &made).with_context(|| format!("naming {}", made.display()))?;
        Ok(made)
    }

    /// The tool and its version: another version makes another component.
    fn name(self) -> String {
        match self {
            Self::StarlingMonkey => format!("componentize-js-{}", COMPONENTIZE_JS.1),
            Self::ComponentizePy => python::COMPONENTIZE_PY.replace("==", "-"),
            Self::WasiLibc => python::ZIG.replace("==", "-"),
        }
    }

    /// All that the component is made of. Copies lie beside each other.
    fn sources(self) -> &'static [&'static str] {
        match self {
            Self::StarlingMonkey => {
                &["xtask/third-party/foreign/handler.js", "xtask/third-party/foreign/componentize.mjs"]
            }
            Self::ComponentizePy => &["xtask/third-party/foreign/app.py", "wit/actor/actor.wit"],
            Self::WasiLibc => &["xtask/third-party/foreign/look.c"],
        }
    }
}

fn copy(source: &str, place: &Path) -> PathBuf {
    place.join(source.rsplit('/').next().unwrap_or(source))
}

/// Whether a source is as it was when the component was made.
fn is_copied(source: &str, place: &Path) -> bool {
    let now = cache::root().ok().and_then(|root| fs::read(root.join(source)).ok());
    now.is_some() && now == fs::read(copy(source, place)).ok()
}

/// The folder with componentize-js and jco.
fn packages(folder: &Path) -> Result<PathBuf> {
    let (name, version) = COMPONENTIZE_JS;
    fetched(folder, name, version, |to| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(to);
        let pinned = [COMPONENTIZE_JS, JCO].map(|(name, version)| format!("{name}@{version}"));
        shell::run(npm.args(pinned), |_| {})
    })
}

fn starling_monkey(place: &Path, packages: &Path, part: &Path) -> Result<()> {
    fs::copy(place.join(SCRIPT), packages.join(SCRIPT)).context("copying the script")?;
    let mut node = Command::new("node");
    node.arg(packages.join(SCRIPT)).arg(place.join("handler.js"));
    shell::run(node.arg(part), |_| {})
}

fn componentize_py(place: &Path, part: &Path) -> Result<()> {
    let mut python = Command::new("python3");
    python.current_dir(place).env("PYTHONPATH", python::package(python::COMPONENTIZE_PY)?);
    python.args(["-c", "import sys, componentize_py; sys.exit(componentize_py.script())"]);
    python.args(["-q", "-d", "actor.wit", "-w", "actor", "componentize", "app", "-o"]);
    shell::run(python.arg(part), |_| {})
}

fn wasi_libc(place: &Path, packages: &Path, part: &Path) -> Result<()> {
    let mut zig = Command::new("python3");
    zig.current_dir(place).env("PYTHONPATH", python::package(python::ZIG)?);
    zig.args([
        "-m",
        "ziglang",
        "cc",
        "-target",
        "wasm32-wasi",
        "-Os",
        "-Wall",
        "-s",
        "look.c",
        "-o",
        "core.wasm",
    ]);
    shell::run(&mut zig, |_| {})?;
    let mut jco = Command::new("node");
    jco.current_dir(place).arg(packages.join("node_modules/.bin/jco"));
    shell::run(jco.args(["new", "core.wasm", "--wasi-command", "-o"]).arg(part), |_| {})
}
