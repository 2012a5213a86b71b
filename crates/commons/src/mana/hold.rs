//! Holds: mana that is set aside until its one arbiter says where it goes.
//!
//! Invariant: the escrow account has the sum of all holds, and a hold that was settled or voided is no longer there, so that
//! it cannot be again.

use serde::{Deserialize, Serialize};

use super::{Owner, transfer};
use crate::canonical::Id;
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Mana, Millis, Record, State};

/// Who says where a hold goes, and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arbiter {
    /// A job, by its phases.
    Job(Id),
    /// A member, by a command, until the hold lapses.
    Member(Id),
}

/// Mana that is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// How much.
    pub amount: Mana,
    /// Who says where it goes.
    pub arbiter: Arbiter,
    /// Whose it was, and who gets back what nobody else gets.
    pub from: Id,
    /// For whom it is meant, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Id>,
    /// When it lapses, where its arbiter is a member.
    pub until: Millis,
}

impl Record for Hold {
    const SECTION: &'static str = "hold";
}

/// Sets mana aside.
pub(crate) fn place(state: &mut State, at: Millis, id: Id, hold: &Hold) -> Result<(), Refusal> {
    require(state.get::<Hold>(id).is_none(), Code::Exists, "there is such a hold")?;
    transfer(state, at, (Owner::Member(hold.from), Owner::Escrow), hold.amount)?;
    state.put(id, hold);
    Ok(())
}

/// Ends a hold: pays from it, and gives the rest back.
pub(crate) fn settle(
    state: &mut State,
    at: Millis,
    id: Id,
    arbiter: Arbiter,
    payments: &[(Id, Mana)],
) -> Result<(), Refusal> {
    let Some(hold) = state.get::<Hold>(id) else {
        return refuse(Code::NotFound, "there is no such hold, or it was settled");
    };
    require(hold.arbiter == arbiter, Code::NotAllowed, "another is the arbiter of this hold")?;
    let sum = payments.iter().try_fold(0, |sum: Mana, (_, amount)| sum.checked_add(*amount));
    let Some(back) = sum.and_then(|sum| hold.amount.checked_sub(sum)) else {
        return refuse(
            Code::Bounds,
            format!("no more than the {} mana of the hold can be paid", hold.amount),
        );
    };
    state.take::<Hold>(id);
    for (to, amount) in payments {
        transfer(state, at, (Owner::Escrow, Owner::Member(*to)), *amount)?;
    }
    transfer(state, at, (Owner::Escrow, Owner::Member(hold.from)), back)
}

/// Ends a hold and gives all of it back.
pub(crate) fn void(state: &mut State, at: Millis, id: Id, arbiter: Arbiter) -> Result<(), Refusal> {
    settle(state, at, id, arbiter, &[])
}

/// Voids a hold whose arbiter, a member, has let its time go by.
pub(crate) fn lapse(state: &mut State, at: Millis, id: Id) -> Result<(), Refusal> {
    let Some(hold) = state.get::<Hold>(id) else {
        return refuse(Code::NotFound, "there is no such hold, or it was settled");
    };
    require(
        matches!(hold.arbiter, Arbiter::Member(_)),
        Code::NotAllowed,
        "a job is the arbiter of this hold",
    )?;
    require(at >= hold.until, Code::TooEarly, "the hold has not lapsed")?;
    void(state, at, id, hold.arbiter)
}
