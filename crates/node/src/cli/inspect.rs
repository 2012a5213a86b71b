//! `troupe inspect`: all that a node says of one actor.

use super::failure::Done;
use super::node::NodeArgs;
use super::screen::{BOLD, Screen, count};

/// Show what a node knows of an actor
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe inspect counter\n  \
    troupe inspect 4b67a9ca\n  \
    troupe inspect counter --json | jq .limits")]
pub(crate) struct Inspect {
    /// The actor's name, its id, or the beginning of its id
    actor: String,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn inspect(screen: &Screen, command: &Inspect) -> Done {
    let node = command.node.connect()?;
    let found = node.find(&command.actor)?;
    if screen.json {
        // As the node says it: it may know more than this program.
        return Ok(screen.json(&node.get::<serde_json::Value>(&found.path(""))?)?);
    }
    let info = &found.info;
    screen.line(format_args!("{BOLD}{}{BOLD:#}", found.shown()))?;
    screen.field("actor", &info.actor)?;
    if !info.status.is_empty() {
        screen.field("status", &info.status)?;
    }
    screen.field("component", &info.component)?;
    screen.field("world", &info.world)?;
    screen.head(&info.head, info.seq)?;
    screen.field("state", &info.state)?;
    if let Some(parent) = &info.parent {
        screen.field("parent", parent)?;
    }
    if let Some(successor) = &info.successor {
        screen.field("successor", successor)?;
    }
    if !info.grants.is_empty() {
        screen.field("grants", info.grants.join(", "))?;
    }
    let limits = info.limits.iter().map(|(name, value)| format!("{name} {}", count(*value)));
    screen.field("limits", limits.collect::<Vec<_>>().join(", "))?;
    let engine = info.engine.iter().map(|(name, value)| format!("{name} {value}"));
    screen.field("engine", engine.collect::<Vec<_>>().join(", "))?;
    Ok(screen.field("url", format_args!("{}/actors/{}", node.client.url(), info.actor))?)
}
