//! Every byte, section, line and file of a short bundle, changed, dropped, repeated, swapped and cut off.

use troupe_chain::Hash;
use troupe_store::bundle::MemoryFiles;

use crate::forms::{Judged, Section, car, folder, judge_car, judge_folder, sections};
use crate::tally::{Chain, short};

/// What a change must come to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expect {
    /// False at this entry.
    FalseAt(u64),
    /// False, wherever.
    False,
    CannotCheck,
    /// Not verified, in whichever way.
    Detected,
}

fn check(judged: &Judged, expect: Expect, what: &dyn Fn() -> String) {
    let is_so = match (judged, expect) {
        (Judged::Verified(..), _) => false,
        (_, Expect::Detected) | (Judged::False { .. }, Expect::False) => true,
        (Judged::False { seq, .. }, Expect::FalseAt(expect)) => *seq == Some(expect),
        (judged, Expect::CannotCheck) => matches!(judged, Judged::CannotCheck { .. }),
        _ => false,
    };
    assert!(is_so, "{}: expected {expect:?}, got {judged:?}", what());
}

/// Values to change the byte at `place` to: all of them now and then, else bit flips and a plain digit.
fn values(place: usize, byte: u8) -> Vec<u8> {
    let all =
        if place.is_multiple_of(97) { (0..=255).collect() } else { vec![byte ^ 1, byte ^ 0x80, b'0', b'\n'] };
    all.into_iter().filter(|value| *value != byte).collect()
}

/// What changing a byte of a good CAR file must come to.
fn expect_car(sections: &[Section], place: usize) -> Expect {
    let Some(section) = sections.iter().find(|section| (section.start..section.end).contains(&place)) else {
        // The header: its root names the head, the rest says what kind of file it is.
        return if (18..50).contains(&place) { Expect::FalseAt(6) } else { Expect::CannotCheck };
    };
    // A wrong length may cut the file anywhere.
    if place < section.cid + 4 { Expect::False } else { Expect::FalseAt(section.seq) }
}

#[test]
fn every_changed_byte_of_a_car_file_is_detected() {
    let good = car(&short());
    let sections = sections(&good);
    assert_eq!((sections.len(), sections.last().expect("a section").end), (15, good.len()));
    for (place, &byte) in good.iter().enumerate() {
        for value in values(place, byte) {
            let mut bad = good.clone();
            bad[place] = value;
            check(&judge_car(bad), expect_car(&sections, place), &|| format!("byte {place} to {value}"));
        }
    }
}

#[test]
fn every_changed_byte_of_a_folder_is_detected() {
    let good = folder(&short());
    let first_named = first_named(&short());
    for (path, bytes) in &good.0 {
        for (place, &byte) in bytes.iter().enumerate() {
            let line = bytes[..place].iter().filter(|byte| **byte == b'\n').count() as u64;
            let expect = |value: u8| match path.as_str() {
                "entries.ndjson" if place + 1 == bytes.len() => Expect::False,
                "entries.ndjson" => Expect::FalseAt(line),
                "head.json" => match (byte, value) {
                    (b'0'..=b'9' | b'a'..=b'f', b'0'..=b'9' | b'a'..=b'f') => Expect::Detected,
                    _ => Expect::CannotCheck,
                },
                blob => Expect::FalseAt(first_named(blob)),
            };
            for value in values(place, byte) {
                let mut bad = good.clone();
                bad.0.get_mut(path).expect("a file")[place] = value;
                check(&judge_folder(&bad), expect(value), &|| format!("{path}, byte {place} to {value}"));
            }
        }
    }
}

/// The first entry that names the blob of a path.
fn first_named(chain: &Chain) -> impl Fn(&str) -> u64 + use<> {
    let entries = chain.entries.clone();
    move |path| {
        let name = path.strip_prefix("blobs/").expect("a blob");
        let names = |entry: &Vec<u8>| String::from_utf8_lossy(entry).contains(name);
        entries.iter().position(names).expect("named") as u64
    }
}

/// Puts a CAR file together again from some of its sections.
fn with_sections<'a>(good: &[u8], sections: impl IntoIterator<Item = &'a Section>) -> Vec<u8> {
    let mut bytes = good[..59].to_vec();
    sections.into_iter().for_each(|section| bytes.extend_from_slice(&good[section.start..section.end]));
    bytes
}

/// Whether replay gives a blob back, so that a bundle without it is smaller and not false.
fn is_given_back(content: &[u8]) -> bool {
    matches!(content, b"42" | b"45" | b"hello")
}

#[test]
fn every_dropped_repeated_and_swapped_section_is_detected() {
    let good = car(&short());
    let all = sections(&good);
    for (index, section) in all.iter().enumerate() {
        let what = |how: &'static str| move || format!("section {index} {how}");
        let mut dropped = all.clone();
        dropped.remove(index);
        let judged = judge_car(with_sections(&good, &dropped));
        if is_given_back(&good[section.content..section.end]) {
            let Judged::Verified(_, summary) = judged else { panic!("{judged:?}") };
            assert_eq!(summary.missing, 1);
        } else {
            let expect = if section.is_entry { Expect::False } else { Expect::CannotCheck };
            check(&judged, expect, &what("dropped"));
        }
        for place in 0..=all.len() {
            let mut repeated = all.clone();
            repeated.insert(place, section.clone());
            check(&judge_car(with_sections(&good, &repeated)), Expect::False, &what("repeated"));
        }
        for other in 0..index {
            let mut swapped = all.clone();
            swapped.swap(index, other);
            check(&judge_car(with_sections(&good, &swapped)), Expect::Detected, &what("swapped"));
        }
    }
}

#[test]
fn a_car_file_cut_off_anywhere_is_detected() {
    let good = car(&short());
    // The last section is a state, which replay gives back.
    let last = sections(&good).pop().expect("a section").start;
    for length in (0..good.len()).filter(|length| *length != last) {
        let expect = if length <= 59 { Expect::CannotCheck } else { Expect::Detected };
        check(&judge_car(good[..length].to_vec()), expect, &|| format!("cut to {length} bytes"));
    }
    assert!(judge_car(good[..last].to_vec()).is_verified());
}

#[test]
fn what_is_added_to_a_car_file_is_detected() {
    let good = car(&short());
    let blob = [&[37, 0x01, 0x55, 0x1e, 0x20][..], Hash::of(b"x").as_bytes(), b"x"].concat();
    for section in sections(&good).iter().map(|section| section.start).chain([good.len()]) {
        for added in [&b"\0"[..], &[36], &[0x80], &[0xa5, 0x00], &[0xff; 12], &blob] {
            let bad = [&good[..section], added, &good[section..]].concat();
            check(&judge_car(bad), Expect::False, &|| format!("{added:?} at {section}"));
        }
    }
}

#[test]
fn every_changed_file_of_a_folder_is_detected() {
    let good = folder(&short());
    let judge = |change: &dyn Fn(&mut MemoryFiles)| {
        let mut bad = good.clone();
        change(&mut bad);
        assert_ne!(bad, good);
        judge_folder(&bad)
    };
    for (path, bytes) in &good.0 {
        let dropped = judge(&|files| drop(files.0.remove(path)));
        match dropped {
            Judged::Verified(_, summary) if is_given_back(bytes) => assert_eq!(summary.missing, 1),
            dropped => check(&dropped, Expect::CannotCheck, &|| format!("{path} dropped")),
        }
        let moved = judge(&|files| {
            let bytes = files.0.remove(path).expect("a file");
            files.0.insert(path.to_uppercase(), bytes);
        });
        check(&moved, Expect::Detected, &|| format!("{path} renamed"));
        let longer = judge(&|files| files.0.get_mut(path).expect("a file").push(b'\n'));
        check(&longer, Expect::Detected, &|| format!("{path} with a byte more"));
        for length in 0..bytes.len() {
            let cut = judge(&|files| files.0.get_mut(path).expect("a file").truncate(length));
            check(&cut, Expect::Detected, &|| format!("{path} cut to {length} bytes"));
        }
        for (other, _) in good.0.range(..path.clone()) {
            let swapped = judge(&|files| {
                let (a, b) = (files.0[path].clone(), files.0[other].clone());
                files.0.extend([(path.clone(), b), (other.clone(), a)]);
            });
            check(&swapped, Expect::Detected, &|| format!("{path} and {other} swapped"));
        }
    }
    for stray in ["blobs/x", "readme", "blobs/a/b", "entries.ndjson/x", &format!("blobs/{}", Hash::of(b"no"))]
    {
        let added = judge(&|files| drop(files.0.insert(stray.to_owned(), b"no".to_vec())));
        check(&added, Expect::False, &|| format!("{stray} added"));
    }
}

#[test]
fn every_dropped_repeated_and_swapped_line_is_detected() {
    let good = folder(&short());
    let text = String::from_utf8(good.0["entries.ndjson"].clone()).expect("ASCII");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let judge = |lines: &[&str]| {
        let mut bad = good.clone();
        bad.0.insert("entries.ndjson".into(), lines.concat().into_bytes());
        judge_folder(&bad)
    };
    for (index, line) in lines.iter().enumerate() {
        let mut dropped = lines.clone();
        dropped.remove(index);
        check(&judge(&dropped), Expect::False, &|| format!("line {index} dropped"));
        for (what, added) in [("repeated", *line), ("after an empty one", "\n"), ("after a return", "\r\n")] {
            for place in 0..=lines.len() {
                let mut longer = lines.clone();
                longer.insert(place, added);
                check(&judge(&longer), Expect::False, &|| format!("line {place} {what}"));
            }
        }
        for other in 0..index {
            let mut swapped = lines.clone();
            swapped.swap(index, other);
            check(&judge(&swapped), Expect::False, &|| format!("lines {index} and {other} swapped"));
        }
    }
}

#[test]
fn a_cut_history_with_a_rewritten_head_is_not_detected_without_the_head() {
    let mut cut = short();
    cut.entries.truncate(4);
    cut.head = Hash::of(&cut.entries[3]);
    for judged in [judge_car(car(&cut)), judge_folder(&folder(&cut))] {
        let Judged::Verified(report, summary) = judged else { panic!("{judged:?}") };
        // Whoever knows the head sees it; nobody else can.
        assert_ne!((report.head, summary.head), (short().head, short().head));
        assert_eq!(report.chain, Hash::of(&short().entries[0]));
    }
}
