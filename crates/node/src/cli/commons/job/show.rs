//! `troupe job list` and `show`: where jobs stand.

use std::time::Duration;

use troupe::commons::NotedJob;
use troupe::commons::view::JobView;
use troupe_chain::{Cid, Timestamp};
use troupe_commons::Id;
use troupe_commons::jobs::{JobResult, JobSpec, Phase, Slot};

use crate::cli::commons::show::all;
use crate::cli::failure::{Done, Failure};
use crate::cli::node::{Node, NodeArgs};
use crate::cli::parse::utc;
use crate::cli::screen::{BOLD, Screen, count, plural, short};
use crate::cli::table::{Align, Table};

/// List jobs, in order of their ids
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe job list\n  \
    troupe job list --phase open --json | jq -r .id")]
pub(super) struct List {
    /// Those in one phase only: open, assigned, executed, disputed, settled, cancelled or expired
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Show a job, and what its executors came to
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe job show JOB\n  \
    troupe dag get $(troupe job show JOB --json | jq -r '.phase.settled.slots[0].result.output')")]
pub(super) struct Show {
    /// The job's id
    job: Id,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn list(screen: &Screen, command: &List) -> Done {
    let node = command.node.connect()?;
    let mut table = Table::new(&[
        ("job", Align::Left),
        ("phase", Align::Left),
        ("price", Align::Right),
        ("fuel", Align::Right),
        ("component", Align::Left),
        ("submitter", Align::Left),
        ("deadline (UTC)", Align::Left),
    ]);
    let jobs = all::<JobView>(&node, "/commons/jobs")?;
    for view in jobs.iter().filter(|view| is_in(&command.phase, &view.job.phase)) {
        if screen.json {
            screen.json(view)?;
            continue;
        }
        let spec = &view.job.spec;
        table.row(vec![
            view.id.clone(),
            view.job.phase.name().to_owned(),
            count(spec.price),
            count(spec.fuel()),
            short(spec.component),
            short(view.job.submitter),
            utc(Timestamp(spec.deadline)),
        ]);
    }
    if screen.json { Ok(()) } else { table.print(screen) }
}

fn is_in(wanted: &Option<String>, phase: &Phase) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted == phase.name())
}

/// Asks for a job, with what the executors of the node say of it.
fn find_noted(node: &Node, job: Id) -> Result<NotedJob, Failure> {
    node.get(&format!("/commons/jobs/{job}"))
}

/// Asks for a job.
pub(super) fn find(node: &Node, job: Id) -> Result<JobView, Failure> {
    node.get(&format!("/commons/jobs/{job}"))
}

pub(super) fn show(screen: &Screen, command: &Show) -> Done {
    let noted = find_noted(&command.node.connect()?, command.job)?;
    if screen.json {
        return Ok(screen.json(&noted)?);
    }
    let NotedJob { view, note } = noted;
    let (job, spec) = (&view.job, &view.job.spec);
    screen.line(format_args!("job {BOLD}{}{BOLD:#}", view.id))?;
    screen.field("phase", line(&view))?;
    if let Some(note) = note {
        screen.field("executor", format_args!("of this node: {note}"))?;
    }
    screen.field("submitter", job.submitter)?;
    screen.field("component", Cid(spec.component.0))?;
    say_inputs(screen, spec)?;
    let limits: Vec<_> =
        spec.limits.iter().map(|(name, value)| format!("{name} {}", count(*value))).collect();
    screen.field("limits", limits.join(", "))?;
    if let Some(resume) = spec.resume {
        screen.field("goes on", format_args!("after the entry {resume}"))?;
    }
    let replicas = match spec.replicas {
        1 => String::new(),
        replicas => format!(", {} of {replicas} executors must agree", spec.quorum),
    };
    screen.field("price", format_args!("{} mana{replicas}", count(spec.price)))?;
    screen.field("deadline", utc(Timestamp(spec.deadline)))?;
    if let Some(term) = spec.term {
        screen.field("term", humantime::format_duration(Duration::from_millis(term)))?;
    }
    for executor in &job.tried {
        screen.field("executor", executor)?;
        screen.field("", format_args!("did not finish it{}", so_far(&view, *executor)))?;
    }
    for slot in job.phase.slots() {
        screen.field("executor", slot.executor)?;
        match (&slot.result, slot.abandoned) {
            (Some(result), _) => {
                say_result(screen, result)?;
                if settled_on(&job.phase).is_some_and(|digest| digest != result.digest()) {
                    screen.field("", "is not what the others agree on")?;
                }
            }
            (None, Some(at)) => screen.field("", format_args!("gave it back at {}", utc(Timestamp(at))))?,
            (None, None) if slot.commitment.is_some() => screen.field("", "is bound to a result")?,
            (None, None) => {
                screen.field("", format_args!("has not answered yet{}", so_far(&view, slot.executor)))?;
            }
        }
    }
    Ok(())
}

/// The inputs of a job, in order.
pub(in crate::cli) fn say_inputs(screen: &Screen, spec: &JobSpec) -> Done {
    if let [input] = &spec.inputs[..] {
        return Ok(screen.field("input", Cid(input.0))?);
    }
    for (n, input) in spec.inputs.iter().enumerate() {
        screen.field(if n == 0 { "inputs" } else { "" }, Cid(input.0))?;
    }
    Ok(())
}

/// How far an executor has come with a job of several inputs, as far as the node knows.
fn so_far(view: &JobView, executor: Id) -> String {
    let executor = executor.to_string();
    let inputs = view.job.spec.inputs.len();
    match view.progress.iter().find(|progress| progress.executor == executor) {
        Some(progress) if inputs > 1 => format!(": {} of {inputs} inputs", progress.done),
        _ => String::new(),
    }
}

pub(super) fn say_result(screen: &Screen, result: &JobResult) -> Done {
    match (&result.error, result.output) {
        (Some(error), _) => screen.field("failed", error)?,
        (None, Some(output)) => screen.field("output", Cid(output.0))?,
        (None, None) => {}
    }
    screen.field("fuel", count(result.fuel))?;
    screen.field("digest", result.digest())?;
    if let Some(from) = result.from {
        screen.field("goes on", format_args!("after the entry {from} of another executor's run"))?;
    }
    Ok(screen.field("run", format_args!("{} with {}", result.chain, plural(result.size, "entry")))?)
}

/// Where a job stands, in a line.
fn line(view: &JobView) -> String {
    let replicas = view.job.spec.replicas;
    match &view.job.phase {
        Phase::Assigned { slots } => {
            let far = slots.iter().map(|slot| so_far(view, slot.executor));
            format!("assigned{}", far.max().unwrap_or_default())
        }
        Phase::Open { .. } if !view.job.tried.is_empty() => {
            let tried = plural(view.job.tried.len() as u64, "executor");
            format!("{}; {tried} did not finish it", phase(&view.job.phase, replicas))
        }
        other => phase(other, replicas),
    }
}

/// A phase in a line, of a job that so many executors run.
pub(super) fn phase(phase: &Phase, replicas: u64) -> String {
    match phase {
        Phase::Open { bids } if replicas > 1 => {
            format!("open, with {} of the {replicas} that it needs", plural(bids.len() as u64, "bid"))
        }
        Phase::Open { bids } => format!("open, with {}", plural(bids.len() as u64, "bid")),
        Phase::Executed { digest, until, .. } => {
            format!(
                "executed{}; it may be disputed until {}",
                agreed(phase, replicas, *digest),
                utc(Timestamp(*until))
            )
        }
        Phase::Settled { digest, paid, .. } => {
            format!("settled: {} mana paid{}", count(*paid), agreed(phase, replicas, *digest))
        }
        other => other.name().to_owned(),
    }
}

/// The digest of the result that enough executors agree on.
fn settled_on(phase: &Phase) -> Option<Id> {
    match phase {
        Phase::Executed { digest, .. } | Phase::Settled { digest, .. } => Some(*digest),
        _ => None,
    }
}

/// How many of several executors came to a result.
fn agreed(phase: &Phase, replicas: u64, digest: Id) -> String {
    let agrees = |slot: &&Slot| slot.result.as_ref().is_some_and(|result| result.digest() == digest);
    match replicas {
        1 => String::new(),
        replicas => format!(", {} of {replicas} agree", phase.slots().iter().filter(agrees).count()),
    }
}
