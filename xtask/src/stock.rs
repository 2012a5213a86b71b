//! Builds the actor `stock` with the SDKs whose components are not committed, and tests the SDKs and what they built.
//!
//! Components of JavaScript and Python have an engine in them, some megabytes, and other bytes at each build. So they
//! are built where they are tested. The tools, in pinned versions, are put into the cache folder, beside a copy of the
//! sources that they run on: nothing is installed, and nothing is written among the sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{cache, python, shell, zig};

const TYPESCRIPT: &str = "typescript@7.0.2";
/// What is copied, so that the copies find each other as the sources do.
const COPIED: [&str; 4] = ["sdk/js", "sdk/python", "sdk/stock", "wit/actor"];
/// What stands among the sources and is none.
const NOT_COPIED: [&str; 4] = ["__pycache__", "node_modules", "stock.wasm", "target"];

/// Runs the task.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    if let Some(option) = options.first() {
        bail!("stock has no option {option}");
    }
    match check()? {
        None => Ok(()),
        Some(why) => bail!("{why}"),
    }
}

/// Builds and tests; or says why that is not possible on this machine.
pub(crate) fn check() -> Result<Option<String>> {
    for (tool, version) in [("npm", "--version"), ("node", "--version"), ("python3", "--version")] {
        if !shell::succeeds(Command::new(tool).arg(version)) {
            return Ok(Some(format!("this needs {tool}")));
        }
    }
    let tools = cache::folder()?.join("tools/stock");
    for folder in COPIED {
        copy(&cache::root()?.join(folder), &tools.join(folder))?;
    }
    let built = cache::root()?.join("target/stock");
    fs::create_dir_all(&built).with_context(|| format!("making {}", built.display()))?;
    let components = [javascript(&tools, &built)?, python(&tools, &built)?];
    take_the_run(&components)?;
    c(&built)?;
    Ok(None)
}

/// Tests the SDK for JavaScript and its types, and builds its component.
fn javascript(tools: &Path, built: &Path) -> Result<PathBuf> {
    let sdk = tools.join("sdk");
    // The package's peer dependencies name exact versions, and theirs do too.
    let mut install = command("npm", &sdk);
    install.args(["install", "--no-save", "--no-audit", "--no-fund", "--install-links=false", "./js"]);
    shell::run(install.arg(TYPESCRIPT), |_| {})?;
    shell::run(command("node", &sdk.join("js")).arg("--test"), |_| {})?;
    shell::run(command("node", &sdk.join("js")).args(["../node_modules/.bin/tsc", "-p", "."]), |_| {})?;
    shell::run(command("node", &sdk.join("stock/js")).arg("--test"), |_| {})?;
    let component = built.join("js.wasm");
    let mut build = command("node", &sdk);
    build.args(["js/bin/troupe-actor.js", "build", "stock/js/stock.js", "-o"]);
    shell::run(build.arg(&component), |_| {})?;
    Ok(component)
}

/// Tests the SDK for Python, and builds its component.
fn python(tools: &Path, built: &Path) -> Result<PathBuf> {
    let sdk = tools.join("sdk");
    let packages = python::package(python::COMPONENTIZE_PY)?;
    let search = env::join_paths([sdk.join("python/src"), packages]).context("the cache folder")?;
    let python = |folder: &Path| {
        let mut python = command("python3", folder);
        python.env("PYTHONPATH", &search).env("PYTHONDONTWRITEBYTECODE", "1");
        python
    };
    shell::run(python(&sdk.join("python")).args(["-m", "unittest", "discover", "-s", "tests"]), |_| {})?;
    shell::run(python(&sdk.join("stock/python")).args(["-m", "unittest"]), |_| {})?;
    let component = built.join("python.wasm");
    let mut build = python(&sdk.join("stock/python"));
    build.args(["-m", "troupe_actor", "build", "stock.py", "-o"]);
    shell::run(build.arg(&component), |_| {})?;
    Ok(component)
}

/// Builds the stock in C, and compares it with what is committed.
fn c(built: &Path) -> Result<()> {
    let core = built.join("c.core.wasm");
    zig::compile(&["stock/c/stock.c", "c/troupe.c"], &core)?;
    let mut test = shell::cargo(&["test", "--package", "troupe-workshop", "--test", "it", "--", "stock::"])?;
    shell::run(test.env("TROUPE_STOCK_CORE", core), |_| {})
}

/// Holds the components to the run that every language is held to.
fn take_the_run(components: &[PathBuf]) -> Result<()> {
    let paths = env::join_paths(components).context("naming the components")?;
    let mut test = shell::cargo(&["test", "--package", "troupe-component", "--test", "it", "--", "stock::"])?;
    let mut passed = 0;
    shell::run(test.env("TROUPE_STOCK", paths), |line| passed += u32::from(line.ends_with("... ok")))?;
    if passed == 0 {
        bail!("there is no test `stock::` in crates/component/tests/it");
    }
    Ok(())
}

fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}

/// Makes `to` have the files of `from`, and none that `from` no longer has.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("removing {}", to.display()))?;
    }
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        if NOT_COPIED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &copied)?;
        } else {
            fs::copy(&source, &copied).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}
