//! Python: the SDK's own command, with the packages that are in the project's virtual environment.

use std::path::PathBuf;
use std::process::Command;

use super::tool::{find, output, run};
use super::{BuildError, Options, finish};
use crate::{Lang, Project};

/// The project's virtual environment.
const VENV: &str = ".venv";
/// Where the SDK is.
const SDK: &str = "vendor/troupe-actor";
/// What the SDK needs.
const REQUIREMENTS: &str = "requirements.txt";

pub(super) fn build(project: &Project, options: &Options<'_>) -> Result<(), BuildError> {
    let mut python = python(project);
    if python.is_none() && options.install {
        install(project, options, &["-r", REQUIREMENTS])?;
        python = self::python(project);
    }
    let Some(python) = python else {
        if candidates(project).is_empty() {
            let help = "install Python 3.11 or newer";
            return Err(BuildError::missing("python3 is not installed", &[help]));
        }
        return Err(BuildError::missing(
            "componentize-py is not installed, which builds actors in Python",
            &["pip install componentize-py==0.25.1", "or into the project: troupe build --install"],
        ));
    };
    finish::make_room(project)?;
    let mut command = Command::new(python);
    command.current_dir(&project.folder).env("PYTHONPATH", sdk(project));
    command.args(["-m", "troupe_actor", "build", Lang::Python.main_file(), "-o"]).arg(&project.output);
    run(&mut command, "troupe_actor")
}

/// The first Python that has the packages.
fn python(project: &Project) -> Option<PathBuf> {
    candidates(project).into_iter().find(|python| {
        let mut command = Command::new(python);
        command.env("PYTHONPATH", sdk(project)).args(["-c", "import componentize_py, troupe_actor"]);
        output(&mut command).is_some()
    })
}

fn sdk(project: &Project) -> PathBuf {
    let folder = project.folder.canonicalize().unwrap_or_else(|_| project.folder.clone());
    let sdk = folder.join(SDK);
    // As Python packages may be laid out.
    if sdk.join("src").is_dir() { sdk.join("src") } else { sdk }
}

/// The Pythons that there are, the project's own first.
pub(super) fn candidates(project: &Project) -> Vec<PathBuf> {
    let own = Some(own(project)).filter(|python| python.is_file()).map(absolute);
    own.into_iter().chain(find("python3")).collect()
}

fn own(project: &Project) -> PathBuf {
    project.folder.join(VENV).join("bin/python")
}

/// The path from the root: a link to Python is followed by Python itself, which finds its environment that way.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Puts packages into the project's virtual environment, which is made if it is not there.
pub(super) fn install(project: &Project, options: &Options<'_>, packages: &[&str]) -> Result<(), BuildError> {
    let own = own(project);
    if !own.is_file() {
        let Some(python) = find("python3") else {
            return Err(BuildError::missing("python3 is not installed", &["install Python 3.11 or newer"]));
        };
        (options.say)("making a virtual environment in .venv");
        let mut venv = Command::new(python);
        run(venv.current_dir(&project.folder).args(["-m", "venv", VENV]), "python3 -m venv")?;
    }
    (options.say)("installing packages into .venv");
    let mut pip = Command::new(absolute(own));
    pip.current_dir(&project.folder).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(packages), "pip")
}
