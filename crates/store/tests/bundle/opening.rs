//! What opens, what does not, and how it says so.

use std::fs;

use troupe_chain::{Entry, Hash, History, Sender, verify};
use troupe_store::bundle::{
    Bundle, BundleError, Car, Fault, Piece, check_reach, pieces, write_car, write_folder,
};

use crate::forms::{car, folder, folder_in_memory};
use crate::tally::{Chain, Live, Tallies, short};

#[test]
fn both_forms_give_back_what_was_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, tree) = (dir.path().join("chain.car"), dir.path().join("chain"));
    let mut out = fs::File::create(&file).expect("a file");
    let summary = write_car(&short(), &mut out).expect("written");
    assert_eq!(write_folder(&short(), &tree).expect("written"), summary);
    assert_eq!((summary.size, summary.missing), (7, 0));
    for path in [&file, &tree] {
        let bundle = Bundle::open(path).expect("a bundle");
        assert_eq!(*bundle.summary(), summary);
        assert_eq!(verify(&bundle, &Tallies::default(), |_| {}).expect("true").head, short().head);
        let entries: Vec<_> = bundle.entries().map(|entry| entry.expect("readable")).collect();
        assert_eq!(entries, short().entries);
        for (name, bytes) in short().blobs {
            assert_eq!(bundle.blob(&name).expect("readable"), Some(bytes));
        }
        assert_eq!(bundle.blob(&Hash::of(b"nowhere")).expect("readable"), None);
        // Whatever it was read from, it is written in the same way.
        assert_eq!(car(&bundle), fs::read(&file).expect("readable"));
        assert_eq!(folder(&bundle), folder(&short()));
        assert_eq!(folder(&bundle), folder_in_memory(&bundle));
    }
}

#[test]
fn pieces_come_as_entries_and_then_the_blobs_they_are_first_to_name() {
    let order: Vec<_> = pieces(&short())
        .map(|piece| match piece.expect("true") {
            Piece::Entry { seq, .. } => (seq, "entry"),
            Piece::Blob { seq, field, .. } => (seq, field),
        })
        .collect();
    // The first state is the config, and the second send is the second state.
    let expect = [
        (0, "entry"),
        (0, "config"),
        (1, "entry"),
        (2, "entry"),
        (2, "message"),
        (2, "state"),
        (3, "entry"),
        (3, "message"),
        (4, "entry"),
        (4, "message"),
        (4, "effects.message"),
        (5, "entry"),
        (6, "entry"),
        (6, "message"),
        (6, "state"),
    ];
    assert_eq!(order, expect);
}

#[test]
fn a_false_history_is_not_written() {
    let mut changed = short();
    changed.blobs.insert(Hash::of(b"add 1"), b"add 2".to_vec());
    let mut cut = short();
    cut.entries.pop();
    for history in [changed, cut] {
        let error = write_car(&history, &mut Vec::new()).expect_err("false");
        assert!(error.is_false(), "{error}");
        assert!(pieces(&history).last().expect("an item").is_err());
        let dir = tempfile::tempdir().expect("a folder");
        assert!(write_folder(&history, dir.path()).expect_err("false").is_false());
        // What was written up to there is no bundle.
        assert!(matches!(Bundle::open(dir.path()), Err(BundleError::NotABundle(_))));
    }
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("diary"), "dear").expect("written");
    let error = write_folder(&short(), dir.path()).expect_err("occupied");
    assert!(matches!(error, BundleError::Occupied(_)), "{error}");
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1);
}

#[test]
fn a_message_may_be_an_entry_of_the_same_chain() {
    let mut live = Live::start(None);
    let genesis = live.chain.entries[0].clone();
    assert!(!live.message(Sender::Http { key: None }, 0, &genesis), "the machine refuses it");
    // So that an accepted message holds an entry, the entry is sent on as text.
    let mut chain = live.chain.clone();
    let mut entry = Entry::decode(&short().entries[2]).expect("canonical");
    entry.parent = Some(chain.head);
    if let troupe_chain::Body::Message(message) = &mut entry.body {
        (message.before, message.message) = (Hash::of(b"0"), Hash::of(&genesis));
    }
    let bytes = entry.encode();
    chain.head = Hash::of(&bytes);
    chain.entries.push(bytes);
    chain.blobs.insert(Hash::of(&genesis), genesis.clone());
    let opened = Car::open(car(&chain)).expect("a bundle");
    assert_eq!(opened.blob(&Hash::of(&genesis)).expect("readable"), Some(genesis));
    assert_eq!(opened.summary().size, 3);
    assert!(folder(&chain).0.contains_key(&format!("blobs/{}", Hash::of(&chain.entries[0]))));
    assert_eq!(folder(&opened), folder(&chain));
}

#[test]
fn what_no_entry_names_is_not_reached() {
    let names: Vec<Hash> = short().blobs.into_keys().collect();
    assert_eq!(check_reach(&short(), names.clone()).expect("all named"), 0);
    assert_eq!(check_reach(&short(), names[1..].to_vec()).expect("all named"), 1);
    let stray = Hash::of(b"stray");
    let error = check_reach(&short(), names.into_iter().chain([stray])).expect_err("stray");
    assert!(matches!(error, BundleError::Fault(Fault::Unreached { name, .. }) if name == stray));
}

/// Opens what stands at `path` and expects that it is no bundle, and why.
fn check_no_bundle(path: &std::path::Path, what: &str) {
    let error = Bundle::open(path).map(|_| ()).expect_err("no bundle");
    assert!(!error.is_false(), "{error}");
    assert!(error.to_string().contains(what), "{error} does not mention {what}");
}

#[test]
fn what_is_no_bundle_is_said_clearly() {
    let dir = tempfile::tempdir().expect("a folder");
    check_no_bundle(dir.path(), "the folder has no `head.json`");
    check_no_bundle(&dir.path().join("nowhere"), "nowhere");
    for (bytes, what) in [
        (&b""[..], "the file is empty"),
        (b"\0asm\x01\0\0\0", "WebAssembly"),
        (b"{\"data\":{}}", "looks like JSON"),
        (b"\x0a\xa1gversion\x02", "version 2"),
        (b"PK\x03\x04", "does not begin as a CARv1"),
        (&car(&short())[..58], "the header is cut off"),
    ] {
        let file = dir.path().join("file");
        fs::write(&file, bytes).expect("written");
        check_no_bundle(&file, what);
    }
    let Chain { head, .. } = short();
    fs::remove_file(dir.path().join("file")).expect("removed");
    fs::write(dir.path().join("head.json"), format!("{{\"chain\":\"{head}\"}}\n")).expect("written");
    check_no_bundle(dir.path(), "canonical `{chain, head, size}`");
    let json = format!("{{\"chain\":\"{head}\",\"head\":\"{head}\",\"size\":7}}\n");
    fs::write(dir.path().join("head.json"), json).expect("written");
    check_no_bundle(dir.path(), "no `entries.ndjson`");
    fs::write(dir.path().join("entries.ndjson"), "").expect("written");
    check_no_bundle(dir.path(), "there are no entries");
    check_header_alone();
}

fn check_header_alone() {
    let error = Car::open(car(&short())[..59].to_vec()).expect_err("no entries");
    assert!(!error.is_false() && error.to_string().contains("there are no entries"), "{error}");
}

#[test]
fn a_section_beyond_the_limit_cannot_be_checked() {
    #[derive(Debug)]
    struct Endless(Vec<u8>);
    impl troupe_store::bundle::Source for Endless {
        fn length(&self) -> u64 {
            1 << 40
        }
        fn read_at(&self, offset: u64, into: &mut [u8]) -> std::io::Result<()> {
            into.fill(0);
            let start = self.0.len().min(offset as usize);
            let there = &self.0[start..self.0.len().min(start + into.len())];
            into[..there.len()].copy_from_slice(there);
            Ok(())
        }
    }
    let mut bytes = car(&short())[..59].to_vec();
    bytes.extend([0x80, 0x80, 0x80, 0x80, 0x10]);
    let error = Car::open(Endless(bytes)).expect_err("too large");
    assert!(matches!(error, BundleError::TooLarge { limit: 268_435_456, .. }), "{error}");
}
