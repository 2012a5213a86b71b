//! `troupe config`: what a node would be run with, where that comes from, and what its profile has against it.

use anstyle::Style;
use clap::Subcommand;
use serde_json::json;
use troupe::environment::{Violation, advice, violations};
use troupe::manifest::{Layers, Profile};

use super::failure::{Done, Failure};
use super::screen::{BAD, DIM, GOOD, HELP, Screen, WARN, plural};
use super::serve::Serve;
use super::signer;
use super::table::{Align, Table};

/// Check or show how a node would be run
///
/// A setting comes from an argument, else from its variable, else from the file, else it has its default.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe config check --config troupe.toml\n  \
    troupe config show --config troupe.toml\n  \
    TROUPE_PROFILE=production troupe config check --config troupe.toml")]
pub(crate) struct Config {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// List all that is wrong with a configuration, each with its place and what to do
    ///
    /// Exit code 1 if anything is. A node does not start then.
    #[command(after_help = "Examples:\n  \
        troupe config check --config troupe.toml\n  \
        troupe --json config check --config troupe.toml | jq -r .key")]
    Check(Box<Serve>),
    /// List every setting, its value, and where that comes from
    #[command(after_help = "Examples:\n  \
        troupe config show\n  \
        troupe config show --config troupe.toml --threads 2\n  \
        troupe --json config show --config troupe.toml | jq -r .key")]
    Show(Box<Serve>),
}

pub(super) fn config(screen: &Screen, command: &Config) -> Done {
    match &command.task {
        Task::Check(serve) => check(screen, serve),
        Task::Show(serve) => show(screen, serve),
    }
}

/// What a configuration has against its profile.
pub(super) fn against(layers: &Layers) -> Vec<Violation> {
    violations(&layers.config, &signer::surroundings())
}

/// Refuses to go on if anything is against the profile, and says all of it, and what the profile advises.
pub(super) fn require_none(screen: &Screen, layers: &Layers) -> Done {
    let found = against(layers);
    if found.is_empty() {
        advice(&layers.config).iter().for_each(|advice| screen.warn(told(layers, advice)));
        return Ok(());
    }
    let told: Vec<_> = found.iter().map(|violation| told(layers, violation)).collect();
    Err(Failure::cannot(format_args!(
        "the node does not start: {}\n{}",
        summary(layers, found.len()),
        told.join("\n")
    )))
}

fn summary(layers: &Layers, found: usize) -> String {
    let profile = layers.config.profile.map_or("none".to_owned(), |profile| profile.to_string());
    format!("{} against the profile {profile}", plural(found as u64, "thing"))
}

fn told(layers: &Layers, Violation { key, what, remedy }: &Violation) -> String {
    let fault = layers.fault(key, format_args!("`{key}`: {what}"));
    format!("{fault}\n{HELP}help:{HELP:#} {remedy}")
}

fn check(screen: &Screen, serve: &Serve) -> Done {
    let layers = serve.layers()?;
    let found = against(&layers);
    for violation in &found {
        list(screen, &layers, ("error", BAD), violation)?;
    }
    for advice in &advice(&layers.config) {
        list(screen, &layers, ("warning", WARN), advice)?;
    }
    if !found.is_empty() {
        return Err(Failure::is_false(summary(&layers, found.len())));
    }
    if !screen.json {
        let profile = layers.config.profile.map(Profile::as_str);
        match profile {
            Some(profile) => screen.line(format_args!("{GOOD}fit{GOOD:#} for {profile}"))?,
            None => screen
                .line(format_args!("{GOOD}well-formed{GOOD:#}, without a profile: nothing is required"))?,
        }
        screen.note("network local: the node reaches no other node");
    }
    Ok(())
}

/// One line of the list, and one of what to do.
fn list(screen: &Screen, layers: &Layers, (level, style): (&str, Style), violation: &Violation) -> Done {
    let Violation { key, what, remedy } = violation;
    if screen.json {
        let origin = layers.origin(key).to_string();
        let value = json!({ "level": level, "key": key, "what": what, "remedy": remedy, "from": origin });
        return Ok(screen.json(&value)?);
    }
    Ok(screen.line(format_args!("{style}{level}:{style:#} {}", told(layers, violation)))?)
}

fn show(screen: &Screen, serve: &Serve) -> Done {
    let rows = serve.layers()?.rows();
    if screen.json {
        for row in rows {
            screen.json(&json!({ "key": row.key, "value": row.value, "from": row.origin.to_string() }))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&[("SETTING", Align::Left), ("VALUE", Align::Left), ("FROM", Align::Left)]);
    for row in rows {
        let value = row.value.unwrap_or_else(|| format!("{DIM}none{DIM:#}"));
        table.row(vec![row.key, value, row.origin.to_string()]);
    }
    table.print(screen)
}
