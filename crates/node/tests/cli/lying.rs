//! An operator who lies: each lie is found by who can find it, and what can be proved of it convinces a process that has
//! only the file.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use troupe_chain::note::{KeyKind, SecretKey};
use troupe_chain::{Body, Entry, Hash};
use troupe_store::{Append, DiskStore, NewEntry, Row, Store};

use crate::liar::Liar;
use crate::node::{Node, Ran, counter, troupe};

/// A node with an actor that has taken these numbers, and has signed all of it.
fn counted(folder: &Path, store: &str, numbers: &[u64]) -> Node {
    let node = Node::run(folder, &counter(), &["--name", "counter", "--store", store]);
    numbers.iter().for_each(|number| add(&node, *number));
    signed(&node);
    node
}

fn add(node: &Node, number: u64) {
    node.troupe(&["send", "counter", &format!("{{\"add\":{number}}}")]).code(0);
}

/// Waits until the node has signed what it has, and gives the checkpoint.
fn signed(node: &Node) -> String {
    let client = troupe_api::Client::new(&node.url).unwrap().actor("counter");
    let (begun, seq) = (Instant::now(), client.info().unwrap().seq);
    loop {
        match client.checkpoint() {
            Ok(checkpoint) if checkpoint.head().size > seq => return checkpoint.to_string(),
            other => assert!(begun.elapsed() < Duration::from_secs(60), "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn copy(folder: &Path, from: &str, to: &str) {
    let copied = Command::new("cp").args(["-a", from, to]).current_dir(folder).status();
    assert!(copied.expect("cp runs").success());
}

/// Writes a store with the history of another, in which the state at `seq` is another, every hash from there on made
/// anew, and the same key to sign it with.
fn forge(folder: &Path, from: &str, to: &str, seq: u64) {
    let (honest, forged) = (folder.join(from), folder.join(to));
    {
        let (old, new) = (DiskStore::open(&honest).unwrap(), DiskStore::open(&forged).unwrap());
        let (chain, head) = old.chains().unwrap()[0];
        let lie = Bytes::from_static(b"{\"count\":1000000}");
        let (mut entries, mut blobs) = (Vec::new(), vec![(Hash::of(&lie), lie.clone())]);
        let (mut parent, mut before) = (None, None);
        for at in 0..=head.seq {
            let mut entry = Entry::decode(&old.entry(&chain, at).unwrap().unwrap()).unwrap();
            entry.parent = parent;
            if let Body::Message(message) = &mut entry.body {
                message.before = before.unwrap_or(message.before);
                if at == seq {
                    message.state = Hash::of(&lie);
                }
            }
            before = entry.state().or(before);
            for (field, name) in entry.blobs() {
                match (old.blob(&chain, &name).unwrap(), old.shared(&name).unwrap()) {
                    (Some(blob), _) => blobs.push((name, blob)),
                    (None, Some(shared)) => new.put_shared(&name, &shared).unwrap(),
                    (None, None) => assert_eq!((field, name), ("state", Hash::of(&lie))),
                }
            }
            let entry = NewEntry::new(at, entry.encode());
            parent = Some(entry.name);
            entries.push(entry);
        }
        let rows = [b"n", b"a"].map(|prefix| old.rows(prefix, None, 10).unwrap()).concat();
        let rows = rows.into_iter().map(|(key, value)| Row::put(key, value)).collect();
        new.commit(&[Append { chain, expected: None, entries, blobs, rows }]).unwrap();
    }
    fs::copy(honest.join("node.key"), forged.join("node.key")).unwrap();
}

/// Runs a command as somebody else would, who has seen nothing before.
fn elsewhere(folder: &Path, args: &[&str]) -> Ran {
    let other = tempfile::tempdir_in(folder).unwrap();
    troupe(other.path(), args)
}

/// Checks that a proof convinces somebody who has only the file, and that no part of it may be changed.
fn convinces(folder: &Path, proof: &str, says: &str) {
    let other = tempfile::tempdir().unwrap();
    let bytes = fs::read(folder.join(proof)).unwrap();
    fs::write(other.path().join("p.fraud"), &bytes).unwrap();
    troupe(other.path(), &["check-proof", "p.fraud"]).code(0).says("holds p.fraud").says(says);
    let told = troupe(other.path(), &["check-proof", "p.fraud", "--json"]).code(0).json();
    assert_eq!(told["holds"], true);
    let key = told["key"].as_str().unwrap();
    troupe(other.path(), &["check-proof", "p.fraud", "--key", key]).code(0);
    let wrong = format!("other+{}", key.split_once('+').unwrap().1);
    assert_ne!(troupe(other.path(), &["check-proof", "p.fraud", "--key", &wrong]).code, Some(0));
    for part in 1..8 {
        let mut changed = bytes.clone();
        changed[part * bytes.len() / 8] ^= 1;
        fs::write(other.path().join("p.fraud"), &changed).unwrap();
        assert_ne!(troupe(other.path(), &["check-proof", "p.fraud"]).code, Some(0), "part {part}");
    }
}

#[test]
fn a_changed_state_under_hashes_made_anew_is_found_and_proved_to_others() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(counted(folder.path(), "honest", &[2, 8, 5]).stop(), Some(0));
    troupe(folder.path(), &["export", "honest", "honest.car"]).code(0);
    forge(folder.path(), "honest", "forged", 3);
    let node = counted(folder.path(), "forged", &[]);
    let url = format!("{}/actors/counter", node.url);
    elsewhere(folder.path(), &["verify", &url])
        .code(1)
        .says("FALSE")
        .says("seq 3, `state`")
        .complains("troupe accuse");
    node.troupe(&["diff", "counter", "3"]).code(1).says("FALSE").says("count  1000000 → 10");
    let said = node.troupe(&["diff", "counter", "2", "--json"]).code(0).json();
    assert_eq!((&said["same"], &said["changed"][0]), (&true.into(), &"count  0 → 2".into()));
    // Whoever kept the history finds the place by halving, and whose it is by running one entry.
    let said =
        node.troupe(&["bisect", "honest.car", "counter"]).code(1).says("differ from seq 3 on, a message");
    assert!(
        said.out.contains("true   honest.car") && said.out.contains("FALSE  counter: replay"),
        "{}",
        said.out
    );
    let said = node.troupe(&["accuse", "counter", "-o", "lie.fraud"]).code(0).says("accused").says("seq 3");
    assert!(said.out.contains("check-proof lie.fraud"));
    assert_eq!(node.stop(), Some(0));
    convinces(folder.path(), "lie.fraud", "entry at seq 3 is false");
}

#[test]
fn an_honest_node_is_verified_where_the_last_run_ended_and_cannot_be_accused() {
    let folder = tempfile::tempdir().unwrap();
    let node = counted(folder.path(), "s", &[2, 8]);
    let first = node.troupe(&["verify", "counter", "--json"]).code(0).json();
    assert_eq!((&first["from"], &first["signed"]["size"]), (&serde_json::Value::Null, &4.into()));
    [1, 2, 3].iter().for_each(|number| add(&node, *number));
    signed(&node);
    let second = node.troupe(&["verify", "counter", "--json"]).code(0).json();
    assert_eq!((&second["from"], &second["seq"], &second["messages"]), (&3.into(), &6.into(), &5.into()));
    node.troupe(&["verify", "counter"]).code(0).says("before    to seq 6").says("signed    7 links");
    let fresh = node.troupe(&["verify", "counter", "--fresh", "--json"]).code(0).json();
    assert_eq!((&fresh["from"], &fresh["messages"]), (&serde_json::Value::Null, &5.into()));
    let key = second["signed"]["key"].as_str().unwrap();
    node.troupe(&["verify", "counter", "--key", key]).code(0);
    let other = SecretKey::from_seed(key.split('+').next().unwrap().parse().unwrap(), KeyKind::Log, &[8; 32]);
    let other = other.public().to_string();
    node.troupe(&["verify", "counter", "--key", &other])
        .code(1)
        .says("found by  log")
        .says("is not signed by");
    node.troupe(&["accuse", "counter"]).code(1).complains("the history is true to seq 6");
}

#[test]
fn a_store_that_was_set_back_is_found_by_who_verified_it_before() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(counted(folder.path(), "s", &[2]).stop(), Some(0));
    copy(folder.path(), "s", "backup");
    let node = counted(folder.path(), "s", &[3, 4]);
    node.troupe(&["verify", "counter"]).code(0).says("at seq 4");
    drop(node);
    let node = counted(folder.path(), "backup", &[]);
    node.troupe(&["verify", "counter"]).code(1).says("FALSE").says("went to seq 4").says("now ends at seq 2");
    // Whoever comes for the first time sees a true history, and has nothing to compare it with.
    let url = format!("{}/actors/counter", node.url);
    elsewhere(folder.path(), &["verify", &url]).code(0);
    // A copy may be older, and that is said of it.
    node.troupe(&["export", "counter", "old.car"]).code(0);
    troupe(folder.path(), &["verify", "old.car"]).code(0).says("older     it went to seq 4");
    // Grown again, it is another history of the same key: that is proved to others.
    [7, 8, 9].iter().for_each(|number| add(&node, *number));
    signed(&node);
    node.troupe(&["verify", "counter"]).code(1).says("two histories were shown");
    node.troupe(&["accuse", "counter", "-o", "back.fraud"]).code(0).says("differ in leaf 3");
    assert_eq!(node.stop(), Some(0));
    convinces(folder.path(), "back.fraud", "differ in leaf 3");
}

#[test]
fn two_readers_who_were_shown_two_histories_find_it_by_their_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(counted(folder.path(), "one", &[2]).stop(), Some(0));
    copy(folder.path(), "one", "two");
    for (store, number) in [("one", 3), ("two", 4)] {
        let node = counted(folder.path(), store, &[number]);
        let url = format!("{}/actors/counter", node.url);
        // Each is true by itself.
        elsewhere(folder.path(), &["verify", &url]).code(0);
        fs::write(folder.path().join(format!("{store}.checkpoint")), signed(&node)).unwrap();
        node.troupe(&["export", "counter", &format!("{store}.car")]).code(0);
        assert_eq!(node.stop(), Some(0));
    }
    let node = counted(folder.path(), "two", &[5]);
    let url = format!("{}/actors/counter", node.url);
    let accuse =
        |more: &[&str]| elsewhere(folder.path(), &[&["accuse", &url, "-o", "../split.fraud"], more].concat());
    // The node's is of another size now, so the history of the other is needed.
    accuse(&["--against", "../one.checkpoint"]).code(2).complains("--other");
    accuse(&["--against", "../one.checkpoint", "--other", "../one.car"]).code(0).says("differ in leaf 3");
    accuse(&["--against", "../two.checkpoint", "--other", "../two.car"])
        .code(1)
        .complains("is true to seq 4");
    let key =
        node.troupe(&["checkpoint", "counter", "--json"]).code(0).json()["key"].as_str().unwrap().to_owned();
    assert_eq!(node.stop(), Some(0));
    convinces(folder.path(), "split.fraud", "differ in leaf 3");
    // Of the same size, two checkpoints are enough.
    let args =
        ["accuse", "../one.car", "--checkpoint", "../one.checkpoint", "--key", &key, "-o", "../roots.fraud"];
    elsewhere(folder.path(), &[&args[..], &["--against", "../two.checkpoint"]].concat())
        .code(0)
        .says("4 leaves");
    convinces(folder.path(), "roots.fraud", "two histories of");
}

#[test]
fn a_withheld_tail_is_found_with_a_checkpoint_and_only_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let node = counted(folder.path(), "s", &[2, 8]);
    node.troupe(&["export", "counter", "short.car"]).code(0);
    add(&node, 5);
    fs::write(folder.path().join("c.checkpoint"), signed(&node)).unwrap();
    let key =
        node.troupe(&["checkpoint", "counter", "--json"]).code(0).json()["key"].as_str().unwrap().to_owned();
    let verify = |more: &[&str]| elsewhere(folder.path(), &[&["verify"], more].concat());
    verify(&["../short.car"]).code(0).says("at seq 3");
    verify(&["../short.car", "--checkpoint", "../c.checkpoint", "--key", &key])
        .code(1)
        .says("signed 5 entries, and only 4 are shown");
    verify(&["../short.car", "--checkpoint", "../c.checkpoint"]).code(2).complains("--key");
    // A node that hides its last entry, but hands out what it signed.
    let client = troupe_api::Client::new(&node.url).unwrap().actor("counter");
    let third = Hash::of(&client.entry("3").unwrap().unwrap()).to_string();
    let liar = Liar::before(&node.url, move |path, body| {
        let is_info = path.split('/').count() == 3;
        let mut info: serde_json::Value = serde_json::from_slice(body).ok().filter(|_| is_info)?;
        (info["head"], info["seq"]) = (third.clone().into(), 3.into());
        Some(info.to_string().into_bytes())
    });
    let url = format!("{}/actors/counter", liar.url);
    verify(&[&url]).code(1).says("FALSE").says("entries are missing at the end");
}

#[test]
fn a_swapped_component_and_a_changed_entry_are_found_where_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let node = counted(folder.path(), "s", &[2, 8]);
    let component = Hash::of(&fs::read(counter()).unwrap()).to_string();
    let other = fs::read(crate::node::actors().join("quakes/quakes.wasm")).unwrap();
    let swapped = component.clone();
    let liar = Liar::before(&node.url, move |path, _| path.ends_with(&swapped).then(|| other.clone()));
    let url = format!("{}/actors/counter", liar.url);
    elsewhere(folder.path(), &["verify", &url]).code(1).says("seq 0").says("component-hash").says(&component);
    // Nor is another actor taken for the one whose id was asked for, whatever the node says of it.
    let id = troupe_api::Client::new(&node.url).unwrap().info().unwrap().actor;
    let claimed = format!("{}{}", if id.starts_with('0') { '1' } else { '0' }, &id[1..]);
    let (asked, honest) = (format!("{}/actors/{claimed}", node.url), format!("{}/actors/{id}", node.url));
    elsewhere(folder.path(), &["verify", &honest]).code(0);
    let asked_for = claimed.clone();
    let upstream = node.url.clone();
    let liar = Liar::before(&node.url, move |path, body| {
        let path = path.strip_prefix(&format!("/actors/{asked_for}"))?;
        let client = troupe_api::Client::new(&upstream).ok()?.actor(&id);
        let answer = client.call("GET", path, None).ok()?;
        let text = String::from_utf8(answer.clone()).ok().filter(|_| path.is_empty());
        assert!(!body.is_empty(), "a refusal");
        Some(text.map_or(answer, |text| text.replace(&id, &asked_for).into_bytes()))
    });
    let url = format!("{}/actors/{claimed}", liar.url);
    assert_ne!(elsewhere(folder.path(), &["verify", &url]).code, Some(0));
    assert_ne!(elsewhere(folder.path(), &["verify", &asked]).code, Some(0));
    let liar = Liar::before(&node.url, |path, body| {
        let text = String::from_utf8(body.to_vec()).ok().filter(|_| path.contains("/chain?"))?;
        Some(text.replacen("\"fuel\":", "\"fuel\":1", 3).into_bytes())
    });
    let url = format!("{}/actors/counter", liar.url);
    elsewhere(folder.path(), &["verify", &url]).code(1).says("FALSE").says("found by  structure");
    // A message that is not the one whose hash was signed, among others and by itself.
    for among_others in [true, false] {
        let liar = Liar::before(&node.url, move |path, body| {
            if path.contains("/blobs?") && !among_others {
                return Some(Vec::new());
            }
            let text = String::from_utf8(body.to_vec()).ok().filter(|_| path.contains("/blobs"))?;
            Some(text.replace("{\"add\":8}", "{\"add\":9}").into_bytes())
        });
        let url = format!("{}/actors/counter", liar.url);
        elsewhere(folder.path(), &["verify", &url]).code(1).says("found by  blobs").says("seq 3");
    }
}

#[test]
fn who_follows_a_node_runs_a_command_once_it_shows_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let node = counted(folder.path(), "s", &[2]);
    let lies = Arc::new(AtomicBool::new(false));
    let begun_to_lie = Arc::clone(&lies);
    let genesis = troupe_api::Client::new(&node.url).unwrap().info().unwrap().actor;
    let liar = Liar::before(&node.url, move |path, body| {
        let is_info = path.split('/').count() == 3 && begun_to_lie.load(Ordering::Relaxed);
        let mut info: serde_json::Value = serde_json::from_slice(body).ok().filter(|_| is_info)?;
        (info["head"], info["seq"]) = (genesis.clone().into(), 0.into());
        Some(info.to_string().into_bytes())
    });
    let url = format!("{}/actors/counter", liar.url);
    let mut follow = Command::new(env!("CARGO_BIN_EXE_troupe"));
    follow.args([
        "--json",
        "follow",
        &url,
        "--every",
        "50ms",
        "--on-divergence",
        "echo \"$TROUPE_REASON\" > found",
    ]);
    follow.current_dir(folder.path()).env("XDG_CACHE_HOME", folder.path().join("cache"));
    let mut follow = follow.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["seq"], 2);
    add(&node, 8);
    let grown = next();
    assert_eq!((&grown["seq"], &grown["replayed"]), (&3.into(), &1.into()));
    lies.store(true, Ordering::Relaxed);
    assert_eq!(next()["verified"], false);
    assert_eq!(follow.wait().unwrap().code(), Some(1));
    let found = fs::read_to_string(folder.path().join("found")).unwrap();
    assert!(found.contains("now ends at seq 0"), "{found}");
    troupe(folder.path(), &["follow", "s"]).code(2).complains("does not grow");
}

#[test]
fn witnesses_that_a_reader_believes_must_have_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let node = counted(folder.path(), "s", &[2]);
    let witness = SecretKey::from_seed("w".parse().unwrap(), KeyKind::Witness, &[1; 32]).public().to_string();
    node.troupe(&["verify", "counter", "--witness-key", &witness])
        .code(1)
        .says("found by  log")
        .says("0 of 1 witnesses cosigned");
    node.troupe(&["verify", "counter", "--witness-key", &witness, "--witnesses", "0"]).code(0);
    node.troupe(&["verify", "counter", "--witnesses", "1"]).code(2).complains("--witness-key");
}

#[test]
fn nonsense_is_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.fraud"), "hello\n").unwrap();
    troupe(folder.path(), &["check-proof", "p.fraud"]).code(2).complains("expected troupe.fraud/v1");
    troupe(folder.path(), &["check-proof", "none.fraud"]).code(2).complains("none.fraud");
    troupe(folder.path(), &["accuse", "none.car"]).code(2).complains("none.car");
}
