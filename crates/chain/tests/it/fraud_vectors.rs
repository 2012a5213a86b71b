//! The fraud proofs of `docs/spec/vectors`: they are made here, and what is stored must be what is made.
//!
//! `TROUPE_BLESS=1 cargo test -p troupe-chain fraud_vectors` writes them anew; whoever does so answers for the difference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use troupe_chain::fraud::{FraudProof, Lie};

use crate::fraud::accusations;
use crate::proof_vectors::stored_as_made;
use crate::tally::Tallies;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/fraud")
}

/// Files that look like fraud proofs and show nothing, each with what is wrong with it.
fn bad() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let all: BTreeMap<_, _> = accusations().into_iter().collect();
    let changed = |kind: &str, change: &dyn Fn(&mut Lie)| {
        let mut proof = all[kind].clone();
        change(&mut proof.lie);
        proof.to_bytes()
    };
    let step = |change: &dyn Fn(&mut troupe_chain::fraud::FalseStep)| {
        changed("step", &|lie| {
            if let Lie::Step(step) = lie {
                change(step);
            }
        })
    };
    let text = String::from_utf8(all["roots"].to_bytes()).expect("text");
    vec![
        (
            "one-root",
            "both checkpoints are the same",
            changed("roots", &|lie| {
                if let Lie::Roots(both) = lie {
                    both[1] = both[0].clone();
                }
            }),
        ),
        (
            "one-leaf",
            "both leaves are the same, and one of them is not in its tree",
            changed("leaves", &|lie| {
                if let Lie::Leaves(both) = lie {
                    both[1].hash = both[0].hash;
                }
            }),
        ),
        (
            "another-place",
            "the leaves stand at different places",
            changed("leaves", &|lie| {
                if let Lie::Leaves(both) = lie {
                    both[1].proof.index += 1;
                }
            }),
        ),
        (
            "entry-missing",
            "the entries are not the beginning of the tree",
            step(&|step| drop(step.entries.remove(4))),
        ),
        ("ends-early", "the last entry is true", step(&|step| drop(step.entries.pop()))),
        (
            "blob-missing",
            "the replay asks for a blob that is not there",
            step(&|step| drop(step.blobs.pop())),
        ),
        ("blob-unneeded", "nobody asks for a blob", step(&|step| step.blobs.push(b"more".to_vec()))),
        (
            "no-consistency",
            "nothing leads from the entries to the root",
            step(&|step| step.consistency.clear()),
        ),
        (
            "another-key",
            "the key did not sign it",
            text.replacen("node.example", "node.elsewhere", 1).into_bytes(),
        ),
        (
            "another-kind",
            "the sections are of another kind",
            text.replacen("lie roots", "lie leaves", 1).into_bytes(),
        ),
        ("trailing-line", "an empty line at the end", format!("{text}\n").into_bytes()),
        (
            "leading-zero",
            "a length with a leading zero",
            text.replacen("checkpoint ", "checkpoint 0", 1).into_bytes(),
        ),
    ]
}

#[test]
fn stored_fraud_proofs_are_what_is_made_today() {
    let mut made: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for (kind, proof) in accusations() {
        let (file, shown) = (format!("{kind}.fraud"), proof.check(&Tallies::default()).expect("it holds"));
        good.push(json!({"file": file, "kind": kind, "shows": shown.to_string()}));
        made.insert(file, proof.to_bytes());
    }
    for (name, what, bytes) in bad() {
        let holds = FraudProof::parse(&bytes).is_ok_and(|proof| proof.check(&Tallies::default()).is_ok());
        assert!(!holds, "{name}: {what}");
        let file = format!("bad/{name}.fraud");
        wrong.push(json!({"file": file, "wrong": what}));
        made.insert(file, bytes);
    }
    let index = json!({"good": good, "bad": wrong});
    let index = serde_json::to_string_pretty(&index).expect("JSON") + "\n";
    made.insert("fraud.json".into(), index.into_bytes());
    stored_as_made(&root(), &made);
}
