//! The job of `troupe demo commons`: primes are counted for pay, and the receipt is replayed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use troupe::commons::view::JobView;
use troupe::executor::course::Course;
use troupe::executor::{Executing, ExecutorConfig};
use troupe::host::Host;
use troupe::receipt::Receipt;
use troupe_commons::jobs::{JobResult, JobSpec, Phase};
use troupe_commons::{Act, Id, Reply};
use troupe_identity::SecretKey;
use troupe_runtime::StoreHistory;

use super::commons::{Harbour, PATIENCE};
use crate::cli::commons::job::fetch;
use crate::cli::failure::Failure;
use crate::cli::node::Node;
use crate::cli::parse::now;
use crate::cli::place::Source;
use crate::cli::screen::{GOOD, Screen, count};
use crate::cli::verify;

/// Counts primes in a range.
const PRIMES: &[u8] = include_bytes!("../../../../../actors/primes/primes.wasm");
const INPUT: &[u8] = br#"{"from":0,"to":100000}"#;
/// What the run may use, and what it may cost at one mana a million.
const FUEL: u64 = 100_000_000;
const PRICE: u64 = 100;

/// Ada has primes counted; Cy does it, is paid, and the receipt is run again. Gives the job.
pub(super) fn job(screen: &Screen, harbour: &Harbour, host: &Host) -> Result<Id, Failure> {
    let signer = Box::new(SecretKey::from_seed(&harbour.people[2].key.seed()));
    let executing = Executing::begin(host.clone(), signer, ExecutorConfig::default(), Arc::new(|_: &str| {}));
    let executing = executing.map_err(Failure::cannot)?;
    let put = |bytes: &[u8]| -> Result<Id, Failure> {
        harbour.client.put_blob(bytes)?.hash.parse().map_err(Failure::cannot)
    };
    let spec = JobSpec {
        bundle: None,
        capabilities: Vec::new(),
        component: put(PRIMES)?,
        deadline: now() + 120_000,
        inputs: vec![put(INPUT)?],
        limits: BTreeMap::from([("fuel".to_owned(), FUEL)]),
        price: PRICE,
        quorum: 1,
        replicas: 1,
        reputation: None,
        resume: None,
        scope: None,
        term: None,
    };
    let Reply::Jobs(jobs) = harbour.act(0, Act::Submit { jobs: vec![spec] })? else {
        return Err(Failure::cannot("the node answered what no commons says of a submission"));
    };
    let job = *jobs.first().ok_or_else(|| Failure::cannot("the node took no job"))?;
    let (result, paid) = settled(harbour, job)?;
    // Its next command would take the number that Cy's ballot is to have.
    drop(executing);
    let output = result.output.ok_or_else(|| Failure::is_false("the primes were not counted"))?;
    let output = host.dag.get(&output.0).map_err(Failure::cannot)?.unwrap_or_default();
    let found: Value = serde_json::from_slice(&output).map_err(Failure::cannot)?;
    let receipt = fetch(&Node { client: harbour.client.clone() }, job, None)?;
    check(host, &receipt)?;
    if !screen.json {
        let number = |name: &str| count(found[name].as_u64().unwrap_or_default());
        screen.line("")?;
        screen.line(format_args!(
            "{} has primes counted, and {} does it: {} up to 100,000, the largest {}",
            harbour.people[0].name,
            harbour.people[2].name,
            number("count"),
            number("largest")
        ))?;
        screen.field("paid", format_args!("{paid} mana of {PRICE}, for {} fuel", count(result.fuel)))?;
        screen
            .field("receipt", format_args!("{GOOD}replayed{GOOD:#}: the same output, for the same fuel"))?;
    }
    Ok(job)
}

/// What came of the job, once it is paid.
fn settled(harbour: &Harbour, job: Id) -> Result<(JobResult, u64), Failure> {
    let begun = Instant::now();
    loop {
        let view: JobView = harbour.get(&format!("/commons/jobs/{job}"))?;
        match view.job.phase {
            Phase::Settled { slots, paid, .. } => {
                let result = slots.into_iter().find_map(|slot| slot.result);
                return Ok((result.ok_or_else(|| Failure::is_false("it was paid without a receipt"))?, paid));
            }
            phase if phase.is_live() && begun.elapsed() < PATIENCE => {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            phase => return Err(Failure::cannot(format_args!("the job is {}", phase.name()))),
        }
    }
}

/// Replays the run, and holds the receipt against it.
fn check(host: &Host, receipt: &Receipt) -> Result<(), Failure> {
    let result = receipt.check_signed().map_err(Failure::is_false)?;
    let (chain, store) = (result.chain.0, host.actors.store());
    let history = StoreHistory::new(Arc::clone(store), chain).map_err(Failure::cannot)?;
    let history = history.ok_or_else(|| Failure::cannot("the store lost the run"))?;
    let source = Source::Store(Arc::clone(store), history);
    let quiet = Screen { json: true };
    verify::replay(&quiet, &verify::machines(&quiet), &source, source.seq())
        .map_err(|error| Failure::is_false(format_args!("the run does not verify: {error}")))?;
    let last = result.size.saturating_sub(1);
    let course = Course::of_store(&**store, &chain, last, &receipt.spec).map_err(Failure::is_false)?;
    receipt.check_run(&course).map_err(Failure::is_false)
}
