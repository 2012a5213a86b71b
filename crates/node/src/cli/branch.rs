//! `troupe fork` and `troupe rewind`: another actor from a state that one once had.

use serde_json::json;
use troupe::manifest::Name;

use super::failure::Done;
use super::node::NodeArgs;
use super::screen::{BOLD, GOOD, Screen};

/// Begin another actor from a state that an actor had
///
/// The actor goes on; the fork has a chain of its own, whose first entry names the entry that it branched off from.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe fork counter --at 17\n  \
    troupe fork counter --at 17 --name counter-2")]
pub(crate) struct Fork {
    /// The actor's name, its id, or the beginning of its id
    actor: String,
    /// The position of the entry whose state it begins with
    #[arg(long, value_name = "SEQ")]
    at: u64,
    /// The fork's name
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Take an actor back to a state that it had
///
/// Nothing is undone: its chain ends, and a fork from that state takes over its name.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe rewind counter --to 17\n  \
    troupe rewind counter --to 17 --reason 'a bad batch after 17'")]
pub(crate) struct Rewind {
    /// The actor's name, its id, or the beginning of its id
    actor: String,
    /// The position of the entry whose state it goes back to
    #[arg(long, visible_alias = "at", value_name = "SEQ")]
    to: u64,
    /// Why, for its history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn fork(screen: &Screen, command: &Fork) -> Done {
    let node = command.node.connect()?;
    let found = node.find(&command.actor)?;
    let mut body = json!({ "at": command.at });
    if let Some(name) = &command.name {
        body["name"] = name.as_str().into();
    }
    let info: troupe_api::Info = node.post(&found.path("/fork"), &body)?;
    say(screen, "forked", found.id(), command.at, &info)
}

pub(super) fn rewind(screen: &Screen, command: &Rewind) -> Done {
    let node = command.node.connect()?;
    let found = node.find(&command.actor)?;
    let mut body = json!({ "to": command.to });
    if let Some(reason) = &command.reason {
        body["reason"] = reason.as_str().into();
    }
    let info: troupe_api::Info = node.post(&found.path("/rewind"), &body)?;
    say(screen, "rewound", found.id(), command.to, &info)
}

fn say(screen: &Screen, done: &str, from: &str, at: u64, info: &troupe_api::Info) -> Done {
    if screen.json {
        let mut value = serde_json::to_value(info).unwrap_or_default();
        value["from"] = from.into();
        return Ok(screen.json(&value)?);
    }
    let shown = info.name.as_deref().unwrap_or("without a name");
    screen.line(format_args!("{GOOD}{done}{GOOD:#} {BOLD}{shown}{BOLD:#}"))?;
    screen.field("actor", &info.actor)?;
    screen.field("from", format_args!("{from} at seq {at}"))?;
    Ok(screen.head(&info.head, info.seq)?)
}
