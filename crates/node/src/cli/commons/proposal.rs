//! `troupe proposal`: what is proposed, and the steps before and after the vote.

use troupe::commons::view::{BallotView, ProposalView};
use troupe_chain::Timestamp;
use troupe_commons::governance::{Action, Proposal as Record, Stage};
use troupe_commons::{Act, Id, WHOLE};

use super::act::ActArgs;
use super::show::all;
use crate::cli::failure::Done;
use crate::cli::node::NodeArgs;
use crate::cli::parse::utc;
use crate::cli::screen::{BOLD, Screen, count, short};
use crate::cli::table::{Align, Table};

/// What is proposed, and how the vote stands
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe proposal list\n  \
    troupe proposal show PROPOSAL\n  \
    troupe proposal open PROPOSAL --as ada")]
pub(crate) struct Proposal {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Sponsor(Sponsor),
    Open(Open),
    Veto(Veto),
}

/// List proposals
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe proposal list\n  \
    troupe proposal list --stage open --json | jq -r .id")]
struct List {
    /// Only those in this stage: draft, open, passed, rejected, executed, failed or vetoed
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Show a proposal, its tally, and who voted what
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe proposal show PROPOSAL")]
struct Show {
    /// Its id
    proposal: Id,
    #[command(flatten)]
    node: NodeArgs,
}

/// Support a draft, so that it may be opened
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe proposal sponsor PROPOSAL --as bea")]
struct Sponsor {
    /// Its id
    proposal: Id,
    #[command(flatten)]
    act: ActArgs,
}

/// Open a draft for votes
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe proposal open PROPOSAL --as ada")]
struct Open {
    /// Its id
    proposal: Id,
    #[command(flatten)]
    act: ActArgs,
}

/// Object to what passed, before it takes effect
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe proposal veto PROPOSAL --as cy")]
struct Veto {
    /// Its id
    proposal: Id,
    #[command(flatten)]
    act: ActArgs,
}

pub(in crate::cli) fn proposal(screen: &Screen, command: &Proposal) -> Done {
    match &command.command {
        Command::List(command) => list(screen, command),
        Command::Show(command) => show(screen, command),
        Command::Sponsor(Sponsor { proposal, act }) => {
            act.open()?.act_and_say(screen, &Act::Sponsor { proposal: *proposal }, "supported")
        }
        Command::Open(Open { proposal, act }) => {
            act.open()?.act_and_say(screen, &Act::Open { proposal: *proposal }, "open for votes")
        }
        Command::Veto(Veto { proposal, act }) => {
            act.open()?.act_and_say(screen, &Act::Veto { proposal: *proposal }, "objected")
        }
    }
}

fn list(screen: &Screen, command: &List) -> Done {
    let mut table = Table::new(&[
        ("proposal", Align::Left),
        ("stage", Align::Left),
        ("votes", Align::Left),
        ("closes", Align::Left),
        ("what", Align::Left),
    ]);
    for view in all::<ProposalView>(&command.node.connect()?, "/commons/proposals")? {
        let proposal = &view.proposal;
        if command.stage.as_deref().is_some_and(|stage| stage != proposal.stage.name()) {
            continue;
        }
        if screen.json {
            screen.json(&view)?;
            continue;
        }
        let closes = proposal.stage.terms().map(|terms| utc(Timestamp(terms.closes))).unwrap_or_default();
        let what = describe(&proposal.motion.action);
        table.row(vec![view.id.clone(), proposal.stage.name().to_owned(), tally(proposal), closes, what]);
    }
    if screen.json { Ok(()) } else { table.print(screen) }
}

fn show(screen: &Screen, command: &Show) -> Done {
    let node = command.node.connect()?;
    let path = format!("/commons/proposals/{}", command.proposal);
    let view: ProposalView = node.get(&path)?;
    let ballots: Vec<BallotView> = all(&node, &format!("{path}/ballots"))?;
    if screen.json {
        let mut value = serde_json::to_value(&view).unwrap_or_default();
        value["ballots"] = serde_json::to_value(&ballots).unwrap_or_default();
        return Ok(screen.json(&value)?);
    }
    let proposal = &view.proposal;
    let motion = &proposal.motion;
    screen.line(format_args!("{BOLD}{}{BOLD:#}", describe(&motion.action)))?;
    screen.field("proposal", &view.id)?;
    screen.field("by", proposal.proposer)?;
    if let Some(text) = motion.text {
        screen.field("text", text)?;
    }
    screen.field("stage", proposal.stage.name())?;
    match &proposal.stage {
        Stage::Failed { reason, .. } => screen.field("", reason)?,
        Stage::Passed { winner: Some(winner), .. } | Stage::Executed { winner: Some(winner), .. } => {
            screen.field("chosen", winner)?;
        }
        Stage::Passed { terms, vetoes, .. } => {
            let until = utc(Timestamp(terms.closes.saturating_add(terms.timelock)));
            screen.field("", format_args!("takes effect at {until}; {} objections", count(*vetoes)))?;
        }
        _ => {}
    }
    if let Some(terms) = proposal.stage.terms() {
        screen.field("closes", utc(Timestamp(terms.closes)))?;
        screen.field("may vote", count(terms.electorate))?;
    }
    let (quorum, threshold) = (percent(motion.quorum), percent(motion.threshold));
    screen.field(
        "needs",
        format_args!("{quorum} of them to vote, more than {threshold} of yes and no to be yes"),
    )?;
    screen.field("tally", tally(proposal))?;
    for BallotView { voter, ballot } in ballots {
        let by =
            if ballot.by.to_string() == voter { String::new() } else { format!(", by {}", short(ballot.by)) };
        screen.field("", format_args!("{} {}{by}", short(voter), ballot.choice.join(" > ")))?;
    }
    Ok(())
}

fn tally(proposal: &Record) -> String {
    let each = proposal.tally.iter().map(|(choice, votes)| format!("{} {choice}", count(*votes)));
    each.collect::<Vec<_>>().join(", ")
}

fn percent(millionths: u64) -> String {
    let (whole, part) = (millionths * 100 / WHOLE, millionths * 100 % WHOLE);
    if part == 0 { format!("{whole} %") } else { format!("{whole}.{:04} %", part / 100) }
}

/// An action in a few words.
pub(super) fn describe(action: &Action) -> String {
    match action {
        Action::Parameter { name, value, effective: None } => format!("{name} = {}", count(*value)),
        Action::Parameter { name, value, effective: Some(from) } => {
            format!("{name} = {} from {}", count(*value), utc(Timestamp(*from)))
        }
        Action::Admit { did } => format!("admit {did}"),
        Action::Remove { member } => format!("remove {}", short(member)),
        Action::Pause { member } => format!("pause {}", short(member)),
        Action::Resume { member } => format!("resume {}", short(member)),
        Action::Budget { amount, to } => format!("budget of {} for {}", count(*amount), short(to)),
        Action::Upgrade { code, target } => format!("upgrade {} to {}", short(target), short(code)),
        Action::Text {} => "a text".to_owned(),
        Action::Freeze {} => "freeze".to_owned(),
        Action::Thaw {} => "thaw".to_owned(),
        Action::Ban { component } => format!("ban {}", short(component)),
        Action::Unban { component } => format!("unban {}", short(component)),
        Action::Ruling { job, result: Some(result) } => {
            format!("ruling on {}: {} is right", short(job), short(result))
        }
        Action::Ruling { job, result: None } => format!("ruling on {}: none is right", short(job)),
        Action::Federate { federation, member } => format!("{} joins {federation}", short(member)),
        Action::Unfederate { federation, member } => format!("{} leaves {federation}", short(member)),
        Action::Federation { context, federation, level } => {
            format!("{federation}: {} in {}", level.name(), context.name())
        }
        Action::Bridge { context, from, level, to } => {
            format!("{from} trusts {to}: {} in {}", level.name(), context.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_percentages() {
        assert_eq!([500_000, 667_000, 1, WHOLE].map(percent), ["50 %", "66.7000 %", "0.0001 %", "100 %"]);
    }
}
