//! From sources to a component, with the language's own tools.
//!
//! One file for each language; [`tool`] finds programs and runs them, [`finish`] makes a component of what they made.

mod c;
mod finish;
mod javascript;
mod python;
mod rust;
mod tool;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fmt, io};

use crate::project::How;
use crate::{Lang, Project};

pub use finish::encode;

pub(crate) use tool::{find, run};

/// How a component is to be built.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Which compiler Rust is built with.
    pub toolchain: Toolchain,
    /// Whether tools that are missing may be put into the project.
    pub install: bool,
    /// A folder of the user's for toolchains.
    pub cache: Option<&'a std::path::Path>,
    /// Whom to tell what is being done.
    pub say: &'a dyn Fn(&str),
}

/// Which compiler Rust is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Toolchain {
    /// The installed one; or the one in the user's cache folder, if that is there and the installed one cannot do it.
    #[default]
    Auto,
    /// The one of Debian 13, put into the user's cache folder when it is not there.
    Debian,
}

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its file.
    pub component: PathBuf,
    /// How long that took.
    pub took: Duration,
}

/// Why there is no component.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A tool is not there.
    Missing {
        /// Which, and for what.
        what: String,
        /// What gets it, the best way first.
        help: Vec<String>,
    },
    /// The tools ran, and the sources are not as they want them.
    Sources {
        /// In a line; the tools have said the rest.
        what: String,
        /// What may mend it, where that is known.
        help: Vec<String>,
    },
    /// A file or a process is in the way.
    System {
        /// What was being done.
        doing: String,
        /// What came between.
        source: io::Error,
    },
}

impl BuildError {
    fn missing(what: impl Into<String>, help: &[&str]) -> Self {
        Self::Missing { what: what.into(), help: help.iter().map(|help| (*help).to_owned()).collect() }
    }

    fn sources(what: impl Into<String>) -> Self {
        Self::Sources { what: what.into(), help: Vec::new() }
    }

    pub(crate) fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        |source| Self::System { doing, source }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what, .. } | Self::Sources { what, .. } => f.write_str(what),
            Self::System { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for BuildError {}

/// Builds the component of a project.
///
/// # Errors
/// [`BuildError`].
pub fn build(project: &Project, options: &Options<'_>) -> Result<Built, BuildError> {
    let began = Instant::now();
    match &project.how {
        How::Command(command) => by_command(project, command)?,
        How::Lang(Lang::Rust) => rust::build(project, options)?,
        How::Lang(Lang::C) => c::build(project, options)?,
        How::Lang(lang @ (Lang::Js | Lang::Ts)) => javascript::build(project, *lang, options)?,
        How::Lang(Lang::Python) => python::build(project, options)?,
    }
    let component = project.component();
    if !component.is_file() {
        return Err(BuildError::sources(format!("the build left no {}", component.display())));
    }
    Ok(Built { component, took: began.elapsed() })
}

/// Runs the author's command, which finds the path to write to in `TROUPE_COMPONENT`.
fn by_command(project: &Project, command: &str) -> Result<(), BuildError> {
    finish::make_room(project)?;
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).current_dir(&project.folder);
    run(shell.env("TROUPE_COMPONENT", &project.output), &format!("`{command}`"))
}
