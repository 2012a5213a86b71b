//! The entries of `docs/spec/vectors`: the good ones have their names and link, the bad ones are refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use troupe_chain::{Entry, Hash, Tip};

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

/// The tip before each entry of the chain, and after the last.
fn tips() -> Vec<Tip> {
    let entries: Vec<_> = index("good").into_iter().filter(|vector| vector["chain"] == true).collect();
    let (mut tip, _) = Tip::check_genesis(&read(&entries[0])).expect("a genesis");
    let mut tips = vec![tip.clone()];
    for vector in &entries[1..] {
        tip.check(&read(vector)).expect("a link");
        tips.push(tip.clone());
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
    assert_eq!(tips().len(), 7);
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
