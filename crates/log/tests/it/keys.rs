//! Keys in files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use troupe_chain::note::KeyKind;
use troupe_log::{
    KeyFileError, Passphrase, PrivateFileError, SealError, create_key, is_key_encrypted, load_key,
    load_or_create_key, save_key,
};

use crate::common::name;

#[test]
fn a_key_is_made_once_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    let made = load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect("a key");
    assert!(made.public().name().as_str().starts_with("troupe.node/"));
    assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
    let again = load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect("a key");
    assert_eq!(again.public(), made.public());
    let another = load_or_create_key(&folder.path().join("other"), KeyKind::Log, "troupe.node", None, None);
    assert_ne!(another.expect("a key").public(), made.public());
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect("a key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changes");
    let error =
        load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect_err("open to others");
    assert!(matches!(error, KeyFileError::File(PrivateFileError::Open { mode: 0o640, .. })));
}

#[test]
fn a_key_keeps_its_name_and_its_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    let named = name("node.example/log");
    let key = load_or_create_key(&path, KeyKind::Log, "troupe.node", Some(&named), None).expect("a key");
    assert_eq!(*key.public().name(), named);
    let other = load_or_create_key(&path, KeyKind::Log, "troupe.node", Some(&name("other.example")), None);
    assert!(matches!(other, Err(KeyFileError::Name { .. })));
    let as_witness = load_or_create_key(&path, KeyKind::Witness, "troupe.witness", None, None);
    assert!(matches!(as_witness, Err(KeyFileError::Bad { .. })));
}

#[test]
fn a_file_that_holds_no_key_is_not_overwritten_nor_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect("a key");
    let text = fs::read_to_string(&path).expect("reads");
    let broken = text.replacen("PRIVATE", "private", 1);
    fs::write(&path, &broken).expect("writes");
    let error = load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect_err("no key");
    assert!(!error.to_string().contains(&text[40..]), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("reads"), broken);
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

#[test]
fn a_key_is_encrypted_from_the_first_moment_and_opens_with_its_passphrase_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    let right = passphrase("correct horse");
    let made = load_or_create_key(&path, KeyKind::Log, "troupe.node", None, Some(&right)).expect("a key");
    let bytes = fs::read(&path).expect("reads");
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
    assert!(!bytes.windows(7).any(|bytes| bytes == b"PRIVATE"));
    assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(load_key(&path, Some(&right)).expect("a key").public(), made.public());
    let wrong = load_key(&path, Some(&passphrase("correct house"))).expect_err("no key");
    assert!(matches!(wrong, KeyFileError::Sealed { error: SealError::Passphrase, .. }));
    let none = load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect_err("no key");
    assert!(matches!(none, KeyFileError::Encrypted { .. }));
    assert_eq!(fs::read(&path).expect("reads"), bytes);
}

#[test]
fn a_key_that_is_not_encrypted_is_not_taken_for_one_that_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    assert_eq!(is_key_encrypted(&path).expect("nothing there"), None);
    load_or_create_key(&path, KeyKind::Log, "troupe.node", None, None).expect("a key");
    assert_eq!(is_key_encrypted(&path).expect("reads"), Some(false));
    let error = load_or_create_key(&path, KeyKind::Log, "troupe.node", None, Some(&passphrase("p")));
    assert!(matches!(error, Err(KeyFileError::Plain { .. })));
}

#[test]
fn a_key_that_is_encrypted_leaves_nothing_in_the_file_it_was_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, former) = (folder.path().join("node.key"), folder.path().join("former"));
    let long = name(&"n".repeat(255));
    let key = create_key(KeyKind::Log, "troupe.node", Some(&long)).expect("a key");
    save_key(&path, &key, None).expect("writes");
    fs::hard_link(&path, &former).expect("another name of the same file");
    save_key(&path, &key, Some(&passphrase("p"))).expect("writes");
    assert!(fs::read(&former).expect("reads").iter().all(|byte| *byte == 0));
    assert_eq!(load_key(&path, Some(&passphrase("p"))).expect("a key").public(), key.public());
    assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 2);
}
