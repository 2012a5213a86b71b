//! `troupe stop`, `remove`, `pause` and `resume`: whether an actor takes messages.

use serde_json::{Value, json};

use super::failure::Done;
use super::node::{NodeArgs, explain};
use super::screen::{BOLD, DIM, GOOD, Screen};

/// End an actor: its chain gets a last entry
///
/// Its history stays, and can be verified and forked. Its name stays its own until it is removed.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe stop counter\n  \
    troupe stop counter --reason 'replaced by counter-2'")]
pub(crate) struct Stop {
    #[command(flatten)]
    which: Which,
    /// Why, for its history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// End an actor, give up its name, and list it no longer
///
/// Its history stays in the store: `troupe ps --all` lists it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe remove counter")]
pub(crate) struct Remove {
    #[command(flatten)]
    which: Which,
}

/// Keep messages back from an actor until it is resumed
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe pause counter")]
pub(crate) struct Pause {
    #[command(flatten)]
    which: Which,
}

/// Let a paused actor take messages again
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe resume counter")]
pub(crate) struct Resume {
    #[command(flatten)]
    which: Which,
}

#[derive(clap::Args)]
struct Which {
    /// The actor's name, its id, or the beginning of its id
    actor: String,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn stop(screen: &Screen, command: &Stop) -> Done {
    let body = match &command.reason {
        Some(reason) => json!({ "reason": reason }),
        None => json!({}),
    };
    let next = "its name is free once it is removed: troupe remove ACTOR";
    command.which.order(screen, "POST", "/stop", &body, "stopped", next)
}

pub(super) fn remove(screen: &Screen, command: &Remove) -> Done {
    let next = "its history stays: troupe ps --all";
    command.which.order(screen, "DELETE", "", &Value::Null, "removed", next)
}

pub(super) fn pause(screen: &Screen, command: &Pause) -> Done {
    command.which.order(screen, "POST", "/pause", &json!({}), "paused", "to go on: troupe resume ACTOR")
}

pub(super) fn resume(screen: &Screen, command: &Resume) -> Done {
    command.which.order(screen, "POST", "/resume", &json!({}), "resumed", "")
}

impl Which {
    fn order(&self, screen: &Screen, method: &str, path: &str, body: &Value, done: &str, next: &str) -> Done {
        let node = self.node.connect()?;
        let found = node.find(&self.actor)?;
        let text = body.to_string();
        let body = (!body.is_null()).then_some(("application/json", text.as_bytes()));
        let path = found.path(path);
        node.client.call(method, &path, body).map_err(|error| explain(&error))?;
        if screen.json {
            return Ok(screen.json(&json!({ "actor": found.id(), "name": found.info.name, done: true }))?);
        }
        screen.line(format_args!("{GOOD}{done}{GOOD:#} {BOLD}{}{BOLD:#}", found.shown()))?;
        screen.field("actor", found.id())?;
        if !next.is_empty() {
            screen.note(format_args!("{DIM}{}{DIM:#}", next.replace("ACTOR", &self.actor)));
        }
        Ok(())
    }
}
