//! Mistakes that people make, and what they are told.

use std::fs;
use std::net::TcpListener;

use crate::node::{Node, actors, counter, troupe};

#[test]
fn a_missing_file_ends_in_two() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["verify", "no.car"][..],
        &["run", "no.wasm"],
        &["check", "no.wasm"],
        &["log", "no.store"],
        &["state", "no.store"],
        &["import", "no.car", "x.store"],
        &["export", "no.store", "x.car"],
    ] {
        troupe(folder.path(), args).code(2).complains("error: ").complains("no.");
    }
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing may be left behind");
}

#[test]
fn a_file_that_is_no_actor_ends_in_one_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, reason) in [
        (&b"\0asm\x01\0\0\0"[..], "wasm-tools component new"),
        (b"(module)", "WebAssembly text"),
        (b"hello", "does not begin as WebAssembly does"),
        (b"\0asm\x0d\0\x01\0", "exports none of"),
    ] {
        fs::write(folder.path().join("x.wasm"), bytes).unwrap();
        troupe(folder.path(), &["check", "x.wasm"]).code(1).complains(reason);
    }
}

#[test]
fn an_actor_is_checked_with_its_init() {
    let folder = tempfile::tempdir().unwrap();
    let path = counter();
    troupe(folder.path(), &["check", path.to_str().unwrap()])
        .code(0)
        .says("is an actor")
        .says("{\"count\":0}");
    let quakes = actors().join("quakes/quakes.wasm");
    let report = troupe(folder.path(), &["check", "--json", quakes.to_str().unwrap()]).code(0).json();
    assert_eq!(report["world"], "troupe:actor/actor@0.1.0");
    troupe(folder.path(), &["check", path.to_str().unwrap(), "--config", "{a:1}"])
        .code(2)
        .complains("not JSON");
}

#[test]
fn a_port_in_use_is_said_and_nothing_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let path = counter();
    let path = path.to_str().unwrap();
    // As `listen` in `troupe.toml` is called on the command line, too.
    for args in [
        &["run", path, "--addr", &addr][..],
        &["run", path, "--listen", &addr],
        &["serve", "--listen", &addr],
    ] {
        troupe(folder.path(), args).code(2).complains("cannot listen on").complains("--addr");
    }
    assert!(!folder.path().join("counter.store").exists());
}

#[test]
fn a_store_in_use_is_said_with_the_way_around() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--store", "c.store"]);
    troupe(folder.path(), &["log", "c.store"]).code(2).complains("in use").complains("URL");
    let path = counter();
    let again = ["run", path.to_str().unwrap(), "--store", "c.store", "--addr", "127.0.0.1:0"];
    troupe(folder.path(), &again).code(2).complains("in use").complains("--store");
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_node_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for args in [&["send", &free, "{}"][..], &["verify", &free], &["log", &free], &["state", &free]] {
        troupe(folder.path(), args).code(2).complains("nothing listens").complains("troupe run");
    }
    troupe(folder.path(), &["verify", "ftp://example.org"]).code(2).complains("https://");
}

#[test]
fn another_component_does_not_go_on_with_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--store", "c.store"]);
    assert_eq!(node.stop(), Some(0));
    let quakes = actors().join("quakes/quakes.wasm");
    let args = ["run", quakes.to_str().unwrap(), "--store", "c.store", "--addr", "127.0.0.1:0"];
    troupe(folder.path(), &args).code(2).complains("component").complains("--store PATH");
    let path = counter();
    let args = ["run", path.to_str().unwrap(), "--store", "c.store", "--addr", "127.0.0.1:0", "--fuel", "7"];
    troupe(folder.path(), &args).code(2).complains("limit `fuel`");
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--store", "c.store"]);
    assert_eq!(node.stop(), Some(0));
    troupe(folder.path(), &["export", "c.store", "c.car"]).code(0);
    troupe(folder.path(), &["export", "c.store", "c.car"]).code(2).complains("nothing was overwritten");
    troupe(folder.path(), &["export", "c.store", "c"]).code(2).complains(".car");
    troupe(folder.path(), &["import", "c.car", "c.store"]).code(2).complains("nothing was imported");
}

#[test]
fn values_that_cannot_be_read_say_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (&["run", "x", "--memory", "big"][..], "64MiB"),
        (&["run", "x", "--limit", "state"], "NAME=VALUE"),
        (&["run", "x", "--deadline", "soon"], "10s"),
        (&["verify", "x", "--head", "abc"], "64 lower-case hex digits"),
        (&["send", "127.0.0.1:1", "{add:1}"], "not JSON"),
    ] {
        troupe(folder.path(), args).code(2).complains(expected);
    }
    let error = troupe(folder.path(), &["verify", "no.car", "--json"]).code(2);
    let error: serde_json::Value = serde_json::from_str(&error.err).unwrap();
    assert!(error["error"].as_str().unwrap().contains("no.car"));
}

#[test]
fn a_folder_that_is_no_store_says_where_the_actor_of_that_name_would_be() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("counter")).unwrap();
    let ran = troupe(folder.path(), &["log", "counter"]).code(2);
    ran.complains("holds neither a store").complains("/actors/counter");
}

#[test]
fn help_and_completions_are_there() {
    let folder = tempfile::tempdir().unwrap();
    troupe(folder.path(), &["--version"]).code(0).says("troupe 0.1.0");
    troupe(folder.path(), &["verify", "--help"]).code(0).says("Examples:");
    for shell in ["bash", "zsh", "fish"] {
        troupe(folder.path(), &["completions", shell]).code(0).says("verify");
    }
}

#[test]
fn an_actor_that_does_not_begin_leaves_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = counter();
    for (more, reason) in
        [(["--fuel", "20"], "init failed, fuel"), (["--limit", "speed=3"], "no limit `speed`")]
    {
        let args = [&["run", path.to_str().unwrap(), "--addr", "127.0.0.1:0"], &more[..]].concat();
        troupe(folder.path(), &args).code(2).complains(reason);
        assert!(!folder.path().join("counter.store").exists());
    }
}
