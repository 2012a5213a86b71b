//! `troupe job receipt`: what an executor signed, as a file that anybody can check.

use std::path::PathBuf;

use serde_json::json;
use troupe::commons::view::{Overview, Page};
use troupe::receipt::{Receipt, VERSION};
use troupe_chain::Cid;
use troupe_commons::{Id, Signed, to_bytes};

use super::show::find;
use crate::cli::failure::{Done, Failure};
use crate::cli::node::{Node, NodeArgs};
use crate::cli::screen::{BOLD, Screen, count, plural};

/// Get the signed receipt of a job
///
/// It has the command with the result as the executor signed it, and what the job was. `troupe verify` replays it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe job receipt JOB\n  \
    troupe job receipt JOB -o job.receipt\n  \
    troupe verify job.receipt")]
pub(super) struct Get {
    /// The job's id
    job: Id,
    /// Of which executor, by member id [default: the first]
    #[arg(long, value_name = "MEMBER")]
    executor: Option<Id>,
    /// The file to write it to, which must not be there
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn get(screen: &Screen, command: &Get) -> Done {
    let node = command.node.connect()?;
    let receipt = fetch(&node, command.job, command.executor)?;
    let result = receipt.check_signed().map_err(Failure::is_false)?;
    if let Some(path) = &command.output {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, &to_bytes(&receipt)));
        written.map_err(|error| Failure::cannot(format_args!("{}: {error}", path.display())))?;
    }
    if screen.json {
        match &command.output {
            Some(path) => screen.json(&json!({ "path": path }))?,
            None => screen.json(&receipt)?,
        }
        return Ok(());
    }
    screen.line(format_args!("receipt of job {BOLD}{}{BOLD:#}", receipt.job))?;
    screen.field("signed by", &receipt.signed.command.by)?;
    match (&result.error, result.output) {
        (Some(error), _) => screen.field("failed", error)?,
        (None, Some(output)) => screen.field("output", Cid(output.0))?,
        (None, None) => {}
    }
    screen.field("fuel", count(result.fuel))?;
    screen.field("run", format_args!("{} with {}", result.chain, plural(result.size, "entry")))?;
    match &command.output {
        Some(path) => Ok(screen.field("next", format_args!("troupe verify {}", path.display()))?),
        None => Ok(screen.field("next", format_args!("troupe verify {}", receipt.job))?),
    }
}

/// Asks a node for the receipt of a job: that of an executor, or the first.
pub(in crate::cli) fn fetch(node: &Node, job: Id, executor: Option<Id>) -> Result<Receipt, Failure> {
    let is_meant = |id: Id| executor.is_none_or(|wanted| wanted == id);
    receipts(node, job, is_meant)?.swap_remove(0)
}

/// Asks a node for the receipts of a job, one of each executor who sent one: at least one.
pub(in crate::cli) fn fetch_all(node: &Node, job: Id) -> Result<Vec<Receipt>, Failure> {
    receipts(node, job, |_| true)?.into_iter().collect()
}

/// The receipts of some executors, in the order of the job's places, as each of them signed it; at least one.
fn receipts(
    node: &Node,
    job: Id,
    is_meant: impl Fn(Id) -> bool,
) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
    let view = find(node, job)?;
    let overview: Overview = node.get("/commons")?;
    let commons: Id = overview.chain.parse().map_err(Failure::cannot)?;
    let signed: Page<Signed> = node.get(&format!("/commons/jobs/{job}/receipts"))?;
    let slots = view.job.phase.slots().iter().filter(|slot| is_meant(slot.executor));
    let results = slots.filter_map(|slot| slot.result.as_ref().map(|result| (slot.executor, result)));
    let receipt = |(executor, result)| {
        let spec = &view.job.spec;
        let of = |signed: &Signed| Receipt {
            commons,
            executor,
            job,
            signed: signed.clone(),
            spec: spec.clone(),
            v: VERSION,
        };
        // The one that the commons took has the result that it has.
        let is_taken = |receipt: &Receipt| receipt.check_signed().is_ok_and(|signed| signed == result);
        let found = signed.items.iter().map(of).find(is_taken);
        found.ok_or_else(|| {
            Failure::is_false(format_args!("the node has no receipt of job {job} that {executor} signed"))
        })
    };
    let receipts: Vec<_> = results.map(receipt).collect();
    if receipts.is_empty() {
        let phase = view.job.phase.name();
        return Err(Failure::cannot(format_args!("job {job} is {phase} and has no receipt"))
            .help(format_args!("troupe job watch {job} --until executed")));
    }
    Ok(receipts)
}
