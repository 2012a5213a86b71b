//! Scenarios with a crash at every commit: what becomes of the actors is the same.

use troupe_chain::OnFailure::{self, Escalate, GoOn, Pause, Restart, Restore};

use crate::world::Act;
use crate::world::Act::{Rewind, Start, Stop, Tell, Until};
use crate::world::at_every_crash_point;

#[test]
fn sends_are_handled_once() {
    let result = at_every_crash_point(
        &[
            Start("a", "", GoOn),
            Start("b", "", GoOn),
            Tell("a", "send b one & send b send a back & send a self & send nobody lost"),
            Tell("a", "send b no & send b die & send b last"),
        ],
        &["a", "b"],
    );
    assert_eq!(result["b"], "running: (actor last)(actor one)(actor send a back)");
    assert_eq!(result["a"], "running: (actor back)(actor self)(notice refused)(notice unknown)");
}

#[test]
fn requests_are_answered_once_or_late() {
    let result = at_every_crash_point(
        &[
            Start("a", "", GoOn),
            Start("b", "", GoOn),
            Tell("a", "request b 500 echo yes & request b 500 keep & request b 500 die & request b 500 no"),
            Tell("a", "request nobody 500 x & request b 500 late"),
            Until(2000),
        ],
        &["a", "b"],
    );
    let expected = "running: (notice failed)(notice no-reply)(notice out-of-time)(notice refused)(notice \
                    unknown)(reply yes)";
    assert_eq!(result["a"], expected);
}

#[test]
fn timers_go_off_once() {
    let result = at_every_crash_point(
        &[
            Start("a", "", GoOn),
            Tell("a", "timer 100 one & timer 200 send a two & timer 300 never"),
            Tell("a", "cancel 2 2 & cron * * * * *|minute"),
            Until(1150),
            Until(60_000),
            Tell("a", "cancel 3 1"),
            Until(300_000),
        ],
        &["a"],
    );
    assert_eq!(result["a"], "running: (actor two)(timer minute)(timer one)(timer send a two)");
}

#[test]
fn children_begin_and_end_once() {
    let result = at_every_crash_point(
        &[
            Start("a", "", GoOn),
            Start("other", "", GoOn),
            Tell("a", "spawn child go-on do send a born & spawn bad go-on die & send child hello"),
            Tell("a", "spawn other go-on"),
            Tell("other", "stop child"),
            Tell("a", "stop child & send child gone"),
            Tell("other", "exit done & send other itself"),
            Tell("other", "add more"),
        ],
        &["a", "other", "child", "bad"],
    );
    assert_eq!(result["child"], "stopped: (actor hello)");
    assert_eq!(result["bad"], "unknown");
    assert_eq!(result["other"], "stopped: (notice refused)");
    let expected = "running: (actor born)(notice refused)(notice refused)(notice started)(notice stopped)(notice \
                    stopped)";
    assert_eq!(result["a"], expected);
}

fn after_a_failure(policy: &'static str) -> std::collections::BTreeMap<String, String> {
    let spawn: &'static str = Box::leak(format!("spawn child {policy} first").into_boxed_str());
    at_every_crash_point(
        &[
            Start("a", "", Pause),
            Tell("a", spawn),
            Tell("child", "add ,second & timer 100000 tick & request a 100000 late"),
            Tell("child", "add ,third"),
            Tell("a", "send child die & send child after"),
            Tell("child", "add ,fourth"),
            Until(200_000),
        ],
        &["a", "child"],
    )
}

#[test]
fn an_actor_that_is_to_be_restarted_is_once() {
    let result = after_a_failure("restart");
    assert_eq!(result["child"], "running: ,fourthfirst(actor after)");
    assert_eq!(result["a"], "running: (notice failed)(notice restarted)(notice started)");
}

#[test]
fn an_actor_that_is_to_be_restored_is_once() {
    let result = after_a_failure("restore");
    let expected = "running: ,fourth(actor after)(notice lapsed)(notice out-of-time)first,second";
    assert_eq!(sorted(&result["child"]), sorted(expected));
}

fn sorted(text: &str) -> Vec<char> {
    let mut chars: Vec<_> = text.chars().collect();
    chars.sort_unstable();
    chars
}

#[test]
fn an_actor_that_is_to_be_stopped_is_once() {
    let result = after_a_failure("stop");
    assert_eq!(result["child"], "stopped: ,thirdfirst,second(notice out-of-time)");
    assert_eq!(result["a"], "running: (notice failed)(notice started)(notice stopped)(notice stopped)");
}

#[test]
fn an_actor_that_is_to_be_paused_is_once() {
    let result = after_a_failure("go-on");
    assert_eq!(result["child"].matches("after").count(), 1);
}

#[test]
fn what_is_escalated_is_done_once() {
    let acts: &[Act] = &[
        Start("a", "", OnFailure::Stop),
        Tell("a", "spawn child escalate"),
        Tell("a", "send child die"),
        Start("b", "", Restart),
        Tell("b", "spawn other restart:max-restarts=1 x"),
        Tell("b", "add kept"),
        Tell("other", "die"),
        Tell("other", "die"),
        Start("c", "", Escalate),
        Tell("c", "die"),
        Start("d", "", Restore),
        Tell("d", "add 1"),
        Tell("d", "add 2"),
        Tell("d", "die"),
    ];
    let result = at_every_crash_point(acts, &["a", "b", "c", "d", "other"]);
    assert_eq!(result["a"].split(':').next(), Some("stopped"));
    assert!(!result["b"].contains("kept"), "{}", result["b"]);
    assert_eq!(result["c"], "paused: ");
    assert_eq!(result["d"], "running: 1");
}

#[test]
fn what_is_escalated_goes_up_until_somebody_decides() {
    let acts: &[Act] = &[
        Start("top", "", Restart),
        Tell("top", "spawn upper escalate"),
        Tell("upper", "spawn lower escalate"),
        Tell("lower", "spawn lowest restart:max-restarts=1 x"),
        Tell("top", "add kept"),
        Tell("lowest", "die"),
        Tell("lowest", "die"),
        Tell("top", "add new"),
    ];
    let result = at_every_crash_point(acts, &["top", "upper", "lower", "lowest"]);
    assert!(result["top"].starts_with("running: ") && result["top"].ends_with("new"), "{}", result["top"]);
    assert!(!result["top"].contains("kept"), "{}", result["top"]);
    for below in ["upper", "lower", "lowest"] {
        assert_eq!(result[below].split(':').next(), Some("paused"), "{below}");
    }
}

#[test]
fn a_rewind_is_made_once_and_what_waits_goes_to_the_fork() {
    let result = at_every_crash_point(
        &[
            Start("a", "", GoOn),
            Start("b", "", GoOn),
            Tell("a", "add one & timer 50000 tick"),
            Tell("a", "add two & timer 60000 tock & send b hello"),
            Rewind("a", 2),
            Tell("b", "send a again"),
            Stop("b"),
            Tell("a", "send b gone"),
            Until(100_000),
        ],
        &["a", "b"],
    );
    assert_eq!(sorted(&result["a"]), sorted("running: one(notice lapsed)(actor again)(notice stopped)"));
    assert_eq!(result["b"], "stopped: (actor hello)");
}
