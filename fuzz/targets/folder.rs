//! Whatever opens as a folder is a true history that says of itself what it holds.
//!
//! The input is `head.json`, then the entries' lines, and after an empty line a blob a line. A blob's file is named by
//! its hash, since a fuzzer cannot find hashes; every second run is also given a head that matches.

#![no_main]

use libfuzzer_sys::fuzz_target;
use troupe_chain::Hash;
use troupe_store::bundle::{Folder, MemoryFiles, Piece, pieces};

fuzz_target!(|bytes: &[u8]| {
    let (head, rest) = split(bytes, b"\n");
    let (entries, blobs) = split(rest, b"\n\n");
    check([head, b"\n"].concat(), entries, blobs);
    let mut lines =
        entries.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line));
    if let Some(first) = lines.next() {
        let size = 1 + lines.clone().count();
        let (chain, head) = (Hash::of(first), Hash::of(lines.last().unwrap_or(first)));
        let json = format!("{{\"chain\":\"{chain}\",\"head\":\"{head}\",\"size\":{size}}}\n");
        check(json.into_bytes(), entries, blobs);
    }
});

/// Splits at the first `at`, of which the first half keeps one byte if there are two.
fn split<'a>(bytes: &'a [u8], at: &[u8]) -> (&'a [u8], &'a [u8]) {
    match bytes.windows(at.len()).position(|window| window == at) {
        Some(place) => (&bytes[..place + at.len() - 1], &bytes[place + at.len()..]),
        None => (bytes, &[]),
    }
}

fn check(head: Vec<u8>, entries: &[u8], blobs: &[u8]) {
    let mut files = MemoryFiles::default();
    files.0.insert("head.json".into(), head);
    files.0.insert("entries.ndjson".into(), entries.to_vec());
    for blob in blobs.split(|byte| *byte == b'\n').filter(|blob| !blob.is_empty()) {
        files.0.insert(format!("blobs/{}", Hash::of(blob)), blob.to_vec());
    }
    let held = files.0.len() as u64 - 2;
    let Ok(folder) = Folder::open(files) else { return };
    let (mut size, mut there) = (0, 0);
    for piece in pieces(&folder) {
        match piece.expect("an open folder is a true history") {
            Piece::Entry { .. } => size += 1,
            Piece::Blob { .. } => there += 1,
        }
    }
    let summary = folder.summary();
    assert_eq!((summary.size, summary.blobs, held), (size, there, there));
}
