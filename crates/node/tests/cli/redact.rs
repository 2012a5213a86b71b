//! `troupe redact`, as a person who was asked to forget something uses it.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::fs;
use std::path::Path;

use crate::node::{Node, counter, troupe};

/// A number that stands for what somebody wants forgotten.
const SECRET: &str = "918273645546372819";

/// Sends the counter the secret at seq 2, takes it out of the state again at seq 3, and goes on at seq 4.
fn tell(node: &Node) {
    for message in
        [format!("{{\"add\":{SECRET}}}"), format!("{{\"add\":-{SECRET}}}"), "{\"add\":1}".to_owned()]
    {
        node.troupe(&["send", "counter", &message]).code(0);
    }
}

fn has(path: &Path) -> bool {
    if path.is_dir() {
        return fs::read_dir(path).expect("a folder").any(|entry| has(&entry.expect("a name").path()));
    }
    // What an actor logs goes to the node's standard error, too, which is the operator's.
    if path.ends_with("node.err") {
        return false;
    }
    // The standard library's search is quick also where the tests are not optimized.
    String::from_utf8_lossy(&fs::read(path).expect("a file")).contains(SECRET)
}

const WHY: [&str; 2] = ["--reason", "asked for by a customer"];

fn erase<'a>(place: &'a str, entries: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["redact", "erase", place, entries][..], &WHY, more].concat()
}

#[test]
fn what_a_running_actor_was_told_is_erased_and_every_command_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    tell(&node);
    assert!(has(&folder.path().join("s")));
    let done = node.troupe(&erase("counter", "2", &[])).code(0);
    done.says("erased counter").says("seq 2 message").says("from the state at seq 4");
    node.troupe(&erase("counter", "3", &["--message"])).code(0).says("1 payload of entry 3");
    assert!(!has(&folder.path().join("s")), "while the node runs");

    node.troupe(&["log", "counter"]).code(0).says("was erased: asked for by a customer");
    let listed = node.troupe(&["redact", "list", "counter"]).code(0);
    listed.says("erased").says("message").says("asked for by a customer");
    let verify = node.troupe(&["verify", "counter"]).code(2);
    verify.says("not all replayed counter").says("but for 2 entries").says("seq 2 to 3: `message` erased");
    node.troupe(&["verify", "counter", "--accept-redacted"]).code(0).says("verified counter");
    let json = node.troupe(&["verify", "counter", "--json"]).code(2).json();
    assert_eq!((&json["verified"], &json["not_replayed"]), (&serde_json::Value::Null, &2.into()));
    assert_eq!((&json["gaps"][0]["first"], &json["gaps"][0]["kind"]), (&2.into(), &"erased".into()));
    node.troupe(&["verify", "counter", "--links-only"]).code(0);
    node.troupe(&["prove", "counter", "2", "-o", "c.proof"]).code(0);
    node.troupe(&["state", "counter", "--at", "2"]).code(2).complains("was erased: asked for by a customer");
    node.troupe(&["send", "counter", "{\"add\":1}"]).code(0);
    node.kill();

    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    node.troupe(&["send", "counter", "{\"add\":1}"]).code(0);
    node.troupe(&["state", "counter"]).code(0).says("{\"count\":3}");
    node.troupe(&["export", "counter", "c.car"]).code(0).says("redacted");
    assert_eq!(node.stop(), Some(0));
    assert!(!has(folder.path()), "after two starts and an export");

    let run = |args: &[&str]| troupe(folder.path(), args);
    run(&["verify", "s"]).code(2).says("2 entries not replayed");
    run(&["verify", "c.car"]).code(2).says("seq 2 to 3");
    run(&["verify", "c.car", "--accept-redacted"]).code(0);
    run(&["import", "c.car", "s2"]).code(0).says("2 entries not replayed");
    run(&["verify", "s2", "--accept-redacted"]).code(0);
    run(&["export", "s2", "again.car"]).code(0);
    let [one, other] = ["c.car", "again.car"].map(|name| fs::read(folder.path().join(name)).unwrap());
    assert!(one == other, "an import keeps what was said of it");
    let node = Node::run(folder.path(), &counter(), &["--store", "s2"]);
    node.troupe(&["send", &node.url, "{\"add\":1}"]).code(0);
}

#[test]
fn an_exported_history_and_a_store_at_rest_are_erased_too() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| troupe(folder.path(), args);
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    tell(&node);
    assert_eq!(node.stop(), Some(0));
    run(&["export", "s", "c.car"]).code(0);
    run(&["export", "s", "folder/"]).code(0);
    for place in ["s", "c.car", "folder"] {
        let path = folder.path().join(place);
        assert!(has(&path), "{place}");
        run(&erase(place, "2", &[])).code(0).says("erased").says("message");
        run(&erase(place, "2..3", &["--message"])).code(0).says("seq 3");
        assert!(!has(&path), "{place}");
        run(&["verify", place]).code(2).says("seq 2 to 3");
        run(&["verify", place, "--accept-redacted"]).code(0);
        run(&["redact", "list", place]).code(0).says("asked for by a customer");
        run(&erase(place, "2..3", &["--message"])).code(2).complains("no such payload");
    }
    assert!(!has(folder.path()), "nothing was left beside them");
    // One that was cut short after the old one was put aside.
    fs::rename(folder.path().join("c.car"), folder.path().join("c.car.old")).unwrap();
    run(&erase("c.car", "4", &["--message"])).code(2).complains("there is no file");
    fs::rename(folder.path().join("c.car.old"), folder.path().join("c.car")).unwrap();
    run(&["verify", "c.car", "--accept-redacted"]).code(0);
}

#[test]
fn a_changed_byte_beside_a_gap_is_still_found() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| troupe(folder.path(), args);
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    tell(&node);
    assert_eq!(node.stop(), Some(0));
    run(&erase("s", "2..3", &[])).code(0);
    run(&["export", "s", "folder/"]).code(0);
    let entries = folder.path().join("folder/entries.ndjson");
    let text = fs::read_to_string(&entries).unwrap();
    fs::write(&entries, text.replacen("\"seq\":3", "\"seq\":5", 1)).unwrap();
    run(&["verify", "folder", "--accept-redacted"]).code(1).says("FALSE");
    fs::write(&entries, text).unwrap();
    // A claim about a blob that is there, and one about nothing.
    let claims = folder.path().join("folder/redactions.ndjson");
    let text = fs::read_to_string(&claims).unwrap();
    let line = text.lines().next().unwrap();
    let name = &line[line.find("name\":\"").unwrap() + 7..][..64];
    fs::write(&claims, format!("{}\n", line.replace(name, &"0".repeat(64)))).unwrap();
    run(&["verify", "folder"]).code(1).says("FALSE");
    fs::remove_file(&claims).unwrap();
    run(&["verify", "folder", "--accept-redacted"]).code(2).complains("is missing");
}

#[test]
fn what_is_withheld_is_left_out_of_exports_until_it_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    tell(&node);
    let withhold = ["redact", "withhold", "counter", "2", "--message", "--reason", "under review"];
    node.troupe(&withhold).code(0).says("withheld counter: 1 payload of entry 2");
    // Whoever uses this machine may manage the node, and so read it.
    node.troupe(&["verify", "counter"]).code(0);
    assert_eq!(node.stop(), Some(0));
    let run = |args: &[&str]| troupe(folder.path(), args);
    run(&["verify", "s"]).code(0);
    run(&["export", "s", "public.car"]).code(0).says("redacted");
    run(&["verify", "public.car"]).code(2).says("`message` withheld: under review");
    run(&["export", "s", "whole.car", "--withheld"]).code(0);
    run(&["verify", "whole.car"]).code(0);
    run(&["redact", "release", "s", "2"]).code(0).says("released");
    run(&["export", "s", "released.car"]).code(0);
    run(&["verify", "released.car"]).code(0);
}

#[test]
fn wrong_use_says_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    tell(&node);
    node.troupe(&["redact", "erase", "counter", "2"]).code(2).complains("--reason");
    node.troupe(&erase("counter", "3..2", &[])).code(2).complains("3 comes after 2");
    node.troupe(&erase("counter", "x", &[])).code(2).complains("SEQ..SEQ");
    node.troupe(&erase("counter", "9", &[])).code(2).complains("the last is at 4");
    node.troupe(&erase("counter", "4", &[])).code(2).complains("the current state");
    node.troupe(&erase("countr", "2", &[])).code(2).complains("did you mean `counter`?");
    node.troupe(&["redact", "erase", "counter", "2", "--reason", "ü"]).code(2).complains("--reason");
    node.troupe(&["redact", "list", "counter"]).code(0).says("nothing was redacted");
    assert_eq!(node.stop(), Some(0));
    let run = |args: &[&str]| troupe(folder.path(), args);
    run(&["export", "s", "c.car"]).code(0);
    run(&["redact", "withhold", "c.car", "2", "--reason", "x"]).code(2).complains("no readers");
}
