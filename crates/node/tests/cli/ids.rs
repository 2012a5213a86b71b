//! Keys from the command line: made, moved, rotated; and no secret in anything that is printed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use troupe_chain::Hash;
use troupe_identity::{FileSigner, Passphrase, open};

use crate::node::{Ran, ran};

/// The passphrase of these tests.
const PASSPHRASE: &str = "correct horse battery staple";

/// Runs `troupe id …` with everything logged that anything can log, and the keys in `folder`.
fn id_with(folder: &Path, args: &[&str], passphrase: Option<&str>) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.env_remove("TROUPE_AS").arg("id").args(args).current_dir(folder).stdin(Stdio::null());
    command.env("TROUPE_KEYS", folder.join("keys")).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    match passphrase {
        Some(passphrase) => command.env("TROUPE_PASSPHRASE", passphrase),
        None => command.env_remove("TROUPE_PASSPHRASE"),
    };
    ran(command.output().expect("the binary runs"))
}

fn id(folder: &Path, args: &[&str]) -> Ran {
    id_with(folder, args, Some(PASSPHRASE))
}

/// The DID in a line of JSON.
fn did(ran: &Ran) -> String {
    ran.json()["did"].as_str().expect("a DID").to_owned()
}

fn key_file(folder: &Path, did: &str) -> std::path::PathBuf {
    folder.join("keys").join(format!("{}.age", did.trim_start_matches("did:key:")))
}

#[test]
fn a_key_is_made_shown_moved_and_rotated_and_its_secret_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut printed = String::new();
    let mut run = |args: &[&str]| {
        let ran = id(folder, args).code(0);
        printed.push_str(&ran.out);
        printed.push_str(&ran.err);
        ran
    };
    let first = did(&run(&["--json", "new", "anna"]));
    assert!(run(&["list"]).out.contains(&first));
    assert_eq!(did(&run(&["show", "anna", "--json"])), first);
    assert_eq!(run(&["export", "anna"]).json()["id"], first.as_str());
    run(&["export", "anna", "--secret", "anna.age"]);
    for signer in ["anna", "./anna.age"] {
        assert!(run(&["check", "--as", signer]).out.contains(&format!("{first} signs")));
    }
    assert_eq!(did(&run(&["--json", "import", "copy", "anna.age"])), first);

    let begun = run(&["--json", "rotate", "anna"]).json();
    assert_eq!(begun["did"], first.as_str(), "the old key signs until the rotation is finished");
    let next = begun["next"].as_str().unwrap().to_owned();
    assert_ne!(next, first);
    assert_eq!(run(&["--json", "rotate", "anna"]).json()["next"], next.as_str());
    let done = run(&["--json", "rotate", "anna", "--finish"]).json();
    assert_eq!((&done["did"], &done["former"][0]), (&next.clone().into(), &first.clone().into()));

    for did in [&first, &next] {
        let key =
            open(&fs::read(key_file(folder, did)).unwrap(), &Passphrase::new(PASSPHRASE.into())).unwrap();
        let seed = Hash::from_bytes(*key.seed()).to_string();
        let numbers = key.seed().map(|byte| byte.to_string()).join(", ");
        for secret in [seed.as_str(), &seed.to_uppercase(), &numbers, PASSPHRASE] {
            assert!(!printed.contains(secret), "a secret was printed");
        }
    }
}

#[test]
fn a_key_is_its_owners_alone_and_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let did = did(&id(folder.path(), &["new", "anna", "--json"]).code(0));
    let file = key_file(folder.path(), &did);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&file).unwrap();
    id(folder.path(), &["new", "anna"]).code(2).complains("already").complains("another name");
    fs::write(folder.path().join("there"), "x").unwrap();
    id(folder.path(), &["export", "anna", "--secret", "there"]).code(2).complains("there");
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(fs::read_to_string(folder.path().join("there")).unwrap(), "x");
}

#[test]
fn a_passphrase_comes_from_a_file_that_nobody_else_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passphrase");
    fs::write(&path, format!("{PASSPHRASE}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let new = ["new", "anna", "--passphrase-file", "passphrase", "--json"];
    id_with(folder.path(), &new, None).code(2).complains("others may read").complains("chmod 600");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let did = did(&id_with(folder.path(), &new, None).code(0));
    assert!(FileSigner::open(key_file(folder.path(), &did), &Passphrase::new(PASSPHRASE.into())).is_ok());
}

#[test]
fn wrong_use_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    id(folder, &["list"]).code(0).complains("troupe id new NAME");
    id(folder, &["show", "anna"]).code(2).complains("no key `anna`").complains("troupe id list");
    id(folder, &["new", "Anna"]).code(2).complains("a to z");
    id_with(folder, &["new", "anna"], Some("short")).code(2).complains("at least 8 characters");
    id(folder, &["new", "anna"]).code(0);
    id(folder, &["export", "anna", "--secret", "anna.age"]).code(0);
    let import = ["import", "ben", "anna.age"];
    id_with(folder, &import, Some("another one")).code(2).complains("the passphrase is wrong");
    id(folder, &["rotate", "anna", "--finish"])
        .code(2)
        .complains("no next key")
        .complains("troupe id rotate anna");
    id(folder, &["show", "ben"]).code(2);
    id(folder, &["check"]).code(2).complains("whose key").complains("--as NAME");
    id(folder, &["check", "--as", "ben"]).code(2).complains("no key `ben`");
    id_with(folder, &["check", "--as", "anna"], Some("another one"))
        .code(2)
        .complains("the passphrase is wrong");
}

#[test]
fn a_did_is_resolved_where_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
    id(folder, &["resolve", key]).code(0).says(key);
    assert_eq!(id(folder, &["--json", "resolve", key]).code(0).json()["keys"][0], key);
    id(folder, &["resolve", "did:web:localhost%3A1"])
        .code(2)
        .complains("private")
        .complains("https://localhost:1");
    id(folder, &["resolve", "did:web:127.0.0.1"]).code(2).complains("coop.example");
    id(folder, &["resolve", "anna"]).code(2).complains("did:key").complains("did:web");
}
