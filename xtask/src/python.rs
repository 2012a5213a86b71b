//! Python, and Python with the packages that a step needs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{cache, shell};

const PACKAGE: &str = "blake3==1.0.11";
/// What makes components of Python; the module is `componentize_py`.
pub(crate) const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
/// A C compiler with a C library for WASI; the module is `ziglang`.
pub(crate) const ZIG: &str = "ziglang==0.17.1";

/// The Python that is installed, started in the repository's root.
pub(crate) fn installed() -> Result<Command> {
    let mut python = Command::new("python3");
    python.current_dir(cache::root()?);
    Ok(python)
}

/// A Python that can import `blake3`, started in the repository's root.
///
/// Unless the installed one can, the package is put into a folder of its own; nothing is installed.
pub(crate) fn with_blake3() -> Result<Command> {
    let folder = cache::folder()?.join("tools/python");
    let imports = |mut python: Command| shell::succeeds(python.args(["-c", "import blake3"]));
    if imports(installed()?) {
        return installed();
    }
    let here = || -> Result<Command> {
        let mut python = installed()?;
        python.env("PYTHONPATH", &folder);
        Ok(python)
    };
    if !imports(here()?) {
        let mut pip = installed()?;
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        pip.arg(&folder).arg(PACKAGE);
        shell::run(&mut pip, |_| {}).context("this needs python3 with pip, to install blake3")?;
    }
    here()
}

/// The folder that a package in its pinned version, `name==version`, is in, for the search path of Python. Nothing is
/// installed.
pub(crate) fn package(pinned: &str) -> Result<PathBuf> {
    let folder = cache::folder()?.join("tools").join(pinned.replace("==", "-"));
    let (name, version) = pinned.split_once("==").context("a pinned package")?;
    let mut found = installed()?;
    let print = format!("from importlib.metadata import version; print(version('{name}'), end='')");
    let found = found.env("PYTHONPATH", &folder).args(["-c", &print]).output().context("running python3")?;
    if String::from_utf8_lossy(&found.stdout) != version {
        let mut pip = installed()?;
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target"]);
        shell::run(pip.arg(&folder).arg(pinned), |_| {}).context("this needs python3 with pip")?;
    }
    Ok(folder)
}

/// A Python of its own in the cache folder, that has these packages: it can import the module.
pub(crate) fn of_its_own(module: &str, packages: &[&str]) -> Result<PathBuf> {
    let place = cache::folder()?.join("tools").join(packages.join("-").replace("==", "-"));
    let python = place.join("bin/python");
    let imports = || shell::succeeds(Command::new(&python).args(["-c", &format!("import {module}")]));
    if !imports() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(&place);
        shell::run(&mut make, |_| {}).context("this needs python3 with venv")?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
        shell::run(&mut pip, |_| {}).with_context(|| format!("installing {}", packages.join(" and ")))?;
    }
    Ok(python)
}
