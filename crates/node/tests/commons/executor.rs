//! Executors at work on a node: what they take on, what they come to, and what they are paid.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use troupe::commons::Committed;
use troupe::executor::course::Course;
use troupe::executor::{Executing, ExecutorConfig, run};
use troupe::host::{ComponentSource, Host, Settings, Start};
use troupe::machines::AllMachines;
use troupe::parallel::{Verification, verify};
use troupe::receipt::{Receipt, VERSION};
use troupe_chain::{Entry, Hash, Sender, Text};
use troupe_commons::jobs::{self, JobResult, JobSpec, Phase, Slot};
use troupe_commons::mana::{self, Owner};
use troupe_commons::view::Progress;
use troupe_commons::{Act, Id, Message, Reply, members, reputation};
use troupe_component::{Allocation, Sandbox, SandboxConfig};
use troupe_identity::SecretKey;
use troupe_runtime::{Actor, SendError, StoreHistory};
use troupe_store::{MemoryStore, Store};

use crate::people::spec;
use crate::person::{charter, now, person};

/// How long something may take that should happen by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Echoes its input.
pub(crate) const ECHO: &str = r#"(module
  (import "icn" "host_take_input" (func $take (param i32 i32) (result i32)))
  (import "icn" "host_put_output" (func $put (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (result i64)
    (drop (call $put (i32.const 0) (call $take (i32.const 0) (i32.const 65536))))
    (i64.const 0)))"#;
/// Traps.
const TRAPS: &str = r#"(module (memory (export "memory") 1) (func (export "run") (result i64) unreachable))"#;
/// Never ends.
const ENDLESS: &str = r#"(module (memory (export "memory") 1) (func (export "run") (result i64) (loop $on (br $on)) unreachable))"#;
/// Adds a letter to its state, and says it.
const COUNTS: &str = r#"(module
  (import "icn" "host_take_state" (func $take (param i32 i32) (result i32)))
  (import "icn" "host_put_state" (func $keep (param i32 i32) (result i32)))
  (import "icn" "host_put_output" (func $put (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (result i64) (local $n i32)
    (local.set $n (call $take (i32.const 0) (i32.const 1000)))
    (i32.store8 (local.get $n) (i32.const 43))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (drop (call $keep (i32.const 0) (local.get $n)))
    (drop (call $put (i32.const 0) (local.get $n)))
    (i64.const 0)))"#;

/// The same, after five million turns of a loop: some 35 million units of fuel.
pub(crate) const SLOWLY_COUNTS: &str = r#"(module
  (import "icn" "host_take_state" (func $take (param i32 i32) (result i32)))
  (import "icn" "host_put_state" (func $keep (param i32 i32) (result i32)))
  (import "icn" "host_put_output" (func $put (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (result i64) (local $n i32)
    (loop $on
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $on (i32.lt_u (local.get $n) (i32.const 5000000))))
    (local.set $n (call $take (i32.const 0) (i32.const 1000)))
    (i32.store8 (local.get $n) (i32.const 43))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (drop (call $keep (i32.const 0) (local.get $n)))
    (drop (call $put (i32.const 0) (local.get $n)))
    (i64.const 0)))"#;
/// The fuel of one of its messages.
pub(crate) const SLOW_FUEL: u64 = 45_000_000;

pub(crate) struct Harbour {
    pub(crate) host: Host,
    store: Arc<dyn Store>,
    commons: Actor,
    pub(crate) executors: Vec<Executing>,
}

impl Harbour {
    /// A commons of four, of whom some from the second on run jobs.
    fn with(executors: u8, config: &ExecutorConfig) -> Self {
        Self::over(Arc::new(MemoryStore::new()), executors, config)
    }

    /// The same on a store.
    pub(crate) fn over(store: Arc<dyn Store>, executors: u8, config: &ExecutorConfig) -> Self {
        let mut settings = Settings::new(Arc::clone(&store));
        settings.allocation = Allocation::OnDemand;
        settings.options.threads = 2;
        let host = settings.open().unwrap();
        let parameters = [("bid-window", 300), ("challenge-window", 0)];
        let new = host.prepare_commons(&charter(4, &parameters)).unwrap();
        let commons = host.actors.start_blocking(new).unwrap();
        let mut harbour = Self { host, store, commons, executors: Vec::new() };
        (2..2 + executors).for_each(|number| harbour.execute(number, config));
        harbour
    }

    /// Has a member run jobs from now on.
    fn execute(&mut self, number: u8, config: &ExecutorConfig) {
        let signer = Box::new(SecretKey::from_seed(&[number; 32]));
        let executing = Executing::begin(self.host.clone(), signer, config.clone(), Arc::new(|_: &str| {}));
        self.executors.push(executing.unwrap());
    }

    pub(crate) fn begin(executors: u8) -> Self {
        Self::with(executors, &ExecutorConfig::default())
    }

    fn state(&self) -> troupe_commons::State {
        Committed::of(self.commons.view().unwrap()).unwrap().state
    }

    fn act(&self, act: Act) -> Result<Reply, SendError> {
        let number = members::member(&self.state(), person(1).id).unwrap().number + 1;
        let message = person(1).message(self.commons.id(), number, now() + 60_000, act);
        let answer = self.commons.send_blocking(Sender::Http { key: None }, message.to_bytes().into())?;
        Ok(serde_json::from_slice(&answer.reply.unwrap()).unwrap())
    }

    /// Begins an actor of a core module.
    fn start(&self, module: &str, grants: &[String]) -> Actor {
        let component = troupe_testing::module_from_wat(module).unwrap().into();
        let start = Start {
            component: ComponentSource::Bytes(component),
            grants: grants.iter().map(|grant| Text::new(grant.as_str()).unwrap()).collect(),
            ..Start::default()
        };
        self.host.start_blocking(start).unwrap()
    }

    pub(crate) fn put(&self, bytes: &[u8]) -> Id {
        Id(self.host.dag.put(bytes).unwrap().cid.0)
    }

    pub(crate) fn spec(&self, module: &str, input: &[u8]) -> JobSpec {
        let component = self.put(&troupe_testing::module_from_wat(module).unwrap());
        JobSpec { deadline: now() + 50_000, price: 100, ..spec(component, self.put(input)) }
    }

    /// A job of so many inputs, each of which takes a while.
    fn slow(&self, inputs: u8) -> JobSpec {
        let inputs = (0..inputs).map(|n| self.put(&[n])).collect();
        let limits = BTreeMap::from([("fuel".to_owned(), SLOW_FUEL)]);
        JobSpec { inputs, limits, price: 900, ..self.spec(SLOWLY_COUNTS, b"") }
    }

    /// Waits until an executor has handled so many inputs of a job; the chain, and how many there are.
    fn handled(&self, id: Id, number: u8, least: u64) -> Progress {
        let begun = Instant::now();
        loop {
            let found = jobs::job(&self.state(), id).unwrap();
            let progress = run::progress(&self.host, id, &found);
            let executor = person(number).id.to_string();
            let mut of = progress.into_iter().filter(|progress| progress.executor == executor);
            if let Some(progress) = of.next().filter(|progress| progress.done >= least) {
                return progress;
            }
            assert!(begun.elapsed() < PATIENCE, "{found:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The course of the run that a receipt is about.
    fn course(&self, receipt: &Receipt) -> Course {
        let result = receipt.check_signed().unwrap();
        Course::of_store(&*self.store, &result.chain.0, result.size - 1, &receipt.spec).unwrap()
    }

    pub(crate) fn submit(&self, jobs: Vec<JobSpec>) -> Vec<Id> {
        match self.act(Act::Submit { jobs }).unwrap() {
            Reply::Jobs(ids) => ids,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn wait(&self, job: Id, until: impl Fn(&Phase) -> bool) -> Phase {
        let begun = Instant::now();
        loop {
            let phase = jobs::job(&self.state(), job).unwrap().phase;
            if until(&phase) {
                return phase;
            }
            assert!(begun.elapsed() < PATIENCE, "{phase:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The slots of a job that is settled.
    pub(crate) fn settled(&self, job: Id) -> (Vec<Slot>, u64) {
        match self.wait(job, |phase| !phase.is_live()) {
            Phase::Settled { slots, paid, .. } => (slots, paid),
            other => panic!("{other:?}"),
        }
    }

    fn balance(&self, number: u8) -> u64 {
        mana::account(&self.state(), Owner::Member(person(number).id), 0).balance
    }

    /// The receipt of a job that one executor ran.
    fn receipt(&self, job: Id) -> Receipt {
        let spec = jobs::job(&self.state(), job).unwrap().spec;
        let commons = self.commons.id();
        for seq in 2..=self.commons.view().unwrap().tip.seq {
            let bytes = self.store.entry(&commons, seq).unwrap().unwrap();
            let troupe_chain::Body::Message(entry) = Entry::decode(&bytes).unwrap().body else { continue };
            let message = self.store.blob(&commons, &entry.message).unwrap().unwrap();
            if let Ok(Message::Signed(signed)) = Message::read(&message)
                && matches!(&signed.command.act, Act::Receipt { job: of, .. } if *of == job)
            {
                let executor = members::of_key(&self.state(), &signed.command.by).unwrap();
                return Receipt { commons: Id(commons), executor, job, signed: *signed, spec, v: VERSION };
            }
        }
        panic!("no receipt of {job}")
    }

    /// Replays a run, and holds the receipt against it.
    fn check(&self, receipt: &Receipt) -> Result<(), String> {
        let result = receipt.check_signed().map_err(|wrong| wrong.to_string())?;
        let chain = result.chain.0;
        let history = StoreHistory::new(Arc::clone(&self.store), chain).unwrap().unwrap();
        let machines = AllMachines::new(Sandbox::new(SandboxConfig::default()));
        verify(&history, &machines, &Verification::default()).unwrap();
        let course = Course::of_store(&*self.store, &chain, result.size - 1, &receipt.spec);
        let course = course.map_err(|unclear| unclear.to_string())?;
        for before in course.parts.iter().filter_map(|part| part.genesis.fork) {
            let history = StoreHistory::new(Arc::clone(&self.store), before.chain).unwrap().unwrap();
            verify(&history, &machines, &Verification::default()).unwrap();
        }
        receipt.check_run(&course).map_err(|wrong| wrong.to_string())
    }
}

impl Drop for Harbour {
    fn drop(&mut self) {
        self.executors.clear();
        self.host.actors.shutdown();
    }
}

fn result(slots: &[Slot]) -> &JobResult {
    slots[0].result.as_ref().unwrap()
}

#[test]
fn a_job_is_run_paid_by_its_fuel_and_its_receipt_replayed() {
    let harbour = Harbour::begin(1);
    let before = (harbour.balance(1), harbour.balance(2));
    let [job] = harbour.submit(vec![harbour.spec(ECHO, b"hello")])[..] else { panic!() };
    let (slots, paid) = harbour.settled(job);
    let result = result(&slots).clone();
    assert_eq!((result.output, result.error.as_deref(), result.size), (Some(Id::named(b"hello")), None, 3));
    assert_eq!(harbour.host.dag.get(&Hash::of(b"hello")).unwrap().as_deref(), Some(&b"hello"[..]));
    assert_eq!(paid, 1, "little of a million units was used, at one mana for all of it");
    assert_eq!((before.0 - harbour.balance(1), harbour.balance(2) - before.1), (paid + 1, paid));
    assert!(reputation::score(&harbour.state(), person(2).id, now()) > 0);
    let receipt = harbour.receipt(job);
    assert_eq!(harbour.check(&receipt), Ok(()));
    let read = Receipt::read(&troupe_commons::to_bytes(&receipt)).unwrap();
    assert_eq!(read, receipt);
    // Whatever is changed about it is found.
    let refuses = |change: &dyn Fn(&mut Receipt), says: &str| {
        let mut receipt = receipt.clone();
        change(&mut receipt);
        let wrong = harbour.check(&receipt).unwrap_err();
        assert!(wrong.contains(says), "{says}: {wrong}");
    };
    refuses(&|receipt| receipt.executor = person(3).id, "another executor");
    refuses(&|receipt| receipt.spec.inputs = vec![Id::named(b"other")], "input 1: the job has");
    refuses(&|receipt| receipt.spec.component = Id::named(b"other"), "component: the receipt says");
    refuses(&|receipt| receipt.spec.limits.extend([("memory".into(), 65536)]), "other limits");
    refuses(&|receipt| receipt.spec.resume = Some(Id::named(b"other")), "another entry");
    refuses(&|receipt| receipt.job = Id::named(b"other"), "not a receipt of this job");
    refuses(&|receipt| receipt.commons = Id::named(b"other"), "not a receipt of this job");
    refuses(&|receipt| receipt.signed.signature.0[0] ^= 1, "the signature");
    refuses(
        &|receipt| {
            let Act::Receipt { result, .. } = &mut receipt.signed.command.act else { panic!() };
            result.fuel += 1;
        },
        "the signature",
    );
}

/// Ids of things by their bytes.
trait Named {
    fn named(bytes: &[u8]) -> Self;
}

impl Named for Id {
    fn named(bytes: &[u8]) -> Self {
        Self(Hash::of(bytes))
    }
}

#[test]
fn a_batch_runs_at_the_same_time_up_to_the_capacity_and_each_job_once() {
    let harbour = Harbour::begin(1);
    let specs: Vec<_> = (0..6_u8).map(|n| harbour.spec(ECHO, &[n])).collect();
    let ids = harbour.submit(specs);
    for (n, job) in ids.iter().enumerate() {
        let (slots, _) = harbour.settled(*job);
        assert_eq!(result(&slots).output, Some(Id::named(&[n as u8])));
        let chain = result(&slots).chain.0;
        assert_eq!(harbour.store.head(&chain).unwrap().unwrap().seq, 2);
    }
}

#[test]
fn a_trap_and_fuel_that_runs_out_give_failure_receipts() {
    let harbour = Harbour::begin(1);
    let ids = harbour.submit(vec![harbour.spec(TRAPS, b""), harbour.spec(ENDLESS, b"")]);
    for (job, error) in ids.into_iter().zip(["trap:unreachable", "fuel"]) {
        let (slots, _) = harbour.settled(job);
        let result = result(&slots);
        assert_eq!((result.error.as_deref(), result.output), (Some(error), None));
        assert_eq!(harbour.check(&harbour.receipt(job)), Ok(()));
    }
}

#[test]
fn a_run_beyond_its_time_is_given_back_and_refunded() {
    // As much fuel as it may take, for next to nothing.
    let harbour = Harbour::with(1, &ExecutorConfig { price: 0, ..ExecutorConfig::default() });
    let before = harbour.balance(1);
    let mut spec = harbour.spec(ENDLESS, b"");
    spec.limits.extend([("time".into(), 50), ("fuel".into(), 90_000_000_000)]);
    let [job] = harbour.submit(vec![spec])[..] else { panic!() };
    let phase = harbour.wait(job, |phase| !phase.is_live());
    assert!(matches!(phase, Phase::Expired {}), "{phase:?}");
    assert_eq!(harbour.balance(1), before - 1, "the fee alone is gone");
    assert_eq!(reputation::score(&harbour.state(), person(2).id, now()), 0);
}

#[test]
fn replicas_are_bound_before_they_show_and_all_who_agree_are_paid() {
    let harbour = Harbour::begin(3);
    let spec = JobSpec { replicas: 3, quorum: 2, ..harbour.spec(ECHO, b"three") };
    let [job] = harbour.submit(vec![spec])[..] else { panic!() };
    let (slots, paid) = harbour.settled(job);
    assert_eq!((slots.len(), paid), (3, 3));
    let mut chains: Vec<_> = slots.iter().map(|slot| slot.result.as_ref().unwrap().chain.0).collect();
    chains.sort();
    chains.dedup();
    assert_eq!(chains.len(), 3, "each ran it on a chain of its own");
    assert!(slots.iter().all(|slot| slot.commitment.is_some()));
}

#[test]
fn what_an_executor_is_not_fit_for_it_leaves_alone() {
    let harbour = Harbour::begin(1);
    let mut much = harbour.spec(ECHO, b"much");
    much.limits.insert("memory".into(), 3 << 30);
    let able = JobSpec { capabilities: vec!["gpu".into()], ..harbour.spec(ECHO, b"able") };
    let cheap = JobSpec {
        limits: BTreeMap::from([("fuel".to_owned(), 200_000_000)]),
        ..harbour.spec(ECHO, b"cheap")
    };
    let absent = JobSpec { inputs: vec![Id::named(b"not there yet")], ..harbour.spec(ECHO, b"") };
    let last = harbour.spec(ECHO, b"last");
    let ids = harbour.submit(vec![much, able, cheap, absent, last]);
    harbour.settled(ids[4]);
    for job in &ids[..4] {
        let phase = jobs::job(&harbour.state(), *job).unwrap().phase;
        assert!(matches!(&phase, Phase::Open { bids } if bids.is_empty()), "{phase:?}");
    }
    // What is missing may come.
    harbour.put(b"not there yet");
    assert_eq!(result(&harbour.settled(ids[3]).0).output, Some(Id::named(b"not there yet")));
}

#[test]
fn a_job_goes_on_from_any_entry_of_an_earlier_run_whoever_ran_it() {
    let mut harbour = Harbour::begin(1);
    let inputs: Vec<Id> = (0..3_u8).map(|n| harbour.put(&[n])).collect();
    let spec = JobSpec { inputs, ..harbour.spec(COUNTS, b"") };
    let [first] = harbour.submit(vec![spec])[..] else { panic!() };
    let (slots, _) = harbour.settled(first);
    assert_eq!((result(&slots).output, result(&slots).size), (Some(Id::named(b"null+++")), 5));
    assert_eq!(harbour.check(&harbour.receipt(first)), Ok(()));
    harbour.executors.clear();
    harbour.execute(3, &ExecutorConfig::default());
    let course = harbour.course(&harbour.receipt(first));
    for (n, output) in [(2, &b"null+++"[..]), (3, b"null++++")] {
        let entry = Id(course.handled().nth(n - 1).unwrap().entry);
        let spec = JobSpec { resume: Some(entry), ..harbour.spec(COUNTS, b"more") };
        let [job] = harbour.submit(vec![spec])[..] else { panic!() };
        let (slots, _) = harbour.settled(job);
        assert_eq!((slots[0].executor, result(&slots).output), (person(3).id, Some(Id::named(output))));
        assert_eq!(result(&slots).from, None, "it went on from where its submitter said");
        assert_eq!(harbour.check(&harbour.receipt(job)), Ok(()));
    }
}

#[test]
fn a_failure_ends_a_job_of_several_inputs_and_says_what_all_of_them_used() {
    /// Traps once its state has three letters more.
    const FAILS: &str = r#"(module
      (import "icn" "host_take_state" (func $take (param i32 i32) (result i32)))
      (import "icn" "host_put_state" (func $keep (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "run") (result i64) (local $n i32)
        (local.set $n (i32.add (call $take (i32.const 0) (i32.const 1000)) (i32.const 1)))
        (if (i32.gt_u (local.get $n) (i32.const 6)) (then unreachable))
        (drop (call $keep (i32.const 0) (local.get $n)))
        (i64.const 0)))"#;
    let harbour = Harbour::begin(1);
    let inputs: Vec<Id> = (0..5_u8).map(|n| harbour.put(&[n])).collect();
    let spec = JobSpec { inputs, ..harbour.spec(FAILS, b"") };
    let [job] = harbour.submit(vec![spec])[..] else { panic!() };
    let (slots, paid) = harbour.settled(job);
    assert_eq!(
        (result(&slots).error.as_deref(), result(&slots).size, paid),
        (Some("trap:unreachable"), 5, 1)
    );
    let receipt = harbour.receipt(job);
    assert_eq!(harbour.check(&receipt), Ok(()));
    let fuel: Vec<u64> = harbour.course(&receipt).handled().map(|handled| handled.fuel).collect();
    assert_eq!((fuel.len(), fuel.iter().sum::<u64>()), (3, result(&slots).fuel));
}

#[test]
fn what_one_executor_leaves_another_goes_on_with_and_is_paid_for() {
    const INPUTS: u8 = 12;
    let mut harbour = Harbour::begin(1);
    let spec = JobSpec { term: Some(4_000), ..harbour.slow(INPUTS) };
    let [job] = harbour.submit(vec![spec])[..] else { panic!() };
    harbour.handled(job, 2, 3);
    harbour.executors.clear();
    harbour.execute(3, &ExecutorConfig::default());
    let (before, (slots, paid)) = (harbour.balance(2), harbour.settled(job));
    let (result, record) = (result(&slots).clone(), jobs::job(&harbour.state(), job).unwrap());
    // On a busy machine, its own term may end, too, and it goes on with what it has.
    assert_eq!((slots[0].executor, record.tried.first()), (person(3).id, Some(&person(2).id)));
    let left = harbour.handled(job, 2, 3);
    assert!(left.done < u64::from(INPUTS), "it stopped on the way");
    let output = [&b"null"[..], &[b'+'; INPUTS as usize]].concat();
    assert_eq!(result.output, Some(Id::named(&output)));
    assert_eq!(result.size, 2 + u64::from(INPUTS) - left.done, "what was done is not done again");
    let chain: Hash = left.chain.parse().unwrap();
    let entry = harbour.store.entry(&chain, left.done + 1).unwrap().unwrap();
    assert_eq!(result.from, Some(Id(Hash::of(&entry))), "it goes on after the last that was done");
    assert_eq!((harbour.balance(2), harbour.balance(3)), (before, 1000 + paid));
    assert!(paid > 12 * 30, "it is paid for all of the fuel: {paid}");
    let receipt = harbour.receipt(job);
    assert_eq!(harbour.check(&receipt), Ok(()));
    // Another beginning, other work of the one before, or none of it, is found.
    let course = harbour.course(&receipt);
    let refuses = |change: &dyn Fn(&mut Course), says: &str| {
        let mut course = course.clone();
        change(&mut course);
        let wrong = receipt.check_run(&course).unwrap_err().to_string();
        assert!(wrong.contains(says), "{says}: {wrong}");
    };
    let other = Hash::of(b"other");
    refuses(&|course| course.parts[1].genesis.fork.as_mut().unwrap().state = other, "did not come");
    refuses(&|course| course.parts[0].handled.truncate(1), "did not come");
    refuses(&|course| drop(course.parts.remove(0)), "from another entry");
    refuses(&|course| course.parts[0].handled[1].input = other, "input 2: the job has");
    refuses(&|course| drop(course.parts[0].genesis.limits.pop_first()), "other limits");
    refuses(&|course| course.parts[0].handled[1].fuel += 1, "fuel: the receipt says");
    refuses(&|course| course.parts[1].handled.truncate(1), "of 12 inputs");
}

#[test]
fn a_run_that_somebody_meddles_with_is_given_back_and_left_to_another() {
    let mut harbour = Harbour::begin(1);
    let spec = harbour.slow(12);
    let [job] = harbour.submit(vec![spec])[..] else { panic!() };
    let chain = harbour.handled(job, 2, 2).chain;
    let meddler = harbour.host.actors.find(&chain).unwrap();
    meddler.send_blocking(Sender::Http { key: None }, b"meddled".to_vec().into()).unwrap();
    harbour.wait(job, |phase| matches!(phase, Phase::Open { .. }));
    harbour.execute(3, &ExecutorConfig::default());
    let (slots, _) = harbour.settled(job);
    assert_eq!((slots[0].executor, result(&slots).from), (person(3).id, None));
    assert_eq!(harbour.check(&harbour.receipt(job)), Ok(()));
}

#[test]
fn an_actor_that_was_granted_it_reads_the_commons_and_its_chain_verifies_without_it() {
    let harbour = Harbour::begin(0);
    let module = r#"(module
      (import "icn" "host_account_get_mana" (func $mana (param i32 i32) (result i64)))
      (import "icn" "host_put_output" (func $put (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "run") (result i64)
        (i64.store (i32.const 0) (call $mana (i32.const 0) (i32.const 0)))
        (drop (call $put (i32.const 0) (i32.const 8)))
        (i64.const 0)))"#;
    let grants = ["commons:mana-read".to_owned(), format!("commons-for:{}", person(1).id)];
    let actor = harbour.start(module, &grants);
    let ask = || {
        let answer = actor.send_blocking(Sender::Http { key: None }, b"{}".to_vec().into()).unwrap();
        u64::from_le_bytes(answer.reply.unwrap()[..].try_into().unwrap())
    };
    assert_eq!(ask(), 1000);
    harbour.act(Act::Transfer { amount: 7, to: person(2).id }).unwrap();
    assert_eq!(ask(), 993);
    let history = StoreHistory::new(Arc::clone(&harbour.store), actor.id()).unwrap().unwrap();
    let machines = AllMachines::new(Sandbox::new(SandboxConfig::default()));
    let report = verify(&history, &machines, &Verification::default()).unwrap();
    assert!(report.is_complete() && report.messages == 2);
}

#[test]
fn an_actor_acts_for_a_member_who_gave_it_a_mandate_and_only_then() {
    let harbour = Harbour::begin(0);
    let module = r#"(module
      (import "icn" "host_account_spend_mana" (func $spend (param i32 i32 i64) (result i32)))
      (memory (export "memory") 1)
      (func (export "run") (result i64)
        (i64.extend_i32_s (call $spend (i32.const 0) (i32.const 0) (i64.const 9)))))"#;
    let grants = ["commons:mana-spend".to_owned(), format!("commons-for:{}", person(1).id)];
    let actor = harbour.start(module, &grants);
    let run = || actor.send_blocking(Sender::Http { key: None }, b"{}".to_vec().into()).unwrap();
    let fees = || mana::account(&harbour.state(), Owner::Fees, 0).balance;
    let until = |done: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    // An act is brought to the commons after the entry that has it, from a row.
    let refused = || {
        run();
        until(&|| harbour.store.rows(b"o", None, 1).unwrap().is_empty());
    };
    refused();
    let acts = vec!["spend".to_owned()];
    let mandate = Act::Mandate { acts, chain: Id(actor.id()), mana: 10, until: now() + 600_000 };
    harbour.act(mandate).unwrap();
    assert_eq!(fees(), 0, "what came before the mandate was refused");
    run();
    until(&|| fees() == 9);
    // One mana is left of the mandate.
    let seq = harbour.commons.view().unwrap().tip.seq;
    refused();
    assert_eq!((fees(), harbour.commons.view().unwrap().tip.seq), (9, seq));
    let history = StoreHistory::new(Arc::clone(&harbour.store), harbour.commons.id()).unwrap().unwrap();
    let machines = AllMachines::new(Sandbox::new(SandboxConfig::default()));
    assert!(verify(&history, &machines, &Verification::default()).is_ok());
}
