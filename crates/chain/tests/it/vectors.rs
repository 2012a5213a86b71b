//! The entries of `docs/spec/vectors`: the good ones have their names and link, the bad ones are refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use troupe_chain::{Entry, Hash, Notice, OnFailure, Tip, verify};

use crate::tally::{Tallies, changes, fork, reading, short};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors")
}

fn read(vector: &Value) -> Vec<u8> {
    fs::read(root().join(vector["file"].as_str().expect("a path"))).expect("stored")
}

fn index(which: &str) -> Vec<Value> {
    let index = fs::read(root().join("vectors.json")).expect("stored");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    index["entries"][which].as_array().expect("a list").clone()
}

/// The tip after each entry of each chain.
fn tips() -> Vec<Tip> {
    let mut tips: Vec<Tip> = Vec::new();
    for vector in index("good").into_iter().filter(|vector| vector["chain"].is_string()) {
        let bytes = read(&vector);
        if vector["kind"] == "genesis" {
            tips.push(Tip::check_genesis(&bytes).expect("a genesis").0);
        } else {
            let mut tip = tips.last().expect("a genesis before").clone();
            tip.check(&bytes).expect("a link");
            tips.push(tip);
        }
    }
    tips
}

#[test]
fn good_entries_have_their_names_and_are_written_again_as_they_are() {
    for vector in index("good") {
        let bytes = read(&vector);
        let entry = Entry::decode(&bytes).expect("canonical");
        assert_eq!(entry.encode(), bytes, "{vector}");
        assert_eq!(vector["name"], Hash::of(&bytes).to_string());
        assert_eq!(vector["kind"], entry.body.kind());
    }
    assert_eq!(tips().len(), 7 + 6 + 3 + 5);
}

#[test]
fn stored_chains_are_what_the_machine_makes_and_verify() {
    let chains = [("chain", short()), ("changes", changes()), ("fork", fork()), ("reading", reading())];
    for (name, chain) in chains {
        let stored: Vec<_> =
            index("good").iter().filter(|vector| vector["chain"] == name).map(read).collect();
        assert_eq!(stored, chain.entries, "{name}");
        assert!(verify(&chain, &Tallies::default(), |_| {}).is_ok(), "{name}");
    }
}

#[test]
fn good_entries_have_every_kind_effect_notice_and_policy() {
    let all: String =
        index("good").iter().map(|vector| String::from_utf8(read(vector)).expect("ASCII")).collect();
    let effects = ["send", "request", "timer", "cron", "cancel", "spawn", "stop", "exit"];
    let kinds = ["genesis", "init", "message", "failure", "upgrade", "engine", "stop"];
    let senders = ["http", "did", "actor", "timer", "reply", "notice", "parent"];
    let notices = Notice::ALL.iter().map(|about| format!("\"about\":\"{}\"", about.as_str()));
    let policies = OnFailure::ALL.iter().map(|policy| format!("\"on-failure\":\"{}\"", policy.as_str()));
    let kinds = kinds.iter().chain(&senders).map(|kind| format!("\"kind\":\"{kind}\""));
    let effects = effects.iter().map(|effect| format!("{{\"{effect}\":{{"));
    for part in notices.chain(policies).chain(kinds).chain(effects) {
        assert!(all.contains(&part), "{part}");
    }
}

#[test]
fn bad_entries_are_refused_for_the_reason_given() {
    for vector in index("bad") {
        let bytes = read(&vector);
        match vector["after"].as_str() {
            None => assert!(Entry::decode(&bytes).is_err(), "{vector}"),
            Some(after) => {
                assert!(Entry::decode(&bytes).is_ok(), "{vector}");
                let mut tip =
                    tips().into_iter().find(|tip| tip.entry.to_string() == after).expect("in the chain");
                assert!(tip.check(&bytes).is_err(), "{vector}");
            }
        }
    }
}

#[test]
fn the_specification_lists_the_failure_codes_in_their_order() {
    let page = fs::read_to_string(root().join("../chain.md")).expect("stored");
    let table =
        page.split("### Failure codes").nth(1).expect("a table").split("###").next().expect("its end");
    let listed: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let codes: Vec<&str> = troupe_chain::FailureCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(listed, codes);
    for code in troupe_chain::FailureCode::ALL {
        let line = table.lines().find(|line| line.contains(&format!("`{code}`"))).expect("listed");
        assert_eq!(line.contains('†'), code.depends_on_engine(), "{line}");
        assert_eq!(line.contains('‡'), code.is_returned(), "{line}");
    }
}
