//! One actor through every command: run, send, log, state, verify, export, import, and a crash between.

use std::fs;
use std::path::Path;

use crate::node::{Node, counter, troupe};

/// Runs the counter, sends it three messages, and leaves its store behind.
fn counted(folder: &Path) {
    let node = Node::run(folder, &counter(), &["--store", "counter.store"]);
    for add in 1..=3 {
        let message = format!("{{\"add\":{add}}}");
        troupe(folder, &["send", &node.url, &message]).code(0).says("accepted");
    }
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_message_is_answered_with_its_entry_and_state() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--store", "memory"]);
    let answer = troupe(folder.path(), &["send", "--json", &node.url, "{\"add\":4}"]).code(0).json();
    assert_eq!(answer["seq"], 2);
    assert_eq!(answer["state"]["count"], 4);
    let minimal =
        troupe(folder.path(), &["send", "--json", "--minimal", &node.url, "{\"add\":4}"]).code(0).json();
    assert_eq!(minimal.as_object().unwrap().keys().collect::<Vec<_>>(), ["hash", "seq"]);
    troupe(folder.path(), &["state", &node.url]).code(0).says("{\"count\":8}");
    troupe(folder.path(), &["state", &node.url, "--at", "2"]).code(0).says("{\"count\":4}");
}

#[test]
fn a_refused_message_ends_in_one_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--store", "memory"]);
    troupe(folder.path(), &["send", &node.url, "{\"subtract\":1}"]).code(1).complains("nothing was recorded");
    let problem = troupe(folder.path(), &["send", "--json", &node.url, "{}"]).code(1).json();
    assert_eq!(problem["code"], "rejected");
}

#[test]
fn a_stream_is_counted_by_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--store", "memory"]);
    fs::write(folder.path().join("events.ndjson"), "{\"add\":1}\n\n{\"no\":1}\n{\"add\":2}\n[1]\n").unwrap();
    let args = ["send", &node.url, "@events.ndjson", "--connections", "2"];
    troupe(folder.path(), &args)
        .code(1)
        .says("sent 4")
        .says("accepted          2")
        .says("rejected          2");
    troupe(folder.path(), &["state", &node.url]).code(0).says("{\"count\":3}");
}

#[test]
fn a_history_goes_out_and_comes_back_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    counted(folder);
    troupe(folder, &["log", "counter.store"]).code(0).says("genesis").says("{\"add\":3}");
    let newest =
        troupe(folder, &["log", "counter.store", "--reverse", "--limit", "1", "--json"]).code(0).json();
    assert_eq!(newest["data"]["seq"], 4);
    troupe(folder, &["state", "counter.store", "--at", "3"]).code(0).says("{\"count\":3}");
    let report = troupe(folder, &["verify", "counter.store", "--json"]).code(0).json();
    assert_eq!((&report["verified"], &report["messages"]), (&true.into(), &3.into()));

    troupe(folder, &["export", "counter.store", "counter.car"]).code(0).says("5 entries");
    troupe(folder, &["export", "counter.store", "counter-export/"]).code(0);
    let head = report["head"].as_str().unwrap();
    for bundle in ["counter.car", "counter-export"] {
        troupe(folder, &["verify", bundle, "--head", head]).code(0).says("verified");
        troupe(folder, &["verify", bundle, "--links-only"]).code(0).says("linked");
        troupe(folder, &["state", bundle]).code(0).says("{\"count\":6}");
        troupe(folder, &["log", bundle, "--from", "4"]).code(0).says("{\"add\":3}");
    }
    troupe(folder, &["import", "counter.car", "again.store", "--head", head]).code(0).says("imported");
    let node = Node::run(folder, &counter(), &["--store", "again.store"]);
    assert!(node.introduction.contains("resumed at seq 4"), "{}", node.introduction);
    let answer = troupe(folder, &["send", "--json", &node.url, "{\"add\":10}"]).code(0).json();
    assert_eq!((&answer["seq"], &answer["state"]["count"]), (&5.into(), &16.into()));
    troupe(folder, &["verify", &node.url]).code(0).says("4 messages");
    troupe(folder, &["export", &node.url, "from-node.car"]).code(0).says("6 entries");
    troupe(folder, &["verify", "from-node.car"]).code(0);
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &[]);
    let answer = troupe(folder.path(), &["send", "--json", &node.url, "{\"add\":5}"]).code(0).json();
    node.kill();
    let node = Node::run(folder.path(), &counter(), &[]);
    assert!(node.introduction.contains("counter.store, resumed at seq 2"), "{}", node.introduction);
    troupe(folder.path(), &["state", &node.url]).code(0).says("{\"count\":5}");
    let last = troupe(folder.path(), &["log", &node.url, "--reverse", "--limit", "1"]).code(0);
    last.says(&answer["hash"].as_str().unwrap()[..12]);
}

#[test]
fn a_changed_byte_ends_in_one_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    counted(folder.path());
    troupe(folder.path(), &["export", "counter.store", "counter.car"]).code(0);
    let path = folder.path().join("counter.car");
    let mut bytes = fs::read(&path).unwrap();
    let message = b"{\"add\":2}";
    let at = bytes.windows(message.len()).position(|window| window == message).unwrap();
    bytes[at + 7] = b'9';
    fs::write(&path, bytes).unwrap();
    troupe(folder.path(), &["verify", "counter.car"]).code(1).says("FALSE").says("seq 3");
    let verdict = troupe(folder.path(), &["verify", "counter.car", "--json"]).code(1).json();
    assert_eq!((&verdict["verified"], &verdict["seq"]), (&false.into(), &3.into()));
    troupe(folder.path(), &["import", "counter.car", "x.store"]).code(1).complains("nothing was imported");
    assert!(!folder.path().join("x.store").exists());
}

#[test]
fn another_head_is_not_this_history() {
    let folder = tempfile::tempdir().unwrap();
    counted(folder.path());
    let head = "0".repeat(64);
    troupe(folder.path(), &["verify", "counter.store", "--head", &head]).code(1).says("entries are missing");
}

#[test]
fn a_failure_of_the_actor_is_recorded_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Enough for init and the message contract, too little for handle.
    let node = Node::run(folder, &counter(), &["--store", "c.store", "--fuel", "6000"]);
    troupe(folder, &["send", &node.url, "{\"add\":1}"]).code(1).complains("(fuel) is recorded at seq 2");
    fs::write(folder.join("events.ndjson"), "{\"add\":1}\n{\"add\":2}\n").unwrap();
    troupe(folder, &["send", &node.url, "@events.ndjson"]).code(1).says("2  fuel");
    assert_eq!(node.stop(), Some(0));
    troupe(folder, &["log", "c.store"]).code(0).says("failed: fuel");
    troupe(folder, &["state", "c.store"]).code(0).says("{\"count\":0}");
    troupe(folder, &["verify", "c.store"]).code(0).says("3 failures");
}
