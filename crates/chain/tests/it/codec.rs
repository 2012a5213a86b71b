//! Decoding inverts encoding, and nothing decodes but what is encoded.

use proptest::prelude::*;
use troupe_chain::{Body, Entry, Genesis, Hash, MAX_INTEGER, Timestamp};

use crate::strategies::entry;
use crate::tally::{short, text};

proptest! {
    #[test]
    fn an_entry_reads_back_as_it_was_written(entry in entry()) {
        let bytes = entry.encode();
        prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
    }

    #[test]
    fn an_entry_is_canonical_json_to_others(entry in entry()) {
        let bytes = entry.encode();
        let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        // A map of serde_json is sorted by key, and all text is ASCII: its compact form is RFC 8785.
        prop_assert_eq!(serde_json::to_vec(&value).expect("JSON"), bytes);
    }

    #[test]
    fn changed_bytes_that_still_decode_are_canonical(
        entry in entry(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..3, 0x20u8..0x7f), 1..4),
    ) {
        let mut bytes = entry.encode();
        for (place, how, byte) in changes {
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Ok(decoded) = Entry::decode(&bytes) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }
}

/// Replaces the first `from` of an entry by `to`, and expects a refusal that mentions `what`.
fn check(seq: usize, from: &str, to: &str, what: &str) {
    let bytes = String::from_utf8(short().entries[seq].clone()).expect("ASCII");
    assert!(Entry::decode(bytes.as_bytes()).is_ok());
    let changed = bytes.replacen(from, to, 1);
    assert_ne!(changed, bytes, "`{from}` is not in {bytes}");
    let error = Entry::decode(changed.as_bytes()).expect_err(&changed).to_string();
    assert!(error.contains(what), "{error:?} does not mention {what:?}, for {changed}");
}

#[test]
fn what_is_not_canonical_is_refused() {
    for (seq, from, to, what) in [
        (2, "{", " {", "expected `{\"data\":`"),
        (2, "{\"data\"", "{\"Data\"", "expected `{\"data\":`"),
        (2, ":{", ": {", "at byte 8: expected `{`"),
        (2, ",\"seq\"", ", \"seq\"", "expected `\"`"),
        (2, "\"v\":1", "\"v\":1,", "expected `\"`"),
        (2, "},\"parent", "} ,\"parent", "expected `,\"parent\":`"),
        (2, "\"at\":1", "\"at\":01", "expected an integer"),
        (2, "\"at\":1", "\"at\":-1", "expected an integer"),
        (2, "\"at\":1700000000005", "\"at\":1700000000005.0", "expected `}`"),
        (2, "\"at\":1700000000005", "\"at\":17e11", "expected `}`"),
        (2, "\"at\":1700000000005", "\"at\":9007199254740992", "expected an integer"),
        (2, "\"at\":1700000000005", "\"at\":17000000000050000", "expected"),
        (2, "\"at\":1700000000005", "\"at\":null", "expected an integer"),
        (2, "\"at\":1700000000005", "\"at\":\"1700000000005\"", "expected an integer"),
        (2, "\"seq\":2", "\"seq\":2,\"seq\":2", "field `seq` is unknown, repeated or out of order"),
        (2, "\"seq\":2", "\"seq\":2,\"zzz\":1", "field `zzz` is unknown"),
        (2, "\"seq\":2", "\"s\\u0065q\":2", "expected `\"`"),
        (2, "\"kind\":\"message\"", "\"kind\":\"downgrade\"", "unknown kind `downgrade`"),
        (2, "\"kind\":\"message\"", "\"kind\":\"init\"", "does not belong to the kind `init`"),
        (2, "\"kind\":\"message\"", "\"kind\":\"failure\"", "field `error` is missing in kind `failure`"),
        (2, "\"kind\":\"message\",", "", "one of the fields"),
        (2, "\"v\":1", "\"v\":2", "format version 2; this reads version 1"),
        (2, "\"from\":", "\"effects\":[],\"from\":", "expected `{`"),
        (2, "\"fuel\":5", "\"calls\":null,\"fuel\":5", "out of order"),
        (2, "\"kind\":\"http\"", "\"kind\":\"ftp\"", "unknown kind of sender `ftp`"),
        (2, "\"kind\":\"http\"", "\"kind\":\"timer\"", "lacks a field or has one too many"),
        (2, "\"kind\":\"http\"", "\"kind\":\"http\",\"n\":1", "lacks a field or has one too many"),
        (2, "\"kind\":\"http\"", "\"kind\":\"http\",\"x\":1", "field `x` is unknown"),
        (2, "\"parent\":\"", "\"parent\":\"A", "expected a name"),
        (2, "\"parent\":\"", "\"parent\":null,\"", "expected a name"),
        (0, "\"parent\":null", "\"parent\":\"\"", "expected `null`"),
        (0, "\"parent\":null", "\"parent\":null,\"x\":1", "expected `}`"),
        (0, "\"machine\":\"tally@1\",", "", "either `component-hash` or `machine`"),
        (0, "\"grants\":[\"log\"]", "\"grants\":[\"log\",\"log\"]", "`grants` is not in ascending order"),
        (0, "\"grants\":[\"log\"]", "\"grants\":[]", "expected"),
        (0, "\"grants\":[\"log\"]", "\"grants\":[\"\"]", "0 bytes"),
        (0, "\"grants\":[\"log\"]", "\"grants\":[\"l\\u006fg\"]", "no other escape"),
        (0, "\"grants\":[\"log\"]", "\"grants\":[\"l\\/og\"]", "no other escape"),
        (0, "\"grants\":[\"log\"]", "\"grants\":[\"l\tog\"]", "expected printable ASCII"),
        (0, "\"grants\":[\"log\"]", "\"grants\":[\"lög\"]", "expected printable ASCII"),
        (0, "\"fuel\":1000", "\"zuel\":1000", "key `state` is repeated or out of order"),
        (0, "{\"fuel\":1000,\"state\":64}", "{}", "expected `\"`"),
        (3, "\"error\":\"refused\"", "\"error\":\"sulking\"", "unknown error `sulking`"),
        (4, "\"to\":\"\\\"b\\\\\"", "\"to\":\"b\\\"", "expected"),
        (4, "{\"send\":{", "{\"tell\":{", "unknown effect `tell`"),
    ] {
        check(seq, from, to, what);
    }
}

#[test]
fn text_longer_than_256_characters_is_refused() {
    for (length, is_refused) in [(256, false), (257, true), (1 << 20, true)] {
        let bytes = String::from_utf8(short().entries[0].clone()).expect("ASCII");
        let bytes = bytes.replace("[\"log\"]", &format!("[\"{}\"]", "\\\\".repeat(length)));
        assert_eq!(Entry::decode(bytes.as_bytes()).is_err(), is_refused, "{length}");
    }
}

#[test]
fn an_entry_above_8_mib_is_refused() {
    let error = Entry::decode(&vec![b'{'; Entry::MAX_LENGTH + 1]).expect_err("too long");
    assert!(error.what.contains("more than an entry may have"), "{error}");
}

#[test]
fn truncated_entries_are_refused() {
    for entry in short().entries {
        for length in 0..entry.len() {
            assert!(Entry::decode(&entry[..length]).is_err(), "{length}");
        }
    }
}

#[test]
fn keys_of_limits_and_engine_may_need_escapes() {
    let mut genesis = genesis();
    genesis.limits = [(text("\""), 1), (text("#"), 2), (text("\\"), 3)].into();
    genesis.engine = [(text("\\"), text("\""))].into();
    let entry = Entry { parent: None, seq: 0, at: Timestamp(0), body: Body::Genesis(Box::new(genesis)) };
    assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
}

#[test]
fn a_genesis_that_cannot_be_written_is_unfit() {
    let unfit = |change: fn(&mut Genesis), field| {
        let mut genesis = genesis();
        assert_eq!(genesis.check(), Ok(()));
        change(&mut genesis);
        assert_eq!(genesis.check().expect_err(field).field, field);
        let entry = Entry { parent: None, seq: 0, at: Timestamp(0), body: Body::Genesis(Box::new(genesis)) };
        assert!(std::panic::catch_unwind(|| entry.encode()).is_err(), "{field}");
    };
    unfit(|genesis| genesis.limits.clear(), "limits");
    unfit(|genesis| genesis.limits = [(text("fuel"), MAX_INTEGER + 1)].into(), "limits");
    unfit(|genesis| genesis.engine.clear(), "engine");
    unfit(|genesis| genesis.grants = vec![text("b"), text("a")], "grants");
    unfit(|genesis| genesis.grants = vec![text("a"), text("a")], "grants");
}

#[test]
#[should_panic(expected = "genesis alone has no parent")]
fn a_later_entry_without_a_parent_is_not_written() {
    let body = Body::Engine([(text("engine"), text("none"))].into());
    Entry { parent: None, seq: 3, at: Timestamp(0), body }.encode();
}

fn genesis() -> Genesis {
    let Ok(Entry { body: Body::Genesis(genesis), .. }) = Entry::decode(&short().entries[0]) else {
        panic!("the first entry of {} is a genesis", Hash::of(&short().entries[0]));
    };
    *genesis
}
