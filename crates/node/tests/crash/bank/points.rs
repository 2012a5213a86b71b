//! A bank on a disk that crashes: store, runtime and sandbox as they are, in one thread, so that a seed tells it all.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use troupe::host::{ComponentSource, Host, Settings, SetupError, Start};
use troupe_chain::{Hash, Sender, Text, verify};
use troupe_component::Allocation;
use troupe_runtime::{Answer, SendError, StoreHistory};
use troupe_store::Store;
use troupe_store::faulty::{Fault, SimDisk, Survivors};

use super::ledger::{Acknowledged, account, audit, transfer};
use crate::process::cache;
use crate::random::Random;

const ACCOUNTS: u64 = 6;
const OPENING: i64 = 100;
const TRANSFERS: u64 = 24;
/// How many operations are made to fail, each on what three kinds of crashes leave.
const POINTS: u64 = 12;

/// An order that somebody gives again until it is answered.
struct Order {
    from: String,
    message: String,
    key: Hash,
}

/// What the people who use the bank want and know.
struct People {
    orders: Vec<(String, Order)>,
    acknowledged: HashMap<String, Acknowledged>,
    /// Refused by the contract, which leaves nothing.
    refused: Vec<String>,
}

impl People {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let orders = (0..TRANSFERS).map(|n| {
            let from = format!("a{}", random.below(ACCOUNTS));
            // The first goes to nobody, and so may others: there is one account less.
            let to = if n == 0 { ACCOUNTS } else { random.below(ACCOUNTS + 1) };
            let to = format!("a{to}");
            let id = format!("t{n}");
            let message = transfer(&to, 1 + random.below(60), &id);
            let key = Hash::of(id.as_bytes());
            (id, Order { from, message, key })
        });
        Self { orders: orders.collect(), acknowledged: HashMap::new(), refused: Vec::new() }
    }

    /// Hears an answer, or that there is none, or none yet.
    fn hear(&mut self, id: &str, answer: Result<Answer, SendError>) {
        match answer {
            Ok(Answer { hash, seq, .. }) => {
                let said = Acknowledged { id: id.to_owned(), hash: hash.to_string(), seq };
                let before = self.acknowledged.insert(id.to_owned(), said.clone());
                assert!(before.is_none_or(|before| before == said), "{id} is answered as before");
            }
            Err(SendError::Rejected(_)) => self.refused.push(id.to_owned()),
            Err(
                SendError::OutcomeUnknown(_) | SendError::Halted(_) | SendError::Stopped | SendError::Host(_),
            ) => {}
            Err(error) => panic!("{id}: {error}"),
        }
    }
}

fn open(store: impl Store + 'static) -> Result<Host, SetupError> {
    let mut settings = Settings::new(Arc::new(store));
    settings.allocation = Allocation::OnDemand;
    settings.cache = Some(cache().into());
    settings.deadline = None;
    settings.options.threads = 0;
    settings.open()
}

/// Opens the accounts that are not there.
fn begin(host: &Host, component: &Bytes) -> Result<(), SetupError> {
    for n in 0..ACCOUNTS {
        let name = format!("a{n}");
        if host.actors.find(&name).is_ok() {
            continue;
        }
        host.start_blocking(Start {
            component: ComponentSource::Bytes(component.clone()),
            config: Some(format!("{{\"balance\":{OPENING}}}").into()),
            name: Text::new(name).ok(),
            ..Start::default()
        })?;
    }
    Ok(())
}

/// Serves actors that are ready, in any order, until none is or `most` were; `false` once the disk is gone.
fn serve(host: &Host, random: &mut Random, most: u64) -> bool {
    for _ in 0..most {
        if host.actors.is_halted() {
            return false;
        }
        if !host.actors.step(&mut |ready| random.below(ready as u64) as usize) {
            break;
        }
    }
    !host.actors.is_halted()
}

/// A life of the node: goes on with all that is not answered, as long as the disk lets it.
fn live(disk: &SimDisk, component: &Bytes, people: &mut People, seed: u64) {
    let mut random = Random(seed);
    let Ok(store) = disk.open() else { return };
    let Ok(host) = open(store) else { return };
    if begin(&host, component).is_err() {
        return;
    }
    let mut waiting: Vec<(String, oneshot::Receiver<Result<Answer, SendError>>)> = Vec::new();
    let mut failed = Vec::new();
    for (id, order) in &people.orders {
        // Some are given again although they were answered.
        let again = random.below(4) == 0;
        if people.refused.contains(id) || (people.acknowledged.contains_key(id) && !again) {
            continue;
        }
        let from = Sender::Http { key: Some(order.key) };
        match host.actors.find(&order.from).and_then(|actor| actor.post(from, order.message.clone().into())) {
            Ok(answer) => waiting.push((id.clone(), answer)),
            Err(error) => failed.push((id.clone(), error)),
        }
        let most = random.below(4);
        if !serve(&host, &mut random, most) {
            break;
        }
    }
    serve(&host, &mut random, u64::MAX);
    host.actors.shutdown();
    failed.into_iter().for_each(|(id, error)| people.hear(&id, Err(error)));
    for (id, mut answer) in waiting {
        if let Ok(answer) = answer.try_recv() {
            people.hear(&id, answer);
        }
    }
}

/// Looks at every chain of a bank that nothing happens in any more.
fn check(disk: &SimDisk, people: &People, what: &str) -> (u64, u64) {
    let store: Arc<dyn Store> = Arc::new(disk.open().unwrap_or_else(|error| panic!("{what}: {error}")));
    let acknowledged: Vec<_> = people.acknowledged.values().cloned().collect();
    assert_eq!(acknowledged.len() + people.refused.len(), TRANSFERS as usize, "{what}: all is answered");
    let totals = audit(&*store, OPENING * ACCOUNTS as i64, &acknowledged);
    assert_eq!(totals.transfers, acknowledged.len() as u64, "{what}: only what was answered is there");
    let host = open(disk.open().expect("it opened before")).expect("actors");
    for (chain, head) in store.chains().expect("readable") {
        let history = StoreHistory::new(Arc::clone(&store), chain).expect("readable").expect("a chain");
        let report =
            verify(&history, &host.sandbox, |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(report.seq, head.seq);
    }
    (totals.deposits, totals.returned)
}

#[test]
fn a_crash_of_the_disk_at_any_time_neither_makes_nor_loses_money() {
    let seed = Random::seed("TROUPE_BANK_SEED");
    let component: Bytes = std::fs::read(account()).expect("the account is there").into();
    // How many operations a life without a crash has.
    let disk = SimDisk::new();
    let mut people = People::new(seed);
    live(&disk, &component, &mut people, seed);
    let (deposits, returned) = check(&disk, &people, "without a crash");
    assert!(deposits > 0 && returned > 0, "{deposits} arrived, {returned} came back");
    let operations = disk.operations();
    assert!(operations > 2 * POINTS, "there are too few operations: {operations}");
    let mut random = Random(seed);
    for point in 0..POINTS {
        let at = point * operations / POINTS + random.below(operations / POINTS);
        for (n, survivors) in [Survivors::Lost, Survivors::Kept, Survivors::Some(at)].into_iter().enumerate()
        {
            let what = format!("seed {seed}, operation {at}, {survivors:?}");
            let mut people = People::new(seed);
            let disk = SimDisk::new();
            disk.fail_at(at, Fault::Crash);
            live(&disk, &component, &mut people, seed);
            // Another crash while it goes on after the first.
            let disk = disk.after_crash(survivors);
            disk.fail_at(random.below(operations), Fault::Crash);
            live(&disk, &component, &mut people, seed ^ n as u64);
            let disk = disk.after_crash(survivors);
            live(&disk, &component, &mut people, random.0);
            check(&disk, &people, &what);
        }
    }
    eprintln!("{POINTS} of {operations} points, each with three kinds of crashes");
}
