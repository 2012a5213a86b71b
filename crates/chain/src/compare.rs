//! What a transition came to, beside what its entry says.
//!
//! Invariant: under another engine than the chain's, fuel is not compared, and a limit that depends on the engine is no
//! divergence: it cannot be told.

use crate::entry::Failure;
use crate::machine::{Context, Machine, Outcome, Step};
use crate::verdict::{CannotCheck, Divergence, NotVerified};
use crate::{Accepted, Effect, Fuel, Hash};

/// What an entry says that a transition came to.
pub(crate) struct Says<'a> {
    pub(crate) seq: u64,
    pub(crate) kind: &'static str,
    pub(crate) state: Hash,
    pub(crate) reply: Option<Hash>,
    pub(crate) effects: &'a [Effect],
    pub(crate) fuel: Fuel,
}

/// Compares what a transition came to with what its entry says, and hands out the state.
pub(crate) fn compare(says: &Says<'_>, step: Step, same_engine: bool) -> Result<Vec<u8>, NotVerified> {
    let (seq, kind) = (says.seq, says.kind);
    let accepted = match step.outcome {
        Outcome::Accepted(accepted) => accepted,
        Outcome::Failed(failed) if failed.code.depends_on_engine() && !same_engine => {
            return Err(CannotCheck::OtherEngine { seq, limit: failed.code }.into());
        }
        Outcome::Failed(failed) => {
            return Err(diverged(seq, "kind", kind, format!("failure, {failed}"), None));
        }
        Outcome::Rejected(rejection) => {
            return Err(diverged(seq, "kind", kind, format!("a rejection: {rejection}"), None));
        }
    };
    let state = Hash::of(&accepted.state);
    if state != says.state {
        return Err(diverged(seq, "state", says.state, state, Some(accepted.state)));
    }
    let reply = accepted.reply.as_deref().map(Hash::of);
    if reply != says.reply {
        return Err(diverged(seq, "reply", or_none(says.reply), or_none(reply), accepted.reply));
    }
    check_effects(seq, says.effects, &accepted)?;
    if same_engine && step.fuel != says.fuel {
        return Err(diverged(seq, "fuel", says.fuel.0, step.fuel.0, None));
    }
    Ok(accepted.state)
}

/// Compares what a transition came to with the failure that its entry says.
pub(crate) fn compare_failure(
    seq: u64,
    failure: &Failure,
    step: &Step,
    same_engine: bool,
) -> Result<(), NotVerified> {
    match &step.outcome {
        Outcome::Failed(failed) if failed.code == failure.error => {}
        Outcome::Failed(failed) if failed.code.depends_on_engine() && !same_engine => {
            return Err(CannotCheck::OtherEngine { seq, limit: failed.code }.into());
        }
        Outcome::Failed(failed) => return Err(diverged(seq, "error", failure.error, failed.code, None)),
        Outcome::Accepted(_) => return Err(diverged(seq, "kind", "failure", "message", None)),
        Outcome::Rejected(rejection) => {
            return Err(diverged(seq, "kind", "failure", format!("a rejection: {rejection}"), None));
        }
    }
    // After a trap the fuel is an approximation of the engine's.
    if same_engine && failure.error.is_returned() && step.fuel != failure.fuel {
        return Err(diverged(seq, "fuel", failure.fuel.0, step.fuel.0, None));
    }
    Ok(())
}

fn check_effects(seq: u64, says: &[Effect], accepted: &Accepted) -> Result<(), NotVerified> {
    let at = |index: usize| says.get(index).map_or("none".into(), ToString::to_string);
    for (index, asked) in accepted.effects.iter().enumerate() {
        if says.get(index) != Some(&asked.effect) {
            let got = asked.effect.to_string();
            return Err(diverged(seq, "effects", at(index), got, asked.payload.clone()));
        }
    }
    if says.len() > accepted.effects.len() {
        return Err(diverged(seq, "effects", at(accepted.effects.len()), "none", None));
    }
    Ok(())
}

/// A seed is there exactly where the machine draws.
pub(crate) fn check_seed(context: &Context, machine: &impl Machine) -> Result<(), NotVerified> {
    match (context.seed, machine.draws()) {
        (Some(seed), false) => Err(diverged(context.seq, "seed", seed, "none", None)),
        (None, true) => Err(diverged(context.seq, "seed", "none", "one is drawn", None)),
        _ => Ok(()),
    }
}

pub(crate) fn diverged(
    seq: u64,
    field: &'static str,
    says: impl ToString,
    got: impl ToString,
    got_bytes: Option<Vec<u8>>,
) -> NotVerified {
    let divergence = Divergence { seq, field, says: says.to_string(), got: got.to_string(), got_bytes };
    NotVerified::Diverged(Box::new(divergence))
}

fn or_none(name: Option<Hash>) -> String {
    name.map_or("none".into(), |name| name.to_string())
}
