//! Who gets a job: hard conditions first, then a score of whole numbers, then the bid's name.

use serde::{Deserialize, Serialize};

use super::{Job, Phase, Slot, find, wrong_phase};
use crate::canonical::Id;
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Mana, Millis, State, WHOLE};
use crate::{Moment, members, reputation, trust};

/// The latency from which on more makes no difference.
pub const MAX_LATENCY: Millis = 60_000;
/// The reputation from which on more makes no difference.
const MAX_REPUTATION: u64 = 1_000;
/// How much the price counts in a score.
const PRICE_WEIGHT: u64 = 5;
/// The same of reputation.
const REPUTATION_WEIGHT: u64 = 3;
/// The same of memory beyond what is asked for.
const MEMORY_WEIGHT: u64 = 1;
/// The same of latency.
const LATENCY_WEIGHT: u64 = 1;

/// What an executor offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// What the executor can do, in ascending order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The job.
    pub job: Id,
    /// How long it takes the executor to begin.
    pub latency: Millis,
    /// Bytes of memory that the executor has for it.
    pub memory: u64,
    /// What all of the fuel would cost.
    pub price: Mana,
}

/// A bid that is among the best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    /// The bid's name: that of the command.
    pub bid: Id,
    /// Who bids.
    pub executor: Id,
    /// What all of the fuel would cost.
    pub price: Mana,
    /// How good it is.
    pub score: u64,
}

/// Takes a bid; it is kept if it is among the best. An executor's later bid takes the place of their earlier one.
pub(crate) fn bid(state: &mut State, now: &Moment, offer: &Offer) -> Result<(), Refusal> {
    let mut job = find(state, offer.job)?;
    let Phase::Open { bids } = &mut job.phase else { return wrong_phase(&job.phase) };
    require(now.at < job.spec.deadline, Code::TooLate, "the job's deadline has passed")?;
    let spec = &job.spec;
    require((1..=spec.price).contains(&offer.price), Code::Bounds, "the price is 1 to the job's")?;
    let can = |capability: &String| offer.capabilities.contains(capability);
    require(spec.capabilities.iter().all(can), Code::Unfit, "a capability is missing")?;
    let memory = spec.limits.get("memory").copied().unwrap_or_default();
    require(offer.memory >= memory, Code::Unfit, "there is too little memory")?;
    let reputation = reputation::score(state, now.by, now.at);
    let enough = reputation >= spec.reputation.unwrap_or_default();
    require(enough, Code::Unfit, "the executor's reputation is too low")?;
    fit(state, job.submitter, &job.spec, now.by)?;
    let score = score(spec.price, memory, reputation, offer);
    // Who is not fit any more must not keep out others.
    let still_fit = |executor| fit(state, job.submitter, spec, executor).is_ok();
    bids.retain(|entrant| entrant.executor != now.by && still_fit(entrant.executor));
    bids.push(Entrant { bid: now.name, executor: now.by, price: offer.price, score });
    bids.sort_by(|a, b| b.score.cmp(&a.score).then(a.bid.cmp(&b.bid)));
    bids.truncate(usize::try_from(spec.replicas).unwrap_or(usize::MAX));
    state.put(offer.job, &job);
    Ok(())
}

/// What must hold when somebody bids and again when they are chosen.
fn fit(state: &State, submitter: Id, spec: &super::JobSpec, executor: Id) -> Result<(), Refusal> {
    require(executor != submitter, Code::NotAllowed, "nobody runs their own job")?;
    members::find_active(state, executor)?;
    let Some(scope) = spec.scope else { return Ok(()) };
    let level = trust::level(state, scope.context, submitter, executor);
    require(
        level >= scope.level,
        Code::Unfit,
        "the submitter does not trust the executor as far as the job asks",
    )
}

/// How good an offer is: each part is at most a million, times its weight.
fn score(cap: Mana, memory: u64, reputation: u64, offer: &Offer) -> u64 {
    let part = |amount: u64, of: u64| {
        let millionths = u128::from(amount.min(of)) * u128::from(WHOLE) / u128::from(of.max(1));
        u64::try_from(millionths).unwrap_or(WHOLE)
    };
    PRICE_WEIGHT * part(cap - offer.price, cap)
        + REPUTATION_WEIGHT * part(reputation, MAX_REPUTATION)
        + MEMORY_WEIGHT * if memory == 0 { 0 } else { part(offer.memory - memory, memory) }
        + LATENCY_WEIGHT * part(MAX_LATENCY.saturating_sub(offer.latency), MAX_LATENCY)
}

/// Gives a job to the best bids that are still fit. Refused while there are too few.
pub(crate) fn award(state: &mut State, at: Millis, id: Id) -> Result<(), Refusal> {
    let mut job = find(state, id)?;
    let Phase::Open { bids } = &job.phase else { return wrong_phase(&job.phase) };
    require(at >= job.closes, Code::TooEarly, "bids are still taken")?;
    require(at < job.spec.deadline, Code::TooLate, "the job's deadline has passed")?;
    let fit = |entrant: &&Entrant| fit(state, job.submitter, &job.spec, entrant.executor).is_ok();
    let slots: Vec<Slot> = bids.iter().filter(fit).map(slot).collect();
    if (slots.len() as u64) < job.spec.replicas {
        // Those who are not fit any more make room for others.
        return refuse(
            Code::TooEarly,
            format!("{} of {} executors have bid", slots.len(), job.spec.replicas),
        );
    }
    job.phase = Phase::Assigned { slots };
    if let Some(term) = job.spec.term {
        job.shown = at.saturating_add(term).min(job.spec.deadline);
    }
    state.put::<Job>(id, &job);
    Ok(())
}

fn slot(entrant: &Entrant) -> Slot {
    let (executor, price) = (entrant.executor, entrant.price);
    Slot { abandoned: None, commitment: None, executor, price, result: None }
}
