//! `troupe ps`: the actors of a node.

use std::collections::{BTreeMap, HashSet};

use troupe_api::ActorSummary;

use super::failure::Done;
use super::node::NodeArgs;
use super::screen::{DIM, Screen, count, short};
use super::table::{Align, Table};

/// List the actors of a node
///
/// Counts are of what happened since an actor was last loaded. Those that were removed are shown with --all only.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe ps\n  \
    troupe ps --tree\n  \
    troupe ps --all --node http://node.example:8080 --token-file token\n  \
    troupe ps --json | jq -r 'select(.status == \"paused\") | .name'")]
pub(crate) struct Ps {
    /// Those that were removed too
    #[arg(long)]
    all: bool,
    /// Each below the one that started it
    #[arg(long)]
    tree: bool,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn ps(screen: &Screen, command: &Ps) -> Done {
    let node = command.node.connect()?;
    let listed = node.list(command.all)?;
    if screen.json {
        for actor in &listed {
            screen.json(actor)?;
        }
        return Ok(());
    }
    if listed.is_empty() {
        screen.note(format_args!("{DIM}no actors; `troupe start COMPONENT --name NAME` begins one{DIM:#}"));
        return Ok(());
    }
    table(&listed, command.tree).print(screen)
}

/// The actors by name, or each below its parent.
pub(super) fn table(listed: &[ActorSummary], tree: bool) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("NAME", Left),
        ("ID", Left),
        ("STATUS", Left),
        ("SEQ", Right),
        ("WAITING", Right),
        ("HANDLED", Right),
        ("FAILED", Right),
        ("RESTARTS", Right),
        ("PARENT", Left),
    ]);
    let names: BTreeMap<_, _> =
        listed.iter().filter_map(|actor| Some((actor.actor.as_str(), actor.name.as_deref()?))).collect();
    let order = match tree {
        true => as_tree(listed),
        false => by_name(listed).into_iter().map(|one| (String::new(), one)).collect(),
    };
    for (branch, actor) in order {
        let name = actor.name.as_deref().unwrap_or("-");
        let parent = actor.parent.as_deref().map(|parent| match names.get(parent) {
            Some(name) => (*name).to_owned(),
            None => short(parent),
        });
        let status = match &actor.successor {
            Some(successor) => format!("{} → {}", actor.status, short(successor)),
            None => actor.status.clone(),
        };
        table.row(vec![
            format!("{branch}{name}"),
            short(&actor.actor),
            status,
            count(actor.seq),
            count(actor.waiting),
            count(actor.handled),
            count(actor.failed),
            count(actor.restarts),
            parent.unwrap_or_default(),
        ]);
    }
    table
}

/// Those with a name first, and those that another took the place of after that one.
fn by_name(listed: &[ActorSummary]) -> Vec<&ActorSummary> {
    let mut all: Vec<_> = listed.iter().collect();
    all.sort_by_key(|actor| {
        (actor.name.is_none(), actor.name.clone(), actor.successor.is_some(), actor.actor.clone())
    });
    all
}

/// Each actor after its parent, with the branch that leads to it; one whose parent is not listed is at the top.
fn as_tree(listed: &[ActorSummary]) -> Vec<(String, &ActorSummary)> {
    let known: HashSet<_> = listed.iter().map(|actor| actor.actor.as_str()).collect();
    let mut children: BTreeMap<&str, Vec<&ActorSummary>> = BTreeMap::new();
    let mut open = Vec::new();
    for actor in by_name(listed) {
        match actor.parent.as_deref().filter(|parent| known.contains(parent)) {
            Some(parent) => children.entry(parent).or_default().push(actor),
            None => open.push((String::new(), String::new(), actor)),
        }
    }
    open.reverse();
    let mut order = Vec::new();
    // A parent is older than its child, so there is no circle.
    while let Some((branch, stem, actor)) = open.pop() {
        order.push((branch, actor));
        let below = children.remove(actor.actor.as_str()).unwrap_or_default();
        let branches = below.into_iter().rev().enumerate().map(|(after, child)| match after {
            0 => (format!("{stem}└ "), format!("{stem}  "), child),
            _ => (format!("{stem}├ "), format!("{stem}│ "), child),
        });
        open.extend(branches);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(actor: &str, name: &str, parent: Option<&str>) -> ActorSummary {
        let value = serde_json::json!({ "actor": actor, "name": name, "parent": parent, "status": "running", "seq": 1,
                "waiting": 0, "handled": 0, "failed": 0, "fuel": 0, "restarts": 0, "loaded": true });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn whoever_took_a_place_comes_before_those_who_had_it() {
        let mut all = [listed("aa", "ann", None), listed("bb", "ann", None), listed("cc", "ann", None)];
        for had_it in [0, 1] {
            all[had_it].successor = Some("cc".into());
        }
        let order: Vec<_> = by_name(&all).into_iter().map(|actor| actor.actor.as_str()).collect();
        assert_eq!(order, ["cc", "aa", "bb"]);
    }

    #[test]
    fn a_tree_has_children_below_their_parents_and_loses_nobody() {
        let all = [
            listed("aa", "child", Some("bb")),
            listed("bb", "parent", None),
            listed("cc", "grandchild", Some("aa")),
            listed("dd", "orphan", Some("ee")),
            listed("ff", "second child", Some("bb")),
            listed("gg", "its child", Some("ff")),
        ];
        let order: Vec<_> = as_tree(&all)
            .into_iter()
            .map(|(branch, actor)| format!("{branch}{}", actor.name.as_deref().unwrap()))
            .collect();
        let expected = ["orphan", "parent", "├ child", "│ └ grandchild", "└ second child", "  └ its child"];
        assert_eq!(order, expected);
        assert!(table(&all, true).lines().iter().any(|line| line.starts_with("│ └ grandchild")));
    }
}
