//! `troupe commons show` and `members`: what is committed now.

use troupe::commons::view::{MemberView, Overview, Page, ParameterView};

use crate::cli::failure::{Done, Failure};
use crate::cli::node::{Node, NodeArgs};
use crate::cli::parse::utc;
use crate::cli::screen::{BOLD, Screen, WARN, count, plural, short};
use crate::cli::table::{Align, Table};

/// How many records are asked for at once.
const PAGE: usize = 1000;

/// Show the commons of a node
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe commons show\n  \
    troupe commons show --json | jq -r .root")]
pub(crate) struct Show {
    #[command(flatten)]
    node: NodeArgs,
}

/// List the members, with what they have
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe commons members\n  \
    troupe commons members --json | jq -r 'select(.status == \"active\") | .id'")]
pub(crate) struct Members {
    #[command(flatten)]
    node: NodeArgs,
}

/// List the parameters, or show one with its history
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe commons parameters\n  \
    troupe commons parameters mana-rate")]
pub(crate) struct Parameters {
    /// A parameter's name [default: all of them]
    name: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn show(screen: &Screen, command: &Show) -> Done {
    let overview: Overview = command.node.connect()?.get("/commons")?;
    if screen.json {
        return Ok(screen.json(&overview)?);
    }
    screen.line(format_args!("{BOLD}{}{BOLD:#}", overview.name))?;
    screen.field("chain", &overview.chain)?;
    screen.head(&overview.head, overview.seq)?;
    screen.field("", utc(troupe_chain::Timestamp(overview.at)))?;
    screen.field("root", &overview.root)?;
    screen.field("active", plural(overview.active, "member"))?;
    screen.field(
        "mana",
        format_args!(
            "{} issued, {} held, {} in fees",
            count(overview.issued),
            count(overview.escrow),
            count(overview.fees)
        ),
    )?;
    if overview.frozen {
        screen.field("", format_args!("{WARN}frozen{WARN:#}: only votes and keys are taken"))?;
    }
    Ok(())
}

pub(super) fn members(screen: &Screen, command: &Members) -> Done {
    let node = command.node.connect()?;
    let mut table = Table::new(&[
        ("member", Align::Left),
        ("status", Align::Left),
        ("mana", Align::Right),
        ("reputation", Align::Right),
        ("key", Align::Left),
    ]);
    for member in all::<MemberView>(&node, "/commons/members")? {
        if screen.json {
            screen.json(&member)?;
            continue;
        }
        table.row(vec![
            short(&member.id),
            member.member.status.name().to_owned(),
            count(member.balance),
            count(member.reputation),
            member.member.did,
        ]);
    }
    if screen.json { Ok(()) } else { table.print(screen) }
}

pub(super) fn parameters(screen: &Screen, command: &Parameters) -> Done {
    let node = command.node.connect()?;
    if let Some(name) = &command.name {
        let parameter: ParameterView = node.get(&format!("/commons/parameters/{name}"))?;
        return parameter_of(screen, &parameter);
    }
    let mut table = Table::new(&[
        ("parameter", Align::Left),
        ("value", Align::Right),
        ("unit", Align::Left),
        ("from", Align::Right),
        ("to", Align::Right),
    ]);
    for parameter in node.get::<Page<ParameterView>>("/commons/parameters")?.items {
        if screen.json {
            screen.json(&parameter)?;
            continue;
        }
        let ParameterView { name, value, unit, min, max, .. } = parameter;
        table.row(vec![name, count(value), unit, count(min), count(max)]);
    }
    if screen.json { Ok(()) } else { table.print(screen) }
}

fn parameter_of(screen: &Screen, parameter: &ParameterView) -> Done {
    if screen.json {
        return Ok(screen.json(parameter)?);
    }
    let ParameterView { name, value, unit, min, max, effect, history, coming } = parameter;
    screen.line(format_args!("{BOLD}{name}{BOLD:#}: {} {unit}", count(*value)))?;
    screen.field("effect", effect)?;
    screen.field("may be", format_args!("{} to {}", count(*min), count(*max)))?;
    for value in history.iter().chain(coming) {
        let from = utc(troupe_chain::Timestamp(value.from));
        screen.field("since", format_args!("{from}: {}", count(value.value)))?;
    }
    Ok(())
}

/// Every record of a list.
pub(super) fn all<T: serde::de::DeserializeOwned>(node: &Node, path: &str) -> Result<Vec<T>, Failure> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let page: Page<T> = node.get(&format!("{path}?limit={PAGE}{after}"))?;
        items.extend(page.items);
        match page.next {
            Some(next) if !after.ends_with(&next) => after = format!("&after={next}"),
            _ => return Ok(items),
        }
    }
}
