//! A bank of a thousand accounts in a process that is killed again and again while many people pay.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use troupe_store::DiskStore;

use super::ledger::{Acknowledged, account, audit, transfer};
use crate::process::{Process, verify};
use crate::random::Random;
use crate::wire::{Answer, Wire};

const ACCOUNTS: u64 = 1000;
const OPENING: i64 = 1000;
const PEOPLE: u64 = 6;
/// How many kills there are, unless `TROUPE_KILLS` says otherwise.
const KILLS: u64 = 25;
/// How long everything may take to come to rest in the end.
const REST: Duration = Duration::from_secs(60);

/// An order, given with the same key until it is answered.
#[derive(Clone)]
struct Order {
    from: String,
    id: String,
    message: String,
}

/// Somebody who pays from accounts at random.
struct Person {
    number: u64,
    random: Random,
    orders: u64,
    /// Given and not answered.
    open: Vec<Order>,
    acknowledged: Vec<Acknowledged>,
    /// Answered before, to be given again now and then.
    answered: Vec<(Order, Acknowledged)>,
    refused: u64,
}

impl Person {
    fn new(number: u64, seed: u64) -> Self {
        let random = Random(seed ^ number << 56);
        let (open, acknowledged, answered) = (Vec::new(), Vec::new(), Vec::new());
        Self { number, random, orders: 0, open, acknowledged, answered, refused: 0 }
    }

    /// A new order: one in a hundred to nobody, one in a hundred of more than there can be.
    fn order(&mut self) -> Order {
        let from = format!("a{}", self.random.below(ACCOUNTS));
        let (to, most) = match self.random.below(100) {
            0 => ("nobody".to_owned(), 10),
            1 => ("a0".to_owned(), 100_000_000),
            _ => (format!("a{}", self.random.below(ACCOUNTS)), 100),
        };
        let id = format!("p{}-{}", self.number, self.orders);
        self.orders += 1;
        let message = transfer(&to, 1 + self.random.below(most), &id);
        Order { from, id, message }
    }

    /// Orders until the connection breaks.
    fn pay(&mut self, addr: SocketAddr, answered: &mpsc::Sender<()>) {
        let Ok(mut wire) = Wire::connect(addr) else { return };
        if self.settle(&mut wire).is_err() {
            return;
        }
        loop {
            let again = self.answered.pop().filter(|_| self.random.below(8) == 0);
            if let Some((order, before)) = again {
                let Ok(answer) = give(&mut wire, &order) else { return };
                let answer = answer.status(200).json();
                assert_eq!((&answer["hash"], &answer["seq"]), (&before.hash.into(), &before.seq.into()));
            }
            let order = self.order();
            self.open.push(order.clone());
            let Ok(answer) = give(&mut wire, &order) else { return };
            self.hear(&order, &answer);
            if answered.send(()).is_err() {
                return;
            }
        }
    }

    /// Gives every order again that was not answered.
    fn settle(&mut self, wire: &mut Wire) -> std::io::Result<()> {
        for order in self.open.clone() {
            let answer = give(wire, &order)?;
            self.hear(&order, &answer);
        }
        Ok(())
    }

    fn hear(&mut self, order: &Order, answer: &Answer) {
        match answer.status {
            200 => {
                let json = answer.json();
                let said = Acknowledged {
                    id: order.id.clone(),
                    hash: json["hash"].as_str().expect("a name").to_owned(),
                    seq: json["seq"].as_u64().expect("a position"),
                };
                self.acknowledged.push(said.clone());
                self.answered.push((order.clone(), said));
            }
            422 => self.refused += 1,
            _ => {
                answer.problem(503, "busy");
                return;
            }
        }
        self.open.retain(|open| open.id != order.id);
    }
}

fn give(wire: &mut Wire, order: &Order) -> std::io::Result<Answer> {
    let headers = format!("Content-Type: application/json\r\nIdempotency-Key: {}\r\n", order.id);
    wire.ask("POST", &format!("/actors/{}", order.from), &headers, order.message.as_bytes())
}

#[test]
fn money_is_neither_made_nor_lost_by_a_bank_that_is_killed_again_and_again() {
    let kills = std::env::var("TROUPE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let seed = Random::seed("TROUPE_BANK_SEED");
    let folder = tempfile::tempdir().expect("a folder");
    let folder: PathBuf = folder.path().into();
    let mut people: Vec<Person> = (0..PEOPLE).map(|number| Person::new(number, seed)).collect();
    let mut random = Random(seed);
    let began = Instant::now();
    let mut process = Process::serve(&folder);
    open_accounts(process.address());
    assert_eq!(process.stop(), Some(0));
    eprintln!("{ACCOUNTS} accounts opened in {:.1} s", began.elapsed().as_secs_f64());
    let mut start_time = Duration::from_millis(200);
    for _ in 0..kills {
        let began = Instant::now();
        let mut process = Process::serve(&folder);
        if random.below(100) < 15 {
            thread::sleep(Duration::from_micros(random.below(start_time.as_micros() as u64 * 5 / 4)));
            process.kill();
            continue;
        }
        let addr = process.address();
        start_time = began.elapsed();
        let answers = 1 + random.below(300);
        people = pay_until_killed(people, process, addr, answers, &mut random);
    }
    let mut process = Process::serve(&folder);
    come_to_rest(&mut people, process.address());
    assert_eq!(process.stop(), Some(0));
    let acknowledged: Vec<_> = people.iter().flat_map(|person| person.acknowledged.clone()).collect();
    let store = DiskStore::open(folder.join("store")).expect("a store");
    let totals = audit(&store, OPENING * ACCOUNTS as i64, &acknowledged);
    drop(store);
    assert_eq!(totals.transfers, acknowledged.len() as u64, "all that is recorded was answered in the end");
    let report = verify(&folder);
    let chains = report["chains"].as_array().expect("chains");
    assert_eq!((&report["verified"], chains.len() as u64), (&true.into(), ACCOUNTS));
    let entries: u64 = chains.iter().map(|chain| 1 + chain["seq"].as_u64().expect("a position")).sum();
    assert_eq!(entries, totals.entries, "every entry of every chain is verified");
    let origins = &report["origins"];
    assert_eq!((&origins["not_at_hand"], &origins["false"]), (&0.into(), &Value::Array(Vec::new())));
    assert_eq!(origins["resolved"], 2 * totals.deposits + totals.returned);
    eprintln!(
        "{kills} kills, {} transfers: {} arrived, {} came back, {} refused; {} entries, {:.0} s",
        totals.transfers,
        totals.deposits,
        totals.returned,
        people.iter().map(|person| person.refused).sum::<u64>(),
        totals.entries,
        began.elapsed().as_secs_f64()
    );
    assert!(totals.deposits > kills && totals.returned > 0);
}

/// Uploads the component once, and begins an account under each name.
fn open_accounts(addr: SocketAddr) {
    let mut wire = Wire::connect(addr).expect("a connection");
    let component = std::fs::read(account()).expect("the account is there");
    let uploaded = wire.ask("POST", "/components", "Content-Type: application/wasm\r\n", &component);
    let uploaded = uploaded.expect("an answer").status(201).json();
    let component = uploaded["component"].as_str().expect("a hash").to_owned();
    thread::scope(|scope| {
        for person in 0..PEOPLE {
            let component = &component;
            scope.spawn(move || {
                let mut wire = Wire::connect(addr).expect("a connection");
                for n in (person..ACCOUNTS).step_by(PEOPLE as usize) {
                    let config = format!(r#""config":{{"balance":{OPENING}}},"name":"a{n}""#);
                    let body = format!(r#"{{"component":"{component}",{config}}}"#);
                    begin(&mut wire, &body);
                }
            });
        }
    });
}

/// Begins an actor, as soon as the node has room for one more that begins.
fn begin(wire: &mut Wire, body: &str) {
    let headers = "Content-Type: application/json\r\n";
    loop {
        let answer = wire.ask("POST", "/actors", headers, body.as_bytes()).expect("an answer");
        if answer.status != 503 {
            answer.status(201);
            return;
        }
        answer.problem(503, "busy");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Lets everybody pay until so many answers came, and kills the node a moment later.
fn pay_until_killed(
    people: Vec<Person>,
    process: Process,
    addr: SocketAddr,
    answers: u64,
    random: &mut Random,
) -> Vec<Person> {
    let (answered, answer) = mpsc::channel();
    let paying: Vec<_> = people
        .into_iter()
        .map(|mut person| {
            let answered = answered.clone();
            thread::spawn(move || {
                person.pay(addr, &answered);
                person
            })
        })
        .collect();
    drop(answered);
    for _ in 0..answers {
        answer.recv().expect("the node answers until it is killed");
    }
    thread::sleep(Duration::from_micros(random.below(3000)));
    process.kill();
    paying.into_iter().map(|person| person.join().expect("nobody is told anything wrong")).collect()
}

/// Gives what is not answered again, and waits until no account has money on its way.
fn come_to_rest(people: &mut [Person], addr: SocketAddr) {
    let mut wire = Wire::connect(addr).expect("a connection");
    let began = Instant::now();
    while people.iter().any(|person| !person.open.is_empty()) {
        people.iter_mut().for_each(|person| person.settle(&mut wire).expect("answers"));
        assert!(began.elapsed() < REST, "orders are not answered");
    }
    for n in 0..ACCOUNTS {
        loop {
            let state = wire.get(&format!("/actors/a{n}/state")).expect("an answer").status(200).json();
            if state["out"].as_array().is_some_and(Vec::is_empty) {
                break;
            }
            assert!(began.elapsed() < REST, "a{n} waits for ever: {state}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
