//! A bundle that says why blobs are not in it.

use std::collections::BTreeMap;

use troupe_chain::{Hash, History, Redaction, RedactionKind, Text, Timestamp, verify};
use troupe_store::bundle::{BundleError, Car, Folder, MemoryFiles};

use crate::forms::{car, folder};
use crate::tally::{Redacted, Tallies, short};

fn redaction(reason: &str) -> Redaction {
    let reason = Text::new(reason).unwrap();
    Redaction { kind: RedactionKind::Erased, at: Timestamp(7), reason }
}

fn redacted(blobs: &[&[u8]]) -> Redacted {
    let mut chain = short();
    let says: BTreeMap<_, _> = blobs.iter().map(|blob| (Hash::of(blob), redaction("on request"))).collect();
    says.keys().for_each(|name| assert!(chain.blobs.remove(name).is_some()));
    Redacted { chain, says }
}

const SECRETS: [&[u8]; 2] = [b"quiet 3", b"refuse this"];

fn open_folder(files: &MemoryFiles) -> Result<Folder<MemoryFiles>, BundleError> {
    Folder::open(files.clone())
}

#[test]
fn both_forms_say_what_was_redacted_and_are_written_again_as_they_were() {
    let history = redacted(&SECRETS);
    let bytes = car(&history);
    let files = folder(&history);
    let opened = Car::open(bytes.clone()).unwrap();
    let unfolded = open_folder(&files).unwrap();
    assert_eq!(opened.summary(), unfolded.summary());
    assert_eq!((opened.summary().missing, opened.summary().redacted), (2, 2));
    assert_eq!((car(&opened), car(&unfolded)), (bytes.clone(), bytes));
    assert_eq!((folder(&opened), folder(&unfolded)), (files.clone(), files));
    for name in history.says.keys() {
        assert_eq!(opened.redaction(name).unwrap(), Some(redaction("on request")));
        assert_eq!(unfolded.redaction(name).unwrap(), Some(redaction("on request")));
    }
    let report = verify(&opened, &Tallies::default(), |_| {}).unwrap();
    assert_eq!((report.not_replayed, report.gaps.len()), (2, 2));
    assert_eq!(verify(&unfolded, &Tallies::default(), |_| {}).unwrap(), report);
}

#[test]
fn a_bundle_without_redactions_is_as_it_always_was() {
    let with = redacted(&[]);
    assert_eq!((car(&with), folder(&with)), (car(&short()), folder(&short())));
}

#[test]
fn no_byte_of_a_file_with_redactions_can_be_changed_unseen() {
    let bytes = car(&redacted(&SECRETS));
    for offset in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[offset] ^= 0x20;
        assert!(Car::open(changed).is_err(), "byte {offset}");
    }
    for length in car(&short()).len() - 200..bytes.len() {
        let cut = Car::open(bytes[..length].to_vec());
        // Without the section nothing is said of what is missing.
        let said = cut.as_ref().map_or(0, |cut| cut.summary().redacted);
        assert_eq!(said, 0, "cut at {length}");
    }
}

#[test]
fn a_redaction_is_about_a_blob_that_is_named_and_not_there() {
    let files = folder(&redacted(&SECRETS));
    let refused = |text: String| {
        let mut files = files.clone();
        files.0.insert("redactions.ndjson".to_owned(), text.into_bytes());
        let error = open_folder(&files).err().unwrap();
        assert!(error.is_false(), "{error}");
        error.to_string()
    };
    let line = |name: &[u8]| String::from_utf8(redaction("x").encode(&Hash::of(name))).unwrap();
    assert!(refused(format!("{}\n", line(b"add 1"))).contains("is there, or no entry names it"));
    assert!(refused(format!("{}\n", line(b"nobody names this"))).contains("not reached"));
    assert!(refused(line(b"quiet 3")).contains("do not end in a newline"));
    assert!(refused(format!("{0}\n{0}\n", line(b"quiet 3"))).contains("not in order, or stands twice"));
    assert!(refused(String::new()).contains("do not end in a newline"));
    assert!(refused("hello\n".to_owned()).contains("redactions"));
    // The same in a file, where the section's own name fits.
    let mut bytes = car(&short());
    let payload = format!("{}\n", line(b"add 1"));
    bytes.push(u8::try_from(payload.len() + 37 - 128).unwrap() | 0x80);
    bytes.push(1);
    bytes.extend([0x01, 0x80, 0x04, 0x1e, 0x20]);
    bytes.extend(Hash::of(payload.as_bytes()).as_bytes());
    bytes.extend(payload.as_bytes());
    let error = Car::open(bytes.clone()).err().unwrap();
    assert!(error.to_string().contains("is there, or no entry names it"), "{error}");
    bytes.extend(&car(&short())[59..]);
    assert!(Car::open(bytes).err().unwrap().to_string().contains("something follows the redactions"));
}
