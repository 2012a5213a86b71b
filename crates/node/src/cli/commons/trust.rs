//! `troupe trust`: how far members let each other in.

use troupe::commons::view::TrustView;
use troupe_commons::Act;
use troupe_commons::trust::{Context, Level};

use super::act::ActArgs;
use crate::cli::failure::Done;
use crate::cli::node::NodeArgs;
use crate::cli::screen::{BOLD, Screen, short};

/// Say how far you trust a member, or ask how far one trusts another
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe trust set did:key:z6Mk… full --as ada\n  \
    troupe trust show did:key:z6Mk… did:key:z6Mk… --context resource-sharing")]
pub(crate) struct Trust {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Set(Set),
    Show(Show),
}

/// Say how far you trust a member: none, basic, partial or full
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe trust set did:key:z6Mk… partial --context data-sharing --as ada")]
struct Set {
    /// A member, by id or key
    member: String,
    /// How far
    level: Level,
    /// In what: general, governance, resource-sharing, infrastructure or data-sharing
    #[arg(long, value_name = "CONTEXT", default_value = "general")]
    context: Context,
    #[command(flatten)]
    act: ActArgs,
}

/// Ask how far one member trusts another, by what they said, by federation or by bridge
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe trust show did:key:z6Mk… did:key:z6Mk…")]
struct Show {
    /// Who trusts, by id or key
    from: String,
    /// Whom, by id or key
    to: String,
    /// In what: general, governance, resource-sharing, infrastructure or data-sharing
    #[arg(long, value_name = "CONTEXT", default_value = "general")]
    context: Context,
    #[command(flatten)]
    node: NodeArgs,
}

pub(in crate::cli) fn trust(screen: &Screen, command: &Trust) -> Done {
    match &command.command {
        Command::Set(Set { member: to, level, context, act }) => {
            let member = act.open()?;
            let to = member.id_of(to)?;
            let what = format!("{} is trusted: {}, {}", short(to), level.name(), context.name());
            member.act_and_say(screen, &Act::Trust { context: *context, level: *level, to }, what)
        }
        Command::Show(Show { from, to, context, node }) => {
            let path = format!("/commons/trust?from={from}&to={to}&context={}", context.name());
            let trust: TrustView = node.connect()?.get(&path)?;
            if screen.json {
                return Ok(screen.json(&trust)?);
            }
            let (from, to, level) = (short(trust.from), short(trust.to), trust.level.name());
            Ok(screen.line(format_args!("{from} trusts {to}: {BOLD}{level}{BOLD:#}, {}", context.name()))?)
        }
    }
}
