//! Checkpoints, proofs and witnesses as processes, also ones that are killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use troupe_chain::note::{KeyKind, PublicKey, SecretKey, SignedCheckpoint};
use troupe_chain::tree::check_consistency;

use crate::node::{Node, counter, troupe};

/// A log's key that a node finds in its store.
fn key_in(store: &Path) -> PublicKey {
    use std::os::unix::fs::OpenOptionsExt;
    let name = "node.example/log".parse().expect("a name");
    let key = SecretKey::from_seed(name, KeyKind::Log, &[3; 32]);
    let file = fs::File::options().write(true).create_new(true).mode(0o600).open(store.join("node.key"));
    std::io::Write::write_all(&mut file.expect("a file"), key.to_text().as_bytes()).expect("writes");
    key.public().clone()
}

/// `troupe witness` on a port of its own.
struct Witness {
    child: Child,
    url: String,
    key: String,
}

impl Witness {
    fn start(folder: &Path, listen: &str, log: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
        command.args(["--json", "witness", "--folder", "w", "--listen", listen, "--log", log]);
        let mut child = command.current_dir(folder).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let text = |key: &str| said[key].as_str().expect("text").to_owned();
        Self { child, url: text("url"), key: text("key") }
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The node's newest checkpoint that has at least `size` leaves, and is cosigned if there is a witness.
pub(crate) fn checkpoint(node: &Node, size: u64, witness: Option<&PublicKey>) -> SignedCheckpoint {
    let begun = Instant::now();
    loop {
        let ran = node.troupe(&["checkpoint", "--raw"]);
        if ran.code == Some(0) {
            let signed = SignedCheckpoint::parse(ran.out.as_bytes()).expect("a checkpoint");
            let is_cosigned = witness.is_none_or(|witness| signed.cosigned_by(witness).is_some());
            if signed.head().size >= size && is_cosigned {
                return signed;
            }
        }
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "no checkpoint of {size}: {}\n{}",
            ran.err,
            node.errors()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_entry_is_proved_in_a_file_and_the_file_convinces_nobody_once_it_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    node.troupe(&["send", "counter", "{\"add\":2}"]).code(0);
    node.troupe(&["prove", "counter", "2", "-o", "c.proof"]).code(0).says("verify-proof c.proof --key");
    node.troupe(&["prove", "counter", "9"]).code(2).complains("the chain ends at seq 2");
    node.troupe(&["checkpoint"]).code(0).says("signed").says("troupe.node/");
    let of_actor = node.troupe(&["checkpoint", "counter", "--json"]).code(0).json();
    assert_eq!(of_actor["size"], 3);
    let mode = fs::metadata(folder.path().join("s/node.key")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
    let secret = fs::read_to_string(folder.path().join("s/node.key")).unwrap();
    assert!(!node.errors().contains(&secret[60..]) && !node.introduction.contains(&secret[60..]));
    assert_eq!(node.stop(), Some(0));

    // The node is gone: the file and the key are enough.
    let key = of_actor["key"].as_str().unwrap();
    let verify = |args: &[&str]| troupe(folder.path(), &[&["verify-proof"], args].concat());
    verify(&["c.proof", "--key", key]).code(0).says("verified c.proof").says("message at seq 2");
    assert_eq!(verify(&["c.proof", "--key", key, "--json"]).code(0).json()["verified"], true);
    verify(&["c.proof"]).code(2).says("not verified c.proof").complains("--key");
    let other = SecretKey::from_seed(key.split('+').next().unwrap().parse().unwrap(), KeyKind::Log, &[8; 32]);
    verify(&["c.proof", "--key", &other.public().to_string()]).code(1).says("FALSE").says("is not signed by");
    let text = fs::read_to_string(folder.path().join("c.proof")).unwrap();
    fs::write(folder.path().join("lie.proof"), text.replacen("\"seq\":2", "\"seq\":3", 1)).unwrap();
    verify(&["lie.proof", "--key", key]).code(1).says("FALSE lie.proof");
    fs::write(folder.path().join("no.proof"), "hello\n").unwrap();
    verify(&["no.proof", "--key", key]).code(2).complains("line 1: expected troupe.proof/v1");
}

#[test]
fn a_node_and_its_witness_go_on_from_each_other_however_they_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    // The key is there before the node, so that the witness can be told of it first.
    Node::serve(folder.path(), &["--store", "s"]).kill();
    fs::remove_file(folder.path().join("s/node.key")).unwrap();
    let key = key_in(&folder.path().join("s"));
    let mut witness = Witness::start(folder.path(), "127.0.0.1:0", &key.to_string());
    let address = witness.address().to_owned();
    let known: PublicKey = witness.key.parse().unwrap();
    let argument = format!("{}={}", witness.url, witness.key);
    let component = counter();
    let component = component.to_str().unwrap();
    let mut last: Option<SignedCheckpoint> = None;
    for round in 0..6_u64 {
        let node = Node::serve(folder.path(), &["--store", "s", "--witness", &argument]);
        if round == 0 {
            node.troupe(&["start", component, "--name", "counter"]).code(0);
        }
        node.troupe(&["send", "counter", "{\"add\":1}"]).code(0);
        let signed = checkpoint(&node, round + 1, Some(&known));
        if let Some(last) = &last {
            let (from, to) = (last.head().size, signed.head().size);
            let client = troupe_api::Client::new(&node.url).unwrap();
            let hashes = client.consistency(from, to).unwrap().hashes().unwrap();
            assert_eq!(check_consistency(last.head(), signed.head(), &hashes), Ok(()));
        }
        last = Some(signed);
        node.troupe(&["send", "counter", "{\"add\":1}"]).code(0);
        // Now and then in the middle of a round, which takes no more than a second to come.
        std::thread::sleep(Duration::from_millis(170 * round));
        if round % 2 == 1 {
            drop(witness);
            node.troupe(&["send", "counter", "{\"add\":1}"]).code(0);
            witness = Witness::start(folder.path(), &address, &key.to_string());
        }
        node.kill();
    }
    let node = Node::serve(folder.path(), &["--store", "s", "--witness", &argument]);
    checkpoint(&node, 7, Some(&known));
    node.troupe(&["prove", "counter", "5", "-o", "c.proof"]).code(0);
    let key = key.to_string();
    let cosigned =
        troupe(folder.path(), &["verify-proof", "c.proof", "--key", &key, "--witness", &witness.key]);
    cosigned.code(0).says("cosigned");
    node.troupe(&["verify", "counter", "--key", &key, "--witness-key", &witness.key])
        .code(0)
        .says("signed    ")
        .says("cosigned");
    assert!(
        !node.errors().contains("set back") && !node.errors().contains("another history"),
        "{}",
        node.errors()
    );
}

#[test]
fn a_store_that_was_set_back_is_found_by_the_witness() {
    let folder = tempfile::tempdir().unwrap();
    Node::serve(folder.path(), &["--store", "s"]).kill();
    fs::remove_file(folder.path().join("s/node.key")).unwrap();
    let key = key_in(&folder.path().join("s"));
    let witness = Witness::start(folder.path(), "127.0.0.1:0", &key.to_string());
    let known: PublicKey = witness.key.parse().unwrap();
    let argument = format!("{}={}", witness.url, witness.key);
    let serve = || Node::serve(folder.path(), &["--store", "s", "--witness", &argument]);
    let component = counter();
    let node = serve();
    node.troupe(&["start", component.to_str().unwrap(), "--name", "counter"]).code(0);
    checkpoint(&node, 1, Some(&known));
    assert_eq!(node.stop(), Some(0));
    let copied = Command::new("cp").args(["-a", "s", "backup"]).current_dir(folder.path()).status();
    assert!(copied.expect("cp runs").success());
    let node = serve();
    node.troupe(&["send", "counter", "{\"add\":1}"]).code(0);
    let newest = checkpoint(&node, 2, Some(&known));
    node.kill();
    fs::remove_dir_all(folder.path().join("s")).unwrap();
    fs::rename(folder.path().join("backup"), folder.path().join("s")).unwrap();

    let node = serve();
    node.troupe(&["send", "counter", "{\"add\":7}"]).code(0);
    let begun = Instant::now();
    while !node.errors().contains("the store was set back") {
        assert!(begun.elapsed() < Duration::from_secs(120), "{}", node.errors());
        std::thread::sleep(Duration::from_millis(100));
    }
    // What was signed before is all that it hands out.
    assert!(checkpoint(&node, 1, None).head().size < newest.head().size);
}

#[test]
fn wrong_arguments_say_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| troupe(folder.path(), args).code(2);
    run(&["serve", "--witness", "http://x"]).complains("URL=KEY");
    run(&["witness", "--log", "nonsense"]).complains("NAME+8 HEX DIGITS+BASE64");
    run(&["witness"]).complains("--log");
    let witness = SecretKey::from_seed("w".parse().unwrap(), KeyKind::Witness, &[1; 32]).public().to_string();
    run(&["witness", "--log", &witness]).complains("a log's is needed");
    run(&["verify-proof", "none.proof"]).complains("none.proof");
    run(&["verify-proof", "none.proof", "--witnesses", "1"]).complains("--witness");
}

#[test]
fn a_log_is_followed_leaf_by_leaf_and_against_another_place() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    checkpoint(&node, 1, None);
    node.troupe(&["follow-log"]).code(0).says("verified troupe.node/").says("1 leaf, 1 new");
    node.troupe(&["send", "counter", "{\"add\":2}"]).code(0);
    checkpoint(&node, 2, None);
    let said = node.troupe(&["follow-log", &node.url, &node.url, "--chains"]).code(0);
    said.says("2 leaves, 2 new").says("no two of them contradict each other");
    let json = node.troupe(&["follow-log", "--json"]).code(0).json();
    assert_eq!((&json["size"], &json["chains"]), (&2.into(), &1.into()));
    let key = json["key"].clone();
    assert!(key.is_null());
    let other = SecretKey::from_seed("other.example".parse().unwrap(), KeyKind::Log, &[8; 32]);
    let key = other.public().to_string();
    node.troupe(&["follow-log", "--key", &key]).code(1).complains("is not signed by other.example");
    // Another node's log is another log.
    let second = tempfile::tempdir().unwrap();
    let stranger = Node::run(second.path(), &counter(), &["--name", "counter", "--store", "s"]);
    checkpoint(&stranger, 1, None);
    node.troupe(&["follow-log", &node.url, &stranger.url]).code(0).complains("are different logs");
}

#[test]
fn two_histories_under_one_key_are_found_by_whoever_follows_both() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    for folder in [&folder, &other] {
        Node::serve(folder.path(), &["--store", "s"]).kill();
        fs::remove_file(folder.path().join("s/node.key")).unwrap();
        key_in(&folder.path().join("s"));
    }
    let nodes = [&folder, &other].map(|folder| Node::serve(folder.path(), &["--store", "s"]));
    let component = counter();
    for (node, name) in nodes.iter().zip(["one", "other"]) {
        node.troupe(&["start", component.to_str().unwrap(), "--name", name]).code(0);
        checkpoint(node, 1, None);
    }
    let [one, other] = &nodes;
    for node in &nodes {
        node.troupe(&["follow-log"]).code(0);
    }
    let said = one.troupe(&["follow-log", &one.url, &other.url]).code(1);
    said.complains("show two histories: at 1 leaf").complains("node.example/log");
}
