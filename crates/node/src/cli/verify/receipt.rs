//! A receipt, believed by nobody: the signature is checked, the run is fetched and replayed, and both are compared.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use troupe::receipt::{MAX_BYTES, Receipt, Wrong};
use troupe_chain::{Cid, Entry, Hash};
use troupe_commons::Id;

use super::{Verify, machines, replay, say_false, say_not_verified};
use crate::cli::commons::job::fetch;
use crate::cli::failure::{Done, Failure};
use crate::cli::place::{NotOpened, Place};
use crate::cli::screen::{BOLD, GOOD, Screen, count};

/// The receipt that is meant: a file's, or that of a job of the node's commons. `None` if the text means something else.
pub(super) fn meant(command: &Verify) -> Result<Option<Receipt>, Failure> {
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
            .map(Some)
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
    fetch(&node, job, None).map(Some)
}

pub(super) fn verify(screen: &Screen, command: &Verify, receipt: &Receipt) -> Done {
    let place = &command.place;
    let said = |wrong: Wrong| {
        say_false(screen, place, 1, None, &format!("receipt: {wrong}"))?;
        Err(Failure::said(1))
    };
    let result = match receipt.check_signed() {
        Ok(result) => result.clone(),
        Err(wrong) => return said(wrong),
    };
    let chain = result.chain.to_string();
    let source = match Place::Actor(chain.clone()).open(screen, &command.whose) {
        Ok(source) => source,
        Err(NotOpened::Cannot(failure)) => {
            return Err(failure.while_(format_args!("the run of job {}, the chain {chain}", receipt.job)));
        }
        Err(NotOpened::False(error)) => return Err(super::say_bundle_false(screen, place, &error)),
    };
    let started = Instant::now();
    let replayed = match replay(screen, &machines(screen), &source, source.seq()) {
        Ok(replayed) => replayed,
        Err(error) => return Err(say_not_verified(screen, place, &error)),
    };
    let seq = result.size.saturating_sub(1);
    let entry = |seq: u64| -> Result<(Entry, Hash), Failure> {
        let bytes = source.range(seq, seq)?.into_iter().next();
        let bytes =
            bytes.ok_or_else(|| Failure::is_false(format_args!("the run has no entry at seq {seq}")))?;
        Ok((Entry::decode(&bytes).map_err(Failure::cannot)?, Hash::of(&bytes)))
    };
    let (genesis, first) = entry(0)?;
    if first != result.chain.0 {
        return said(Wrong(format!("the run is the chain {first}, and the receipt is of {chain}")));
    }
    let (last, name) = entry(seq)?;
    if let Err(wrong) = receipt.check_run(&genesis, (&last, name)) {
        return said(wrong);
    }
    let is_complete = replayed.report.is_complete();
    if screen.json {
        screen.json(&json!({
            "verified": is_complete, "job": receipt.job, "executor": receipt.executor, "by": receipt.signed.command.by,
            "chain": chain, "entry": result.entry, "fuel": result.fuel, "output": result.output, "error": result.error,
            "seconds": started.elapsed().as_secs_f64(),
        }))?;
    } else {
        screen.line(format_args!(
            "{GOOD}verified{GOOD:#} {BOLD}{place}{BOLD:#}: running the job again leads to what was signed"
        ))?;
        screen.field("job", receipt.job)?;
        screen.field("signed by", &receipt.signed.command.by)?;
        screen.field("component", Cid(receipt.spec.component.0))?;
        screen.field("input", Cid(receipt.spec.input.0))?;
        match (&result.error, result.output) {
            (Some(error), _) => screen.field("failed", error)?,
            (None, Some(output)) => screen.field("output", Cid(output.0))?,
            (None, None) => {}
        }
        screen.field("fuel", count(result.fuel))?;
        screen.field("run", format_args!("{chain} at seq {seq}"))?;
    }
    if is_complete { Ok(()) } else { Err(Failure::said(2)) }
}
