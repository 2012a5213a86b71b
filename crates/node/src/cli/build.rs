//! `troupe build`: from a project's sources to a component that is an actor.

use std::path::{Path, PathBuf};

use troupe_workshop::{BuildError, Built, MANIFEST, Options, Project, Toolchain};

use super::code::user_cache;
use super::failure::{Done, Failure};
use super::screen::{BOLD, DIM, GOOD, Screen};
use super::{begin, check};

/// The folder for toolchains, within the user's cache folder.
const TOOLCHAINS: &str = "troupe/toolchains";

/// Build the component of a project, and check it
///
/// Finds the language by its files, or takes what `actor.toml` says under `[build]`. The component goes to where
/// `actor.toml` says, or to build/NAME.wasm. Exit code 1 if the sources do not build, or what they make is no actor; 2 if
/// a tool is missing.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe build\n  \
    troupe build counter --install\n  \
    troupe build --toolchain debian\n  \
    troupe build --json | jq -r .component")]
pub(crate) struct Build {
    /// The folder of the project
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    tools: ToolArgs,
}

/// With which tools.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ToolArgs {
    /// Put missing tools into the project: packages of npm or pip
    #[arg(long)]
    install: bool,
    /// The Rust compiler: the installed one, or Debian's, which is put into the user's cache folder
    #[arg(long, value_enum, default_value = "auto")]
    toolchain: ToolchainArg,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ToolchainArg {
    /// The installed one, or the one in the cache folder
    Auto,
    /// That of Debian 13; nothing is installed
    Debian,
}

impl ToolArgs {
    /// Builds with what was asked for, and says what is done on standard error.
    pub(super) fn build(&self, screen: &Screen, project: &Project) -> Result<Built, BuildError> {
        let toolchain = match self.toolchain {
            ToolchainArg::Auto => Toolchain::Auto,
            ToolchainArg::Debian => Toolchain::Debian,
        };
        let cache = user_cache().map(|cache| cache.join(TOOLCHAINS));
        let say = |what: &str| screen.note(format_args!("{DIM}{what}{DIM:#}"));
        let options = Options { toolchain, install: self.install, cache: cache.as_deref(), say: &say };
        troupe_workshop::build(project, &options)
    }
}

pub(super) fn build(screen: &Screen, command: &Build) -> Done {
    let project = open(&command.folder)?;
    let built = command.tools.build(screen, &project).map_err(|error| explain(&project, &error))?;
    let manifest = project.folder.join(MANIFEST);
    let begun = if manifest.is_file() { &manifest } else { &built.component };
    let begin = begin::read(&begun.display().to_string(), &begin::BeginArgs::default())?;
    let checked = check::try_out(screen, begin)?;
    if screen.json {
        return checked.report(screen);
    }
    let (file, seconds) = (built.component.display(), built.took.as_secs_f64());
    screen.line(format_args!("{GOOD}built{GOOD:#} {BOLD}{file}{BOLD:#} in {seconds:.1} s"))?;
    checked.essentials(screen)?;
    Ok(screen.field("next", format_args!("troupe run {file}"))?)
}

/// Finds out what a folder is.
pub(super) fn open(folder: &Path) -> Result<Project, Failure> {
    Project::open(folder).map_err(|fault| {
        let failure = Failure::cannot(&fault);
        match &fault.help {
            Some(help) => failure.help(help),
            None => failure,
        }
    })
}

/// Says why there is no component, after the tools have.
pub(super) fn explain(project: &Project, error: &BuildError) -> Failure {
    let name = &project.name;
    match error {
        BuildError::Sources { what, help } => {
            let failure = Failure::is_false(what).while_(format_args!("`{name}` was not built"));
            help.iter().fold(failure, |failure, help| failure.help(help))
        }
        BuildError::Missing { what, help } => {
            help.iter().fold(Failure::cannot(what), |failure, help| failure.help(help))
        }
        error => Failure::cannot(error),
    }
}
