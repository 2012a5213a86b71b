//! Blobs by CID, and a core module that runs as a job.

use std::fs;

use crate::node::{Node, troupe};

#[test]
fn blobs_are_put_listed_and_taken_back_by_cid() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(folder.path(), &["--store", "s"]);
    fs::write(folder.path().join("words.txt"), "some words").unwrap();
    let put = node.troupe(&["dag", "put", "words.txt", "--json"]).code(0).json();
    let cid = put["cid"].as_str().unwrap();
    node.troupe(&["dag", "put", "words.txt"]).code(0).says(cid);
    node.troupe(&["dag", "ls"]).code(0).says(cid).says("10 B");
    node.troupe(&["dag", "get", cid]).code(0).says("some words");
    node.troupe(&["dag", "get", put["hash"].as_str().unwrap(), "-o", "copy.txt"]).code(0).says("10 B");
    assert_eq!(fs::read(folder.path().join("copy.txt")).unwrap(), b"some words");
    node.troupe(&["dag", "get", cid, "-o", "copy.txt"]).code(2).complains("copy.txt");
    let other = troupe_chain::Cid(troupe_chain::Hash::of(b"other")).to_string();
    node.troupe(&["dag", "get", &other]).code(2).complains("has no blob").complains("troupe dag ls");
    node.troupe(&["dag", "get", "bafy"]).code(2).complains("expected a CID");
}

#[test]
fn a_core_module_runs_as_an_actor_and_its_history_is_verified_like_any() {
    let folder = tempfile::tempdir().unwrap();
    let module = "(module
        (import \"icn\" \"host_take_input\" (func $take (param i32 i32) (result i32)))
        (import \"icn\" \"host_put_output\" (func $put (param i32 i32) (result i32)))
        (import \"icn\" \"host_account_get_mana\" (func $mana (param i32 i32) (result i64)))
        (memory (export \"memory\") 1)
        (func (export \"run\") (result i64)
          (drop (call $put (i32.const 0) (call $take (i32.const 0) (i32.const 65536))))
          (if (i64.ne (call $mana (i32.const 0) (i32.const 0)) (i64.const -6)) (then (return (i64.const -1))))
          (i64.const 0)))";
    fs::write(folder.path().join("echo.wasm"), troupe_testing::module_from_wat(module).unwrap()).unwrap();
    troupe(folder.path(), &["check", "echo.wasm"]).code(0).says("troupe:job/module@1");
    let node = Node::serve(folder.path(), &["--store", "s"]);
    let member = "07".repeat(32);
    let principal = format!("commons-for:{member}");
    let grants = ["--grant", "commons:mana-read", "--grant", &principal];
    let start = ["start", "echo.wasm", "--name", "echo", "--limit", "functions=10"];
    node.troupe(&[&start[..], &grants].concat()).code(0);
    // A node without a commons says so, and the entry records it.
    node.troupe(&["send", "echo", "{\"a\":1}"]).code(0).says("{\"a\":1}");
    node.troupe(&["log", "echo"]).code(0).says("{\"a\":1}");
    node.troupe(&["verify", "echo"]).code(0).says("verified echo");
    let client = troupe::troupe_api::Client::new(&node.url).unwrap();
    let metrics = String::from_utf8(client.call("GET", "/metrics", None).unwrap()).unwrap();
    assert!(metrics.contains("troupe_host_calls_total{function=\"host_take_input\"} 1"), "{metrics}");
}

#[test]
fn a_blob_that_is_too_large_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    fs::File::create(folder.path().join("large")).unwrap().set_len((64 << 20) + 1).unwrap();
    let node = Node::serve(folder.path(), &["--store", "s"]);
    let large = folder.path().join("large");
    node.troupe(&["dag", "put", large.to_str().unwrap()]).code(2).complains("a blob at most 64.0 MiB");
    node.troupe(&["--json", "dag", "ls"]).code(0);
}
