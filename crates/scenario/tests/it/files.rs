//! What a file may say, and what is told where it is otherwise.

use super::{play, suite, wrong};

#[test]
fn what_is_as_expected_passes() {
    let played = play(
        r#"
        [init]
        state = { seen = 0 }
        [[step]]
        message = { say = "a" }
        state = '{"from":"http","last":"a","seen":1}'
        reply-part = { "/seq" = 2, "/at" = 1767225600000 }
        sends = []
        logs = [{ info = "seen" }]
        max-fuel = 100
        [[step]]
        raw = "x"
        refused = "not JSON"
        [[step]]
        message = { fail = true }
        failed = "trap:unreachable"
        [[step]]
        message = { do = [{ kind = "send", to = "bob", message = 1 }, { kind = "cron", cron = "* * * * *", message = 2 }] }
        reply-part = { "/seq" = 4 }
        state-part = { "/seen" = 2, "/last" = 'null' }
        sends = [{ send = "bob", message = 1 }, { cron = "* * * * *" }]
        "#,
    );
    assert!(played.passed(), "{:?}", played.findings);
    assert_eq!((played.steps, played.left), (4, 0));
}

#[test]
fn each_difference_is_told_with_its_line() {
    let text = "[[step]]\nmessage = { say = 'a' }\nstate-part = { '/seen' = 2 }\nreply = 'none'\n\
                sends = [{ exit = 'x' }]\nlogs = []\nmax-fuel = 99\n[[step]]\nraw = 'x'\n";
    assert_eq!(
        wrong(text),
        [
            "7 max-fuel: used 100, and may use 99",
            "6 logs: another log",
            "3 state-part: another /seen",
            "4 reply: expected none, found {\"at\":1767225600000,\"seq\":2}",
            "5 sends: other effects",
        ]
    );
    // What comes after it would only repeat it.
    assert_eq!(play(text).left, 1);
    assert_eq!(wrong("[[step]]\n\nraw = 'x'"), ["1 outcome: refused: not JSON"]);
    assert_eq!(
        wrong("[[step]]\nmessage = 1\nrefused = true"),
        ["3 refused: accepted, and should be refused; state {\"from\":\"http\",\"last\":null,\"seen\":1}"]
    );
    assert_eq!(wrong("[[step]]\nraw = 'x'\nrefused = 'y'"), ["3 refused: refused, with another reason"]);
    assert_eq!(
        wrong("[[step]]\nmessage = { fail = true }"),
        ["1 outcome: failed: trap:unreachable: a panic"]
    );
}

#[test]
fn bytes_count_where_the_file_says_so() {
    let step = "[[step]]\nmessage = 1\nstate = '{ \"from\": \"http\", \"last\": null, \"seen\": 1 }'\n";
    assert_eq!(wrong(step), [""; 0]);
    assert_eq!(wrong(&format!("exact = true\n{step}")), ["4 state: the same JSON in other bytes"]);
    assert_eq!(wrong("[[step]]\nmessage = 1\nstate-text = '{}'"), ["3 state: other bytes"]);
}

#[test]
fn an_init_that_fails_is_expected_or_told() {
    let config = "config = '\"fail\"'\n";
    assert_eq!(wrong(&format!("{config}[init]\nfailed = 'asked'")), [""; 0]);
    assert_eq!(wrong(&format!("{config}[init]\nlogs = []")), ["1 outcome: failed: refused: asked to fail"]);
    assert_eq!(
        wrong(&format!("{config}[init]\nfailed = true\n[[step]]\nmessage = 1")),
        ["4 step: init fails as expected, so no step can follow"]
    );
}

#[test]
fn scenarios_share_what_the_top_of_the_file_says() {
    let text = "clock = 5\n[init]\nlogs = []\n[[scenario]]\nname = 'one'\n[[scenario]]\nclock = 6";
    let suite = suite(text).unwrap();
    let names: Vec<_> = suite.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["a", "one", "a 2"]);
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    for (text, expect) in [
        ("[[step]]\nmesage = 1", "tests/a.toml:2:1: there is no key `mesage`; did you mean `message`?"),
        ("[[step]]\nmessage = '{'", "tests/a.toml:2:11: `message` is not JSON"),
        (
            "[[step]]\nmessage = 1\nfrom = 'htp'",
            "tests/a.toml:3:8: there is no sender `htp`; did you mean `http`?",
        ),
        ("[[step]]\nmessage = 1\nraw = ''", "tests/a.toml:3:1: there is `message` too"),
        ("[[step]]\nmessage = 1\nat = 1\nafter = 1", "tests/a.toml:4:1: there is `at` too"),
        ("[[step]]\nmessage = 1\nafter = 'soon'", "tests/a.toml:3:9: `after`: expected a duration"),
        ("[[step]]\nstate = 1", "a step needs a `message`"),
        ("[[step]]\nfrom = 'notice'", "tests/a.toml:2:8: a notice needs `about`"),
        ("[[step]]\nmessage = 1\nof = [1, 2]", "tests/a.toml:3:1: `of` names the effect"),
        ("[[step]]\nmessage = 1\nsends = [{ to = 'x' }]", "tests/a.toml:3:12: there is no key `to`"),
        (
            "[[step]]\nmessage = 1\nsends = [{ message = 1 }]",
            "tests/a.toml:3:10: an effect has one of cancel",
        ),
        (
            "[[step]]\nmessage = 1\nstate-part = { a = 1 }",
            "tests/a.toml:3:16: a JSON pointer begins with a slash",
        ),
        ("[[step]]\nmessage = 1\nrefused = true\nfailed = true", "tests/a.toml:4:10: there is `refused` too"),
        ("[init]\nrefused = 'a'", "tests/a.toml:2:11: there is nothing to refuse in `init`"),
        ("[[step]]\nmessage = 1\nlogs = [{ loud = 'x' }]", "tests/a.toml:3:11: there is no key `loud`"),
        ("[[step]]\nmessage = 1\nanswers = [{ status = 99 }]", "tests/a.toml:3:23: `status` is 99"),
        ("[[replay]]\nchain = 'no.car'", "tests/a.toml:2:9: `chain`: there is no tests/no.car"),
        ("exact = true", "tests/a.toml: there is nothing to test"),
    ] {
        let fault = suite(text).map(|_| ()).unwrap_err();
        assert!(fault.contains(expect), "{text}: {fault}");
    }
}
