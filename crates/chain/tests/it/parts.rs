//! A history in parts comes to what one replay comes to, whatever is wrong with it.

use troupe_chain::{
    Body, CannotCheck, Entry, Hash, History, NotVerified, PART_ENTRIES, Report, Sender, first_fault, parts,
    verify,
};

use crate::tally::{Chain, Live, Tallies};

const NOBODY: Sender = Sender::Http { key: None };

/// A chain of several parts, with failures, an upgrade and a change of engine in it.
fn long() -> Chain {
    let mut live = Live::start(Some(b"2"));
    for n in 0..3 * PART_ENTRIES {
        let message = if n % 7 == 3 { "refuse".to_owned() } else { format!("add {}", 2 * n) };
        assert!(live.message(NOBODY, 1, message.as_bytes()));
        if n == PART_ENTRIES {
            assert!(live.upgrade("tally@2"));
        }
    }
    live.chain
}

/// What the parts of a history come to, replayed one after the other from the last to the first.
fn in_parts(chain: &Chain, trusted: Option<(u64, Hash)>) -> Result<(Report, usize), NotVerified> {
    let (mut found, mut fault) = (Vec::new(), None);
    for part in parts(chain, trusted) {
        match part {
            Ok(part) => found.push(part),
            Err(error) => fault = Some(error),
        }
    }
    let mut reports: Vec<_> =
        found.iter().rev().map(|part| part.replay(chain, &Tallies::default(), |_| {})).collect();
    reports.reverse();
    let count = reports.len();
    let mut whole: Option<Report> = None;
    for report in reports {
        let report = report.map_err(|fault| first_fault(chain, fault))?;
        match &mut whole {
            Some(whole) => whole.extend(&report),
            None => whole = Some(report),
        }
    }
    if let Some(fault) = fault {
        return Err(first_fault(chain, fault));
    }
    Ok((whole.expect("there is a part"), count))
}

fn whole(chain: &Chain) -> Result<Report, NotVerified> {
    verify(chain, &Tallies::default(), |_| {})
}

#[test]
fn parts_come_to_the_same_report_as_one_replay() {
    let chain = long();
    let (report, count) = in_parts(&chain, None).unwrap();
    assert_eq!(report, whole(&chain).unwrap());
    assert_eq!(count, 4);
}

#[test]
fn a_part_goes_on_where_no_state_is_at_hand() {
    let mut chain = long();
    let states: Vec<_> =
        chain.entries.iter().filter_map(|entry| Entry::decode(entry).unwrap().state()).collect();
    for state in &states[1..2 * PART_ENTRIES] {
        // The config is the same as the first state.
        if *state != Hash::of(b"2") {
            chain.blobs.remove(state);
        }
    }
    let (report, count) = in_parts(&chain, None).unwrap();
    assert_eq!(report, whole(&chain).unwrap());
    assert_eq!(count, 2);
}

#[test]
fn what_was_verified_before_is_not_replayed_and_must_still_be_there() {
    let chain = long();
    let at = PART_ENTRIES + 5;
    let trusted = (at as u64, Hash::of(&chain.entries[at]));
    let all = whole(&chain).unwrap();
    let (report, _) = in_parts(&chain, Some(trusted)).unwrap();
    assert_eq!((report.head, report.seq), (all.head, all.seq));
    assert!(report.messages < all.messages && report.messages > 0);

    let other = in_parts(&chain, Some((at as u64, Hash::of(b"another")))).unwrap_err();
    assert!(matches!(&other, NotVerified::Structure(broken) if broken.seq == at as u64), "{other}");
    let mut short = chain.clone();
    short.entries.truncate(at);
    short.head = Hash::of(&short.entries[at - 1]);
    let rolled_back = in_parts(&short, Some(trusted)).unwrap_err();
    assert!(matches!(&rolled_back, NotVerified::Head { seq, .. } if *seq == at as u64 - 1), "{rolled_back}");
    let mut stateless = chain.clone();
    stateless.blobs.remove(&Entry::decode(&chain.entries[at]).unwrap().state().unwrap());
    let missing = in_parts(&stateless, Some(trusted)).unwrap_err();
    assert!(matches!(missing, NotVerified::CannotCheck(CannotCheck::MissingBlob { field: "state", .. })));
    // Up to the end of it there is nothing left to replay.
    let (report, _) = in_parts(&chain, Some((all.seq, all.head))).unwrap();
    assert_eq!((report.head, report.seq, report.messages), (all.head, all.seq, 0));
}

/// Makes every hash from `seq` on fit again.
pub(crate) fn relink(chain: &mut Chain, seq: usize, change: impl Fn(&mut Entry)) {
    let (mut changed, mut state) = (None, None);
    for at in seq..chain.entries.len() {
        let mut entry = Entry::decode(&chain.entries[at]).unwrap();
        if at == seq {
            change(&mut entry);
        } else {
            entry.parent = changed;
            if let (Body::Message(message), Some(before)) = (&mut entry.body, state) {
                message.before = before;
                state = None;
            }
            if let (Body::Failure(failure), Some(before)) = (&mut entry.body, state) {
                failure.before = before;
            }
        }
        if at == seq {
            state = entry.state();
        }
        chain.entries[at] = entry.encode();
        changed = Some(Hash::of(&chain.entries[at]));
    }
    chain.head = changed.unwrap();
}

#[test]
fn parts_find_the_same_fault_as_one_replay() {
    let lies: [fn(&mut Chain); 8] = [
        |chain| {
            let state = b"13".to_vec();
            let name = Hash::of(&state);
            chain.blobs.insert(name, state);
            relink(chain, 301, |entry| {
                if let Body::Message(message) = &mut entry.body {
                    message.state = name;
                }
            });
        },
        |chain| {
            relink(chain, 600, |entry| {
                if let Body::Message(message) = &mut entry.body {
                    message.fuel.0 += 1;
                }
            });
        },
        |chain| {
            let at = chain.entries.len() - 1;
            let cut = chain.entries[at].len() - 9;
            chain.entries[at][cut] ^= 1;
        },
        |chain| {
            chain.entries.remove(400);
        },
        |chain| {
            chain.entries.pop();
        },
        |chain| {
            let name = Entry::decode(&chain.entries[500]).unwrap().blobs()[0].1;
            chain.blobs.insert(name, b"add 1".to_vec());
        },
        |chain| {
            let name = Entry::decode(&chain.entries[258]).unwrap().blobs()[0].1;
            chain.blobs.remove(&name);
        },
        // Two at once: a later fault of the structure comes before an earlier one of the replay.
        |chain| {
            relink(chain, 20, |entry| {
                if let Body::Message(message) = &mut entry.body {
                    message.fuel.0 += 1;
                }
            });
            chain.entries.swap(700, 701);
        },
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let mut chain = long();
        lie(&mut chain);
        let expected = whole(&chain).unwrap_err().to_string();
        assert_eq!(in_parts(&chain, None).unwrap_err().to_string(), expected, "lie {number}");
    }
}

#[test]
fn results_that_would_have_to_be_fetched_are_not_asked_for() {
    struct Bare(Chain);
    impl History for Bare {
        type Bytes = Vec<u8>;
        fn head(&self) -> Hash {
            self.0.head
        }
        fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, troupe_chain::Unreadable>> {
            self.0.entries()
        }
        fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, troupe_chain::Unreadable> {
            let blob = self.0.blob(name)?;
            let text = String::from_utf8(blob.clone().unwrap_or_default()).unwrap();
            assert!(text.starts_with("add") || text == "refuse" || text == "2", "{text} was asked for");
            Ok(blob)
        }
        fn has_results(&self) -> bool {
            false
        }
    }
    let mut live = Live::start(Some(b"2"));
    for n in 0..20 {
        assert!(live.message(NOBODY, 1, if n % 2 == 0 { b"add 3" } else { b"refuse" }));
    }
    verify(&Bare(live.chain), &Tallies::default(), |_| {}).unwrap();
}
