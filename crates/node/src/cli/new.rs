//! `troupe new`: a project to begin with.

use std::path::PathBuf;

use serde_json::json;
use troupe_workshop::{CreateError, Lang, create};

use super::failure::{Done, Failure};
use super::screen::{BOLD, DIM, GOOD, Screen};

/// Make a project for a new actor
///
/// Writes sources, a manifest, a scenario, and the SDK itself, so that it can be built at once. The actor counts.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe new --lang rust counter && cd counter && troupe dev\n  \
    troupe new --lang python shop")]
pub(crate) struct New {
    /// The language: rust, js, ts, python or c
    #[arg(long, value_name = "LANG")]
    lang: Lang,
    /// What the actor is called, and the folder; or a path that ends so
    #[arg(value_name = "NAME")]
    path: PathBuf,
}

pub(super) fn new(screen: &Screen, command: &New) -> Done {
    let path = &command.path;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let created = create(path, &name, command.lang).map_err(|error| explain(&error))?;
    let folder = created.folder.display();
    if screen.json {
        return Ok(screen.json(&json!({
            "name": name, "lang": command.lang.as_str(), "folder": created.folder, "files": created.files,
            "vendor": created.vendor,
        }))?);
    }
    let title = command.lang.title();
    screen.line(format_args!("{GOOD}created{GOOD:#} {BOLD}{folder}{BOLD:#}, an actor in {title}"))?;
    for (index, file) in created.files.iter().enumerate() {
        let mark = if *file == command.lang.main_file() {
            format!("   {DIM}begin here{DIM:#}")
        } else {
            String::new()
        };
        screen.field(if index == 0 { "files" } else { "" }, format_args!("{file}{mark}"))?;
    }
    let vendor = created.vendor;
    screen.field("sdk", format_args!("{vendor}; README.md says how to take it from the registry"))?;
    screen.field("next", format_args!("cd {folder}"))?;
    if command.lang != Lang::Rust {
        screen.field("", "troupe build --install   (puts the tools into the project)")?;
    }
    screen.field("", "troupe dev               (builds and runs it, and again as files change)")?;
    Ok(screen.field("", format_args!("troupe send {name} '{{\"add\":2}}'   (in another terminal)"))?)
}

fn explain(error: &CreateError) -> Failure {
    let failure = Failure::cannot(error);
    match error {
        CreateError::NotEmpty(_) => failure.help("take another name, or an empty folder"),
        CreateError::Name(_) => failure.help("such as `counter` or `my-shop-2`"),
        _ => failure,
    }
}
