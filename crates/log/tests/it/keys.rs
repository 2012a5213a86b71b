//! Keys in files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use troupe_chain::note::KeyKind;
use troupe_log::{KeyFileError, load_or_create_key};

use crate::common::name;

#[test]
fn a_key_is_made_once_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    let made = load_or_create_key(&path, KeyKind::Log, "troupe.node", None).expect("a key");
    assert!(made.public().name().as_str().starts_with("troupe.node/"));
    assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
    let again = load_or_create_key(&path, KeyKind::Log, "troupe.node", None).expect("a key");
    assert_eq!(again.public(), made.public());
    let another = load_or_create_key(&folder.path().join("other"), KeyKind::Log, "troupe.node", None);
    assert_ne!(another.expect("a key").public(), made.public());
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    load_or_create_key(&path, KeyKind::Log, "troupe.node", None).expect("a key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changes");
    let error = load_or_create_key(&path, KeyKind::Log, "troupe.node", None).expect_err("open to others");
    assert!(matches!(error, KeyFileError::Open { mode: 0o640, .. }));
}

#[test]
fn a_key_keeps_its_name_and_its_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    let named = name("node.example/log");
    let key = load_or_create_key(&path, KeyKind::Log, "troupe.node", Some(&named)).expect("a key");
    assert_eq!(*key.public().name(), named);
    let other = load_or_create_key(&path, KeyKind::Log, "troupe.node", Some(&name("other.example")));
    assert!(matches!(other, Err(KeyFileError::Name { .. })));
    let as_witness = load_or_create_key(&path, KeyKind::Witness, "troupe.witness", None);
    assert!(matches!(as_witness, Err(KeyFileError::Bad { .. })));
}

#[test]
fn a_file_that_holds_no_key_is_not_overwritten_nor_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    load_or_create_key(&path, KeyKind::Log, "troupe.node", None).expect("a key");
    let text = fs::read_to_string(&path).expect("reads");
    let broken = text.replacen("PRIVATE", "private", 1);
    fs::write(&path, &broken).expect("writes");
    let error = load_or_create_key(&path, KeyKind::Log, "troupe.node", None).expect_err("no key");
    assert!(!error.to_string().contains(&text[40..]), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("reads"), broken);
}
