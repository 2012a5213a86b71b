//! A commons goes on after crashes: from its leaves where they are there, and from genesis where they are not.

use std::sync::Arc;

use bytes::Bytes;
use troupe::host::{Host, Settings};
use troupe::machines::AllMachines;
use troupe::parallel::{Verification, verify};
use troupe_chain::{Hash, Report, Sender};
use troupe_commons::{Act, members};
use troupe_component::{Allocation, Sandbox, SandboxConfig};
use troupe_runtime::{Actor, SendError, StoreHistory};
use troupe_store::faulty::{Fault, SimDisk, Survivors};
use troupe_store::{Append, DiskStore, MemoryStore, Row, Store};

use crate::people::{Node, signature};
use crate::person::{charter, now, person};

fn open(store: Arc<dyn Store>, snapshot_every: u64) -> Host {
    let mut settings = Settings::new(store);
    settings.allocation = Allocation::OnDemand;
    settings.options.threads = 1;
    settings.options.snapshot_every = snapshot_every;
    settings.open().unwrap()
}

fn begun(host: &Host) -> Actor {
    match host.commons().unwrap() {
        Some(actor) => actor,
        None => host.actors.start_blocking(host.prepare_commons(&charter(3, &[])).unwrap()).unwrap(),
    }
}

/// The number of a person's last command.
fn number(actor: &Actor, by: u8) -> u64 {
    let committed = troupe::commons::Committed::of(actor.view().unwrap()).unwrap();
    members::member(&committed.state, person(by).id).unwrap().number
}

fn act(actor: &Actor, by: u8, act: Act) -> Result<(), SendError> {
    let message = person(by).message(actor.id(), number(actor, by) + 1, now() + 60_000, act);
    actor.send_blocking(Sender::Http { key: None }, message.to_bytes().into()).map(drop)
}

fn transfer(actor: &Actor, by: u8) -> Result<(), SendError> {
    act(actor, by, Act::Transfer { amount: 1, to: person(by % 3 + 1).id })
}

fn verified(store: &Arc<dyn Store>, chain: Hash) -> Report {
    let history = StoreHistory::new(Arc::clone(store), chain).unwrap().unwrap();
    let machines = AllMachines::new(Sandbox::new(SandboxConfig::default()));
    verify(&history, &machines, &Verification::default()).unwrap()
}

/// The rows of a chain's leaves.
fn leaves(store: &dyn Store, chain: &Hash) -> Vec<(Bytes, Bytes)> {
    store.rows(&[b"m", &chain.as_bytes()[..]].concat(), None, 100_000).unwrap()
}

fn change(store: &dyn Store, chain: Hash, rows: Vec<Row>) {
    let append = Append { chain, expected: None, entries: Vec::new(), blobs: Vec::new(), rows };
    store.commit(&[append]).unwrap();
}

#[test]
fn a_start_after_a_crash_at_any_operation_goes_on_with_all_that_was_answered() {
    for seed in 0..60_u64 {
        let disk = SimDisk::new();
        let (chain, acknowledged) = {
            let host = open(Arc::new(disk.open().unwrap()), 1 + seed % 7);
            let actor = begun(&host);
            disk.fail_at(disk.operations() + 1 + seed * 3 % 89, Fault::Crash);
            let mut acknowledged = 0;
            while acknowledged < 40 && transfer(&actor, 1).is_ok() {
                acknowledged += 1;
            }
            host.actors.shutdown();
            (actor.id(), acknowledged)
        };
        let survivors = [Survivors::Lost, Survivors::Kept, Survivors::Some(seed)][(seed % 3) as usize];
        let store: Arc<dyn Store> = Arc::new(disk.after_crash(survivors).open().unwrap());
        let host = open(Arc::clone(&store), 1 + seed % 5);
        let actor = begun(&host);
        assert_eq!(actor.id(), chain, "seed {seed}");
        let found = number(&actor, 1);
        assert!((acknowledged..=acknowledged + 1).contains(&found), "seed {seed}: {found} of {acknowledged}");
        for by in [1, 2, 3] {
            transfer(&actor, by).unwrap();
        }
        assert_eq!(verified(&store, chain).messages, found + 3, "seed {seed}");
        host.actors.shutdown();
    }
}

#[test]
fn leaves_are_written_often_enough_that_a_start_replays_little() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let host = open(Arc::clone(&store), u64::MAX);
    let actor = begun(&host);
    for _ in 0..300 {
        transfer(&actor, 1).unwrap();
    }
    host.actors.shutdown();
    // The first row says after which entry, as a varint.
    let first = &leaves(&*store, &actor.id())[0].1;
    let seq = u64::from(first[0] & 0x7f) | u64::from(first[1]) << 7;
    assert!((174..=301).contains(&seq), "{seq}");
    let again = begun(&open(store, 1));
    assert_eq!(again.view().unwrap().state, actor.view().unwrap().state);
    transfer(&again, 2).unwrap();
}

#[test]
fn a_chain_whose_leaves_are_lost_or_wrong_is_replayed_and_they_are_written_again() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let host = open(Arc::clone(&store), 1);
    let actor = begun(&host);
    for by in [1, 2, 3, 1] {
        transfer(&actor, by).unwrap();
    }
    host.actors.shutdown();
    let whole = leaves(&*store, &actor.id());
    let row = |at: usize, value: Option<&'static [u8]>| Row {
        key: whole[at].0.clone(),
        value: value.map(Bytes::from_static),
    };
    let all = || (0..whole.len()).map(|at| row(at, None)).collect::<Vec<_>>();
    let stranger =
        Row::put([b"m", &actor.id().as_bytes()[..], &[7; 32]].concat(), &[0, 1, b'x', 1, b'y'][..]);
    for damage in [all(), vec![row(0, None)], vec![row(3, None)], vec![row(3, Some(b"\x09"))], vec![stranger]]
    {
        change(&*store, actor.id(), damage);
        let host = open(Arc::clone(&store), 1);
        let again = begun(&host);
        let before = leaves(&*store, &actor.id());
        assert_eq!(again.view().unwrap().tip.seq, actor.view().unwrap().tip.seq);
        host.actors.shutdown();
        assert_eq!(leaves(&*store, &actor.id()), before, "reading writes nothing");
    }
    let host = open(Arc::clone(&store), 1);
    let again = begun(&host);
    transfer(&again, 2).unwrap();
    host.actors.shutdown();
    assert_eq!(leaves(&*store, &actor.id()).len(), whole.len(), "no stranger is left");
    assert_eq!(verified(&store, actor.id()).messages, 5);
}

#[test]
fn a_failed_write_leaves_the_commons_where_it_was() {
    let disk = SimDisk::new();
    let host = open(Arc::new(disk.open().unwrap()), 1);
    let actor = begun(&host);
    transfer(&actor, 1).unwrap();
    disk.set_capacity(Some(1));
    let failed = (0..100).find_map(|_| transfer(&actor, 1).err()).unwrap();
    assert!(matches!(failed, SendError::StoreFull(_)), "{failed}");
    let before = number(&actor, 1);
    disk.set_capacity(None);
    transfer(&actor, 1).unwrap();
    assert_eq!(number(&actor, 1), before + 1);
}

#[test]
fn a_commons_cannot_go_back_or_be_erased() {
    let host = open(Arc::new(MemoryStore::new()), 1);
    let actor = begun(&host);
    transfer(&actor, 1).unwrap();
    let order = troupe_runtime::RedactOrder {
        what: troupe_runtime::RedactWhat::Erase,
        from: 2,
        to: 2,
        fields: vec!["message".into()],
        reason: troupe_chain::Text::new("asked for").unwrap(),
        by: "a test".into(),
    };
    let error = actor.redact(&order).unwrap_err().to_string();
    assert!(error.contains("only withheld"), "{error}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime
        .block_on(actor.rewind(1, troupe_chain::Text::new("asked for").unwrap()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot go back"), "{error}");
    transfer(&actor, 1).unwrap();
}

#[test]
fn what_was_answered_outlives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let charter = charter(3, &[]);
    let mut acknowledged = 0;
    for round in 0..6_u64 {
        let node = Node::start(folder.path(), &charter);
        let member = node.get(&format!("/commons/members/{}", person(1).id));
        let mut next = member["next"].as_u64().unwrap();
        assert!((acknowledged + 1..=acknowledged + 2).contains(&next), "{next} after {acknowledged}");
        let (chain, mut wire) = (node.chain(), node.wire());
        let addr = node.addr;
        let killer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(30 + round * 37));
            node.kill();
        });
        loop {
            let act = Act::Transfer { amount: 1, to: person(2 + (next % 2) as u8).id };
            let message = person(1).message(chain, next, now() + 60_000, act).to_bytes();
            match wire.ask("POST", "/commons", &signature("/commons", &message), &message) {
                Ok(answer) => assert_eq!(answer.status, 200, "{addr}: {answer:?}"),
                Err(_) => break,
            }
            acknowledged = next;
            next += 1;
            if next > 900 {
                break;
            }
        }
        killer.join().unwrap();
    }
    let verified = crate::people::verify(folder.path());
    assert!(verified["messages"].as_u64().unwrap() >= acknowledged, "{verified}");
}

#[test]
fn a_node_whose_commons_cannot_be_read_is_not_ready_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(3, &[]));
    node.act(1, Act::Transfer { amount: 1, to: person(2).id });
    node.wire().get("/readyz").unwrap().status(200);
    let chain = node.chain();
    let message = node.get("/actors/commons/chain/2")["data"]["message"].as_str().unwrap().parse().unwrap();
    node.kill();
    // Neither what the state names is there, nor what it could be made of again.
    let store = DiskStore::open(folder.path().join("store")).unwrap();
    let lost = leaves(&store, &chain).into_iter().map(|(key, _)| Row { key, value: None });
    change(&store, chain, lost.collect());
    store.erase(&chain, &[message], &|| true).unwrap().unwrap();
    drop(store);
    let node = Node::serve(folder.path(), &[]);
    let answer = node.wire().get("/readyz").unwrap();
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("the commons cannot be read: "), "{text}");
    answer.problem(503, "halted");
    node.wire().get("/healthz").unwrap().status(200);
    let metrics = node.wire().get("/metrics").unwrap().status(200).text();
    assert!(metrics.contains("\ntroupe_ready 0\n"), "{metrics}");
}
