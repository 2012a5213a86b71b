//! `troupe cache`: the compiled code that this user's processes share.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Subcommand;
use serde_json::json;
use troupe_chain::Timestamp;
use troupe_component::CodeCache;

use super::code::default_cache;
use super::failure::{Done, Failure};
use super::parse::utc;
use super::screen::{Screen, plural, short, size};
use super::table::{Align, Table};

/// Show or clear the compiled code that is kept on disk
///
/// A component is compiled when it is first run, and kept compiled for the next time. Nothing is lost by clearing but time.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe cache list\n  \
    troupe cache clear\n  \
    du -sh $(troupe cache path)")]
pub(crate) struct Cache {
    #[command(subcommand)]
    task: Task,
    /// Folder for compiled code [default: troupe/code in the user's cache folder]
    #[arg(long, value_name = "FOLDER", global = true)]
    cache: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Task {
    /// List what is kept, what was used last first
    #[command(after_help = "Examples:\n  \
        troupe cache list\n  \
        troupe --json cache list | jq -r .component")]
    List,
    /// Remove all of it
    #[command(after_help = "Examples:\n  \
        troupe cache clear\n  \
        troupe cache clear --cache DIR")]
    Clear,
    /// Print the folder
    #[command(after_help = "Examples:\n  \
        troupe cache path\n  \
        du -sh $(troupe cache path)")]
    Path,
}

pub(super) fn cache(screen: &Screen, command: &Cache) -> Done {
    let cache = command.cache.clone().map(CodeCache::new).or_else(default_cache).ok_or_else(|| {
        Failure::cannot("this user has no cache folder").help("set XDG_CACHE_HOME, or give --cache DIR")
    })?;
    match command.task {
        Task::List => list(screen, &cache),
        Task::Clear => clear(screen, &cache),
        Task::Path if screen.json => Ok(screen.json(&json!({ "path": cache.folder() }))?),
        Task::Path => Ok(screen.line(cache.folder().display())?),
    }
}

fn list(screen: &Screen, cache: &CodeCache) -> Done {
    let kept = cache.list().map_err(|error| unreadable(cache, &error))?;
    if screen.json {
        for code in kept {
            screen.json(&json!({
                "component": code.component.to_string(), "engine": code.engine, "size": code.size,
                "used": milliseconds(code.used).0, "path": code.path,
            }))?;
        }
        return Ok(());
    }
    if kept.is_empty() {
        return Ok(screen.line(format_args!("nothing is kept in {}", cache.folder().display()))?);
    }
    let mut table = Table::new(&[
        ("COMPONENT", Align::Left),
        ("ENGINE", Align::Left),
        ("SIZE", Align::Right),
        ("USED (UTC)", Align::Left),
    ]);
    for code in &kept {
        let used = utc(milliseconds(code.used));
        table.row(vec![short(code.component), code.engine.clone(), size(code.size), used]);
    }
    table.print(screen)?;
    let (files, bytes) = (plural(kept.len() as u64, "file"), kept.iter().map(|code| code.size).sum());
    Ok(screen.line(format_args!("{files}, {} in {}", size(bytes), cache.folder().display()))?)
}

fn clear(screen: &Screen, cache: &CodeCache) -> Done {
    let cleared = cache.clear().map_err(|error| unreadable(cache, &error))?;
    if screen.json {
        return Ok(screen.json(&json!({ "files": cleared.files, "bytes": cleared.bytes }))?);
    }
    let (files, folder) = (plural(cleared.files, "file"), cache.folder().display());
    Ok(screen.line(format_args!("removed {files}, {} from {folder}", size(cleared.bytes)))?)
}

fn milliseconds(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn unreadable(cache: &CodeCache, error: &std::io::Error) -> Failure {
    Failure::cannot(format_args!("{}: {error}", cache.folder().display()))
}
