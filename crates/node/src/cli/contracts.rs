//! `troupe schema contracts`: schemas as source code.

use std::path::{Path, PathBuf};

use serde_json::json;
use troupe_schema::contracts::{self, Language};

use super::failure::{Done, Failure};
use super::parse;
use super::screen::Screen;

/// Write the contracts of schemas as source code
///
/// The code is what one would write by hand with the SDK of the language: types of messages, states, configurations and
/// replies, checks of their limits, and the description. It is an error if there is no code for a part of a schema.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe schema contracts stock.schema.json --lang rust -o src/contracts.rs\n  \
    troupe schema contracts stock.schema.json --lang js > contracts.js")]
pub(crate) struct Contracts {
    /// JSON Schemas in one object: `message`, `state`, `config` and `reply`, any of which may be left out
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
    /// The language
    #[arg(long, value_enum)]
    lang: Lang,
    /// Write to this file rather than to the screen
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Lang {
    Rust,
    Js,
    Python,
    C,
}

pub(super) fn contracts(screen: &Screen, command: &Contracts) -> Done {
    let Contracts { file, lang, output } = command;
    let shown = file.display();
    let text = String::from_utf8(parse::file(file)?)
        .map_err(|error| Failure::cannot(format_args!("{shown} is no text: {error}")))?;
    let (language, name) = match lang {
        Lang::Rust => (Language::Rust, "rust"),
        Lang::Js => (Language::JavaScript, "js"),
        Lang::Python => (Language::Python, "python"),
        Lang::C => (Language::C, "c"),
    };
    let base = Path::new(file.file_name().unwrap_or_default());
    let made = format!("troupe schema contracts {} --lang {name}", base.display());
    let code = contracts::contracts(&text, language, &made)
        .map_err(|error| Failure::cannot(format_args!("{shown}: {error}")))?;
    match output {
        Some(path) => {
            std::fs::write(path, &code).map_err(|error| {
                Failure::cannot(format_args!("{} cannot be written: {error}", path.display()))
            })?;
            match screen.json {
                true => Ok(screen.json(&json!({ "language": name, "file": path }))?),
                false => Ok(()),
            }
        }
        None if screen.json => Ok(screen.json(&json!({ "language": name, "code": code }))?),
        None => Ok(screen.line(code.trim_end())?),
    }
}
