//! `troupe import`: a chain from a bundle into a store of its own, checked first.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use troupe::copy::copy;
use troupe_chain::{Hash, History, NotVerified};
use troupe_store::DiskStore;
use troupe_store::bundle::Bundle;

use super::failure::{Done, Failure};
use super::place::{NotOpened, open_bundle};
use super::screen::{BOLD, DIM, GOOD, Screen, WARN};
use super::{progress, verify};

/// Put an exported history into a new store, once it is checked
///
/// Structure and blobs are always checked, and everything is replayed unless that is turned off. Then `troupe run` goes
/// on with the actor.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe import counter.car counter.store\n  \
    troupe import counter-export/ counter.store --head 5f0c…\n  \
    troupe run counter.wasm --store counter.store")]
pub(crate) struct Import {
    /// A CAR file or folder made by export
    #[arg(value_name = "FILE.car|FOLDER")]
    bundle: PathBuf,
    /// The folder of the new store; it must not be there yet
    store: PathBuf,
    /// The name that the last entry must have
    #[arg(long, value_name = "HASH")]
    head: Option<Hash>,
    /// Whether to run everything again before it is stored
    #[arg(long, value_name = "yes|no", default_value = "yes", value_parser = ["yes", "no"])]
    replay: String,
}

pub(super) fn import(screen: &Screen, command: &Import) -> Done {
    let (from, to) = (command.bundle.display().to_string(), &command.store);
    if to.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || to.is_file() {
        return Err(Failure::cannot(format_args!("{} is there already; nothing was imported", to.display()))
            .help("import makes a store of its own: give a folder that is not there yet"));
    }
    if !command.bundle.exists() {
        return Err(Failure::cannot(format_args!("there is no file or folder `{from}`"))
            .help("make a bundle with `troupe export STORE FILE.car`"));
    }
    let bundle = match open_bundle(&command.bundle) {
        Ok(bundle) => bundle,
        Err(NotOpened::Cannot(failure)) => return Err(failure),
        Err(NotOpened::False(error)) => {
            return Err(Failure::is_false(format_args!("nothing was imported, {from} is false: {error}")));
        }
    };
    let started = Instant::now();
    let head = bundle.head();
    let last = bundle.summary().size.saturating_sub(1);
    if let Some(expected) = command.head.filter(|expected| *expected != head) {
        let error = NotVerified::Head { seq: last, expected, found: head };
        return Err(Failure::is_false(format_args!("nothing was imported, {from} is false: {error}")));
    }
    let replayed = command.replay == "yes";
    let mut not_replayed = 0;
    if replayed {
        let found = verify::replay(screen, &verify::machines(screen), &bundle, last).map_err(|error| {
            let what = format!("nothing was imported, {from}: {error}");
            if error.is_false() { Failure::is_false(what) } else { Failure::cannot(what) }
        })?;
        not_replayed = found.report.not_replayed;
    }
    store(screen, &bundle, to, last)?;
    if screen.json {
        return Ok(screen.json(&json!({
            "chain": bundle.summary().chain.to_string(), "head": head.to_string(), "seq": last,
            "replayed": replayed, "not_replayed": not_replayed, "store": to.display().to_string(), "seconds": started.elapsed().as_secs_f64(),
        }))?);
    }
    screen.line(format_args!("{GOOD}imported{GOOD:#} {BOLD}{}{BOLD:#}", to.display()))?;
    screen.field("chain", bundle.summary().chain)?;
    screen.head(head, last)?;
    let checked = if replayed { "links, blobs, and every outcome by replay" } else { "links and blobs" };
    screen.field("checked", checked)?;
    if not_replayed > 0 {
        let entries = verify::entries(not_replayed);
        screen.field(
            "but",
            format_args!("{WARN}{entries} not replayed{WARN:#}: what they need was redacted"),
        )?;
    }
    let next = format!("troupe run COMPONENT --store {}", to.display());
    Ok(screen.field("next", format_args!("{next} {DIM}with the component that it was begun with{DIM:#}"))?)
}

/// Fills a folder beside the new store and gives it its name once it is whole.
fn store(screen: &Screen, bundle: &Bundle, to: &Path, last: u64) -> Done {
    let mut partial = PathBuf::from(to).components().as_path().as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let cannot =
        |error: std::io::Error| Failure::cannot(format_args!("cannot make {}: {error}", to.display()));
    if partial.exists() {
        return Err(Failure::cannot(format_args!(
            "{} is there: an import that was cut short",
            partial.display()
        ))
        .help("remove that folder and try again"));
    }
    let bar = progress::bar(screen, "storing", Some(last));
    let copied = DiskStore::open(&partial)
        .map_err(Failure::from)
        .and_then(|store| Ok(copy(bundle, &store, last, |seq| bar.set_position(seq))?));
    bar.finish_and_clear();
    if let Err(failure) = copied {
        // A half store is of no use; if it cannot be removed, the next import says so.
        let _ = std::fs::remove_dir_all(&partial);
        return Err(failure);
    }
    if to.exists() {
        std::fs::remove_dir(to).map_err(cannot)?;
    }
    std::fs::rename(&partial, to).map_err(cannot)
}
