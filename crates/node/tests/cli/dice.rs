//! An actor that draws randomness: each entry has a seed of its own, and a seed cannot be changed afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use troupe::host::Setup;
use troupe_chain::{Body, Entry, Hash, History, NotVerified, Sender, Unreadable, verify};
use troupe_runtime::StoreHistory;
use troupe_store::MemoryStore;
use troupe_testing::wasi;

use crate::node::{Node, troupe};

fn dice(folder: &Path) -> PathBuf {
    let path = folder.join("dice.wasm");
    fs::write(&path, wasi::dice()).expect("a file");
    path
}

/// The seeds in the entries of a store or a bundle, from the first on.
fn seeds(folder: &Path, place: &str) -> Vec<String> {
    let log = troupe(folder, &["log", place, "--json"]).code(0).out;
    let entries = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    entries.filter_map(|entry| Some(entry["data"]["seed"].as_str()?.to_owned())).collect()
}

fn are_distinct(seeds: &[String]) -> bool {
    seeds.iter().collect::<BTreeSet<_>>().len() == seeds.len()
}

#[test]
fn each_entry_has_a_seed_of_its_own_also_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, dice) = (folder.path(), dice(folder.path()));
    let node = Node::run(folder, &dice, &["--store", "dice.store"]);
    for _ in 0..2 {
        troupe(folder, &["send", &node.url, "{}"]).code(0).says("accepted");
    }
    node.kill();
    let before = seeds(folder, "dice.store");
    assert_eq!(before.len(), 3, "init and two messages");
    troupe(folder, &["verify", "dice.store"]).code(0).says("verified");
    let node = Node::run(folder, &dice, &["--store", "dice.store"]);
    assert!(node.introduction.contains("resumed at seq 3"), "{}", node.introduction);
    troupe(folder, &["send", &node.url, "{}"]).code(0).says("accepted");
    troupe(folder, &["verify", &node.url]).code(0).says("verified");
    node.kill();
    let after = seeds(folder, "dice.store");
    assert_eq!((&after[..3], after.len()), (&before[..], 4));
    assert!(are_distinct(&after), "{after:?}");
}

#[test]
fn an_export_verifies_until_a_seed_in_it_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, dice) = (folder.path(), dice(folder.path()));
    let node = Node::run(folder, &dice, &["--store", "dice.store"]);
    troupe(folder, &["send", &node.url, "{}"]).code(0).says("accepted");
    node.kill();
    troupe(folder, &["export", "dice.store", "dice.car"]).code(0);
    troupe(folder, &["verify", "dice.car"]).code(0).says("verified");
    let seed = seeds(folder, "dice.car").pop().unwrap();
    let mut bytes = fs::read(folder.join("dice.car")).unwrap();
    let at =
        bytes.windows(seed.len()).position(|found| found == seed.as_bytes()).expect("it is in the entry");
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    fs::write(folder.join("dice.car"), bytes).unwrap();
    troupe(folder, &["verify", "dice.car"]).code(1).says("seq 2");
}

/// A history whose last entry has another seed, and every hash fits.
struct Redrawn {
    history: StoreHistory,
    last: Vec<u8>,
}

impl History for Redrawn {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        Hash::of(&self.last)
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        let head = self.history.head();
        self.history.entries().map(move |entry| match entry {
            Ok(bytes) if Hash::of(&bytes) == head => Ok(Bytes::copy_from_slice(&self.last)),
            other => other,
        })
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        self.history.blob(name)
    }
}

#[test]
fn another_seed_in_a_chain_whose_hashes_fit_leads_to_another_state() {
    let running = Setup::new(wasi::dice(), Arc::new(MemoryStore::new())).open().unwrap();
    running.actor.send_blocking(Sender::Http { key: None }, Bytes::from_static(b"{}")).unwrap();
    let history =
        || StoreHistory::new(Arc::clone(running.actor.store()), running.actor.id()).unwrap().unwrap();
    verify(&history(), &running.host.sandbox, |_| {}).unwrap();
    let mut entry = Entry::decode(&history().entries().last().unwrap().unwrap()).unwrap();
    match &mut entry.body {
        Body::Message(message) => message.seed = Some(Hash::of(b"a luckier one")),
        other => panic!("no message: {other:?}"),
    }
    let redrawn = Redrawn { history: history(), last: entry.encode() };
    match verify(&redrawn, &running.host.sandbox, |_| {}) {
        Err(NotVerified::Diverged(found)) => assert_eq!((found.seq, found.field), (2, "state")),
        other => panic!("{other:?}"),
    }
}
