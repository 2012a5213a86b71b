//! A receipt, believed by nobody: the signature is checked, the run is fetched and replayed, all of it, and both are compared.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use troupe::receipt::{MAX_BYTES, Receipt, Wrong};
use troupe_chain::Cid;
use troupe_commons::Id;

use super::run::{Chains, NotTold};
use super::{Verify, say_false, say_not_verified};
use crate::cli::commons::job::{fetch_all, say_inputs};
use crate::cli::failure::{Done, Failure};
use crate::cli::screen::{BOLD, GOOD, Screen, count, plural};

/// The receipts that are meant: a file's, or those of a job of the node's commons, one of each executor. `None` if the text
/// means something else.
pub(super) fn meant(command: &Verify) -> Result<Option<Vec<Receipt>>, Failure> {
    let path = Path::new(&command.place);
    if let Ok(metadata) = path.metadata() {
        if !metadata.is_file() || metadata.len() > MAX_BYTES as u64 {
            return Ok(None);
        }
        let bytes = crate::cli::parse::file(path)?;
        if !Receipt::is_meant(&bytes) {
            return Ok(None);
        }
        return Receipt::read(&bytes)
            .map(|receipt| Some(vec![receipt]))
            .map_err(|wrong| Failure::cannot(wrong).while_(&command.place));
    }
    let Ok(job) = command.place.parse::<Id>() else { return Ok(None) };
    // An actor has the right of way; ids of jobs and actors are never the same.
    let Ok(node) = command.whose.node.connect() else { return Ok(None) };
    if node.client.actor(&command.place).info().is_ok()
        || node.get::<serde_json::Value>(&format!("/commons/jobs/{job}")).is_err()
    {
        return Ok(None);
    }
    fetch_all(&node, job).map(Some)
}

/// Verifies one after the other, until one is not true.
pub(super) fn verify(screen: &Screen, command: &Verify, receipts: &[Receipt]) -> Done {
    match receipts {
        [one] => verify_one(screen, command, &command.place, one),
        several => several.iter().try_for_each(|receipt| {
            let place = format!("{} by {}", command.place, receipt.executor);
            verify_one(screen, command, &place, receipt)
        }),
    }
}

fn verify_one(screen: &Screen, command: &Verify, place: &str, receipt: &Receipt) -> Done {
    let said = |wrong: Wrong| {
        say_false(screen, place, 1, None, &format!("receipt: {wrong}"))?;
        Err(Failure::said(1))
    };
    let result = match receipt.check_signed() {
        Ok(result) => result.clone(),
        Err(wrong) => return said(wrong),
    };
    let chain = result.chain.to_string();
    let started = Instant::now();
    let mut chains = Chains::new(screen, command, receipt);
    let course = match chains.course(receipt, &result) {
        Ok(course) => course,
        Err(NotTold::Cannot(failure)) => {
            return Err(failure.while_(format_args!("the run of job {}, the chain {chain}", receipt.job)));
        }
        Err(NotTold::Not(error)) => return Err(say_not_verified(screen, place, &error)),
        Err(NotTold::False(why)) => return said(Wrong(why)),
    };
    if let Err(wrong) = receipt.check_run(&course) {
        return said(wrong);
    }
    let is_complete = chains.is_complete();
    if screen.json {
        screen.json(&json!({
            "verified": is_complete, "job": receipt.job, "executor": receipt.executor, "by": receipt.signed.command.by,
            "chain": chain, "entry": result.entry, "fuel": result.fuel, "output": result.output, "error": result.error,
            "inputs": receipt.spec.inputs.len(), "from": result.from, "chains": chains.len(),
            "seconds": started.elapsed().as_secs_f64(),
        }))?;
    } else {
        screen.line(format_args!(
            "{GOOD}verified{GOOD:#} {BOLD}{place}{BOLD:#}: running the job again leads to what was signed"
        ))?;
        screen.field("job", receipt.job)?;
        screen.field("signed by", &receipt.signed.command.by)?;
        screen.field("component", Cid(receipt.spec.component.0))?;
        say_inputs(screen, &receipt.spec)?;
        match (&result.error, result.output) {
            (Some(error), _) => screen.field("failed", error)?,
            (None, Some(output)) => screen.field("output", Cid(output.0))?,
            (None, None) => {}
        }
        screen.field("fuel", count(result.fuel))?;
        screen.field("run", format_args!("{chain} with {}", plural(result.size, "entry")))?;
        if let Some(fork) = course.went_on_from() {
            screen.field(
                "goes on",
                format_args!("after seq {} of {}, by another executor", fork.seq, fork.chain),
            )?;
        }
        if chains.len() > 1 {
            screen.field(
                "",
                format_args!("{} were replayed, from the first on", plural(chains.len() as u64, "chain")),
            )?;
        }
    }
    if is_complete { Ok(()) } else { Err(Failure::said(2)) }
}
