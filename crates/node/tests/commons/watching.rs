//! `troupe job watch`: what it shows, and what it makes of a node that goes away.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use troupe_chain::Hash;

use crate::events::{SAYS, SAYS_AND_HANGS};
use crate::executing::{key, ok, start_for};
use crate::people::{PASSPHRASE, troupe};
use crate::person::person;

#[test]
fn watching_shows_lines_and_outputs_and_says_when_the_node_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let node = start_for(folder.path(), 3, &[2], &["--job-price", "0"]);
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("says.wasm"), troupe_testing::module_from_wat(SAYS).unwrap()).unwrap();
    fs::write(at("hangs.wasm"), troupe_testing::module_from_wat(SAYS_AND_HANGS).unwrap()).unwrap();
    fs::write(at("a"), "hello").unwrap();
    let me = key(folder.path(), 1);
    let submit = |arguments: &[&str]| {
        let out = ok(&node, &[&["job", "submit"], arguments, &["--as", &me, "--json"]].concat());
        let submitted: Value = serde_json::from_str(&out).unwrap();
        submitted["reply"]["jobs"][0].as_str().unwrap().to_owned()
    };
    let job = submit(&[&at("says.wasm"), &at("a")]);
    let watched = ok(&node, &["job", "watch", &job]);
    assert!(watched.contains("begun hello") && watched.contains("settled"), "{watched}");
    let watched = ok(&node, &["job", "watch", &job, "--json"]);
    let events: Vec<Value> = watched.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["output", "progress", "phase"], "{watched}");
    let (code, _, err) = node.run(&["job", "watch", &Hash::of(b"no job").to_string()]);
    assert!(code == 2 && err.contains("has no job"), "{err}");

    // One that has begun and does not end: as the node goes away, that is said.
    let limits = ["--limit", "fuel=90000000000", "--limit", "time=60000"];
    let job = submit(&[&[&at("hangs.wasm")[..], &at("a")], &limits[..]].concat());
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.args(["job", "watch", &job, "--node", &format!("http://{}", node.addr)]);
    command.env("TROUPE_PASSPHRASE", PASSPHRASE).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watching = command.spawn().unwrap();
    let mut shown = BufReader::new(watching.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(shown.any(|line| line == "│ begun"), "it is shown while the job runs");
    node.kill();
    let mut said = BufReader::new(watching.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("trying again")));
    watching.kill().unwrap();
    watching.wait().unwrap();
}

/// A node that answers each of these connections with events, and then hangs up; its URL.
fn answers(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            assert!(lines.map_while(Result::ok).any(|line| line.is_empty()), "a head ends");
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            stream.write_all(format!("{head}{answer}").as_bytes()).unwrap();
        }
    });
    url
}

fn event(kind: &str, data: &Value) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}

#[test]
fn after_a_broken_connection_nothing_is_shown_twice_and_nothing_is_left_out() {
    let executor = person(2).id.to_string();
    let phase = |name: &str, phase: Value| {
        let mut phases = serde_json::Map::new();
        phases.insert(name.to_owned(), phase);
        event("phase", &json!({"name": name, "phase": phases, "tried": [], "inputs": 2, "replicas": 1}))
    };
    let open = phase("open", json!({"bids": []}));
    let line = |seq: u64, n: u64, text: &str| {
        event(
            "line",
            &json!({"executor": executor, "chain": executor, "seq": seq, "n": n, "at": 0,
                "stream": "log", "level": "info", "line": text, "committed": false}),
        )
    };
    let output = |input: u64| {
        event(
            "output",
            &json!({"executor": executor, "chain": executor, "seq": input + 1, "input": input, "of": 2,
                "fuel": 1, "output": "cid", "bytes": 1, "text": format!("came {input}")}),
        )
    };
    let progress =
        |done| event("progress", &json!({"executor": executor, "chain": executor, "done": done, "of": 2}));
    let first = [open.clone(), line(2, 1, "a"), output(1), progress(1), line(3, 1, "b"), line(3, 2, "c")];
    let again = [
        line(2, 1, "a"),
        output(1),
        line(3, 1, "b"),
        line(3, 2, "c"),
        line(3, 3, "d"),
        output(2),
        progress(2),
    ];
    let ended = phase("cancelled", json!({}));
    let node = answers(vec![first.concat(), format!("{open}{}{ended}", again.concat())]);
    let job = Hash::of(b"a job").to_string();
    let (code, out, err) = troupe(&["job", "watch", &job, "--node", &node]);
    let short = &executor[..12];
    let expected = format!(
        "open, with 0 bids\n│ info  a\n  output 1  came 1\n{short} has handled 1 of 2 inputs\n│ info  b\n│ info  c\n\
         │ info  d\n  output 2  came 2\n{short} has handled 2 of 2 inputs\ncancelled\n"
    );
    assert_eq!((code, &*out), (1, &*expected), "{err}");
    assert!(err.contains("the connection ended; trying again"), "{err}");
}

#[test]
fn what_is_no_event_of_a_job_is_told_and_ends_it() {
    let node = answers(vec![event("phase", &json!({"name": "open"}))]);
    let (code, _, err) = troupe(&["job", "watch", &Hash::of(b"a job").to_string(), "--node", &node]);
    assert!(code == 2 && err.contains("the node sent what is no `phase` of a job"), "{err}");
}
