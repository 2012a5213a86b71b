//! A blob that was redacted: what cannot be replayed is said, and nothing else is taken for true.

use std::collections::BTreeMap;

use troupe_chain::{
    CannotCheck, Hash, NotVerified, PART_ENTRIES, Redaction, RedactionKind, Report, Sender, Timestamp,
    check_blobs, check_links, parts, verify,
};

use crate::tally::{Chain, Live, Redacted, Tallies, short, text};

fn redaction() -> Redaction {
    Redaction { kind: RedactionKind::Erased, at: Timestamp(1_700_000_000_000), reason: text("on request") }
}

impl Redacted {
    fn without(mut chain: Chain, blobs: &[&[u8]]) -> Self {
        let names = blobs.iter().map(|blob| Hash::of(blob));
        let says: BTreeMap<_, _> = names.map(|name| (name, redaction())).collect();
        says.keys().for_each(|name| assert!(chain.blobs.remove(name).is_some(), "{name} is in the chain"));
        Self { chain, says }
    }

    fn verify(&self) -> Report {
        verify(self, &Tallies::default(), |_| {}).expect("not false")
    }

    fn refuse(&self) -> NotVerified {
        verify(self, &Tallies::default(), |_| {}).expect_err("not verified")
    }
}

/// Five messages that add 1 to 5: states 0, 1, 3, 6, 10, 15 at seq 1 to 6.
fn sums() -> Live {
    let mut live = Live::start(None);
    for number in 1..=5 {
        assert!(live.message(Sender::Http { key: None }, 1, format!("quiet {number}").as_bytes()));
    }
    live
}

fn gaps(report: &Report) -> Vec<(u64, u64, &'static str)> {
    report.gaps.iter().map(|gap| (gap.first, gap.last, gap.field)).collect()
}

#[test]
fn an_entry_whose_message_was_redacted_is_passed_over_and_the_rest_is_replayed() {
    let history = Redacted::without(sums().chain, &[b"quiet 3"]);
    let report = history.verify();
    assert_eq!((report.messages, report.not_replayed), (4, 1));
    assert_eq!(gaps(&report), [(4, 4, "message")]);
    assert_eq!(report.gaps[0].redaction, redaction());
    assert_eq!((report.head, report.seq), (history.chain.head, 6));
    assert!(!report.is_complete());
    check_links(&history).unwrap();
    check_blobs(&history).unwrap();
}

#[test]
fn the_replay_goes_on_from_the_next_state_that_is_there() {
    let mut history = Redacted::without(sums().chain, &[b"quiet 2"]);
    // States that replay gives back need not be kept.
    history.chain.blobs.remove(&Hash::of(b"3"));
    history.chain.blobs.remove(&Hash::of(b"6"));
    let report = history.verify();
    assert_eq!(gaps(&report), [(3, 5, "message")]);
    assert_eq!((report.messages, report.not_replayed), (2, 3));
    history.chain.blobs.remove(&Hash::of(b"10"));
    history.chain.blobs.remove(&Hash::of(b"15"));
    let report = history.verify();
    assert_eq!((gaps(&report), report.messages, report.not_replayed), (vec![(3, 6, "message")], 1, 4));
}

#[test]
fn what_is_not_redacted_is_still_compared() {
    let mut live = sums();
    live.state = b"99".to_vec();
    // What was said to follow from 99 does not follow from 15.
    assert!(live.message(Sender::Http { key: None }, 1, b"quiet 1"));
    let history = Redacted::without(live.chain, &[b"quiet 3"]);
    let NotVerified::Diverged(divergence) = history.refuse() else { panic!("diverged") };
    assert_eq!((divergence.seq, divergence.field), (7, "state"));
}

#[test]
fn a_state_after_a_gap_must_be_the_one_that_the_chain_names() {
    let mut history = Redacted::without(sums().chain, &[b"quiet 3"]);
    history.chain.blobs.insert(Hash::of(b"6"), b"7".to_vec());
    let error = history.refuse();
    assert!(matches!(error, NotVerified::Blob { seq: 4, field: "state", .. }), "{error}");
}

#[test]
fn a_blob_within_a_gap_must_be_what_its_name_says() {
    let mut history = Redacted::without(sums().chain, &[b"quiet 2"]);
    for state in [b"3", b"6"] {
        history.chain.blobs.remove(&Hash::of(state));
    }
    history.chain.blobs.insert(Hash::of(b"quiet 3"), b"quiet 4".to_vec());
    let error = history.refuse();
    assert!(matches!(error, NotVerified::Blob { seq: 4, field: "message", .. }), "{error}");
}

#[test]
fn a_blob_that_nobody_speaks_of_is_missing_as_before() {
    let mut history = Redacted::without(sums().chain, &[b"quiet 3"]);
    history.says.clear();
    let error = history.refuse();
    assert!(matches!(error, NotVerified::CannotCheck(CannotCheck::MissingBlob { seq: 4, .. })), "{error}");
    assert!(check_blobs(&history).is_err());
}

#[test]
fn a_failure_whose_message_was_redacted_leaves_the_state_known() {
    let report = Redacted::without(short(), &[b"refuse this"]).verify();
    assert_eq!((gaps(&report), report.failures), (vec![(3, 3, "message")], 0));
    assert_eq!(report.messages, 3);
}

#[test]
fn an_answer_from_outside_an_upgrade_in_a_gap_and_a_forks_first_state_may_be_redacted() {
    let changes = crate::tally::changes();
    let out = changes.blobs.values().find(|blob| blob.starts_with(b"cba")).cloned();
    if let Some(out) = out {
        let report = Redacted::without(changes.clone(), &[&out]).verify();
        assert_eq!(gaps(&report), [(2, 2, "calls.out")]);
    }
    // Only the message is unknown, for the state stays as it is; the upgrade after it is replayed.
    let history = Redacted::without(changes, &[b"spawn little"]);
    assert_eq!(gaps(&history.verify()), [(3, 3, "message")]);

    let fork = crate::tally::fork();
    let state =
        fork.blobs.keys().find(|name| fork.entries[1].windows(64).any(|w| w == name.to_string().as_bytes()));
    let state = fork.blobs[state.expect("the fork begins with a state")].clone();
    let report = Redacted::without(fork, &[&state]).verify();
    assert_eq!(gaps(&report), [(2, 2, "fork.state")]);
}

#[test]
fn the_list_of_gaps_has_an_end_and_the_count_has_none() {
    let mut live = Live::start(None);
    let count = Report::MAX_GAPS as u64 + 5;
    for _ in 0..count {
        assert!(live.message(Sender::Http { key: None }, 1, b"quiet 0"));
        assert!(live.message(Sender::Http { key: None }, 1, b"quiet 1"));
    }
    let report = Redacted::without(live.chain, &[b"quiet 1"]).verify();
    assert_eq!((report.not_replayed, report.gaps.len()), (count, Report::MAX_GAPS));
    assert_eq!(report.messages, count);
}

#[test]
fn a_redaction_is_written_in_one_way() {
    let name = Hash::of(b"it");
    let bytes = redaction().encode(&name);
    let expected =
        format!("{{\"at\":1700000000000,\"kind\":\"erased\",\"name\":\"{name}\",\"reason\":\"on request\"}}");
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
    assert_eq!(Redaction::decode(&bytes).unwrap(), (name, redaction()));
    for bad in [
        expected.replace("erased", "lost"),
        expected.replace(",\"reason\":\"on request\"", ""),
        expected.replace("\"at\":", "\"at\": "),
        expected.replace("on request", ""),
        format!("{expected}\n"),
        "{}".to_owned(),
    ] {
        assert!(Redaction::decode(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_history_in_parts_comes_to_the_same_report() {
    let mut live = Live::start(None);
    let count = 3 * PART_ENTRIES as u64;
    for number in 0..count {
        assert!(live.message(Sender::Http { key: None }, 1, format!("quiet {number}").as_bytes()));
    }
    let told: Vec<String> =
        [3, 4, 250, 254, 255, 256, 600].iter().map(|number| format!("quiet {number}")).collect();
    let told: Vec<&[u8]> = told.iter().map(String::as_bytes).collect();
    let mut history = Redacted::without(live.chain, &told);
    for keeps_states in [true, false] {
        if !keeps_states {
            // Most states are not kept: then a gap goes on to the next that is, also across parts.
            let mut sum = 0;
            for number in 0..count {
                sum += number;
                // Its entry is two further on; parts end at multiples of 256, if the state there is kept.
                if (number + 2) % 64 != 0 {
                    history.chain.blobs.remove(&Hash::of(sum.to_string().as_bytes()));
                }
            }
        }
        let whole = history.verify();
        let machines = Tallies::default();
        let mut found: Option<Report> = None;
        let mut number = 0;
        for part in parts(&history, None) {
            let report = part.unwrap().replay(&history, &machines, |_| {}).unwrap();
            found = Some(found.map_or(report.clone(), |mut found| {
                found.extend(&report);
                found
            }));
            number += 1;
        }
        assert!(number > 2 && !whole.is_complete());
        assert_eq!(found.unwrap(), whole, "states kept: {keeps_states}");
    }
}
