//! `troupe test` and `troupe schema`, as they are typed.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::fs;
use std::path::Path;

use crate::node::{Node, counter, troupe};

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A folder whose scenario is this.
fn project(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::write(folder.path().join("actor.toml"), format!("component = {:?}\n", counter())).unwrap();
    fs::write(folder.path().join("tests/counter.toml"), scenario).unwrap();
    folder
}

#[test]
fn the_scenarios_of_the_example_actors_pass() {
    for actor in ["counter", "account"] {
        let args = ["test", &format!("actors/{actor}")];
        troupe(root(), &args).code(0).says(" passed");
    }
}

#[test]
fn stock_does_the_same_in_every_language() {
    let languages = fs::read_dir(root().join("sdk/stock")).unwrap().map(|entry| entry.unwrap().path());
    for component in languages.map(|folder| folder.join("stock.wasm")).filter(|component| component.is_file())
    {
        let args = ["test", "sdk/stock/stock.toml", "--component", component.to_str().unwrap()];
        troupe(root(), &args).code(0).says("27 passed, 79 steps");
    }
}

#[test]
fn a_difference_is_shown_with_its_line_and_ends_in_one() {
    let folder = project("[[step]]\nmessage = { add = 2 }\nstate = { count = 3 }\n");
    troupe(folder.path(), &["test"])
        .code(1)
        .says("tests/counter.toml:3: state: another state")
        .says("expected 3")
        .says("found    2")
        .says("0 passed, 1 failed");
    let json = troupe(folder.path(), &["test", "--json"]).code(1).says("\"line\":3");
    json.says("\"changes\":[{\"expected\":\"3\",\"found\":\"2\",\"path\":\"/count\"}]");
}

#[test]
fn a_mistake_in_a_file_ends_in_two_with_its_place() {
    let folder = project("[[step]]\nmesage = { add = 2 }\n");
    let what = "tests/counter.toml:2:1: there is no key `mesage`; did you mean `message`?";
    troupe(folder.path(), &["test"]).code(2).complains(what);
    troupe(folder.path(), &["test", "nowhere"]).code(2).complains("there is no file or folder nowhere");
}

#[test]
fn what_is_not_written_yet_is_written_on_demand() {
    let folder = project("[[step]]\nmessage = { add = 2 } # two\nstate = '?'\n");
    troupe(folder.path(), &["test"]).code(1).says("not written yet; found {\"count\":2}");
    troupe(folder.path(), &["test", "--accept"]).code(0).says("1 value written");
    let text = fs::read_to_string(folder.path().join("tests/counter.toml")).unwrap();
    assert_eq!(text, "[[step]]\nmessage = { add = 2 } # two\nstate = '{\"count\":2}'\n");
    troupe(folder.path(), &["test"]).code(0);
}

#[test]
fn a_filter_leaves_the_rest_out() {
    let folder =
        project("[[scenario]]\nname = 'one'\n[[scenario]]\nname = 'two'\n[scenario.init]\nlogs = ['x']\n");
    troupe(folder.path(), &["test", "--filter", "one"]).code(0).says("1 passed, 1 left out");
    troupe(folder.path(), &["test"]).code(1);
}

#[test]
fn a_recorded_chain_is_a_test_of_other_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let node = Node::run(folder, &counter(), &["--store", "counter.store"]);
    for add in 1..=3 {
        troupe(folder, &["send", &node.url, &format!("{{\"add\":{add}}}")]).code(0);
    }
    assert_eq!(node.stop(), Some(0));
    troupe(folder, &["export", "counter.store", "counter.car"]).code(0);
    troupe(folder, &["test", "--replay", "counter.car"]).code(0).says("3 messages run again");
    let inferred = troupe(folder, &["schema", "infer", "counter.car", "--json"]).code(0).json();
    assert_eq!(inferred["message"]["properties"]["add"]["maximum"], 3);
    assert_eq!(inferred["state"]["required"][0], "count");
    fs::write(folder.join("replay.toml"), "[[replay]]\nchain = 'counter.car'\nmessages = 2\n").unwrap();
    troupe(folder, &["test", "replay.toml"]).code(0).says("2 messages run again");
    let account = root().join("actors/account/account.wasm");
    let args = ["test", "replay.toml", "--component", account.to_str().unwrap()];
    troupe(folder, &args).code(1).says("replay.toml:1: ").says("cannot be carried over");
}

#[test]
fn contracts_are_written_in_the_language_of_an_sdk() {
    let folder = tempfile::tempdir().unwrap();
    let schema = root().join("sdk/stock/stock.schema.json");
    let contracts = ["schema", "contracts", schema.to_str().unwrap(), "--lang"];
    let run = |more: &[&str]| troupe(folder.path(), &[&contracts, more].concat());
    run(&["python"]).code(0).says("class Change:");
    run(&["js"]).code(0).says("export const messages = {");
    run(&["c"]).code(0).says("static inline troupe_reason contract_message(");
    run(&["rust", "-o", "contracts.rs"]).code(0);
    let code = fs::read_to_string(folder.path().join("contracts.rs")).unwrap();
    assert!(code.starts_with("// Made by `troupe schema contracts stock.schema.json --lang rust`"), "{code}");
    run(&["cobol"]).code(2);
    fs::write(folder.path().join("odd.json"), r#"{"message":{"type":"integer","multipleOf":2}}"#).unwrap();
    troupe(folder.path(), &["schema", "contracts", "odd.json", "--lang", "js"])
        .code(2)
        .complains("odd.json: at /message: there is no code for `multipleOf`");
}

#[test]
fn generated_messages_are_the_same_for_the_same_seed() {
    let folder = project("[[step]]\nmessage = { add = 2 }\n");
    let schema =
        r#"{"message":{"type":"object","required":["add"],"properties":{"add":{"type":"integer"}}}}"#;
    fs::write(folder.path().join("schema.json"), schema).unwrap();
    let args = ["test", "--property", "--seed", "7", "--cases", "100", "--schema", "schema.json", "--json"];
    let one = troupe(folder.path(), &args).code(0).json();
    let other = troupe(folder.path(), &args).code(0).json();
    assert_eq!(one, other);
    assert_eq!((&one["cases"], &one["broken"]), (&100.into(), &serde_json::Value::Null));
    assert!(one["accepted"].as_u64() > Some(20), "{one}");
}

#[test]
fn a_component_that_says_nothing_of_what_it_takes_ends_in_one() {
    let counter = counter();
    let args = ["schema", counter.to_str().unwrap()];
    troupe(root(), &args).code(1).complains("does not say what it takes");
}
