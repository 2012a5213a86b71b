//! Key files: they open with their passphrase, for their owner alone, and show no secret.

use std::fs;

use proptest::prelude::*;
use troupe_identity::{
    BadKeyFile, FileSigner, MAX_KEY_FILE_BYTES, Passphrase, PrivateFileError, SealError, SecretKey,
    Signer as _, open, seal,
};

/// So little work that tests take no time; never to be used for a key that matters.
const EASY: u8 = 2;

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple".into())
}

fn key() -> SecretKey {
    SecretKey::from_seed(&[9; 32])
}

#[test]
fn a_key_comes_back_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anna.key");
    let made = FileSigner::create(&path, key(), &passphrase(), EASY).unwrap();
    let read = FileSigner::open(&path, &passphrase()).unwrap();
    assert_eq!((read.did(), read.path()), (key().did(), path.as_path()));
    assert_eq!(read.sign(b"this").unwrap(), made.sign(b"this").unwrap());
    assert!(read.did().verify(b"this", &read.sign(b"this").unwrap()));
}

#[test]
fn another_passphrase_opens_nothing() {
    let sealed = seal(&key(), &passphrase(), EASY).unwrap();
    let other = Passphrase::new("correct horse battery stable".into());
    assert!(matches!(open(&sealed, &other), Err(BadKeyFile::Sealed(SealError::Passphrase))));
}

#[test]
fn the_file_is_in_the_age_format() {
    let sealed = seal(&key(), &passphrase(), EASY).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n-> scrypt "));
    assert!(sealed.len() < MAX_KEY_FILE_BYTES);
}

#[test]
fn what_was_encrypted_and_is_no_key_is_refused() {
    let mut recipient = age::scrypt::Recipient::new("p".to_owned().into());
    recipient.set_work_factor(EASY);
    let (did, seed) = (key().did().to_string(), "09".repeat(32));
    let good = format!("troupe.identity/v1\n{did}\n{seed}\n");
    let with =
        |text: &str| open(&age::encrypt(&recipient, text.as_bytes()).unwrap(), &Passphrase::new("p".into()));
    assert!(with(&good).is_ok());
    for text in [
        String::new(),
        good.replace("v1", "v2"),
        good.replace(&seed, &"08".repeat(32)),
        good.replace(&seed, &seed[1..]),
        format!("{good}more\n"),
        good.trim_end().to_owned(),
        "x".repeat(300),
    ] {
        assert!(matches!(with(&text), Err(BadKeyFile::Form)), "{text:?}");
    }
}

#[test]
fn more_work_than_a_key_file_needs_is_refused() {
    let text = String::from_utf8_lossy(&seal(&key(), &passphrase(), EASY).unwrap()).replace(" 2\n", " 40\n");
    assert!(matches!(open(text.as_bytes(), &passphrase()), Err(BadKeyFile::Sealed(SealError::Age(_)))));
    assert!(matches!(
        open(&[0; MAX_KEY_FILE_BYTES + 1], &passphrase()),
        Err(BadKeyFile::Sealed(SealError::TooLong { .. }))
    ));
}

#[cfg(unix)]
#[test]
fn a_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anna.key");
    FileSigner::create(&path, key(), &passphrase(), EASY).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        FileSigner::open(&path, &passphrase()),
        Err(BadKeyFile::File(PrivateFileError::Open { mode: 0o640, .. }))
    ));
}

#[test]
fn a_file_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anna.key");
    FileSigner::create(&path, key(), &passphrase(), EASY).unwrap();
    let before = fs::read(&path).unwrap();
    let other = SecretKey::generate().unwrap();
    assert!(matches!(
        FileSigner::create(&path, other, &passphrase(), EASY),
        Err(BadKeyFile::File(PrivateFileError::Io { .. }))
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn no_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let signer = FileSigner::create(folder.path().join("k"), key(), &passphrase(), EASY).unwrap();
    let shown = format!("{:?} {:?} {signer:?} {signer:#?}", key(), passphrase());
    for secret in ["0909", "9, 9", "horse"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("did:key:"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bytes_of_any_kind_are_no_key_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..200usize) {
        prop_assert!(open(&bytes, &passphrase()).is_err());
        let text = b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 2\n";
        prop_assert!(open(&[&text[..cut.min(text.len())], &bytes].concat(), &passphrase()).is_err());
    }
}
