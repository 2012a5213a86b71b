//! Bundles in both forms, good and bad.

use serde_json::{Value, json};
use troupe_chain::{Body, Entry, Hash, Linked};
use troupe_store::bundle::MemoryFiles;

use super::Tree;
use crate::forms::{car, folder, sections};
use crate::tally::{Chain, changes, fork, reading, short};

fn put(made: &mut Tree, path: &str, files: MemoryFiles) {
    made.extend(files.0.into_iter().map(|(file, bytes)| (format!("{path}/{file}"), bytes)));
}

/// The short chain cut after four entries, with a head to match: nothing in it is wrong.
fn cut() -> Chain {
    let mut cut = short();
    cut.entries.truncate(4);
    cut.head = Hash::of(&cut.entries[3]);
    cut
}

/// The short chain without the blobs that replay gives back.
fn lean() -> Chain {
    let mut lean = short();
    for blob in [&b"42"[..], b"45", b"hello"] {
        lean.blobs.remove(&Hash::of(blob)).expect("there");
    }
    lean
}

/// The chain of changes without the blobs that replay gives back, or that go nowhere.
fn changes_lean() -> Chain {
    let mut lean = changes();
    for blob in [&b"8"[..], b"abc", b"7"] {
        lean.blobs.remove(&Hash::of(blob)).expect("there");
    }
    lean
}

pub(super) fn good_bundles(made: &mut Tree) -> Value {
    let mut list = Vec::new();
    for (name, chain, missing) in [
        ("short", short(), 0),
        ("lean", lean(), 3),
        ("cut-with-its-own-head", cut(), 0),
        ("changes", changes(), 0),
        ("changes-lean", changes_lean(), 3),
        ("fork", fork(), 0),
        ("reading", reading(), 0),
    ] {
        let (file, tree) = (format!("bundles/good/{name}.car"), format!("bundles/good/{name}"));
        for path in [&file, &tree] {
            list.push(json!({
                "path": path,
                "chain": Hash::of(&chain.entries[0]).to_string(),
                "head": chain.head.to_string(),
                "size": chain.entries.len(),
                "missing": missing,
            }));
        }
        made.insert(file, car(&chain));
        put(made, &tree, folder(&chain));
    }
    list.into()
}

/// The short chain in which message 2 says another state, linked again as a forger would.
fn forged() -> Chain {
    let mut chain = short();
    chain.entries.truncate(3);
    let mut entry = Entry::decode(&chain.entries[2]).expect("canonical");
    if let Body::Message(message) = &mut entry.body {
        message.state = Hash::of(b"1000000");
    }
    let linked = Linked::new(entry);
    (chain.entries[2], chain.head) = (linked.bytes, linked.name);
    chain.blobs.insert(Hash::of(b"1000000"), b"1000000".to_vec());
    chain
}

/// The chain that is granted files, without the bytes of one.
fn ungranted() -> Chain {
    let mut chain = reading();
    chain.blobs.remove(&Hash::of(b"nut")).expect("there");
    chain
}

pub(super) fn bad_bundles(made: &mut Tree) -> Value {
    let mut list = Vec::new();
    let mut say = |path: String, stage: Option<&str>, seq: Option<u64>| {
        let verdict = if stage.is_some() { "false" } else { "could not be checked" };
        list.push(json!({"path": path, "verdict": verdict, "stage": stage, "seq": seq}));
        path
    };
    for (name, bytes, stage, seq) in bad_cars() {
        made.insert(say(format!("bundles/bad/{name}.car"), stage, seq), bytes);
    }
    for (name, files, stage, seq) in bad_folders() {
        put(made, &say(format!("bundles/bad/{name}"), stage, seq), files);
    }
    list.into()
}

type Bad<T> = (&'static str, T, Option<&'static str>, Option<u64>);

fn bad_cars() -> Vec<Bad<Vec<u8>>> {
    let good = car(&short());
    let all = sections(&good);
    let cut = |sections: &[usize]| {
        let mut bytes = good[..59].to_vec();
        sections.iter().for_each(|index| bytes.extend_from_slice(&good[all[*index].start..all[*index].end]));
        bytes
    };
    let changed = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        bytes
    };
    let order: Vec<usize> = (0..all.len()).collect();
    let without = |index: usize| order.iter().copied().filter(|other| *other != index).collect::<Vec<_>>();
    let swapped = |a: usize, b: usize| {
        let mut order = order.clone();
        order.swap(a, b);
        order
    };
    let blob = [&[37, 0x01, 0x55, 0x1e, 0x20][..], Hash::of(b"x").as_bytes(), b"x"].concat();
    let mut long_length = good[..59].to_vec();
    long_length.extend_from_slice(&[good[59], good[60] | 0x80, 0]);
    long_length.extend_from_slice(&good[61..]);
    let structure = Some("structure");
    vec![
        ("changed-entry", changed(all[6].content + 100), structure, Some(3)),
        ("changed-cid-of-entry", changed(all[6].cid + 20), structure, Some(3)),
        ("changed-blob", changed(all[4].content), Some("blobs"), Some(2)),
        ("changed-root", changed(30), structure, Some(6)),
        ("changed-header", changed(10), None, None),
        ("changed-codec", changed(all[4].cid + 1), structure, None),
        ("length-not-shortest", long_length, structure, None),
        ("dropped-entry", cut(&without(6)), structure, Some(2)),
        ("dropped-message", cut(&without(4)), None, None),
        ("swapped-entries", cut(&swapped(2, 6)), structure, Some(1)),
        ("swapped-blobs", cut(&swapped(4, 5)), structure, Some(2)),
        ("repeated-blob", [good.clone(), good[all[1].start..all[1].end].to_vec()].concat(), structure, None),
        ("blob-that-nothing-names", [good.clone(), blob].concat(), structure, Some(6)),
        ("cut-off", good[..good.len() - 1].to_vec(), structure, None),
        ("byte-too-many", [&good[..], b"\0"].concat(), structure, None),
        ("empty", Vec::new(), None, None),
        ("dropped-granted-file", car(&ungranted()), None, None),
        ("forged-state", car(&forged()), Some("replay"), Some(2)),
    ]
}

fn bad_folders() -> Vec<Bad<MemoryFiles>> {
    let changed = |change: &dyn Fn(&mut Tree)| {
        let mut files = folder(&short());
        change(&mut files.0);
        files
    };
    let edit = |path: &str, edit: &dyn Fn(&mut Vec<u8>)| {
        changed(&|files: &mut Tree| edit(files.get_mut(path).expect("a file")))
    };
    let message = format!("blobs/{}", Hash::of(b"add 1"));
    let entry_3 = short().entries[..3].iter().map(|entry| entry.len() + 1).sum::<usize>();
    let structure = Some("structure");
    vec![
        ("changed-line", edit("entries.ndjson", &|bytes| bytes[entry_3 + 100] ^= 1), structure, Some(3)),
        (
            "line-without-end",
            edit("entries.ndjson", &|bytes| bytes.truncate(bytes.len() - 1)),
            structure,
            None,
        ),
        (
            "changed-size",
            edit("head.json", &|bytes| {
                let at = bytes.len() - 3;
                bytes[at] ^= 1
            }),
            structure,
            None,
        ),
        (
            "changed-head",
            edit("head.json", &|bytes| bytes[90] = if bytes[90] == b'0' { b'1' } else { b'0' }),
            structure,
            Some(6),
        ),
        ("changed-file", edit(&message, &|bytes| bytes[0] ^= 1), Some("blobs"), Some(2)),
        ("dropped-file", changed(&|files| drop(files.remove(&message))), None, None),
        (
            "misnamed-file",
            changed(&|files| drop(files.insert("blobs/readme".into(), b"x".to_vec()))),
            structure,
            None,
        ),
        ("stray-file", changed(&|files| drop(files.insert("readme".into(), b"x".to_vec()))), structure, None),
        (
            "file-that-nothing-names",
            changed(&|files| drop(files.insert(format!("blobs/{}", Hash::of(b"x")), b"x".to_vec()))),
            structure,
            Some(6),
        ),
        ("without-head", changed(&|files| drop(files.remove("head.json"))), None, None),
        ("forged-reply", folder(&forged()), Some("replay"), Some(2)),
    ]
}
