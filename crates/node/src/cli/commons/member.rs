//! `troupe member`: joining, leaving, keys, and what is known of a member.

use std::time::Duration;

use troupe::commons::view::MemberView;
use troupe_commons::mandate::MANDATED;
use troupe_commons::{Act, Id, SignatureBytes, members};

use super::act::{ActArgs, find};
use crate::cli::failure::{Done, Failure};
use crate::cli::node::NodeArgs;
use crate::cli::parse::now;
use crate::cli::screen::{Screen, count, short};

/// Join and leave, change keys, and look a member up
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe member show did:key:z6Mk…\n  \
    troupe member join --as dora\n  \
    troupe member rotate --as ada")]
pub(crate) struct Member {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Show(Show),
    Join(Join),
    Leave(Leave),
    Rotate(Rotate),
    Recovery(Recovery),
    Recover(Recover),
    Mandate(Mandate),
}

/// Show a member
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe member show did:key:z6Mk…")]
struct Show {
    /// A member, by id or by any key that is or was theirs
    member: String,
    #[command(flatten)]
    node: NodeArgs,
}

/// Become active after you were invited
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe member join --as dora")]
struct Join {
    #[command(flatten)]
    act: ActArgs,
}

/// End your membership
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe member leave --as ada")]
struct Leave {
    #[command(flatten)]
    act: ActArgs,
}

/// Change your key: the old one signs the new one, and the new one that it is yours
///
/// Your id, your mana and all else stay. The old key signs nothing from then on.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe id rotate ada && troupe member rotate --as ada && troupe id rotate ada --finish\n  \
    troupe member rotate next.age --as ada")]
struct Rotate {
    /// The new key: a name, or a key file [default: what `troupe id rotate` made]
    #[arg(value_name = "NAME|FILE")]
    to: Option<String>,
    #[command(flatten)]
    act: ActArgs,
}

/// Name members who may give you another key, should you lose yours
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe member recovery did:key:z6Mk… did:key:z6Mk… did:key:z6Mk… --quorum 2 --as ada\n  \
    troupe member recovery --as ada")]
struct Recovery {
    /// Members, by id or key; nobody if there are none
    members: Vec<String>,
    /// How many of them must ask for the same key
    #[arg(long, value_name = "N", default_value_t = 1)]
    quorum: u64,
    #[command(flatten)]
    act: ActArgs,
}

/// Ask, as one of those whom a member named, that they have another key
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe member recover did:key:z6MkOld… did:key:z6MkNew… --as bea")]
struct Recover {
    /// Who lost their key, by id or key
    member: String,
    /// The key that they are to have
    did: String,
    #[command(flatten)]
    act: ActArgs,
}

/// Let an actor act for you, in some ways, up to an amount of mana, for a time
///
/// The actor is granted `commons-for:YOUR-ID` and a `commons:` capability for each; without --act, the mandate is taken back.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe member mandate CHAIN --act spend --act submit --mana 20 --lasts 1d --as ada\n  \
    troupe member mandate CHAIN --as ada")]
struct Mandate {
    /// The actor's id
    actor: Id,
    /// What it may do: ballot, credit, open, propose, receipt, spend or submit
    #[arg(long = "act", value_name = "ACT", value_parser = MANDATED)]
    acts: Vec<String>,
    /// The most mana that it may take from your account
    #[arg(long, value_name = "MANA", default_value = "0")]
    mana: u64,
    /// For how long
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = humantime::parse_duration)]
    lasts: Duration,
    #[command(flatten)]
    act: ActArgs,
}

fn mandate(screen: &Screen, command: &Mandate) -> Done {
    let mut acts = command.acts.clone();
    acts.sort();
    acts.dedup();
    let lasts = u64::try_from(command.lasts.as_millis()).unwrap_or(u64::MAX);
    let until = now().saturating_add(lasts);
    let what = match acts.is_empty() {
        true => "the mandate is taken back".to_owned(),
        false => format!("{} may {} for you", short(command.actor), acts.join(", ")),
    };
    let act = Act::Mandate { acts, chain: command.actor, mana: command.mana, until };
    command.act.open()?.act_and_say(screen, &act, what)
}

pub(in crate::cli) fn member(screen: &Screen, command: &Member) -> Done {
    match &command.command {
        Command::Show(command) => show(screen, command),
        Command::Join(Join { act }) => act.open()?.act_and_say(screen, &Act::Join {}, "joined"),
        Command::Leave(Leave { act }) => act.open()?.act_and_say(screen, &Act::Leave {}, "left"),
        Command::Rotate(command) => rotate(screen, command),
        Command::Recovery(command) => recovery(screen, command),
        Command::Mandate(command) => mandate(screen, command),
        Command::Recover(Recover { member: lost, did, act }) => {
            let member = act.open()?;
            let lost = member.id_of(lost)?;
            let what = format!("asked for another key of {}", short(lost));
            member.act_and_say(screen, &Act::Recover { did: did.clone(), member: lost }, what)
        }
    }
}

fn show(screen: &Screen, command: &Show) -> Done {
    let view: MemberView = find(&command.node.connect()?, &command.member)?;
    if screen.json {
        return Ok(screen.json(&view)?);
    }
    let member = &view.member;
    screen.field("member", &view.id)?;
    screen.field("key", &member.did)?;
    screen.field("status", member.status.name())?;
    screen.field("mana", count(view.balance))?;
    if view.budget > 0 {
        screen.field("budget", count(view.budget))?;
    }
    screen.field("score", count(view.reputation))?;
    screen.field("commands", count(member.number))?;
    if let Some(delegate) = member.delegate {
        screen.field("delegate", delegate)?;
    }
    if !member.federations.is_empty() {
        screen.field("in", member.federations.join(", "))?;
    }
    if let Some(recovery) = &member.recovery {
        let named: Vec<_> = recovery.members.iter().map(short).collect();
        screen.field("recovery", format_args!("{} of {}", recovery.quorum, named.join(", ")))?;
    }
    Ok(())
}

fn rotate(screen: &Screen, command: &Rotate) -> Done {
    let member = command.act.open()?;
    let (next, name) = match &command.to {
        Some(to) => (command.act.signer.named(to)?, None),
        None => command.act.signer.next().map(|(next, name)| (next, Some(name)))?,
    };
    if next.did().to_string() == member.did() {
        return Err(Failure::cannot("this is the key that signs already"));
    }
    let text = members::rotation_text(member.chain, member.id, next.did());
    let proof = SignatureBytes(next.sign(text.as_bytes()).map_err(Failure::cannot)?);
    let did = next.did().to_string();
    let what = format!("the key is {did} from now on");
    member.act_and_say(screen, &Act::Rotate { did, proof }, what)?;
    if let Some(name) = name {
        screen.note(format_args!("help: `troupe id rotate {name} --finish` lets it sign from now on"));
    }
    Ok(())
}

fn recovery(screen: &Screen, command: &Recovery) -> Done {
    let member = command.act.open()?;
    let mut members = Vec::new();
    for one in &command.members {
        members.push(member.id_of(one)?);
    }
    members.sort_unstable();
    let what = match members.len() {
        0 => "nobody may give you another key".to_owned(),
        of => format!("{} of {of} members may give you another key", command.quorum),
    };
    member.act_and_say(screen, &Act::Recovery { members, quorum: command.quorum }, what)
}
