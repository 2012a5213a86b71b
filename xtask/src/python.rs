//! Python, and Python with the one package that the check of the vectors needs.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{cache, shell};

const PACKAGE: &str = "blake3==1.0.11";

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
