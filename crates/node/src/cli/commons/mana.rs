//! `troupe mana`: balances, transfers, holds, budgets, and proofs of them.

use std::path::PathBuf;
use std::time::Duration;

use troupe::commons::view::{AccountView, HoldView};
use troupe_commons::mana::{Account, Arbiter, Owner};
use troupe_commons::{Act, Id};

use super::act::{ActArgs, id_of};
use super::prove;
use super::show::all;
use crate::cli::failure::{Done, Failure};
use crate::cli::node::NodeArgs;
use crate::cli::parse::{now, utc};
use crate::cli::screen::{BOLD, Screen, count, short};
use crate::cli::table::{Align, Table};

/// Mana: what members have, give and hold
///
/// A MEMBER is an id or a key (did:key).
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe mana balance\n  \
    troupe mana transfer 20 did:key:z6Mk… --as ada\n  \
    troupe mana prove did:key:z6Mk… -o balance.proof")]
pub(crate) struct Mana {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Balance(Balance),
    /// Give mana to another member
    #[command(after_help = "Examples:\n  troupe mana transfer 20 did:key:z6Mk… --as ada")]
    Transfer(Give),
    /// Give mana out of the budget that a vote granted to you
    #[command(after_help = "Examples:\n  troupe mana credit 20 did:key:z6Mk… --as treasurer")]
    Credit(Give),
    Hold(Hold),
    Holds(Holds),
    Post(Post),
    Void(Void),
    Prove(Prove),
}

/// Show a member's balance, or everybody's
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe mana balance\n  \
    troupe mana balance did:key:z6Mk…\n  \
    troupe mana balance escrow --json | jq .balance")]
struct Balance {
    /// A member; or `fees`, `escrow`, `issuance`, `budget-ID` [default: all accounts]
    #[arg(value_name = "MEMBER|ACCOUNT")]
    account: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

// What both ways of giving ask for. Without a doc comment: it would take the place of what each command says of itself.
#[derive(clap::Args)]
struct Give {
    /// How much
    amount: u64,
    /// To whom
    #[arg(value_name = "MEMBER")]
    to: String,
    #[command(flatten)]
    act: ActArgs,
}

/// Set mana aside, for an arbiter to say where it goes
///
/// The arbiter is a third member, or whoever it is for. What the arbiter does not post comes back; so does all of it once
/// the time is over.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe mana hold 50 did:key:z6Mk… --arbiter did:key:z6Mk… --lasts 2d --as ada")]
struct Hold {
    /// How much
    amount: u64,
    /// For whom
    #[arg(value_name = "MEMBER")]
    to: String,
    /// Who says where it goes
    #[arg(long, value_name = "MEMBER")]
    arbiter: String,
    /// After what time it comes back
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = humantime::parse_duration)]
    lasts: Duration,
    #[command(flatten)]
    act: ActArgs,
}

/// List what is held
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe mana holds")]
struct Holds {
    #[command(flatten)]
    node: NodeArgs,
}

/// Pay from a hold, as its arbiter; the rest goes back
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe mana post HOLD 30 --as arbiter")]
struct Post {
    /// The hold's id
    hold: Id,
    /// How much
    amount: u64,
    #[command(flatten)]
    act: ActArgs,
}

/// Give a hold back, as its arbiter
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe mana void HOLD --as arbiter")]
struct Void {
    /// The hold's id
    hold: Id,
    #[command(flatten)]
    act: ActArgs,
}

/// Write a proof of a balance, which anybody checks offline
///
/// The file leads from the account's record to what the node signed. `troupe verify-proof` checks it with the node's key.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe mana prove did:key:z6Mk… -o balance.proof\n  \
    troupe verify-proof balance.proof --key 'troupe.node/0123456789abcdef+1a2b3c4d+AbCd…'")]
struct Prove {
    /// A member; or `fees`, `escrow`, `issuance`, `budget-ID`
    #[arg(value_name = "MEMBER|ACCOUNT")]
    account: String,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
}

pub(in crate::cli) fn mana(screen: &Screen, command: &Mana) -> Done {
    match &command.command {
        Command::Balance(command) => balance(screen, command),
        Command::Transfer(Give { amount, to, act }) => {
            let member = act.open()?;
            let to = member.id_of(to)?;
            let what = format!("{} mana to {}", count(*amount), short(to));
            member.act_and_say(screen, &Act::Transfer { amount: *amount, to }, what)
        }
        Command::Credit(Give { amount, to, act }) => {
            let member = act.open()?;
            let to = member.id_of(to)?;
            let what = format!("{} mana of the budget to {}", count(*amount), short(to));
            member.act_and_say(screen, &Act::Credit { amount: *amount, to }, what)
        }
        Command::Hold(command) => hold(screen, command),
        Command::Holds(command) => holds(screen, command),
        Command::Post(Post { hold, amount, act }) => {
            let what = format!("{} mana paid from the hold", count(*amount));
            act.open()?.act_and_say(screen, &Act::Post { amount: *amount, hold: *hold }, what)
        }
        Command::Void(Void { hold, act }) => {
            act.open()?.act_and_say(screen, &Act::Void { hold: *hold }, "the hold was given back")
        }
        Command::Prove(command) => prove(screen, command),
    }
}

fn balance(screen: &Screen, command: &Balance) -> Done {
    let node = command.node.connect()?;
    let accounts: Vec<AccountView> = match &command.account {
        Some(account) => vec![node.get(&format!("/commons/accounts/{account}"))?],
        None => all(&node, "/commons/accounts")?,
    };
    let mut table = Table::new(&[("account", Align::Left), ("mana", Align::Right), ("grows", Align::Left)]);
    for account in accounts {
        if screen.json {
            screen.json(&account)?;
            continue;
        }
        let grows = if account.record.since.is_some() { "yes" } else { "" };
        table.row(vec![account.account, count(account.balance), grows.to_owned()]);
    }
    if screen.json { Ok(()) } else { table.print(screen) }
}

fn hold(screen: &Screen, command: &Hold) -> Done {
    let member = command.act.open()?;
    let (to, arbiter) = (member.id_of(&command.to)?, member.id_of(&command.arbiter)?);
    let lasts = u64::try_from(command.lasts.as_millis()).unwrap_or(u64::MAX);
    let act = Act::Hold { amount: command.amount, arbiter, to, until: now().saturating_add(lasts) };
    let what = format!("{} mana are held for {}", count(command.amount), short(to));
    member.act_and_say(screen, &act, what)
}

fn holds(screen: &Screen, command: &Holds) -> Done {
    let mut table = Table::new(&[
        ("hold", Align::Left),
        ("mana", Align::Right),
        ("of", Align::Left),
        ("for", Align::Left),
        ("arbiter", Align::Left),
        ("until", Align::Left),
    ]);
    for held in all::<HoldView>(&command.node.connect()?, "/commons/holds")? {
        if screen.json {
            screen.json(&held)?;
            continue;
        }
        let hold = held.hold;
        let arbiter = match hold.arbiter {
            Arbiter::Job(job) => format!("job {}", short(job)),
            Arbiter::Member(member) => short(member),
        };
        let until = match hold.arbiter {
            Arbiter::Job(_) => String::new(),
            Arbiter::Member(_) => utc(troupe_chain::Timestamp(hold.until)),
        };
        let to = hold.to.map(short).unwrap_or_default();
        table.row(vec![held.id, count(hold.amount), short(hold.from), to, arbiter, until]);
    }
    if screen.json { Ok(()) } else { table.print(screen) }
}

fn prove(screen: &Screen, command: &Prove) -> Done {
    let node = command.node.connect()?;
    let owner = match command.account.parse::<Owner>() {
        Ok(owner) => owner,
        Err(_) => Owner::Member(id_of(&node, &command.account)?),
    };
    let shown = prove::fetch(&node, &Account::key(owner))?;
    if shown.proved.record.is_none() && !screen.json {
        screen.note(format_args!("there is no account {BOLD}{owner}{BOLD:#}: the proof shows that"));
    }
    shown.write(screen, command.output.as_deref()).map_err(|failure: Failure| failure.while_("the proof"))
}
