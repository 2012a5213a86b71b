//! A configuration out of layers: defaults, the file, the environment, arguments; the later beats the earlier.
//!
//! Invariant: a value of the environment is read by the very rules of the file, and a mistake in it names the variable. Of
//! each setting it is known where its value comes from. Variables are handed in: this module asks no environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::NodeConfig;
use super::read::Loaded;
use super::settings::{Kind, SETTINGS, Setting, listed};
use crate::fault::Fault;

/// Where the value of a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything else.
    Default,
    /// A line of the file.
    File(usize),
    /// An environment variable.
    Variable(String),
    /// An argument.
    Argument(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(line) => write!(f, "line {line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Argument(name) => f.write_str(name),
        }
    }
}

/// A setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub key: String,
    /// Its value; none if there is none.
    pub value: Option<String>,
    /// Where that comes from.
    pub origin: Origin,
}

/// A configuration with the origin of each of its settings.
#[derive(Debug, Default)]
pub struct Layers {
    /// What holds.
    pub config: NodeConfig,
    file: Option<Loaded>,
    over: BTreeMap<String, Origin>,
}

impl Layers {
    /// Reads the file, if there is one, and what the environment says beside it.
    ///
    /// # Errors
    /// Every [`Fault`] that was found, each with its place; never none.
    pub fn read(file: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut take = |loaded: Result<Loaded, Vec<Fault>>| loaded.map_err(|found| faults.extend(found)).ok();
        let file = file.and_then(|path| take(Loaded::load(path)));
        let mut layers = Self {
            config: file.as_ref().map(|loaded| loaded.config.clone()).unwrap_or_default(),
            file,
            over: BTreeMap::new(),
        };
        let said = |setting: &'static Setting| Some((setting, variable(&setting.variable())?));
        let said: Vec<_> = SETTINGS.iter().filter_map(said).collect();
        for (setting, _) in &said {
            // A certificate and its key are read together.
            let group = |other: &Setting| other.key == setting.key || is_tls(setting) && is_tls(other);
            let lines = said.iter().filter(|(other, _)| group(other));
            let text: String = lines.map(|(setting, text)| assignment(setting, text)).collect();
            let name = setting.variable();
            if let Some(loaded) = take(Loaded::parse(&text, Path::new(&name))) {
                (setting.copy)(&mut layers.config, &loaded.config);
                layers.over.insert(setting.key.to_owned(), Origin::Variable(name));
            }
        }
        if faults.is_empty() { Ok(layers) } else { Err(faults) }
    }

    /// Takes what an argument says of a setting, if it was given.
    pub fn argue<T>(
        &mut self,
        key: &str,
        argument: &'static str,
        value: Option<T>,
        set: impl FnOnce(&mut NodeConfig, T),
    ) {
        if let Some(value) = value {
            set(&mut self.config, value);
            self.over.insert(key.to_owned(), Origin::Argument(argument));
        }
    }

    /// Where the value of a setting comes from.
    pub fn origin(&self, key: &str) -> Origin {
        let line = || self.file.as_ref()?.line(key).map(Origin::File);
        self.over.get(key).cloned().or_else(line).unwrap_or(Origin::Default)
    }

    /// Something is wrong with the value of a setting, wherever it comes from.
    pub fn fault(&self, key: &str, what: impl fmt::Display) -> Fault {
        match (self.over.get(key), &self.file) {
            (Some(origin), _) => Fault::whole(Path::new(&origin.to_string()), what),
            (None, Some(file)) => file.fault(key, what),
            (None, None) => Fault::whole(Path::new("default"), what),
        }
    }

    /// Every setting as it holds.
    pub fn rows(&self) -> Vec<Row> {
        let row = |key: String, value| Row { origin: self.origin(&key), key, value };
        let settings =
            SETTINGS.iter().map(|setting| row(setting.key.to_owned(), (setting.show)(&self.config)));
        settings.chain(listed(&self.config).into_iter().map(|(key, value)| row(key, Some(value)))).collect()
    }
}

fn is_tls(setting: &Setting) -> bool {
    setting.key.starts_with("network.tls-")
}

/// A variable as a line of a file.
fn assignment(setting: &Setting, text: &str) -> String {
    // Whatever JSON escapes, TOML does.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let value = match setting.kind {
        Kind::Number if plain(text) => text.to_owned(),
        Kind::Flag if matches!(text, "true" | "false") => text.to_owned(),
        Kind::Texts => {
            let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            format!("[{}]", texts.map(quoted).collect::<Vec<_>>().join(", "))
        }
        _ => quoted(text),
    };
    format!("{} = {value}\n", setting.key)
}
