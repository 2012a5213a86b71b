//! Mandates: a member lets an actor's chain act for them, in some ways, up to an amount of mana, for a time.
//!
//! Invariant: what an actor asks for is done for whoever gave its chain a mandate, within it, and for nobody else, whatever
//! the message says. An actor's message comes once, from an entry of its chain; so what it leads to is named by that.

use serde::{Deserialize, Serialize};
use troupe_chain::{EffectRef, Hash};

use crate::canonical::Id;
use crate::command::Act;
use crate::mana::{self, Owner};
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Mana, Millis, Record, State};

/// What may be asked for under a mandate, in ascending order.
pub const MANDATED: [&str; 7] = ["ballot", "credit", "open", "propose", "receipt", "spend", "submit"];
/// How far ahead a mandate may end.
pub const MAX_MANDATE: Millis = 366 * 86_400_000;

/// What a member lets a chain do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// What it may ask for: of [`MANDATED`], in ascending order.
    pub acts: Vec<String>,
    /// How much mana it may still take from the member's account.
    pub left: Mana,
    /// Until when.
    pub until: Millis,
}

impl Record for Mandate {
    const SECTION: &'static str = "mandate";
}

/// Something that an actor asks for in a member's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What.
    pub act: Act,
    /// For whom.
    #[serde(rename = "for")]
    pub principal: Id,
}

fn key(member: Id, chain: Id) -> String {
    format!("{member}-{chain}")
}

/// The mandate that a member gave a chain.
pub fn mandate(state: &State, member: Id, chain: Id) -> Option<Mandate> {
    state.get(key(member, chain))
}

/// Gives a mandate in the place of the one before; without acts, it is taken back.
pub(crate) fn give(
    state: &mut State,
    (member, at): (Id, Millis),
    chain: Id,
    mandate: Mandate,
) -> Result<(), Refusal> {
    if mandate.acts.is_empty() {
        require(
            state.get::<Mandate>(key(member, chain)).is_some(),
            Code::NotFound,
            "there is no such mandate",
        )?;
        state.take::<Mandate>(key(member, chain));
        return Ok(());
    }
    let known = mandate.acts.iter().all(|act| MANDATED.contains(&act.as_str()));
    require(
        known,
        Code::Bounds,
        "a mandate is for ballot, credit, open, propose, receipt, spend and submit",
    )?;
    require(mandate.acts.is_sorted_by(|a, b| a < b), Code::Bounds, "the acts are in ascending order")?;
    let soon = mandate.until > at && mandate.until <= at.saturating_add(MAX_MANDATE);
    require(soon, Code::Bounds, "a mandate ends within 366 days")?;
    state.put(key(member, chain), &mandate);
    Ok(())
}

/// The name of what an actor's message leads to.
pub(crate) fn name(by: &EffectRef) -> Id {
    Id(Hash::of(format!("troupe.mandate/v1\n{}\n{}\n{}\n", by.chain, by.entry, by.n).as_bytes()))
}

/// Whether a chain may ask for this now.
pub(crate) fn check(state: &State, chain: Id, asked: &Asked, at: Millis) -> Result<Mandate, Refusal> {
    let Some(mandate) = mandate(state, asked.principal, chain) else {
        return refuse(Code::NotAllowed, "the member gave this chain no mandate");
    };
    require(at < mandate.until, Code::Expired, "the mandate is over")?;
    let name = name_of(&asked.act);
    let may = name.is_some_and(|name| mandate.acts.iter().any(|act| act == name));
    require(may, Code::NotAllowed, "the mandate is not for that")?;
    // A ballot for those who delegated is the member's to cast.
    let alone = !matches!(&asked.act, Act::Ballot { members, .. } if !members.is_empty());
    require(alone, Code::NotAllowed, "a ballot under a mandate is for its member alone")?;
    Ok(mandate)
}

/// Takes from a mandate what an act took from the member's account.
pub(crate) fn charge(
    before: &State,
    state: &mut State,
    chain: Id,
    (principal, at): (Id, Millis),
    mandate: Mandate,
) -> Result<(), Refusal> {
    let balance = |state: &State| mana::account(state, Owner::Member(principal), at).balance;
    let taken = balance(before).saturating_sub(balance(state));
    let Some(left) = mandate.left.checked_sub(taken) else {
        return refuse(
            Code::Mana,
            format!("the mandate has {} mana left, and {taken} are needed", mandate.left),
        );
    };
    state.put(key(principal, chain), &Mandate { left, ..mandate });
    Ok(())
}

fn name_of(act: &Act) -> Option<&'static str> {
    Some(match act {
        Act::Ballot { .. } => "ballot",
        Act::Credit { .. } => "credit",
        Act::Open { .. } => "open",
        Act::Propose(_) => "propose",
        Act::Receipt { .. } => "receipt",
        Act::Spend { .. } => "spend",
        Act::Submit { .. } => "submit",
        _ => return None,
    })
}
