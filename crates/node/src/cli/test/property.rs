//! Property tests: generated messages, and what must hold for every one of them.

use std::path::Path;

use serde_json::json;
use troupe_scenario::{Broken, Setup, Tried, try_properties};
use troupe_schema::Description;

use super::Stage;
use crate::cli::failure::Failure;
use crate::cli::parse;
use crate::cli::screen::{BAD, BOLD, DIM, GOOD, Screen, count};

/// Tries messages on a component; whether everything holds.
pub(super) fn property(
    screen: &Screen,
    stage: &Stage,
    (path, setup, schema): (&Path, &Setup, Option<&Path>),
    (seed, cases): (u64, u64),
) -> Result<bool, Failure> {
    let component = stage.load(path, setup)?;
    let said = match schema {
        Some(path) => {
            let text = String::from_utf8_lossy(&parse::file(path)?).into_owned();
            let read = Description::parse(&text);
            Some(read.map_err(|error| Failure::cannot(format_args!("{}: {error}", path.display())))?)
        }
        None => component.description().ok().flatten().and_then(|text| Description::parse(text).ok()),
    };
    let schema = said.as_ref().and_then(|description| description.message.as_ref());
    let tried = try_properties(&component, setup, schema, seed, cases)
        .map_err(|why| Failure::cannot(format_args!("{}: {why}", path.display())))?;
    let of = if schema.is_some() { "of its schema, and nearly" } else { "of any JSON: it has no schema" };
    show(screen, path, &tried, seed, of)?;
    Ok(tried.broken.is_none())
}

fn show(screen: &Screen, path: &Path, tried: &Tried, seed: u64, of: &str) -> Result<(), Failure> {
    let Tried { cases, accepted, refused, failed, broken } = tried;
    if screen.json {
        let broken =
            broken.as_ref().map(|broken| json!({ "what": broken.what, "scenario": broken.scenario() }));
        return Ok(screen.json(&json!({
            "component": path.display().to_string(), "seed": seed, "cases": cases, "accepted": accepted,
            "refused": refused, "failed": failed, "passed": broken.is_none(), "broken": broken,
        }))?);
    }
    let (style, word) = if broken.is_none() { (GOOD, "ok") } else { (BAD, "FAILED") };
    let path = path.display();
    screen
        .line(format_args!("{style}{word}{style:#} {BOLD}{path}{BOLD:#}  {} messages {of}", count(*cases)))?;
    screen.line(format_args!(
        "  {DIM}accepted {}, refused {}, failed with a reason {}; --seed {seed} tries the same{DIM:#}",
        count(*accepted),
        count(*refused),
        count(*failed)
    ))?;
    if let Some(broken @ Broken { what, .. }) = broken {
        screen.line(format_args!("  {BAD}{what}{BAD:#}"))?;
        screen.line(format_args!("  as a scenario:\n\n{}", broken.scenario()))?;
    }
    Ok(())
}
