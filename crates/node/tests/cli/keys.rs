//! The keys of nodes and witnesses, and their passphrases.

use std::fs;
use std::path::Path;

use crate::node::{Node, Ran, command, counter, troupe};
use crate::proofs::checkpoint;
use crate::terminal::Terminal;

fn serve(folder: &Path, more: &[&str]) -> Ran {
    troupe(folder, &[&["serve", "--store", "s", "--addr", "127.0.0.1:0"], more].concat())
}

fn is_encrypted(file: &Path) -> bool {
    fs::read(file).expect("a file").starts_with(b"age-encryption.org/v1\n")
}

#[test]
fn the_key_of_a_node_is_encrypted_and_nothing_runs_without_its_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("pw"), "correct horse\n").unwrap();
    fs::write(at.join("wrong"), "correct house\n").unwrap();
    let run = |more: &[&str]| Node::run(at, &counter(), &[&["--store", "s"], more].concat());
    assert_eq!(run(&["--key-passphrase-file", "pw"]).stop(), Some(0));
    assert!(is_encrypted(&at.join("s/node.key")));

    serve(at, &[]).code(2).complains("no passphrase is given").complains("TROUPE_KEY_PASSPHRASE");
    serve(at, &["--key-passphrase-file", "wrong"]).code(2).complains("node.key: the passphrase is wrong");
    fs::write(at.join("node.toml"), "store = \"s\"\n[log]\nkey-passphrase-file = \"pw\"\n").unwrap();
    let show = ["key", "show", "s", "--json", "--key-passphrase-file", "pw"];
    let key = troupe(at, &show).code(0).json()["key"].clone();
    let node = Node::serve(at, &["--config", "node.toml"]);
    checkpoint(&node, 1, None);
    assert_eq!(node.troupe(&["checkpoint", "--json"]).code(0).json()["key"], key);
}

#[test]
fn a_file_or_a_variable_that_holds_no_passphrase_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, what) in
        [(&b"\n"[..], "it is empty"), (b"\xff\n", "it is not UTF-8"), (b"a\nb\n", "it has several lines")]
    {
        fs::write(folder.path().join("pw"), bytes).unwrap();
        let said = serve(folder.path(), &["--key-passphrase-file", "pw"]).code(2);
        said.complains(&format!("pw holds no passphrase: {what}"));
    }
    serve(folder.path(), &["--key-passphrase-file", "no"]).code(2).complains("cannot read no");
    let mut empty = command(folder.path(), &["serve", "--store", "s"]);
    let output = empty.env("TROUPE_KEY_PASSPHRASE", "").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("TROUPE_KEY_PASSPHRASE holds no passphrase: it is empty"), "{said}");
    assert!(!folder.path().join("s").exists(), "nothing is stored");
}

#[test]
fn a_key_is_encrypted_and_decrypted_and_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(Node::run(at, &counter(), &["--store", "s"]).stop(), Some(0));
    let key = troupe(at, &["key", "show", "s", "--json"]).code(0).json()["key"].clone();
    fs::write(at.join("pw"), "correct horse\n").unwrap();
    let with = ["--key-passphrase-file", "pw"];

    serve(at, &with).code(2).complains("is not encrypted").complains("`troupe key encrypt s/node.key`");
    let encrypt = [&["key", "encrypt", "s"], &with[..]].concat();
    troupe(at, &encrypt).code(0).says("encrypted s/node.key").says(key.as_str().unwrap());
    assert!(is_encrypted(&at.join("s/node.key")));
    troupe(at, &encrypt).code(2).complains("is encrypted already");
    troupe(at, &["key", "show", "s"]).code(2).complains("no passphrase is given");
    let shown = troupe(at, &[&["key", "show", "s", "--json"], &with[..]].concat()).code(0).json();
    assert_eq!((&shown["key"], &shown["encrypted"]), (&key, &true.into()));
    assert!(shown["did"].as_str().unwrap().starts_with("did:key:z6Mk"));

    let decrypt = ["key", "decrypt", "s/node.key"];
    troupe(at, &decrypt).code(2).complains("no passphrase is given");
    troupe(at, &[&decrypt, &with[..]].concat()).code(0).says("decrypted s/node.key");
    troupe(at, &[&decrypt, &with[..]].concat()).code(2).complains("is not encrypted");
    assert_eq!(troupe(at, &["key", "show", "s", "--json"]).code(0).json()["key"], key);
    troupe(at, &["key", "show", "cache"]).code(2).complains("there is no key in cache");
}

#[test]
fn a_passphrase_is_asked_for_at_a_terminal_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(Node::run(at, &counter(), &["--store", "s"]).stop(), Some(0));

    let mut terminal = Terminal::start(at, &["key", "encrypt", "s"]);
    terminal.wait_for("New passphrase: ");
    terminal.types("correct horse\n");
    terminal.wait_for("Again: ");
    terminal.types("correct house\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(2));
    assert!(shown.contains("the two are not the same; nothing was changed"), "{shown}");
    assert!(!is_encrypted(&at.join("s/node.key")));

    let mut terminal = Terminal::start(at, &["key", "encrypt", "s"]);
    terminal.wait_for("New passphrase: ");
    // Typed ahead: the second question comes while it is read.
    terminal.types("correct horse\ncorrect horse\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Again: ") && !shown.contains("horse"), "{shown}");
    assert!(is_encrypted(&at.join("s/node.key")));

    let mut terminal = Terminal::start(at, &["key", "show", "s"]);
    terminal.wait_for("Passphrase of s/node.key: ");
    terminal.types("correct horse\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("did:key:z6Mk") && !shown.contains("horse"), "{shown}");
}

#[test]
fn the_key_of_a_witness_is_encrypted_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(Node::run(at, &counter(), &["--store", "s"]).stop(), Some(0));
    let log = troupe(at, &["key", "show", "s", "--json"]).code(0).json()["key"].clone();
    fs::write(at.join("pw"), "correct horse\n").unwrap();
    let witness = ["witness", "--listen", "127.0.0.1:0", "--folder", "w", "--log", log.as_str().unwrap()];
    let node = Node::start(at, &[&witness[..], &["--key-passphrase-file", "pw"]].concat());
    assert_eq!(node.stop(), Some(0));
    assert!(is_encrypted(&at.join("w/witness.key")));
    troupe(at, &witness).code(2).complains("w/witness.key is encrypted");
    troupe(at, &["key", "decrypt", "w", "--key-passphrase-file", "pw"]).code(0);
    assert!(!is_encrypted(&at.join("w/witness.key")));
}
