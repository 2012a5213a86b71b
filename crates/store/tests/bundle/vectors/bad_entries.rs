//! Bad entries, each with the one thing that is wrong with it.

use serde_json::{Value, json};
use troupe_chain::{Body, Entry, Fuel, Hash, Tip};

use super::Tree;
use crate::tally::{Chain, changes, fork, short};

/// Not canonical, whatever stands before: file, the good one that it is made from, what is replaced by what.
const MALFORMED: &[(&str, &str, &str, &str)] = &[
    ("white-space", "chain-2-message", ":{", ": {"),
    ("newline-at-the-end", "chain-2-message", "\"}", "\"}\n"),
    ("float", "chain-2-message", "\"fuel\":5", "\"fuel\":5.0"),
    ("exponent", "chain-2-message", "\"fuel\":5", "\"fuel\":5e0"),
    ("negative", "chain-2-message", "\"fuel\":5", "\"fuel\":-5"),
    ("leading-zero", "chain-2-message", "\"fuel\":5", "\"fuel\":05"),
    ("integer-above-2-53", "chain-2-message", "\"fuel\":5", "\"fuel\":9007199254740992"),
    ("string-for-integer", "chain-2-message", "\"fuel\":5", "\"fuel\":\"5\""),
    (
        "keys-out-of-order",
        "chain-2-message",
        "\"kind\":\"http\"},\"fuel\":5",
        "\"kind\":\"http\"},\"seq\":2,\"fuel\":5",
    ),
    ("repeated-key", "chain-2-message", "\"seq\":2", "\"seq\":2,\"seq\":2"),
    ("unknown-field", "chain-2-message", "\"seq\":2", "\"seq\":2,\"size\":2"),
    ("missing-field", "chain-2-message", "\"fuel\":5,", ""),
    (
        "field-of-another-kind",
        "chain-3-failure",
        "\"seq\":3",
        "\"seq\":3,\"state\":\"0000000000000000000000000000000000000000000000000000000000000000\"",
    ),
    ("null-for-absent", "chain-3-failure", "\"seq\":3", "\"seed\":null,\"seq\":3"),
    ("empty-array", "chain-2-message", "\"from\":", "\"effects\":[],\"from\":"),
    ("empty-object", "chain-0-genesis", "{\"fuel\":1000,\"state\":64}", "{}"),
    ("upper-case-name", "chain-2-message", "\"parent\":\"8", "\"parent\":\"A"),
    ("short-name", "chain-2-message", "\"parent\":\"8", "\"parent\":\""),
    ("escaped-key", "chain-2-message", "\"seq\":2", "\"s\\u0065q\":2"),
    ("escape-that-is-not-needed", "chain-4-message", "\"b\\\\\"", "\"\\u0062\\\\\""),
    ("text-beyond-ascii", "chain-0-genesis", "[\"log\"]", "[\"l\u{f6}g\"]"),
    ("empty-text", "chain-0-genesis", "[\"log\"]", "[\"\"]"),
    ("grants-not-ascending", "chain-0-genesis", "[\"log\"]", "[\"log\",\"clock\"]"),
    (
        "two-kinds-of-code",
        "chain-0-genesis",
        "\"config\":",
        "\"component-hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"config\":",
    ),
    ("no-code", "chain-0-genesis", "\"machine\":\"tally@1\",", ""),
    (
        "genesis-with-a-parent",
        "chain-0-genesis",
        "\"parent\":null",
        "\"parent\":\"0000000000000000000000000000000000000000000000000000000000000000\"",
    ),
    (
        "no-parent",
        "chain-2-message",
        "\"parent\":\"8ce6c2d5cd78ab5ad92cb80674977ffecc831c72b61c5cfe0a917e3cb316b0d9\"",
        "\"parent\":null",
    ),
    ("unknown-kind", "chain-2-message", "\"kind\":\"message\"", "\"kind\":\"downgrade\""),
    ("unknown-error", "chain-3-failure", "\"error\":\"refused\"", "\"error\":\"tired\""),
    ("unknown-sender", "chain-2-message", "\"kind\":\"http\"", "\"kind\":\"smtp\""),
    ("sender-lacks-a-field", "chain-6-message", ",\"n\":0", ""),
    ("unknown-effect", "chain-4-message", "{\"send\":", "{\"tell\":"),
    ("another-version", "chain-2-message", "\"v\":1", "\"v\":2"),
    ("effect-of-two-kinds", "effect-stop", "}}]", "},\"tell\":1}]"),
    ("effect-with-a-field-too-many", "effect-timer", "\"message\":", "\"at\":0,\"message\":"),
    ("effect-lacks-a-field", "effect-request", "\"timeout\":1000,", ""),
    ("effect-with-keys-out-of-order", "effect-cancel", "\"n\":2,\"seq\":9", "\"seq\":9,\"n\":2"),
    ("request-with-negative-timeout", "effect-request", "\"timeout\":1000", "\"timeout\":-1"),
    ("timer-after-a-text", "effect-timer", "\"after\":0", "\"after\":\"0\""),
    ("cron-of-no-text", "effect-cron", "\"*/5 * * * 1-5\"", "\"\""),
    ("cancel-of-an-entry", "effect-cancel", "\"seq\":9}", "\"seq\":\"9\"}"),
    ("exit-without-reason", "effect-exit", "{\"reason\":\"done\"}", "{}"),
    (
        "spawn-grants-not-ascending",
        "effect-spawn-by-policy",
        "[\"clock\",\"random\"]",
        "[\"random\",\"clock\"]",
    ),
    ("spawn-grants-empty", "effect-spawn-by-policy", "[\"clock\",\"random\"]", "[]"),
    ("spawn-without-code", "effect-spawn", "\"machine\":\"tally@1\",", ""),
    (
        "spawn-of-two-kinds-of-code",
        "effect-spawn-by-policy",
        ",\"name\":",
        ",\"machine\":\"tally@1\",\"name\":",
    ),
    ("spawn-with-limits", "effect-spawn", "\"machine\":", "\"limits\":{\"fuel\":1},\"machine\":"),
    ("spawn-of-unknown-policy", "effect-spawn", "\"go-on\"", "\"give-up\""),
    ("supervision-lacks-a-field", "effect-spawn", "\"failures\":1,", ""),
    (
        "timer-by-entry",
        "from-timer",
        "\"kind\":\"timer\"",
        "\"entry\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"kind\":\"timer\"",
    ),
    ("timer-without-seq", "from-timer", "\"n\":2,\"seq\":5", "\"n\":2"),
    (
        "reply-without-entry",
        "from-reply",
        "\"entry\":\"41424c519e36c3ad0f799dbd5134d9e35f36247f435f7a671f3649f57facc2b7\",",
        "",
    ),
    ("notice-of-unknown-about", "from-notice-late", "\"about\":\"late\"", "\"about\":\"lost\""),
    ("notice-without-about", "from-notice-late", "\"about\":\"late\",", ""),
    ("notice-with-due", "from-notice-late", "\"kind\":\"notice\"", "\"due\":1,\"kind\":\"notice\""),
    ("parent-with-seq", "from-parent", "\"n\":1", "\"n\":1,\"seq\":1"),
    ("http-with-a-field-too-many", "from-http", "\"kind\":\"http\"", "\"kind\":\"http\",\"n\":0"),
    ("stop-without-reason", "full-stop", "\"reason\":\"\\\"enough\\\"\",", ""),
    ("stop-without-from", "changes-5-stop", "\"from\":{\"kind\":\"http\"},", ""),
    ("stop-with-fuel", "changes-5-stop", "\"kind\":\"stop\"", "\"fuel\":0,\"kind\":\"stop\""),
    ("fork-with-a-field-too-many", "full-genesis", "\"seq\":7,", "\"n\":0,\"seq\":7,"),
    ("fork-lacks-a-field", "full-genesis", "\"seq\":7,", ""),
    ("started-by-of-a-kind", "full-genesis", "\"n\":2}", "\"kind\":\"parent\",\"n\":2}"),
    ("upgrade-without-code", "changes-4-upgrade", "\"machine\":\"tally@2\",", ""),
    ("upgrade-without-limits", "changes-4-upgrade", "\"limits\":{\"fuel\":9},", ""),
    (
        "upgrade-with-an-engine",
        "changes-4-upgrade",
        "\"from\":",
        "\"engine\":{\"engine\":\"tally\"},\"from\":",
    ),
    (
        "upgrade-with-a-message",
        "changes-4-upgrade",
        ",\"seq\":",
        ",\"message\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"seq\":",
    ),
    ("upgrade-grants-not-ascending", "full-upgrade", "[\"clock\",\"random\"]", "[\"clock\",\"clock\"]"),
    (
        "failure-with-effects",
        "chain-3-failure",
        "\"error\":",
        "\"effects\":[{\"exit\":{\"reason\":\"x\"}}],\"error\":",
    ),
    ("call-lacks-a-field", "changes-2-message", "\"fn\":\"oracle.ask\",", ""),
];

pub(super) fn bad_entries(made: &mut Tree) -> Value {
    let mut list = Vec::new();
    for (name, from, old, new) in MALFORMED {
        let good = made.get(&format!("good/{from}.json")).expect("made before").clone();
        let good = String::from_utf8(good).expect("ASCII");
        let bad = match *name {
            // The last one: the first may stand within the object.
            "newline-at-the-end" => good.clone() + "\n",
            _ => good.replacen(old, new, 1),
        };
        assert_ne!(bad, good, "{name}");
        assert!(Entry::decode(bad.as_bytes()).is_err(), "{name}");
        let file = format!("bad/{name}.json");
        list.push(json!({"file": file, "stage": "structure", "reason": name, "after": null}));
        made.insert(file, bad.into_bytes());
    }
    for (name, after, bytes) in links() {
        assert!(Entry::decode(&bytes).is_ok(), "{name}");
        let (file, after) = (format!("bad/link-{name}.json"), after.to_string());
        list.push(
            json!({"file": file, "stage": "structure", "reason": format!("link-{name}"), "after": after}),
        );
        made.insert(file, bytes);
    }
    list.into()
}

/// Canonical, but not what may follow: name, the entry before, bytes.
fn links() -> Vec<(&'static str, Hash, Vec<u8>)> {
    let mut list = Vec::new();
    let mut put = |name, chain: &Chain, seq: usize, change: &dyn Fn(&mut Entry)| {
        let mut entry = at(chain, seq);
        change(&mut entry);
        list.push((name, Hash::of(&chain.entries[seq - 1]), entry.encode()));
    };
    let chain = short();
    put("parent", &chain, 3, &|entry| entry.parent = Some(Hash::of(b"another")));
    put("seq", &chain, 3, &|entry| entry.seq = 4);
    put("time", &chain, 3, &|entry| entry.at.0 -= 1);
    put("before", &chain, 3, &|entry| {
        if let Body::Failure(failure) = &mut entry.body {
            failure.before = Hash::of(b"41")
        }
    });
    put("second-init", &chain, 3, &|entry| entry.body = at(&chain, 1).body);
    put("no-init", &chain, 1, &|entry| entry.body = at(&chain, 5).body);
    let (first, _) = Tip::check_genesis(&chain.entries[0]).expect("a genesis");
    put("same-engine", &chain, 5, &|entry| entry.body = Body::Engine(first.rules.engine.clone()));
    let changed = changes();
    put("second-genesis", &changed, 4, &|entry| entry.body = at(&changed, 0).body);
    put("upgrade-before", &changed, 4, &|entry| {
        if let Body::Upgrade(upgrade) = &mut entry.body {
            upgrade.before = upgrade.state
        }
    });
    put("stop-for-init", &changed, 1, &|entry| entry.body = at(&changed, 5).body);
    let forked = fork();
    put("fork-of-another-state", &forked, 1, &|entry| {
        if let Body::Init(init) = &mut entry.body {
            init.state = Hash::of(b"9")
        }
    });
    put("fork-with-fuel", &forked, 1, &|entry| {
        if let Body::Init(init) = &mut entry.body {
            init.fuel = Fuel(1)
        }
    });
    let mut next = at(&changed, 5);
    (next.parent, next.seq) = (Some(changed.head), 6);
    list.push(("after-stop", changed.head, next.encode()));
    list
}

fn at(chain: &Chain, seq: usize) -> Entry {
    Entry::decode(&chain.entries[seq]).expect("canonical")
}
