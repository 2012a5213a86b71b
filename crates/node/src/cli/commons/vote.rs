//! `troupe vote`, `delegate` and `execute`.

use troupe::commons::view::ProposalView;
use troupe_commons::governance::Stage;
use troupe_commons::{Act, Id, Reply, Tick};

use super::act::{ActArgs, due};
use crate::cli::failure::{Done, Failure};
use crate::cli::node::NodeArgs;
use crate::cli::screen::{BOLD, Screen, plural, short};
use crate::cli::signer::SignerArgs;

/// Vote on a proposal, for yourself and for members who delegated to you
///
/// A later vote takes the place of an earlier one, until the vote closes.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe vote PROPOSAL yes --as ada\n  \
    troupe vote PROPOSAL blue red --as ada\n  \
    troupe vote PROPOSAL no --for did:key:z6Mk… --as ada")]
pub(crate) struct Vote {
    /// The proposal's id
    proposal: Id,
    /// yes, no or abstain; or options, from the best on
    #[arg(required = true)]
    choice: Vec<String>,
    /// A member who delegated to you, by id or key; may be given again
    #[arg(long = "for", value_name = "MEMBER")]
    members: Vec<String>,
    #[command(flatten)]
    act: ActArgs,
}

/// Let another member vote in your place, wherever you do not
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe delegate did:key:z6Mk… --as ada\n  \
    troupe delegate --to-nobody --as ada")]
pub(crate) struct Delegate {
    /// A member, by id or key
    #[arg(required_unless_present = "to_nobody")]
    member: Option<String>,
    /// End it
    #[arg(long, conflicts_with = "member")]
    to_nobody: bool,
    #[command(flatten)]
    act: ActArgs,
}

/// Close a vote, or let what passed take effect, once it is time
///
/// A node does both by itself. Anybody may say that it is time; saying so too early is refused.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe execute PROPOSAL --as ada")]
pub(crate) struct Execute {
    /// The proposal's id
    proposal: Id,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    node: NodeArgs,
}

pub(in crate::cli) fn vote(screen: &Screen, command: &Vote) -> Done {
    let member = command.act.open()?;
    let mut members = Vec::new();
    for one in &command.members {
        members.push(member.id_of(one)?);
    }
    let others = match members.len() {
        0 => String::new(),
        more => format!(", and for {}", plural(more as u64, "other")),
    };
    let what = format!("voted {}{others}", command.choice.join(" > "));
    let act = Act::Ballot { choice: command.choice.clone(), members, proposal: command.proposal };
    member.act_and_say(screen, &act, what)
}

pub(in crate::cli) fn delegate(screen: &Screen, command: &Delegate) -> Done {
    let member = command.act.open()?;
    let to = command.member.as_ref().map(|to| member.id_of(to)).transpose()?;
    let what = match to {
        Some(to) => format!("{} votes in your place", short(to)),
        None => "nobody votes in your place".to_owned(),
    };
    member.act_and_say(screen, &Act::Delegate { to }, what)
}

pub(in crate::cli) fn execute(screen: &Screen, command: &Execute) -> Done {
    let node = command.node.connect()?.signed_by(command.signer.open()?.into());
    let path = format!("/commons/proposals/{}", command.proposal);
    let stage = |path: &str| -> Result<Stage, Failure> { Ok(node.get::<ProposalView>(path)?.proposal.stage) };
    // A vote that can be closed may be one that can be executed then.
    let mut now = stage(&path)?;
    for step in 0..2 {
        let tick = match now {
            Stage::Open { .. } => Tick::Close(command.proposal),
            Stage::Passed { .. } => Tick::Execute(command.proposal),
            _ => break,
        };
        match due(&node, tick) {
            Ok((Reply::Now(_), _)) => now = stage(&path)?,
            Ok(_) => break,
            // It was closed just now, and its timelock runs; or the node was first.
            Err(_) if step == 1 || stage(&path)?.name() != now.name() => now = stage(&path)?,
            Err(failure) => return Err(failure),
        }
    }
    if screen.json {
        let stage = serde_json::to_value(&now).unwrap_or_default();
        return Ok(screen.json(&serde_json::json!({ "now": now.name(), "stage": stage }))?);
    }
    Ok(screen.line(format_args!("the proposal is {BOLD}{}{BOLD:#}", now.name()))?)
}
