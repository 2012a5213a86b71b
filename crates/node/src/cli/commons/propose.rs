//! `troupe propose`: something to be voted on.

use std::time::Duration;

use troupe::commons::view::ParameterView;
use troupe_commons::governance::{Action, Motion};
use troupe_commons::trust::{Context, Level};
use troupe_commons::{Act, Id, Millionths, Reply, WHOLE};

use super::act::{ActArgs, Member};
use crate::cli::failure::{Done, Failure};
use crate::cli::screen::Screen;

/// Propose something to be voted on
///
/// It is opened for voting at once, unless the commons asks for sponsors or --draft is given. Then `troupe proposal open`
/// opens it. What passes is done by itself, once its timelock is over.
#[derive(clap::Args)]
#[command(
    // After what is proposed, too.
    mut_args(|arg| arg.global(true)),
    after_help = "Examples:\n  \
    troupe propose parameter mana-rate 200 --as ada\n  \
    troupe propose admit did:key:z6Mk… --lasts 1d --quorum 50 --as ada\n  \
    troupe propose text --text BLOB --option red --option blue --as ada\n  \
    troupe propose budget did:key:z6Mk… 500 --threshold 66.7 --as ada"
)]
pub(crate) struct Propose {
    #[command(subcommand)]
    action: What,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    act: ActArgs,
}

/// On which terms it is voted on.
#[derive(Debug, clap::Args)]
struct Terms {
    /// For how long it is open
    #[arg(long, value_name = "TIME", default_value = "3d", value_parser = humantime::parse_duration)]
    lasts: Duration,
    /// The part of the electorate that must vote, in percent [default: the least that the commons takes]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    quorum: Option<Millionths>,
    /// More than this part of yes and no must be yes, in percent [default: the least that the commons takes]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    threshold: Option<Millionths>,
    /// The name of a blob that people read about it
    #[arg(long, value_name = "HASH")]
    text: Option<Id>,
    /// Do not open it yet
    #[arg(long)]
    draft: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// Another value of a parameter
    #[command(after_help = "Examples:\n  troupe propose parameter mana-rate 200 --as ada")]
    Parameter {
        /// Its name
        name: String,
        /// The value
        value: u64,
        /// From when on, in milliseconds since 1970 [default: as soon as it is executed]
        #[arg(long, value_name = "TIME")]
        effective: Option<u64>,
    },
    /// Another member
    #[command(after_help = "Examples:\n  troupe propose admit did:key:z6Mk… --as ada")]
    Admit {
        /// Their key
        did: String,
    },
    /// The end of a membership
    #[command(after_help = "Examples:\n  troupe propose remove did:key:z6Mk… --as ada")]
    Remove {
        /// A member, by id or key
        member: String,
    },
    /// A pause in a membership
    #[command(after_help = "Examples:\n  troupe propose pause did:key:z6Mk… --as ada")]
    Pause {
        /// A member, by id or key
        member: String,
    },
    /// The end of a pause
    #[command(after_help = "Examples:\n  troupe propose resume did:key:z6Mk… --as ada")]
    Resume {
        /// A member, by id or key
        member: String,
    },
    /// Mana that a member may credit to others
    #[command(after_help = "Examples:\n  troupe propose budget did:key:z6Mk… 500 --as ada")]
    Budget {
        /// A member, by id or key
        member: String,
        /// How much
        amount: u64,
    },
    /// Another code for an actor, or for the commons itself
    #[command(after_help = "Examples:\n  troupe propose upgrade ACTOR CODE --as ada")]
    Upgrade {
        /// The actor's id
        actor: Id,
        /// The hash of the component, or the name of a native machine
        code: String,
    },
    /// A text, or a choice between options
    #[command(
        after_help = "Examples:\n  troupe propose text --text BLOB --option red --option blue --as ada"
    )]
    Text {
        /// What can be chosen, 2 to 5 of them; may be given again [default: yes or no]
        #[arg(long = "option", value_name = "TEXT")]
        options: Vec<String>,
    },
    /// That all but voting and keys stops
    #[command(after_help = "Examples:\n  troupe propose freeze --as ada")]
    Freeze,
    /// The end of a freeze
    #[command(after_help = "Examples:\n  troupe propose thaw --as ada")]
    Thaw,
    /// That new jobs cannot run a component
    #[command(after_help = "Examples:\n  troupe propose ban COMPONENT --as ada")]
    Ban {
        /// Its hash
        component: Id,
    },
    /// That new jobs can run a component again
    #[command(after_help = "Examples:\n  troupe propose unban COMPONENT --as ada")]
    Unban {
        /// Its hash
        component: Id,
    },
    /// The end of a dispute about a job
    #[command(after_help = "Examples:\n  troupe propose ruling JOB DIGEST --as ada")]
    Ruling {
        /// The job's id
        job: Id,
        /// The digest of the result that is right, as `troupe job show` says it [default: none is]
        result: Option<Id>,
    },
    /// A member of a federation
    #[command(after_help = "Examples:\n  troupe propose federate north did:key:z6Mk… --as ada")]
    Federate {
        /// The federation's name
        federation: String,
        /// A member, by id or key
        member: String,
    },
    /// A member of a federation no more
    #[command(after_help = "Examples:\n  troupe propose unfederate north did:key:z6Mk… --as ada")]
    Unfederate {
        /// The federation's name
        federation: String,
        /// A member, by id or key
        member: String,
    },
    /// How far members of a federation trust each other
    #[command(after_help = "Examples:\n  troupe propose federation north full --context governance --as ada")]
    Federation {
        /// The federation's name
        federation: String,
        /// How far
        level: Level,
        /// In what
        #[arg(long, value_name = "CONTEXT", default_value = "general")]
        context: Context,
    },
    /// How far members of one federation trust those of another
    #[command(after_help = "Examples:\n  troupe propose bridge north south basic --as ada")]
    Bridge {
        /// Whose members trust
        from: String,
        /// Whom
        to: String,
        /// How far
        level: Level,
        /// In what
        #[arg(long, value_name = "CONTEXT", default_value = "general")]
        context: Context,
    },
}

/// Reads a percentage with up to four decimals, in millionths.
fn percent(text: &str) -> Result<Millionths, String> {
    let wrong = || "expected a percentage such as 50 or 66.7, of at most four decimals".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if part.is_empty() || part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<4}").parse().map_err(|_| wrong())?;
    let millionths = whole.checked_mul(10_000).and_then(|whole| whole.checked_add(part)).ok_or_else(wrong)?;
    if millionths > WHOLE { Err(wrong()) } else { Ok(millionths) }
}

pub(in crate::cli) fn propose(screen: &Screen, command: &Propose) -> Done {
    let member = command.act.open()?;
    let terms = &command.terms;
    let floor = |given: Option<Millionths>, name: &str| -> Result<Millionths, Failure> {
        match given {
            Some(given) => Ok(given),
            None => Ok(parameter(&member, name)?.value),
        }
    };
    let (action, options) = action(&member, &command.action)?;
    let motion = Motion {
        action,
        duration: u64::try_from(terms.lasts.as_millis()).unwrap_or(u64::MAX),
        options,
        quorum: floor(terms.quorum, "quorum-floor")?,
        text: terms.text,
        threshold: floor(terms.threshold, "threshold-floor")?,
    };
    let taken = member.act(&Act::Propose(motion))?;
    let Reply::Proposal(proposal) = taken.reply else {
        return Err(Failure::cannot("the node answered what no commons says of a proposal"));
    };
    let sponsors = parameter(&member, "sponsors")?.value;
    if terms.draft || sponsors > 0 {
        taken.say(screen, "proposed; it is a draft")?;
        if sponsors > 0 && !screen.json {
            screen.field("next", format_args!("{sponsors} others: troupe proposal sponsor {proposal}"))?;
        }
        return Ok(());
    }
    member.act(&Act::Open { proposal })?;
    taken.say(screen, "proposed, and open for votes")?;
    if screen.json { Ok(()) } else { Ok(screen.field("next", format_args!("troupe vote {proposal} yes"))?) }
}

fn parameter(member: &Member, name: &str) -> Result<ParameterView, Failure> {
    member.node.get(&format!("/commons/parameters/{name}"))
}

/// What the words mean, and the options of a text.
fn action(by: &Member, what: &What) -> Result<(Action, Vec<String>), Failure> {
    let member = |text: &String| by.id_of(text);
    Ok((
        match what {
            What::Parameter { name, value, effective } => {
                Action::Parameter { effective: *effective, name: name.clone(), value: *value }
            }
            What::Admit { did } => Action::Admit { did: did.clone() },
            What::Remove { member: one } => Action::Remove { member: member(one)? },
            What::Pause { member: one } => Action::Pause { member: member(one)? },
            What::Resume { member: one } => Action::Resume { member: member(one)? },
            What::Budget { member: one, amount } => Action::Budget { amount: *amount, to: member(one)? },
            What::Upgrade { actor, code } => Action::Upgrade { code: code.clone(), target: *actor },
            What::Text { options } => {
                let mut options = options.clone();
                options.sort();
                return Ok((Action::Text {}, options));
            }
            What::Freeze => Action::Freeze {},
            What::Thaw => Action::Thaw {},
            What::Ban { component } => Action::Ban { component: *component },
            What::Unban { component } => Action::Unban { component: *component },
            What::Ruling { job, result } => Action::Ruling { job: *job, result: *result },
            What::Federate { federation, member: one } => {
                Action::Federate { federation: federation.clone(), member: member(one)? }
            }
            What::Unfederate { federation, member: one } => {
                Action::Unfederate { federation: federation.clone(), member: member(one)? }
            }
            What::Federation { federation, level, context } => {
                Action::Federation { context: *context, federation: federation.clone(), level: *level }
            }
            What::Bridge { from, to, level, context } => {
                Action::Bridge { context: *context, from: from.clone(), level: *level, to: to.clone() }
            }
        },
        Vec::new(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact_or_refused() {
        assert_eq!(percent("50"), Ok(500_000));
        assert_eq!(percent("66.7"), Ok(667_000));
        assert_eq!(percent("0.0001"), Ok(1));
        assert_eq!(percent("100"), Ok(WHOLE));
        for wrong in ["", "-1", "100.1", "1.00001", "1.", ".", "a", "18446744073709551615"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
