//! A recorded chain as a test: its messages, run by a component, come to what was recorded, or not.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::json;
use troupe::copy::copy;
use troupe::machines::AllMachines;
use troupe::rehearse::rehearse;
use troupe_api::Rehearsal;
use troupe_chain::{Code, Rules};
use troupe_component::{Grants, Limits};
use troupe_store::{MemoryStore, Store};

use super::Stage;
use crate::cli::failure::{Done, Failure, chain_of};
use crate::cli::parse;
use crate::cli::place::{Place, Source, Whose};
use crate::cli::screen::{BAD, BOLD, DIM, GOOD, Screen, excerpt, plural};

/// The most differences that are shown.
const MAX_SHOWN: usize = 20;

/// A recorded chain, and what it is run by.
pub(super) struct Recorded<'a> {
    /// Where the chain is.
    pub(super) place: &'a str,
    /// Which line of a file says so.
    pub(super) said_at: Option<String>,
    /// The component to run instead of its own.
    pub(super) component: Option<&'a Path>,
    /// How many messages are run.
    pub(super) messages: u64,
}

/// Runs a recorded chain and shows what came out otherwise; whether nothing did.
pub(super) fn replay(
    screen: &Screen,
    stage: &Stage,
    recorded: &Recorded<'_>,
    whose: &Whose,
) -> Result<bool, Failure> {
    let place = recorded.place;
    let source = Place::find(place)?.open(screen, whose).map_err(|error| error.into_failure(place))?;
    let rehearsal = run(stage, recorded, &source).map_err(|failure| failure.while_(place))?;
    show(screen, recorded, &rehearsal)?;
    Ok(is_same(&rehearsal))
}

fn is_same(rehearsal: &Rehearsal) -> bool {
    rehearsal.same && rehearsal.carried_over.ok
}

fn run(stage: &Stage, recorded: &Recorded<'_>, source: &Source) -> Result<Rehearsal, Failure> {
    let store = MemoryStore::new();
    copy(source, &store, source.seq(), |_| {})?;
    let chains = store.chains()?;
    let Some((chain, _)) = chains.first() else { return Err(Failure::cannot("there are no entries")) };
    let machines = AllMachines::new(stage.sandbox.clone());
    let view = troupe_runtime::state_at(&store, *chain, &machines, source.seq());
    let view = view.map_err(|error| Failure::cannot(chain_of(&error)))?;
    let mut rules = Rules::clone(&view.tip.rules);
    if let Some(path) = recorded.component {
        let bytes = parse::file(path)?;
        let cannot =
            |error: &dyn std::fmt::Display| Failure::cannot(format_args!("{}: {error}", path.display()));
        let limits = Limits::from_entry(&rules.limits).map_err(|error| cannot(&error))?;
        let grants = Grants::parse(&rules.grants).map_err(|error| cannot(&error))?;
        let machine = stage.sandbox.load_granted(&bytes, &limits, &grants).map_err(|error| cannot(&error))?;
        store.put_shared(&machine.hash(), &bytes)?;
        rules.code = Code::Component(machine.hash());
        rules.world = machine.world().text();
    }
    let gone = AtomicBool::new(false);
    rehearse(&store, chain, &machines, &rules, recorded.messages, &gone).map_err(Failure::cannot)
}

fn show(screen: &Screen, recorded: &Recorded<'_>, rehearsal: &Rehearsal) -> Done {
    let place = recorded.place;
    if screen.json {
        return Ok(screen.json(&json!({
            "replay": place, "at": recorded.said_at, "passed": is_same(rehearsal), "rehearsal": rehearsal,
        }))?);
    }
    let messages = plural(rehearsal.messages, "message");
    let (style, word) = if is_same(rehearsal) { (GOOD, "ok") } else { (BAD, "FAILED") };
    screen.line(format_args!(
        "{style}{word}{style:#} {BOLD}{place}{BOLD:#}  {DIM}{messages} run again{DIM:#}"
    ))?;
    let at = recorded.said_at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
    if let Some(detail) = &rehearsal.carried_over.detail {
        screen.line(format_args!(
            "{BOLD}{at}{BOLD:#}{BAD}state{BAD:#}: the last one cannot be carried over: {detail}"
        ))?;
    }
    let width = screen.width().saturating_sub(14).max(40);
    for one in rehearsal.differs.iter().take(MAX_SHOWN) {
        let (seq, field) = (one.seq, &one.field);
        screen
            .line(format_args!("{BOLD}{at}seq {seq}{BOLD:#}: {BAD}{field}{BAD:#}: another than recorded"))?;
        screen.line(format_args!("      {GOOD}recorded{GOOD:#} {}", excerpt(&one.recorded, width)))?;
        screen.line(format_args!("      {BAD}would be{BAD:#} {}", excerpt(&one.would, width)))?;
    }
    let shown = rehearsal.differs.len().min(MAX_SHOWN) as u64;
    if rehearsal.different > shown {
        let more = plural(rehearsal.different - shown, "difference");
        screen.line(format_args!("  {DIM}and {more} more{DIM:#}"))?;
    }
    Ok(())
}
