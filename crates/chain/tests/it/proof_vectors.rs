//! The proofs of `docs/spec/vectors`: they are made here, and what is stored must be what is made.
//!
//! They change only with the format. `TROUPE_BLESS=1 cargo test -p troupe-chain proof_vectors` writes them anew; whoever
//! does so answers for the difference.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use troupe_chain::Hash;
use troupe_chain::note::{Checkpoint, KeyKind, ProofFile, SecretKey};
use troupe_chain::tree::TreeHash;

use crate::proofs::file;
use crate::trees::Kept;

/// Sizes of trees that proofs are shown for.
const SIZES: [u64; 6] = [1, 2, 3, 7, 8, 21];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/proofs")
}

/// Compares the files below a folder with what is made today, or writes them where that is asked for.
pub(crate) fn stored_as_made(root: &Path, made: &BTreeMap<String, Vec<u8>>) {
    if std::env::var_os("TROUPE_BLESS").is_some() {
        fs::create_dir_all(root.join("bad")).expect("made");
        for (path, bytes) in made {
            fs::write(root.join(path), bytes).expect("written");
        }
    }
    for (path, bytes) in made {
        let stored = fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(stored == *bytes, "{path} is not what is made today");
    }
}

fn texts(hashes: &[TreeHash]) -> Vec<String> {
    hashes.iter().map(ToString::to_string).collect()
}

/// A tree whose leaves are names, as a chain's are.
fn tree() -> Value {
    let names: Vec<_> = (0..21_u8).map(|leaf| Hash::of(&[leaf])).collect();
    let mut tree = Kept::default();
    names.iter().for_each(|name| tree.push(TreeHash::of_leaf(name.as_bytes())));
    let (mut inclusion, mut consistency) = (Vec::new(), Vec::new());
    for size in SIZES {
        for index in 0..size {
            let hashes = texts(&tree.inclusion(index, size));
            inclusion.push(json!({"index": index, "size": size, "hashes": hashes}));
        }
        for before in 1..=size {
            let hashes = texts(&tree.consistency(before, size));
            consistency.push(json!({"from": before, "to": size, "hashes": hashes}));
        }
    }
    let leaves: Vec<_> = names.iter().map(ToString::to_string).collect();
    let roots: Vec<_> = (0..=21).map(|size| tree.head(size).root.to_string()).collect();
    json!({"leaves": leaves, "roots": roots, "inclusion": inclusion, "consistency": consistency})
}

/// Files that look like proofs and are none, each with what is wrong with it.
fn bad() -> Vec<(&'static str, &'static str, String)> {
    let (good, trust) = file();
    let text = good.to_string();
    let node = SecretKey::from_seed(trust.node.name().clone(), KeyKind::Log, &[1; 32]);
    let stranger = SecretKey::from_seed(trust.node.name().clone(), KeyKind::Log, &[9; 32]);
    let changed = |change: &dyn Fn(&mut ProofFile)| {
        let mut file = good.clone();
        change(&mut file);
        file.to_string()
    };
    let signed = |name: &troupe_chain::note::KeyName, head| Checkpoint::new(name.clone(), head).sign(&node);
    let line = |from: usize, to: usize| {
        let mut lines: Vec<_> = text.lines().collect();
        lines.swap(from, to);
        lines.join("\n") + "\n"
    };
    let other = crate::tally::fork().entries[2].clone();
    let cosignature = text.lines().last().expect("a line").to_owned() + "\n";
    vec![
        (
            "another-entry",
            "the chain's tree does not have it",
            changed(&|file| file.entry.clone_from(&other)),
        ),
        ("another-place", "the entry says another seq", changed(&|file| file.in_chain.index += 1)),
        ("hash-missing", "the proof is too short", changed(&|file| file.in_chain.hashes.truncate(2))),
        (
            "hash-too-many",
            "the proof is too long",
            changed(&|file| {
                let again = file.in_node.hashes[0];
                file.in_node.hashes.push(again);
            }),
        ),
        ("hashes-swapped", "the hashes are in another order", line(6, 7)),
        (
            "another-key",
            "the chain's checkpoint is signed by a key of the same name",
            changed(&|file| {
                let checkpoint = file.in_chain.checkpoint.checkpoint().clone();
                file.in_chain.checkpoint = checkpoint.sign(&stranger);
            }),
        ),
        (
            "another-chain",
            "the node's log has no such size of this chain",
            changed(&|file| {
                let name = troupe_chain::note::KeyName::of_chain(&Hash::of(b"elsewhere"));
                file.in_chain.checkpoint = signed(&name, *file.in_chain.checkpoint.head());
            }),
        ),
        (
            "another-log",
            "the second checkpoint is of another log",
            changed(&|file| {
                let name = "other.example".parse().expect("a name");
                file.in_node.checkpoint = signed(&name, *file.in_node.checkpoint.head());
            }),
        ),
        ("not-cosigned", "no witness cosigned", text.replace(&cosignature, "")),
        ("spaced-entry", "the entry is not canonical", text.replacen("{\"data\"", "{ \"data\"", 1)),
        ("trailing-line", "an empty line at the end", format!("{text}\n")),
        ("leading-zero", "a size with a leading zero", text.replacen("\n7\n", "\n07\n", 1)),
    ]
}

#[test]
fn stored_proofs_are_what_is_made_today() {
    let (good, trust) = file();
    let mut made: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    made.insert("entry.proof".into(), good.to_string().into_bytes());
    let mut listed = Vec::new();
    for (name, wrong, text) in bad() {
        assert_ne!(text, good.to_string(), "{name}");
        let believed = ProofFile::parse(text.as_bytes()).is_ok_and(|file| file.check(&trust).is_ok());
        assert!(!believed, "{name}: {wrong}");
        let file = format!("bad/{name}.proof");
        listed.push(json!({"file": file, "wrong": wrong}));
        made.insert(file, text.into_bytes());
    }
    let witnesses: Vec<_> = trust.witnesses.iter().map(ToString::to_string).collect();
    let index = json!({
        "trees": [tree()],
        "trust": {"node": trust.node.to_string(), "witnesses": witnesses, "quorum": trust.quorum},
        "good": [{"file": "entry.proof"}],
        "bad": listed,
    });
    let index = serde_json::to_string_pretty(&index).expect("JSON") + "\n";
    made.insert("proofs.json".into(), index.into_bytes());
    stored_as_made(&root(), &made);
}
