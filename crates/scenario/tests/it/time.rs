//! Time that a file gives, and what goes off as it passes.

use super::{play, wrong};

const TIMERS: &str = r#"
clock = 1000
[[step]]
message = { do = [
    { kind = "timer", after = 500, message = { say = "late" } },
    { kind = "timer", after = 200, message = { say = "early" } },
    { kind = "request", to = "bob", message = 1, timeout = 300 },
] }
"#;

fn after(steps: &str) -> Vec<String> {
    wrong(&format!("{TIMERS}{steps}"))
}

#[test]
fn what_is_due_goes_off_in_order_as_time_passes() {
    let played = play(&format!(
        "{TIMERS}
        [[step]]
        at = 1199
        state-part = {{ '/seen' = 1 }}
        [[step]]
        after = '1ms'
        state-part = {{ '/seen' = 2, '/last' = '\"early\"', '/from' = '\"timer\"' }}
        reply-part = {{ '/at' = 1200, '/seq' = 3 }}
        [[step]]
        after = '1h'
        state-part = {{ '/seen' = 4, '/last' = '\"late\"' }}
        logs = ['seen 3', 'seen 4']
        [[step]]
        message = 1
        reply-part = {{ '/at' = 3601200, '/seq' = 6 }}
        "
    ));
    assert!(played.passed(), "{:?}", played.findings);
}

#[test]
fn a_timer_that_is_waited_for_brings_what_is_due_before_it() {
    let step = "[[step]]\nfrom = 'timer'\nof = [2, 0]\nreply-part = { '/at' = 1500 }\n\
                state-part = { '/seen' = 4 }\nlogs = ['seen 2', 'seen 3', 'seen 4']";
    assert_eq!(after(step), [""; 0]);
    let late = "[[step]]\nfrom = 'timer'\nat = 5000\nreply-part = { '/at' = 5000 }\nlogs = ['seen 2']";
    assert_eq!(after(late), [""; 0]);
    assert_eq!(
        after("[[step]]\nfrom = 'timer'\nafter = 100"),
        ["9 step: the timer is due 100 ms after the time of this step"]
    );
    assert_eq!(after("[[step]]\nfrom = 'timer'\nof = [9, 9]"), ["9 step: no such timer is set"]);
}

#[test]
fn a_reply_ends_its_request() {
    let reply = "[[step]]\nfrom = 'reply'\nmessage = 1\nstate-part = { '/from' = '\"reply\"' }\n";
    let quiet = "[[step]]\nafter = '1h'\nlogs = ['seen 3', 'seen 4']";
    assert_eq!(after(&format!("{reply}{quiet}")), [""; 0]);
    assert_eq!(
        after(&format!("{reply}{reply}")),
        ["13 step: there is no such request, or it has its reply already"]
    );
    let notice = "[[step]]\nfrom = 'notice'\nabout = 'busy'\nstate-part = { '/from' = '\"busy\"' }\n";
    assert_eq!(after(&format!("{notice}{quiet}")), [""; 0]);
}

#[test]
fn a_cancelled_timer_does_not_go_off_and_a_stopped_actor_takes_nothing() {
    let cancel = "[[step]]\nmessage = { do = [{ kind = 'cancel', seq = 2, n = 1 }] }\n\
                  sends = [{ cancel = [2, 1] }]\n[[step]]\nafter = 250\nlogs = []";
    assert_eq!(after(cancel), [""; 0]);
    let exit = "[[step]]\nmessage = { do = [{ kind = 'exit', reason = 'done' }] }\n[[step]]\nmessage = 1";
    assert_eq!(after(exit), ["11 step: the actor has stopped: done"]);
}

#[test]
fn a_cron_goes_off_where_a_step_says_so_and_again() {
    let text = "[[step]]\nmessage = { do = [{ kind = 'cron', cron = '* * * * *', message = 1 }] }\n\
                [[step]]\nafter = '2h'\nlogs = []\n\
                [[step]]\nfrom = 'timer'\nlogs = ['seen 2']\n[[step]]\nfrom = 'timer'\nlogs = ['seen 3']";
    assert_eq!(wrong(text), [""; 0]);
}

#[test]
fn time_does_not_go_back() {
    let found = wrong("clock = 5\n[[step]]\nat = 4\nmessage = 1");
    assert_eq!(found, ["2 step: time does not go back: it is 5 already, in milliseconds since 1970"]);
}

#[test]
fn the_web_answers_as_a_step_says() {
    let ask = "[[step]]\nmessage = { fetch = 'https://a.example/b' }\n";
    let answered = "answers = [{ url = 'https://a.example/b', body-text = 'hello' }]\n\
                    reply-part = { '/fetched' = '\"hello\"' }";
    assert_eq!(wrong(&format!("{ask}{answered}")), [""; 0]);
    let error = "answers = [{ error = 'no route' }]\nreply-part = { '/fetched' = '\"no route\"' }";
    assert_eq!(wrong(&format!("{ask}{error}")), [""; 0]);
    assert_eq!(
        wrong(ask),
        ["1 answers: the actor asked GET https://a.example/b, and the step has no more answers"]
    );
    let other = "answers = [{ method = 'POST' }]";
    assert_eq!(
        wrong(&format!("{ask}{other}")),
        [
            "3 answers: the actor asked GET https://a.example/b, and the next answer is for POST https://a.example/b"
        ]
    );
    assert_eq!(
        wrong("[[step]]\nmessage = 1\nanswers = [{ status = 204 }]"),
        ["3 answers: nobody asked for the last 1"]
    );
}
