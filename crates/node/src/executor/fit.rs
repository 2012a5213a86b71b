//! Whether an executor can run a job, and what it offers.

use std::collections::BTreeMap;

use bytes::Bytes;
use troupe_chain::Fork;
use troupe_commons::jobs::{Job, JobSpec, Offer};
use troupe_commons::{Id, Mana};
use troupe_component::{Grants, Limits, WasmComponent};
use troupe_store::StoreError;

use super::bundle::{Brought, NotBrought};
use crate::host::Host;

/// How an executor works.
#[derive(Debug, Clone)]
pub struct ExecutorConfig {
    /// How many jobs it takes on at the same time.
    pub capacity: usize,
    /// What it can do, in ascending order.
    pub capabilities: Vec<String>,
    /// Mana that it asks for a million units of fuel, at least 1 for a job.
    pub price: Mana,
    /// Up to where a submitter may raise each limit of a job.
    pub ceiling: Limits,
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self { capacity: 2, capabilities: Vec::new(), price: 1, ceiling: ceiling() }
    }
}

/// How far limits may be raised unless the node says something else: far enough for a component of JavaScript or Python.
fn ceiling() -> Limits {
    Limits {
        component: 64 << 20,
        fuel: 100_000_000_000,
        functions: 200_000,
        globals: 10_000,
        memory: 1 << 30,
        message: 64 << 20,
        reply: 16 << 20,
        state: 64 << 20,
        table: 100_000,
        tables: 64,
        time: 300_000,
        ..Limits::default()
    }
}

/// Why an executor does not take a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A blob is not there yet.
    #[error("the node has no blob {0}; `troupe dag put` gives it one")]
    NoBlob(Id),
    /// A capability is missing.
    #[error("it asks for the capability `{0}`")]
    Capability(String),
    /// A limit that there is not, or beyond the ceiling.
    #[error("its limit {0}")]
    Limit(String),
    /// It offers less than the executor asks for.
    #[error("it pays {0} mana, and the executor asks for {1}")]
    Price(Mana, Mana),
    /// The code cannot be run.
    #[error("its code: {0}")]
    Code(String),
    /// The entry that it is to go on from is not here.
    #[error("it goes on from the entry {0}, which is not on this node")]
    NoEntry(Id),
    /// The bundle that it brings does not do.
    #[error("{0}")]
    Bundle(#[from] NotBrought),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(String),
}

impl Unfit {
    /// Whether it may be otherwise later.
    pub fn may_change(&self) -> bool {
        matches!(self, Self::NoBlob(_) | Self::NoEntry(_) | Self::Store(_))
    }
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// The limits of a job: those of every job, changed as its submitter says.
///
/// # Errors
/// What is wrong with one.
pub fn limits_of(spec: &JobSpec) -> Result<Limits, Unfit> {
    let mut limits = Limits::for_jobs();
    for (name, value) in &spec.limits {
        limits.set(name, *value).map_err(|error| Unfit::Limit(error.to_string()))?;
    }
    Ok(limits)
}

fn within(limits: &Limits, ceiling: &Limits) -> Result<(), Unfit> {
    let ceiling: BTreeMap<_, _> = ceiling.to_entry();
    for (name, value) in limits.to_entry() {
        match ceiling.get(&name) {
            Some(most) if value > *most => {
                return Err(Unfit::Limit(format!(
                    "`{name}` is {value}, and this executor goes up to {most}"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The bytes of a blob that a job names.
pub(super) fn blob(host: &Host, name: Id) -> Result<Bytes, Unfit> {
    host.dag.get(&name.0)?.ok_or(Unfit::NoBlob(name))
}

/// The machine of a job, under its limits and granted nothing.
pub(super) fn machine(host: &Host, spec: &JobSpec, limits: &Limits) -> Result<(WasmComponent, Bytes), Unfit> {
    let code = blob(host, spec.component)?;
    let machine = host.sandbox.load_granted(&code, limits, &Grants::default());
    Ok((machine.map_err(|error| Unfit::Code(error.to_string()))?, code))
}

/// What an executor offers for a job, once it has looked at all that the job needs.
///
/// # Errors
/// [`Unfit`] with the first thing that keeps it from running the job.
pub fn offer(host: &Host, config: &ExecutorConfig, (id, job): (Id, &Job)) -> Result<Offer, Unfit> {
    let spec = &job.spec;
    let missing = |capability: &&String| config.capabilities.binary_search(*capability).is_err();
    if let Some(capability) = spec.capabilities.iter().find(missing) {
        return Err(Unfit::Capability(capability.clone()));
    }
    let price = price(config.price, spec.fuel());
    if price > spec.price {
        return Err(Unfit::Price(spec.price, price));
    }
    let limits = limits_of(spec)?;
    within(&limits, &config.ceiling)?;
    for input in &spec.inputs {
        blob(host, *input)?;
    }
    machine(host, spec, &limits)?;
    beginning(host, spec)?;
    Ok(Offer {
        capabilities: config.capabilities.clone(),
        job: id,
        latency: super::LATENCY,
        memory: config.ceiling.memory,
        price,
    })
}

/// Where a job is to begin that goes on from an earlier run: in a chain of the node, or in the bundle that the job brings.
#[derive(Default)]
pub(super) struct Beginning {
    /// The entry.
    pub(super) fork: Option<Fork>,
    /// The bundle that has it, if it is not on the node.
    pub(super) brought: Option<Brought>,
}

/// Finds where a job is to begin.
pub(super) fn beginning(host: &Host, spec: &JobSpec) -> Result<Beginning, Unfit> {
    let Some(resume) = spec.resume else { return Ok(Beginning::default()) };
    if let Some(fork) = super::run::find_entry(host, resume)? {
        return Ok(Beginning { fork: Some(fork), brought: None });
    }
    let bundle = spec.bundle.ok_or(Unfit::NoEntry(resume))?;
    let brought = Brought::read(&blob(host, bundle)?)?;
    // Nobody pays for replaying it, and it must not be more than what the job itself may ask for.
    brought.check_bounds(spec.fuel(), &limits_of(spec)?)?;
    let fork = brought.find(resume)?;
    Ok(Beginning { fork: Some(fork), brought: Some(brought) })
}

/// What so much fuel costs, at least 1.
fn price(rate: Mana, fuel: u64) -> Mana {
    let price = (u128::from(rate) * u128::from(fuel)).div_ceil(1_000_000);
    u64::try_from(price).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_beyond_the_ceiling_is_named() {
        let job = Limits::for_jobs();
        let ceiling = ExecutorConfig::default().ceiling;
        assert_eq!(within(&job, &ceiling), Ok(()));
        let more = Limits { memory: 2 << 30, ..job };
        let refused = within(&more, &ceiling).unwrap_err();
        let says = "its limit `memory` is 2147483648, and this executor goes up to 1073741824";
        assert_eq!(refused.to_string(), says);
        assert!(!refused.may_change() && Unfit::NoBlob(Id(troupe_chain::Hash::of(b""))).may_change());
    }

    #[test]
    fn a_job_costs_by_its_fuel_and_at_least_one() {
        assert_eq!(price(1, 1), 1);
        assert_eq!(price(3, 1_000_000), 3);
        assert_eq!(price(3, 1_000_001), 4);
        assert_eq!(price(u64::MAX, u64::MAX), u64::MAX);
    }
}
