//! How jobs are taken in, and what members may refuse: components, members, and what is beyond a parameter.

use serde::{Deserialize, Serialize};

use super::{Job, JobSpec, Load, MAX_BATCH, MAX_DEADLINE, MAX_INPUTS, MAX_NAMED, MAX_REPLICAS, Phase};
use crate::Moment;
use crate::canonical::Id;
use crate::mana::{self, Arbiter, Hold};
use crate::parameters::{
    BID_WINDOW, CHALLENGE_WINDOW, JOB_FEE, JOB_FUEL_MAX, JOB_PRICE_MAX, JOBS_OPEN_MAX, Parameter,
};
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Record, State};

/// A component that governance does not want to be run.
#[derive(Serialize, Deserialize)]
struct Banned {}

impl Record for Banned {
    const SECTION: &'static str = "banned";
}

/// Forbids a component to new jobs, or allows it again.
pub(crate) fn set_banned(state: &mut State, component: Id, banned: bool) {
    if banned {
        state.put(component, &Banned {});
    } else {
        state.take::<Banned>(component);
    }
}

/// Takes jobs in, and sets aside what they may cost. Their ids are made of the command's name and their places.
pub(crate) fn submit(state: &mut State, now: &Moment, specs: &[JobSpec]) -> Result<Vec<(Id, Job)>, Refusal> {
    require((1..=MAX_BATCH).contains(&specs.len()), Code::Bounds, "a submission has 1 to 16 jobs")?;
    let mut taken = Vec::with_capacity(specs.len());
    for (place, spec) in specs.iter().enumerate() {
        check(state, now, spec)?;
        let mut load: Load = state.get(now.by).unwrap_or_default();
        load.open += 1;
        within(state, now, JOBS_OPEN_MAX, "number of the member's unfinished jobs", load.open)?;
        state.put(now.by, &load);
        mana::charge(state, now.by, now.at, JOB_FEE)?;
        let id = Id::of(&(now.name, place));
        let hold = Hold {
            amount: spec.price * spec.replicas,
            arbiter: Arbiter::Job(id),
            from: now.by,
            to: None,
            until: spec.deadline,
        };
        mana::place(state, now.at, id, &hold)?;
        let closes = now.at + BID_WINDOW.at(state, now.at);
        let window = if spec.replicas > 1 { CHALLENGE_WINDOW.at(state, now.at) } else { 0 };
        let shown = spec.deadline.saturating_add(window);
        let phase = Phase::Open { bids: Vec::new() };
        let (spec, submitter, tried) = (spec.clone(), now.by, Vec::new());
        let job = Job { closes, phase, shown, spec, submitter, tried };
        state.put(id, &job);
        taken.push((id, job));
    }
    Ok(taken)
}

/// Refuses what is beyond a parameter that the members have set.
fn within(
    state: &State,
    now: &Moment,
    parameter: &Parameter,
    what: &str,
    amount: u64,
) -> Result<(), Refusal> {
    let most = parameter.at(state, now.at);
    if amount <= most {
        return Ok(());
    }
    let name = parameter.name;
    refuse(Code::Bounds, format!("the {what} would be {amount}, and the parameter `{name}` is {most}"))
}

fn check(state: &State, now: &Moment, spec: &JobSpec) -> Result<(), Refusal> {
    let bounds = |condition, what: &str| require(condition, Code::Bounds, what);
    require(
        state.get::<Banned>(spec.component).is_none(),
        Code::NotAllowed,
        "the members have banned the component",
    )?;
    bounds((1..=MAX_INPUTS).contains(&spec.inputs.len()), "a job has 1 to 64 inputs")?;
    bounds((1..=MAX_REPLICAS).contains(&spec.replicas), "a job has 1 to 7 replicas")?;
    let is_for = spec.bundle.is_none() || spec.resume.is_some();
    bounds(is_for, "a bundle is for the entry in it that `resume` names")?;
    bounds(spec.term != Some(0), "a term is 1 ms and more")?;
    bounds(spec.term.is_none() || spec.replicas == 1, "only a job of one replica has a term")?;
    let majority = spec.quorum <= spec.replicas && spec.quorum > spec.replicas / 2;
    bounds(majority, "the quorum is more than half of the replicas, and no more than all")?;
    bounds(spec.fuel() > 0, "`limits` has `fuel`")?;
    within(state, now, JOB_FUEL_MAX, "fuel of all inputs", spec.fuel())?;
    bounds(spec.price > 0, "the price is 1 and more")?;
    within(state, now, JOB_PRICE_MAX, "price", spec.price)?;
    bounds(
        spec.limits.len() <= MAX_NAMED && spec.capabilities.len() <= MAX_NAMED,
        "32 limits and capabilities at most",
    )?;
    bounds(spec.capabilities.is_sorted_by(|a, b| a < b), "capabilities are in ascending order")?;
    bounds(spec.deadline <= now.at.saturating_add(MAX_DEADLINE), "the deadline is within 366 days")?;
    let in_time = spec.deadline > now.at + BID_WINDOW.at(state, now.at);
    bounds(in_time, "the deadline is after the bids")
}
