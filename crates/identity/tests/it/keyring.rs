//! Keyrings: names that keep their keys, also when the key changes, and that nobody else can change.

use std::fs;
use std::path::Path;

use troupe_identity::{
    FileSigner, IdName, KeyDocument, Keyring, KeyringError, Passphrase, SecretKey, Signer as _,
};

/// So little work that tests take no time; never to be used for a key that matters.
const EASY: u8 = 2;
/// A time.
const AT: u64 = 1_700_000_000_000;

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple".into())
}

fn key(of: u8) -> SecretKey {
    SecretKey::from_seed(&[of; 32])
}

fn name(text: &str) -> IdName {
    text.parse().unwrap()
}

fn keyring(folder: &Path) -> Keyring {
    let keyring = Keyring::new(folder.join("keys"));
    keyring.create(&name("anna"), key(1), &passphrase(), EASY, AT).unwrap();
    keyring
}

#[test]
fn a_key_is_found_and_opened_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = keyring(folder.path());
    let record = keyring.find(&name("anna")).unwrap();
    assert_eq!((&record.key.did, record.key.created), (key(1).did(), AT));
    let signer = keyring.open(&name("anna"), &record.key, &passphrase()).unwrap();
    assert!(key(1).did().verify(b"this", &signer.sign(b"this").unwrap()));
    keyring.create(&name("ben"), key(2), &passphrase(), EASY, AT).unwrap();
    let names: Vec<_> = keyring.list().unwrap().into_iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["anna", "ben"]);
}

#[test]
fn a_name_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = keyring(folder.path());
    let again = keyring.create(&name("anna"), key(2), &passphrase(), EASY, AT);
    assert!(matches!(again, Err(KeyringError::Exists { .. })), "{again:?}");
    assert_eq!(keyring.find(&name("anna")).unwrap().key.did, *key(1).did());
    assert!(matches!(keyring.find(&name("ben")), Err(KeyringError::NotFound { .. })));
    assert!(Keyring::new(folder.path().join("none")).list().unwrap().is_empty());
}

#[test]
fn a_name_is_never_a_path() {
    let wrong = ["", "a/b", "..", "a.b", "-a", "_a", "Anna", "a b", "\u{e4}", &"a".repeat(65)];
    for text in wrong {
        assert!(text.parse::<IdName>().is_err(), "{text:?}");
    }
    assert_eq!(name("0-a_b").to_string(), "0-a_b");
}

#[test]
fn a_rotated_key_signs_only_once_the_rotation_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, anna) = (keyring(folder.path()), name("anna"));
    assert!(matches!(keyring.finish_rotation(&anna), Err(KeyringError::NotRotating(_))));
    let begun = keyring.begin_rotation(&anna, key(2), &passphrase(), EASY, AT + 1).unwrap();
    assert_eq!((&begun.key.did, &begun.next.unwrap().did), (key(1).did(), key(2).did()));
    let twice = keyring.begin_rotation(&anna, key(3), &passphrase(), EASY, AT);
    assert!(matches!(twice, Err(KeyringError::Rotating { .. })), "{twice:?}");
    let done = keyring.finish_rotation(&anna).unwrap();
    assert_eq!((&done.key.did, &done.first().did, &done.next), (key(2).did(), key(1).did(), &None));
    assert_eq!(keyring.find(&anna).unwrap(), done);
    assert!(keyring.open(&anna, &done.former[0], &passphrase()).is_ok(), "the old key is kept");
}

#[test]
fn a_rotation_that_is_given_up_leaves_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, anna) = (keyring(folder.path()), name("anna"));
    let begun = keyring.begin_rotation(&anna, key(2), &passphrase(), EASY, AT).unwrap();
    let file = keyring.path_of(&anna, &begun.next.unwrap()).unwrap();
    assert!(file.exists());
    assert_eq!(keyring.abandon_rotation(&anna).unwrap().next, None);
    assert!(!file.exists());
}

#[test]
fn an_encrypted_file_moves_to_another_keyring() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (keyring(folder.path()), Keyring::new(folder.path().join("other")));
    let sealed = one.sealed(&name("anna"), &one.find(&name("anna")).unwrap().key).unwrap();
    let wrong = other.import(&name("anna"), &sealed, &Passphrase::new("another".into()), AT);
    assert!(matches!(wrong, Err(KeyringError::File(_))), "{wrong:?}");
    assert!(other.list().unwrap().is_empty());
    for called in ["anna", "anna-again"] {
        let record = other.import(&name(called), &sealed, &passphrase(), AT).unwrap();
        assert!(other.open(&name(called), &record.key, &passphrase()).is_ok());
    }
}

#[test]
fn a_file_that_was_exchanged_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, anna) = (keyring(folder.path()), name("anna"));
    let record = keyring.find(&anna).unwrap();
    let path = keyring.path_of(&anna, &record.key).unwrap();
    fs::remove_file(&path).unwrap();
    FileSigner::create(&path, key(3), &passphrase(), EASY).unwrap();
    let opened = keyring.open(&anna, &record.key, &passphrase());
    assert!(matches!(opened, Err(KeyringError::OtherKey { .. })), "{opened:?}");
}

#[test]
fn a_record_leads_to_no_file_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, anna) = (keyring(folder.path()), name("anna"));
    let path = keyring.folder().join("anna.json");
    let good = fs::read_to_string(&path).unwrap();
    let (before, after) = good.split_once("z6Mk").unwrap();
    let rest = after.split_once("\"name\": \"").unwrap();
    let elsewhere = format!("{before}z6Mk{}\"name\": \"../{}", rest.0, rest.1);
    for bad in
        [elsewhere, good.replace("\"v\": 1", "\"v\": 2"), good.replace("did:key", "did:web"), "{}".into()]
    {
        fs::write(&path, &bad).unwrap();
        let opened = keyring.find(&anna).and_then(|record| keyring.open(&anna, &record.key, &passphrase()));
        assert!(matches!(opened, Err(KeyringError::Record(_))), "{bad} {opened:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_keyring_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let keyring = keyring(folder.path());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(keyring.folder()), 0o700);
    for file in fs::read_dir(keyring.folder()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    fs::set_permissions(keyring.folder(), fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(keyring.find(&name("anna")), Err(KeyringError::Writable(_))));
}

#[test]
fn the_document_of_a_key_says_what_its_did_does() {
    let did = key(1).did().to_string();
    let document = serde_json::to_value(KeyDocument::of(key(1).did())).unwrap();
    assert_eq!(document["id"], did.as_str());
    let method = &document["verificationMethod"][0];
    assert_eq!(method["publicKeyMultibase"], &did["did:key:".len()..]);
    assert_eq!((&method["controller"], &method["id"]), (&document["id"], &document["authentication"][0]));
}
