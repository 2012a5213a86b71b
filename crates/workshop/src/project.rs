//! What a folder is: in which language its actor is written, how it is built, and where the component goes.
//!
//! `actor.toml` says it in its table `build`, or the files show it. What else is in that manifest is the node's to read.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use toml::de::{DeTable, DeValue};

use crate::Lang;

/// The manifest of a project.
pub const MANIFEST: &str = "actor.toml";
/// The largest manifest.
const MAX_MANIFEST: u64 = 1 << 20;
/// The folder that components go to unless the manifest says otherwise.
const BUILD: &str = "build";

/// A folder that an actor is made in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// What the actor is called.
    pub name: String,
    /// Where the component goes, below the folder.
    pub output: PathBuf,
    /// How it is made.
    pub how: How,
}

/// How a component is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// With the tools of a language.
    Lang(Lang),
    /// With a command of the author's, which a shell runs.
    Command(String),
}

/// A folder that is no project, or a manifest that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    what: String,
    /// What to do.
    pub help: Option<String>,
}

impl Fault {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// What of a manifest matters here.
#[derive(Default)]
struct Manifest {
    name: Option<String>,
    component: Option<String>,
    lang: Option<String>,
    command: Option<String>,
}

impl Project {
    /// Finds out what a folder is.
    ///
    /// # Errors
    /// [`Fault`] that says what is missing or wrong.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let shown = folder.display();
        if !folder.is_dir() {
            return Err(Fault::new(format!("there is no folder {shown}"))
                .help("`troupe new --lang rust NAME` makes a project"));
        }
        let manifest = Manifest::read(&folder.join(MANIFEST))?;
        let how = match (&manifest.command, &manifest.lang) {
            (Some(_), Some(_)) => {
                return Err(Fault::new(format!("{MANIFEST}: `build` has both `lang` and `command`"))
                    .help("a command builds by itself; leave `lang` out"));
            }
            (Some(command), None) => How::Command(command.clone()),
            (None, Some(lang)) => {
                How::Lang(lang.parse().map_err(|what| Fault::new(format!("{MANIFEST}: `lang`: {what}")))?)
            }
            (None, None) => How::Lang(detect(folder)?),
        };
        let name = manifest.name.or_else(|| {
            let folder = folder.canonicalize().ok()?;
            Some(folder.file_name()?.to_str()?.to_owned())
        });
        let name = name.unwrap_or_else(|| "actor".to_owned());
        let output = match manifest.component.filter(|path| path.ends_with(".wasm")) {
            Some(path) => below(&path)?,
            None => Path::new(BUILD).join(format!("{name}.wasm")),
        };
        Ok(Self { folder: folder.to_owned(), name, output, how })
    }

    /// The component's file.
    pub fn component(&self) -> PathBuf {
        // Without the `./` of the folder that a person is in.
        if self.folder == Path::new(".") { self.output.clone() } else { self.folder.join(&self.output) }
    }
}

/// A path that stays in the project: a build writes to it.
fn below(path: &str) -> Result<PathBuf, Fault> {
    let path = PathBuf::from(path);
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if stays {
        return Ok(path);
    }
    Err(Fault::new(format!("{MANIFEST}: `component` is {}, which is not in the project", path.display()))
        .help("`troupe build` writes there: give a path such as build/NAME.wasm"))
}

/// The language that the files show.
fn detect(folder: &Path) -> Result<Lang, Fault> {
    let found: Vec<_> = Lang::ALL.into_iter().filter(|lang| is_written_in(folder, *lang)).collect();
    match found.as_slice() {
        [lang] => Ok(*lang),
        [] => {
            let files = Lang::ALL.map(Lang::main_file).join(", ");
            Err(Fault::new(format!("{}: there is none of {files}", folder.display()))
                .help(format!("say how it is built in {MANIFEST}: [build] with lang or command"))
                .help_also("`troupe new --lang rust NAME` makes a project"))
        }
        several => {
            let names: Vec<_> = several.iter().map(|lang| lang.as_str()).collect();
            Err(Fault::new(format!(
                "{}: the files are of several languages: {}",
                folder.display(),
                names.join(", ")
            ))
            .help(format!("say which it is in {MANIFEST}: [build] with lang = \"{}\"", names[0])))
        }
    }
}

fn is_written_in(folder: &Path, lang: Lang) -> bool {
    folder.join(lang.main_file()).is_file() && (lang != Lang::Rust || folder.join("Cargo.toml").is_file())
}

impl Fault {
    fn help_also(self, more: &str) -> Self {
        let help = self.help.map_or_else(|| more.to_owned(), |help| format!("{help}; {more}"));
        Self { help: Some(help), ..self }
    }
}

impl Manifest {
    fn read(path: &Path) -> Result<Self, Fault> {
        let cannot = |why: &dyn std::fmt::Display| Fault::new(format!("{}: {why}", path.display()));
        let text = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Ok(found) if found.len() > MAX_MANIFEST => return Err(cannot(&"larger than 1 MiB")),
            _ => fs::read_to_string(path).map_err(|error| cannot(&error))?,
        };
        let table = DeTable::parse(&text).map_err(|error| cannot(&error))?;
        let table = table.get_ref();
        let build = match table.get("build").map(|value| value.get_ref()) {
            None => None,
            Some(DeValue::Table(build)) => Some(build),
            Some(_) => return Err(cannot(&"`build` must be a table")),
        };
        let unknown =
            build.and_then(|build| build.keys().find(|key| !KEYS.contains(&key.get_ref().as_ref())));
        if let Some(key) = unknown {
            return Err(cannot(&format_args!(
                "`build` has no key `{}`; it has {}",
                key.get_ref(),
                KEYS.join(", ")
            )));
        }
        let text = |table: Option<&DeTable<'_>>, key: &str| match table.and_then(|table| table.get(key)) {
            None => Ok(None),
            Some(value) => match value.get_ref() {
                DeValue::String(text) if !text.is_empty() => Ok(Some(text.to_string())),
                _ => Err(cannot(&format_args!("`{key}` must be a string, and not empty"))),
            },
        };
        Ok(Self {
            name: text(Some(table), "name")?,
            component: text(Some(table), "component")?,
            lang: text(build, "lang")?,
            command: text(build, "command")?,
        })
    }
}

/// The keys of the table `build`.
const KEYS: [&str; 2] = ["command", "lang"];
