//! `troupe job submit`: a job for each input, all of them or none, or one job of several inputs.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use troupe_chain::Cid;
use troupe_commons::jobs::{JobSpec, MAX_BATCH};
use troupe_commons::trust::Scope;
use troupe_commons::{Act, Id};
use troupe_component::{Limits, LoadError, check_limits};

use crate::cli::commons::act::{ActArgs, Member};
use crate::cli::failure::{Done, Failure};
use crate::cli::node::Node;
use crate::cli::parse;
use crate::cli::screen::{HELP, Screen, plural};

/// The fuel of a job, unless its submitter asks for something else.
const FUEL: u64 = 1_000_000;

/// Submit a job for each input, all of them or none; or, with --input, one job of several inputs
///
/// Component and inputs are files, which are given to the node, or CIDs of what it has. The price is the most that an executor
/// gets, for all of the fuel; what is not used comes back. A job of several inputs takes them in order, each as a message of its
/// own to the state that the one before left, and goes on after the last that was done, whatever happens to the node or to the
/// executor. Its output is that of the last; its limits are for each.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe job submit primes.wasm input.json --price 10 --as ada\n  \
    troupe job submit primes.wasm a.json b.json c.json --price 10 --limit fuel=50000000 --as ada\n  \
    troupe job submit words.wasm --input one.txt --input two.txt --input three.txt --price 10 --as ada\n  \
    troupe job submit words.wasm four.txt --resume ENTRY --bundle run.car --as ada\n  \
    troupe job submit words.wasm CID --price 10 --replicas 3 --deadline 1h --as ada")]
pub(super) struct Submit {
    /// The component or core module: a file or a CID
    #[arg(value_name = "FILE|CID")]
    component: String,
    /// The inputs, at most 16: files or CIDs; a job for each
    #[arg(value_name = "FILE|CID", required_unless_present = "in_order", num_args = 1..=MAX_BATCH)]
    inputs: Vec<String>,
    /// An input of the one job, a file or a CID; give it again for each that follows, at most 64
    #[arg(long = "input", id = "in_order", value_name = "FILE|CID", conflicts_with = "inputs")]
    in_order: Vec<String>,
    /// The most mana that one executor gets
    #[arg(long, value_name = "MANA", default_value = "1")]
    price: u64,
    /// How long until the receipt must be there
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
    deadline: Duration,
    /// A limit that differs from a job's usual one [default: fuel=1000000, and docs/spec/host-abi.md]
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = parse::limit)]
    limits: Vec<(String, u64)>,
    /// How many executors run it
    #[arg(long, value_name = "N", default_value = "1")]
    replicas: u64,
    /// How many of them must come to the same [default: more than half]
    #[arg(long, value_name = "N")]
    quorum: Option<u64>,
    /// Something that an executor must be able to do
    #[arg(long = "needs", value_name = "CAPABILITY")]
    capabilities: Vec<String>,
    /// The least reputation of an executor
    #[arg(long, value_name = "POINTS")]
    reputation: Option<u64>,
    /// How far you must trust an executor, such as resource-sharing:partial
    #[arg(long, value_name = "CONTEXT:LEVEL", value_parser = scope)]
    scope: Option<Scope>,
    /// How long the executor may take before another gets the job [default: until the deadline]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    term: Option<Duration>,
    /// The entry of an earlier run whose state this one goes on from, whoever ran it
    #[arg(long, value_name = "ENTRY")]
    resume: Option<Id>,
    /// The history that has this entry, as `troupe export` writes it, if it is not on the node: a file or a CID
    #[arg(long, value_name = "FILE.car", requires = "resume")]
    bundle: Option<String>,
    #[command(flatten)]
    act: ActArgs,
}

fn scope(text: &str) -> Result<Scope, Box<dyn Error + Send + Sync>> {
    let (context, level) = text.split_once(':').ok_or("expected CONTEXT:LEVEL")?;
    Ok(Scope { context: context.parse()?, level: level.parse()? })
}

pub(super) fn submit(screen: &Screen, command: &Submit) -> Done {
    let member = command.act.open()?;
    let mut limits = BTreeMap::from([("fuel".to_owned(), FUEL)]);
    limits.extend(command.limits.iter().cloned());
    check(&command.component, &limits)?;
    let component = blob(&member.node, &command.component)?;
    let bundle = command.bundle.as_ref().map(|bundle| blob(&member.node, bundle)).transpose()?;
    let mut capabilities = command.capabilities.clone();
    capabilities.sort();
    capabilities.dedup();
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let deadline = parse::now().saturating_add(millis(command.deadline));
    let spec = |inputs: &[String]| {
        Ok(JobSpec {
            bundle,
            capabilities: capabilities.clone(),
            component,
            deadline,
            inputs: inputs.iter().map(|input| blob(&member.node, input)).collect::<Result<_, _>>()?,
            limits: limits.clone(),
            price: command.price,
            quorum: command.quorum.unwrap_or(command.replicas / 2 + 1),
            replicas: command.replicas,
            reputation: command.reputation,
            resume: command.resume,
            scope: command.scope,
            term: command.term.map(millis),
        })
    };
    let jobs: Vec<JobSpec> = match &command.in_order[..] {
        [] => command.inputs.chunks(1).map(spec).collect::<Result<_, Failure>>()?,
        in_order => vec![spec(in_order)?],
    };
    let many = plural(jobs.len() as u64, "job");
    member.act_and_say(screen, &Act::Submit { jobs }, format_args!("{many} submitted"))?;
    warn_of_too_few(screen, &member, command.replicas);
    Ok(())
}

/// Says so if the node runs jobs for fewer than must run this one. Others may still bid, so it is not refused.
fn warn_of_too_few(screen: &Screen, member: &Member, replicas: u64) {
    let me = member.id.to_string();
    let others = member.executors.iter().filter(|executor| **executor != me).count() as u64;
    if others < replicas {
        screen.warn(format_args!(
            "bids of {} are needed, and this node runs jobs for {}: unless more come until the deadline, nothing is run, and \
             what is held goes back",
            plural(replicas, "executor"),
            plural(others, "other member"),
        ));
        screen.note(format_args!("{HELP}help:{HELP:#} `troupe job cancel JOB` takes it back"));
    }
}

/// Refuses a limit that there is not, and code that is beyond one: no executor would bid, and the job would only expire.
fn check(file_or_cid: &str, limits: &BTreeMap<String, u64>) -> Done {
    let mut all = Limits::for_jobs();
    for (name, value) in limits {
        all.set(name, *value).map_err(Failure::cannot)?;
    }
    let path = Path::new(file_or_cid);
    if !path.exists() {
        return Ok(());
    }
    check_limits(&parse::file(path)?, &all).map_err(|error| {
        let failure = Failure::cannot(&error).while_(file_or_cid);
        match error {
            LoadError::Needs { limit, needs, .. } => failure.help(format_args!("--limit {limit}={needs}")),
            LoadError::TooLarge { size, .. } => failure.help(format_args!("--limit component={size}")),
            _ => failure,
        }
    })
}

/// The hash of a blob that is at the node: a file is given to it.
fn blob(node: &Node, file_or_cid: &str) -> Result<Id, Failure> {
    let path = Path::new(file_or_cid);
    match file_or_cid.parse::<Cid>() {
        Ok(cid) if !path.exists() => Ok(Id(cid.0)),
        _ => {
            let kept = node.put_blob(&parse::file(path)?)?;
            kept.hash.parse().map_err(Failure::cannot)
        }
    }
}
