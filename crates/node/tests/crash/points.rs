//! A disk that fails at every operation in turn, below the whole node: store, sequencer and HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use troupe::host::{Running, Setup, SetupError};
use troupe_chain::{Entry, Hash, verify};
use troupe_component::Allocation;
use troupe_runtime::StoreHistory;
use troupe_store::Store;
use troupe_store::faulty::{Fault, SimDisk, Survivors};

use crate::process::{cache, counter};

const MESSAGES: u64 = 20;

/// A node without a socket.
struct Node {
    running: Arc<Running>,
    router: Router,
}

/// A status, a body, and a header that goes with some.
struct Answer {
    status: u16,
    body: Bytes,
    retry_after: bool,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().expect("a code").to_owned()
    }

    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, &*self.code()), (status, code), "{:?}", self.body);
        assert_eq!(self.retry_after, status == 503);
    }
}

impl Node {
    fn open(store: impl Store + 'static) -> Result<Self, SetupError> {
        let component = std::fs::read(counter()).expect("the counter is there");
        let mut setup = Setup::new(component, Arc::new(store));
        setup.settings.allocation = Allocation::OnDemand;
        setup.settings.cache = Some(cache().into());
        setup.settings.deadline = None;
        let running = Arc::new(setup.open()?);
        Ok(Self { router: troupe::http::router(running.site()), running })
    }

    async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path).body(body.into()).expect("a request");
        let answer = TowerToHyperService::new(self.router.clone()).call(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let retry_after = answer.headers().contains_key("retry-after");
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        Answer { status, body, retry_after }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Body::empty()).await
    }

    async fn post(&self, amount: u64) -> Answer {
        self.ask("POST", "/", message(amount)).await
    }

    fn seq(&self) -> u64 {
        self.running.actor.view().unwrap().tip.seq
    }

    fn verify(&self) {
        let store = Arc::clone(self.running.actor.store());
        let history = StoreHistory::new(store, self.running.actor.id()).expect("readable").expect("a chain");
        let report = verify(&history, &self.running.host.sandbox, |_| {}).expect("the chain verifies");
        assert_eq!(report.seq, self.seq());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.running.stop();
    }
}

fn message(amount: u64) -> String {
    format!("{{\"add\":{amount}}}")
}

/// What a life before a crash was told about its messages.
#[derive(Default)]
struct Told {
    /// Position, name and amount of each message that was acknowledged.
    acknowledged: Vec<(u64, Hash, u64)>,
    /// Messages that may be recorded or not.
    unknown: Vec<u64>,
}

impl Told {
    fn hear(&mut self, amount: u64, answer: &Answer) {
        let json = answer.json();
        match answer.status {
            200 => {
                let hash = json["hash"].as_str().and_then(|hash| hash.parse().ok()).expect("a name");
                self.acknowledged.push((json["seq"].as_u64().expect("a position"), hash, amount));
            }
            500 => {
                answer.is(500, "outcome-unknown");
                self.unknown.push(amount);
            }
            507 => answer.is(507, "store-full"),
            _ => answer.is(503, "halted"),
        }
    }
}

/// Sends messages on a disk until it fails, and on; gives what they were told.
async fn live(disk: &SimDisk) -> Told {
    let mut told = Told::default();
    let Ok(store) = disk.open() else { return told };
    let Ok(node) = Node::open(store) else { return told };
    let mut halted = false;
    for amount in 1..=MESSAGES {
        let answer = node.post(amount).await;
        assert!(!halted || answer.status == 503, "a halted node answers with {}", answer.status);
        told.hear(amount, &answer);
        if answer.status != 200 && !halted {
            halted = true;
            node.get("/readyz").await.is(503, "halted");
            assert_eq!(node.get("/healthz").await.status, 200);
            // What was acknowledged can still be read.
            let last = told.acknowledged.last().map_or(1, |(seq, ..)| *seq);
            assert_eq!(node.get("/").await.json()["seq"], last);
        }
    }
    told
}

/// Starts again on what a crash left, and looks for what was told before.
async fn revive(disk: &SimDisk, told: &Told, what: &str) {
    let store = disk.open().unwrap_or_else(|error| panic!("{what}: {error}"));
    let node = Node::open(store).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (seq, hash, amount) in &told.acknowledged {
        for path in [format!("/chain/{seq}"), format!("/chain/{hash}")] {
            let entry = node.get(&path).await;
            assert_eq!((entry.status, Hash::of(&entry.body)), (200, *hash), "{what}: {path}");
        }
        let name = Hash::of(message(*amount).as_bytes());
        assert_eq!(node.get(&format!("/blobs/{name}")).await.body, message(*amount), "{what}");
    }
    let allowed: Vec<_> = (told.acknowledged.iter().map(|(.., amount)| amount))
        .chain(&told.unknown)
        .map(|amount| Hash::of(message(*amount).as_bytes()))
        .collect();
    let chain = node.get("/chain").await.body;
    let mut recorded = Vec::new();
    for line in chain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if let troupe_chain::Body::Message(body) = Entry::decode(line).expect("an entry").body {
            assert!(allowed.contains(&body.message), "{what}: recorded, but told that it was not");
            assert!(!recorded.contains(&body.message), "{what}: recorded twice");
            recorded.push(body.message);
        }
    }
    let answer = node.post(1000).await;
    assert_eq!((answer.status, &answer.json()["seq"]), (200, &(recorded.len() as u64 + 2).into()), "{what}");
    assert_eq!(node.get("/readyz").await.status, 200, "{what}");
    node.verify();
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future);
}

/// Fails every operation of a life in turn and starts again on each thing that may be left.
fn fail_everywhere(fault: Fault) {
    block_on(async {
        let mut points = 0;
        loop {
            let disk = SimDisk::new();
            disk.fail_at(points, fault);
            let told = live(&disk).await;
            for survivors in [Survivors::Lost, Survivors::Kept, Survivors::Some(points)] {
                let what = format!("{fault:?} at operation {points}, {survivors:?}");
                revive(&disk.after_crash(survivors), &told, &what).await;
            }
            if disk.operations() <= points {
                assert_eq!(told.acknowledged.len() as u64, MESSAGES);
                break;
            }
            points += 1;
        }
        eprintln!("{fault:?}: {points} points");
        assert!(points > 2 * MESSAGES, "there are too few operations: {points}");
    });
}

#[test]
fn a_crash_at_any_operation_loses_nothing_acknowledged() {
    fail_everywhere(Fault::Crash);
}

#[test]
fn a_failure_at_any_operation_loses_nothing_acknowledged() {
    fail_everywhere(Fault::Error);
}

#[test]
fn a_short_write_at_any_operation_loses_nothing_acknowledged() {
    fail_everywhere(Fault::Short);
}

#[test]
fn a_failed_sync_leaves_the_outcome_unknown_and_halts_the_node() {
    block_on(async {
        for survivors in [Survivors::Lost, Survivors::Kept, Survivors::Some(7)] {
            let disk = SimDisk::new();
            let node = Node::open(disk.open().unwrap()).unwrap();
            let mut told = Told::default();
            told.hear(1, &node.post(1).await);
            disk.fail_next_sync();
            // Several that wait at the same time are told the same, or that they were not begun.
            let (a, b, c) = tokio::join!(node.post(2), node.post(3), node.post(4));
            a.is(500, "outcome-unknown");
            for (amount, answer) in [(2, &a), (3, &b), (4, &c)] {
                assert_ne!(answer.status, 200);
                told.hear(amount, answer);
            }
            node.post(5).await.is(503, "halted");
            let ready = node.get("/readyz").await;
            ready.is(503, "halted");
            assert!(ready.json()["detail"].as_str().unwrap().contains("halted"), "{:?}", ready.body);
            assert_eq!(node.seq(), 2, "nobody sees what may not be there");
            let metrics = node.get("/metrics").await.body;
            let metrics = String::from_utf8_lossy(&metrics);
            assert!(metrics.contains("troupe_commits_total{result=\"error\"} "), "{metrics}");
            drop(node);
            revive(&disk.after_crash(survivors), &told, &format!("{survivors:?}")).await;
        }
    });
}

#[test]
fn a_full_disk_takes_nothing_and_goes_on_once_there_is_space() {
    block_on(async {
        let disk = SimDisk::new();
        let node = Node::open(disk.open().unwrap()).unwrap();
        disk.set_capacity(Some(disk.files().iter().map(|(_, bytes)| bytes).sum()));
        let mut told = Told::default();
        let mut amount = 0;
        let seq = loop {
            amount += 1;
            let seq = node.seq();
            let answer = node.post(amount).await;
            told.hear(amount, &answer);
            if answer.status != 200 {
                answer.is(507, "store-full");
                break seq;
            }
            assert!(amount < 1000, "the disk does not get full");
        };
        node.post(amount + 1).await.is(507, "store-full");
        assert_eq!(node.seq(), seq, "nothing was recorded");
        node.get("/readyz").await.is(503, "halted");
        assert!(told.unknown.is_empty());
        disk.set_capacity(None);
        let answer = node.post(amount + 2).await;
        assert_eq!((answer.status, &answer.json()["seq"]), (200, &(seq + 1).into()));
        assert_eq!(node.get("/readyz").await.status, 200);
        told.hear(amount + 2, &answer);
        drop(node);
        revive(&disk.after_crash(Survivors::Lost), &told, "full").await;
    });
}
