//! What a proposal that passed brings about: every kind of it, at once or not at all.

use serde::{Deserialize, Serialize};

use super::{Action, FROZEN, Frozen, Proposal, Stage, find, wrong_stage};
use crate::canonical::Id;
use crate::mana::{self, Owner};
use crate::members::{self, MAX_FEDERATIONS, Status};
use crate::parameters::{BUDGET_MAX, Parameter};
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Millis, Record, State};
use crate::{jobs, trust};

/// What code a chain may be upgraded to.
#[derive(Serialize, Deserialize)]
struct Permit {
    code: String,
}

impl Record for Permit {
    const SECTION: &'static str = "permit";
}

/// Whether the members have permitted the upgrade of a chain to that code.
pub fn permits_upgrade(state: &State, target: Id, code: &str) -> bool {
    state.get::<Permit>(target).is_some_and(|permit| permit.code == code)
}

/// Lets a proposal that passed take effect, after its timelock. One that cannot any more has failed, for good.
pub(crate) fn execute(state: &mut State, (seq, at): (u64, Millis), id: Id) -> Result<(), Refusal> {
    let mut proposal: Proposal = find(state, id)?;
    let Stage::Passed { terms, ref winner, .. } = proposal.stage else { return wrong_stage(&proposal.stage) };
    let executable = terms.closes.saturating_add(terms.timelock);
    require(at >= executable, Code::TooEarly, "the timelock has not ended")?;
    let mut after = state.clone();
    proposal.stage = match act(&mut after, (seq, at), &proposal.motion.action) {
        Ok(()) => {
            *state = after;
            Stage::Executed { terms, winner: winner.clone() }
        }
        Err(refusal) => Stage::Failed { reason: refusal.to_string(), terms },
    };
    state.put(id, &proposal);
    Ok(())
}

fn act(state: &mut State, (seq, at): (u64, Millis), action: &Action) -> Result<(), Refusal> {
    let status = |state: &mut State, member: &Id, from: &[Status], to| {
        members::set_status(state, *member, (seq, at), from, to)
    };
    match action {
        Action::Admit { did } => members::invite(state, did).map(drop),
        Action::Pause { member } => status(state, member, &[Status::Active], Status::Paused),
        Action::Resume { member } => status(state, member, &[Status::Paused], Status::Active),
        Action::Remove { member } => {
            status(state, member, &[Status::Invited, Status::Active, Status::Paused], Status::Removed)
        }
        Action::Parameter { effective, name, value } => {
            let Some(parameter) = Parameter::find(name) else {
                return refuse(Code::NotFound, format!("there is no parameter `{name}`"));
            };
            parameter.set(state, effective.unwrap_or(at).max(at), *value)
        }
        Action::Budget { amount, to } => {
            require(*amount <= BUDGET_MAX.at(state, at), Code::Bounds, "a budget is at most `budget-max`")?;
            members::find_active(state, *to)?;
            mana::transfer(state, at, (Owner::Issuance, Owner::Budget(*to)), *amount)
        }
        Action::Federate { federation, member } => {
            let mut found = members::find(state, *member)?;
            let new = !found.federations.contains(federation);
            require(new, Code::Exists, "the member is in the federation")?;
            require(
                found.federations.len() < MAX_FEDERATIONS,
                Code::Bounds,
                "a member is in 8 federations at most",
            )?;
            found.federations.push(federation.clone());
            found.federations.sort();
            members::put(state, *member, &found);
            Ok(())
        }
        Action::Unfederate { federation, member } => {
            let mut found = members::find(state, *member)?;
            let inside = found.federations.contains(federation);
            require(inside, Code::NotFound, "the member is not in the federation")?;
            found.federations.retain(|name| name != federation);
            members::put(state, *member, &found);
            Ok(())
        }
        Action::Federation { context, federation, level } => {
            trust::set_federation(state, *context, federation, *level);
            Ok(())
        }
        Action::Bridge { context, from, level, to } => {
            trust::set_bridge(state, *context, (from, to), *level);
            Ok(())
        }
        Action::Freeze {} => {
            state.put(FROZEN, &Frozen {});
            Ok(())
        }
        Action::Thaw {} => {
            state.take::<Frozen>(FROZEN);
            Ok(())
        }
        Action::Ban { component } => {
            jobs::set_banned(state, *component, true);
            Ok(())
        }
        Action::Unban { component } => {
            jobs::set_banned(state, *component, false);
            Ok(())
        }
        Action::Ruling { job, result } => jobs::rule(state, at, *job, *result),
        Action::Upgrade { code, target } => {
            state.put(target, &Permit { code: code.clone() });
            Ok(())
        }
        Action::Text {} => Ok(()),
    }
}
