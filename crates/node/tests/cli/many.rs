//! A node of many actors and the commands about them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use troupe_testing::{World, guests};

use crate::node::{Node, counter, troupe};

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).expect("a file");
}

/// A node with an actor that appends each message to its state, and three messages in it.
fn appending(folder: &Path) -> Node {
    write(folder, "append.wasm", &guests::append(World::Actor));
    write(folder, "echo.wasm", &guests::echo(World::Actor));
    let node = Node::serve(folder, &["--store", "s"]);
    node.troupe(&["start", "append.wasm", "--name", "a"]).code(0);
    for message in ["{\"m\":1}", "{\"m\":2}", "{\"m\":3}"] {
        node.troupe(&["send", "a", message]).code(0).says("accepted seq");
    }
    node
}

#[test]
fn actors_are_begun_used_and_ended_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(folder.path(), &["--store", "s"]);
    assert!(node.introduction.contains("troupe start COMPONENT"), "{}", node.introduction);
    node.troupe(&["ps"]).code(0).complains("no actors");
    let path = counter();
    let path = path.to_str().unwrap();
    let started = node.troupe(&["start", path, "--name", "counter", "--json"]).code(0).json();
    let id = started["actor"].as_str().unwrap();
    assert_eq!(started["url"], format!("{}/actors/counter", node.url));
    node.troupe(&["start", path, "--name", "counter"]).code(2).complains("--name");
    node.troupe(&["send", "counter", "{\"add\":2}"]).code(0).says("{\"count\":2}");
    node.troupe(&["send", &format!("{}/actors/{id}", node.url), "{\"add\":3}"]).code(0).says("{\"count\":5}");
    node.troupe(&["ps"]).code(0).says("counter").says("running").says(&id[..12]);
    let listed = node.troupe(&["ps", "--json"]).code(0).json();
    assert_eq!(
        (&listed["name"], &listed["seq"], &listed["handled"]),
        (&"counter".into(), &3.into(), &2.into())
    );
    node.troupe(&["inspect", "counter"]).code(0).says(id).says("limits");
    node.troupe(&["inspect", &id[..8]]).code(0).says(id);
    node.troupe(&["state", "counter"]).code(0).says("{\"count\":5}");
    node.troupe(&["state", "counter", "--at", "2"]).code(0).says("{\"count\":2}");
    node.troupe(&["log", "counter"]).code(0).says("{\"add\":3}");
    node.troupe(&["verify", "counter"]).code(0).says("verified counter").says(id);
    node.troupe(&["verify", &node.url, "--actor", "counter"]).code(0).says(id);
    node.troupe(&["export", "counter", "counter.car"]).code(0).says(id);
    troupe(folder.path(), &["verify", "counter.car"]).code(0).says(id);
    node.troupe(&["logs", "counter"]).code(0).says("now {\"count\":5}");
    node.troupe(&["top", "--once"]).code(0).says("counter").says("1 actor");
    node.troupe(&["stop", "counter", "--reason", "enough"]).code(0).says("stopped");
    node.troupe(&["send", "counter", "{\"add\":1}"]).code(2).complains("troupe inspect");
    node.troupe(&["log", "counter"]).code(0).says("enough");
    node.troupe(&["remove", "counter"]).code(0).says("removed");
    node.troupe(&["ps"]).code(0).complains("no actors");
    node.troupe(&["ps", "--all"]).code(0).says("removed").says(&id[..12]);
    assert_eq!(node.stop(), Some(0));
    troupe(folder.path(), &["verify", "s"]).code(0).says(id);
}

#[test]
fn a_paused_actor_says_so_until_it_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let node = appending(folder.path());
    node.troupe(&["pause", "a"]).code(0).says("paused").complains("troupe resume a\n");
    node.troupe(&["send", "a", "{}"])
        .code(2)
        .complains("error: the actor is paused\n")
        .complains("troupe resume");
    node.troupe(&["ps"]).code(0).says("paused");
    node.troupe(&["resume", "a", "--json"]).code(0).says("\"resumed\":true");
    node.troupe(&["send", "a", "{}"]).code(0);
}

#[test]
fn an_upgrade_is_tried_out_first_and_then_done() {
    let folder = tempfile::tempdir().unwrap();
    let node = appending(folder.path());
    let tried = node.troupe(&["upgrade", "a", "echo.wasm", "--dry-run"]).code(0);
    tried.says("nothing changed").says("carried over").says("SEQ").says("WOULD BE").says("state");
    node.troupe(&["state", "a"]).code(0).says("{\"m\":1}{\"m\":2}{\"m\":3}");
    let upgraded = node.troupe(&["upgrade", "a", "echo.wasm", "--json"]).code(0).json();
    assert_eq!(upgraded["seq"], 5);
    node.troupe(&["send", "a", "{\"m\":4}"]).code(0);
    assert_eq!(node.troupe(&["state", "a"]).code(0).out, "{\"m\":4}");
    node.troupe(&["upgrade", "a", "--limit", "fuel=12345678"]).code(0).says("upgraded");
    node.troupe(&["inspect", "a", "--json"]).code(0).says("12345678");
    node.troupe(&["verify", "a"]).code(0).says("verified a");
    node.troupe(&["upgrade", "a", "--limit", "fule=1"]).code(2).complains("fule");
    node.troupe(&["upgrade", "a"]).code(2).complains("COMPONENT");
    assert_eq!(node.stop(), Some(0));
    troupe(folder.path(), &["verify", "s"]).code(0).says("4 messages");
}

#[test]
fn a_fork_and_a_rewind_leave_chains_that_verify_together() {
    let folder = tempfile::tempdir().unwrap();
    let node = appending(folder.path());
    node.troupe(&["fork", "a", "--at", "3", "--name", "b"]).code(0).says("forked b").says("at seq 3");
    assert_eq!(node.troupe(&["state", "b"]).code(0).out, "{\"m\":1}{\"m\":2}");
    node.troupe(&["fork", "a", "--at", "99"]).code(2).complains("99");
    let rewound =
        node.troupe(&["rewind", "a", "--to", "2", "--reason", "a mistake", "--json"]).code(0).json();
    assert_ne!(rewound["actor"], rewound["from"]);
    assert_eq!(node.troupe(&["state", "a"]).code(0).out, "{\"m\":1}");
    node.troupe(&["send", "a", "{\"m\":9}"]).code(0);
    node.troupe(&["ps", "--tree"]).code(0).says("stopped →");
    assert_eq!(node.stop(), Some(0));
    let report = troupe(folder.path(), &["verify", "s", "--json"]).code(0).json();
    assert_eq!(report["chains"].as_array().unwrap().len(), 3);
    assert_eq!((&report["verified"], &report["origins"]["resolved"]), (&true.into(), &2.into()));
    let path = counter();
    let run = ["run", path.to_str().unwrap(), "--store", "s", "--addr", "127.0.0.1:0"];
    troupe(folder.path(), &run).code(2).complains("troupe serve --store s");
}

#[test]
fn what_an_actor_commits_is_watched_from_any_place_on() {
    let folder = tempfile::tempdir().unwrap();
    let node = appending(folder.path());
    let mut watching = Command::new(env!("CARGO_BIN_EXE_troupe"))
        .args(["watch", "a", "--from", "3", "--node", &node.url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains("{\"m\":2}") && next().contains("{\"m\":3}"));
    node.troupe(&["send", "a", "{\"m\":4}"]).code(0);
    assert!(next().contains("{\"m\":4}"));
    node.troupe(&["stop", "a"]).code(0);
    assert!(next().contains("stop"));
    assert!(watching.wait().unwrap().success(), "it ends with the chain");
}

#[test]
fn a_manifest_says_what_begins_and_arguments_beat_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "append.wasm", &guests::append(World::Actor));
    let text = "component = \"append.wasm\"\nname = \"from-file\"\n[limits]\nfuel = 7000000\n\
                [supervision]\non-failure = \"restart\"";
    write(folder.path(), "actor.toml", text.as_bytes());
    let node = Node::serve(folder.path(), &["--store", "memory"]);
    node.troupe(&["start", "actor.toml"]).code(0).says("begun from-file");
    let other =
        ["start", "actor.toml", "--name", "other", "--limit", "fuel=8000000", "--on-failure", "pause"];
    node.troupe(&other).code(0).says("begun other");
    for (name, fuel) in [("from-file", 7_000_000), ("other", 8_000_000)] {
        let info = node.troupe(&["inspect", name, "--json"]).code(0).json();
        assert_eq!(info["limits"]["fuel"], fuel);
    }
    drop(node);
    let node = Node::run(folder.path(), Path::new("actor.toml"), &[]);
    assert!(node.introduction.contains("from-file.store, new"), "{}", node.introduction);
    node.troupe(&["send", &node.url, "{}"]).code(0);
    node.troupe(&["state", "from-file"]).code(0).says("{}");
}

#[test]
fn actors_of_the_configuration_are_begun_once_and_never_changed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "append.wasm", &guests::append(World::Actor));
    write(folder.path(), "echo.wasm", &guests::echo(World::Actor));
    let config = |component: &str| {
        let text = format!(
            "store = \"data\"\n[[actor]]\ncomponent = \"{component}\"\nname = \"one\"\n\
             [[actor]]\ncomponent = \"echo.wasm\"\n"
        );
        write(folder.path(), "troupe.toml", text.as_bytes());
    };
    config("append.wasm");
    let node = Node::serve(folder.path(), &["--config", "troupe.toml"]);
    assert!(node.introduction.contains("begun now: one, echo"), "{}", node.introduction);
    node.troupe(&["send", "one", "{}"]).code(0);
    assert_eq!(node.stop(), Some(0));
    config("echo.wasm");
    let node = Node::serve(folder.path(), &["--config", "troupe.toml"]);
    assert!(!node.introduction.contains("begun"), "{}", node.introduction);
    assert!(node.errors().contains("`one` goes on as it is"), "{}", node.errors());
    assert!(node.errors().contains("troupe upgrade one "), "{}", node.errors());
    node.troupe(&["send", "one", "{}"]).code(0);
    assert_eq!(node.troupe(&["state", "one"]).code(0).out, "{}{}");
    let twice = "[[actor]]\ncomponent = \"echo.wasm\"\n[[actor]]\ncomponent = \"echo.wasm\"\n";
    write(folder.path(), "twice.toml", twice.as_bytes());
    troupe(folder.path(), &["serve", "--config", "twice.toml"]).code(2).complains("named `echo`");
    troupe(folder.path(), &["serve", "--config", "no.toml"]).code(2).complains("no.toml");
}

#[test]
fn a_start_says_what_to_type_to_have_an_actor_as_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "echo.wasm", &guests::echo(World::Actor));
    write(folder.path(), "append it.wasm", &guests::append(World::Actor));
    let serve = |text: &str| {
        write(folder.path(), "troupe.toml", format!("store = \"data\"\n{text}").as_bytes());
        let before = fs::read_to_string(folder.path().join("node.err")).unwrap_or_default().len();
        let node = Node::serve(folder.path(), &["--config", "troupe.toml"]);
        let errors = node.errors().split_off(before);
        (node, errors)
    };
    let (node, _) = serve("[[actor]]\ncomponent = \"echo.wasm\"\nname = \"one\"\n");
    assert_eq!(node.stop(), Some(0));
    let text = "[[actor]]\ncomponent = \"append it.wasm\"\nname = \"one\"\nlimits = { fuel = 9_000_000 }\n\
                [actor.grants]\nhttp = [\"*.example.org\"]\nargs = [\"it's\", \"-v\"]\nenv = { MODE = \"a b\" }\n";
    let (node, errors) = serve(text);
    let typed = errors.lines().find_map(|line| line.split_once("to change it: ")).expect("a help").1;
    let command = typed.replacen("troupe", env!("CARGO_BIN_EXE_troupe"), 1);
    let shell = Command::new("sh")
        .current_dir(folder.path())
        .args(["-c", &format!("{command} --node {}", node.url)])
        .output()
        .unwrap();
    assert!(shell.status.success(), "{typed}: {}", String::from_utf8_lossy(&shell.stderr));
    assert_eq!(node.stop(), Some(0));
    let (node, errors) = serve(text);
    assert!(!errors.contains("goes on as it is"), "{errors}");
    assert_eq!(node.stop(), Some(0));
    let (_node, errors) = serve(&format!("{text}files = {{ \"/a\" = \"echo.wasm\" }}\n"));
    assert!(errors.contains("troupe upgrade one actor.toml, a manifest that says all of it"), "{errors}");
}
