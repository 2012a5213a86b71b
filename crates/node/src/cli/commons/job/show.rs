//! `troupe job list`, `show` and `watch`: where jobs stand.

use std::time::Duration;

use troupe::commons::NotedJob;
use troupe::commons::view::JobView;
use troupe_chain::{Cid, Timestamp};
use troupe_commons::Id;
use troupe_commons::jobs::{Job, JobResult, JobSpec, Phase, Slot};

use crate::cli::commons::show::all;
use crate::cli::failure::{Done, Failure};
use crate::cli::node::{Node, NodeArgs};
use crate::cli::parse::utc;
use crate::cli::screen::{BOLD, Screen, count, plural, short};
use crate::cli::table::{Align, Table};

/// How often a job that is watched is looked at.
const LOOK: Duration = Duration::from_millis(250);

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

/// Say what becomes of a job until it has ended
///
/// Exit code 0 once it is settled with an output; 1 if it failed, expired, or was cancelled.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe job watch JOB\n  \
    troupe job watch JOB --until executed")]
pub(super) struct Watch {
    /// The job's id
    job: Id,
    /// Stop once it is in this phase or one after it
    #[arg(long, value_name = "PHASE", value_parser = ["assigned", "executed", "settled"])]
    until: Option<String>,
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

fn say_result(screen: &Screen, result: &JobResult) -> Done {
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
    match &view.job.phase {
        Phase::Assigned { slots } => {
            let far = slots.iter().map(|slot| so_far(view, slot.executor));
            format!("assigned{}", far.max().unwrap_or_default())
        }
        Phase::Open { .. } if !view.job.tried.is_empty() => {
            let tried = plural(view.job.tried.len() as u64, "executor");
            format!("{}; {tried} did not finish it", phase(&view.job))
        }
        _ => phase(&view.job),
    }
}

/// A phase in a line.
fn phase(job: &Job) -> String {
    let replicas = job.spec.replicas;
    match &job.phase {
        Phase::Open { bids } if replicas > 1 => {
            format!("open, with {} of the {replicas} that it needs", plural(bids.len() as u64, "bid"))
        }
        Phase::Open { bids } => format!("open, with {}", plural(bids.len() as u64, "bid")),
        Phase::Executed { digest, until, .. } => {
            format!("executed{}; it may be disputed until {}", agreed(job, *digest), utc(Timestamp(*until)))
        }
        Phase::Settled { digest, paid, .. } => {
            format!("settled: {} mana paid{}", count(*paid), agreed(job, *digest))
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
fn agreed(job: &Job, digest: Id) -> String {
    let agrees = |slot: &&Slot| slot.result.as_ref().is_some_and(|result| result.digest() == digest);
    match job.spec.replicas {
        1 => String::new(),
        replicas => format!(", {} of {replicas} agree", job.phase.slots().iter().filter(agrees).count()),
    }
}

pub(super) fn watch(screen: &Screen, command: &Watch) -> Done {
    let node = command.node.connect()?;
    let mut last = String::new();
    loop {
        let noted = find_noted(&node, command.job)?;
        let view = &noted.view;
        let note = noted.note.as_ref().map(|note| format!("; the executor of this node: {note}"));
        let now = format!("{}{}", line(view), note.unwrap_or_default());
        if now != last {
            match screen.json {
                true => screen.json(&noted)?,
                false => screen.line(&now)?,
            }
            last = now;
        }
        if !view.job.phase.is_live() || reached(&view.job.phase, command.until.as_deref()) {
            return ended(screen, view);
        }
        std::thread::sleep(LOOK);
    }
}

fn reached(phase: &Phase, until: Option<&str>) -> bool {
    let order = ["open", "assigned", "executed", "settled"];
    let place = |name: &str| order.iter().position(|one| *one == name);
    match (place(phase.name()), until.and_then(place)) {
        (Some(now), Some(until)) => now >= until,
        _ => false,
    }
}

fn ended(screen: &Screen, view: &JobView) -> Done {
    let results: Vec<&JobResult> =
        view.job.phase.slots().iter().filter_map(|slot| slot.result.as_ref()).collect();
    if !screen.json {
        for result in &results {
            say_result(screen, result)?;
        }
    }
    let is_bad = matches!(view.job.phase, Phase::Cancelled {} | Phase::Expired {} | Phase::Disputed { .. })
        || results.iter().any(|result| result.error.is_some());
    if is_bad { Err(Failure::said(1)) } else { Ok(()) }
}
