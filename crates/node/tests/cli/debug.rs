//! `troupe debug`, driven through a pipe as a script does.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::node::{Node, counter, troupe};
use crate::terminal::Terminal;

/// What a debugger said to some lines: its exit code, and what it wrote to both outputs.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn debug(folder: &Path, args: &[&str], lines: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_troupe"))
        .arg("debug")
        .args(args)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Said {
    #[track_caller]
    fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// The lines of standard output, with one space where there are several.
    fn lines(&self) -> Vec<String> {
        self.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

/// A bundle of a counter with the states 0, 2, 5, 10, 17 and 28 at seq 1 to 6.
fn bundle() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    for add in [2, 3, 5, 7, 11] {
        node.troupe(&["send", "counter", &format!("{{\"add\":{add}}}")]).code(0);
    }
    assert_eq!(node.stop(), Some(0));
    troupe(folder.path(), &["export", "s", "c.car"]).code(0);
    folder
}

#[test]
fn a_history_is_stepped_through_forward_and_back() {
    let folder = bundle();
    for place in ["c.car", "s"] {
        let said =
            debug(folder.path(), &[place], "step\nstep 2\nback\nlast\nfirst\nstep 99\nback 99\n").with(0);
        let lines = said.lines();
        let starts: Vec<_> =
            lines.iter().filter_map(|line| line.split_once(" of 6 ").map(|(seq, _)| seq)).collect();
        assert_eq!(starts, ["2", "4", "3", "6", "1", "6", "1"], "{place}: {}", said.out);
        let shown =
            |wanted: &str| assert!(lines.iter().any(|line| line == wanted), "no {wanted:?} in {lines:#?}");
        shown("message {\"add\":5} from http");
        shown("state count 5 → 10");
        shown("state count 2 → 5");
        shown("effect send → observer {\"count\":10}");
        shown("log info now {\"count\":10}");
    }
}

#[test]
fn it_runs_to_a_condition_in_both_directions() {
    let folder = bundle();
    let seqs = |lines: &str, code| {
        let said = debug(folder.path(), &["c.car", "--json"], lines).with(code);
        let of = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["seq"].as_u64();
        said.out.lines().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(seqs("run state.count > 9\nrun state.count > 9\nrback message.add == 3\n", 0), [4, 5, 3]);
    assert_eq!(seqs("run effects contains \"x\"\nwhere\n", 1), [1], "it stays where it was");
    assert_eq!(seqs("goto 6\nrback not message\n", 0), [6, 1]);
    assert_eq!(seqs("run before.count == 5 and reply == null\n", 0), [4]);
}

#[test]
fn another_message_is_tried_and_nothing_comes_of_it() {
    let folder = bundle();
    let said =
        debug(folder.path(), &["s", "--at", "4"], "try {\"add\":-4}\ntry {\"ad\":1}\nstate\nlast\n").with(0);
    let lines = said.lines();
    assert_eq!(lines[0], "accepted on a fork that is thrown away");
    assert_eq!(lines[1], "state count 10 → 6");
    assert!(lines.iter().any(|line| line.starts_with("rejected")), "{lines:#?}");
    assert!(said.out.contains("\"count\": 10"), "{}", said.out);
    assert!(lines.iter().any(|line| line.starts_with("6 of 6")));
    troupe(folder.path(), &["verify", "s"]).code(0).says("at seq 6");
    let json = debug(folder.path(), &["c.car", "--json"], "try {\"add\":10}\n").with(0);
    let tried: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(tried["state"]["count"], 10);
    assert_eq!(tried["effects"][0], "send → observer {\"count\":10}");
}

#[test]
fn a_mistake_is_said_with_its_line_and_column_and_the_rest_is_done() {
    let folder = bundle();
    let lines = "stpe\n\n# a remark\nrun state.count >\ngoto 99\ngoto x\nlog now\ntry {\nprint state.count\nhelp run\n";
    let said = debug(folder.path(), &["c.car"], lines).with(2);
    for wanted in [
        "line 1: there is no command `stpe`",
        "did you mean `step`?",
        "line 4: column 14: expected a value, found the end",
        "line 5: there is no state at 99: states are at 1 to 6",
        "line 6: expected a whole number, found `x`",
        "line 7: `log` takes nothing",
        "line 8: the message is not JSON",
    ] {
        assert!(said.err.contains(wanted), "no {wanted:?} in:\n{}", said.err);
    }
    assert!(said.lines().iter().any(|line| line == "0") && said.out.contains("A condition knows state"));
    debug(folder.path(), &["no.car"], "").with(2);
    debug(folder.path(), &["c.car"], "quit\nstpe\n").with(0);
}

#[test]
fn it_goes_past_what_was_redacted() {
    let folder = bundle();
    let erase = ["redact", "erase", "c.car", "3", "--message", "--reason", "on request"];
    troupe(folder.path(), &erase).code(0);
    let said = debug(folder.path(), &["c.car"], "goto 2\nstep\nprint seq\ngoto 4\n").with(2);
    assert!(
        said.err.contains("entry 3 cannot be done again: its `message` was erased: on request"),
        "{}",
        said.err
    );
    assert!(said.lines().iter().any(|line| line == "2") && said.out.contains("4 of 6"), "{}", said.out);
}

#[test]
fn at_a_terminal_a_line_is_edited_completed_and_typed_again() {
    let folder = bundle();
    let mut terminal = Terminal::start(folder.path(), &["debug", "c.car"]);
    terminal.wait_for("Tab completes them");
    terminal.wait_for("1> ");
    // Two letters too many, taken back.
    terminal.types("stepxx\x7f\x7f 2\r");
    terminal.wait_for("3 of 6");
    terminal.wait_for("3> ");
    // The line before, once more.
    terminal.types("\x1b[A\r");
    terminal.wait_for("5 of 6");
    terminal.wait_for("5> ");
    terminal.types("la\t\r");
    terminal.wait_for("6 of 6");
    terminal.wait_for("6> ");
    // Ctrl-C takes a line back, and Ctrl-D ends.
    terminal.types("first\x03");
    terminal.wait_for("6> ");
    terminal.types("where\r");
    terminal.wait_for("6 of 6");
    terminal.wait_for("6> ");
    terminal.types("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
}
