//! What the system sees, by strace: a sync lies between the write of every message and its answer.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use crate::process::Process;
use crate::wire::Wire;

/// A system call, from the line where it begins to the line where it returns.
#[derive(Debug)]
struct Call {
    name: String,
    begin: usize,
    end: usize,
    arguments: String,
    result: i64,
}

/// Reads what `strace -f -o FILE` writes. Calls that did not return are left out.
fn parse(trace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut unfinished: HashMap<&str, (String, usize, String)> = HashMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((_, tail)) = resumed.split_once(" resumed>") else { continue };
            let Some((name, begin, head)) = unfinished.remove(pid) else { continue };
            let whole = head + tail;
            calls.extend(finished(name, begin, number, &whole));
        } else if let Some((name, arguments)) = rest.split_once('(') {
            // Signals and exits look otherwise.
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                continue;
            }
            match arguments.strip_suffix("<unfinished ...>") {
                Some(head) => _ = unfinished.insert(pid, (name.to_owned(), number, head.to_owned())),
                None => calls.extend(finished(name.to_owned(), number, number, arguments)),
            }
        }
    }
    calls
}

fn finished(name: String, begin: usize, end: usize, rest: &str) -> Option<Call> {
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let result = result.split_whitespace().next()?.parse().ok()?;
    Some(Call { name, begin, end, arguments: arguments.to_owned(), result })
}

#[test]
fn a_trace_is_read_with_calls_that_overlap() {
    let trace = "\
7  write(1, \"a) = 9\", 6) = 6
7  fdatasync(5</x/log/1.seg> <unfinished ...>
8  sendto(9, \"HTTP\", 4, MSG_NOSIGNAL, NULL, 0) = 4
8  --- SIGINT {si_signo=SIGINT, si_code=SI_USER} ---
7  <... fdatasync resumed>) = 0
8  fdatasync(5 <unfinished ...>
8  +++ exited with 0 +++";
    let calls = parse(trace);
    let read: Vec<_> = calls.iter().map(|call| (&*call.name, call.begin, call.end, call.result)).collect();
    assert_eq!(read, [("write", 0, 0, 6), ("sendto", 2, 2, 4), ("fdatasync", 1, 4, 0)]);
}

fn strace_works() -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What a message adds: a number that stands nowhere else.
fn amount(index: u64) -> u64 {
    7_000_000_000 + index
}

#[test]
fn a_sync_lies_between_the_write_of_every_message_and_its_answer() {
    const ONE_BY_ONE: u64 = 30;
    const CONNECTIONS: u64 = 4;
    const EACH: u64 = 15;
    if !strace_works() {
        eprintln!("SKIPPED: strace cannot be used here, so nothing says that a sync precedes every answer");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let file = trace.to_str().unwrap();
    let calls = "trace=fdatasync,fsync,sync_file_range,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg";
    let strace = ["strace", "-f", "-y", "-s", "65536", "-e", calls, "-o", file];
    let mut process = Process::start_under(folder.path(), &strace);
    let addr = process.address();
    // Position by amount.
    let mut answered = BTreeMap::new();
    let ask = |first: u64, count: u64| -> Vec<(u64, u64)> {
        let mut wire = Wire::connect(addr).unwrap();
        let ask = |index| {
            let body = format!("{{\"add\":{}}}", amount(index));
            let answer = wire.post(body).unwrap().status(200).json();
            (amount(index), answer["seq"].as_u64().unwrap())
        };
        (first..first + count).map(ask).collect()
    };
    answered.extend(ask(0, ONE_BY_ONE));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|client| scope.spawn(move || ask(ONE_BY_ONE + client * EACH, EACH)))
            .collect();
        clients.into_iter().for_each(|client| answered.extend(client.join().unwrap()));
    });
    assert_eq!(process.stop(), Some(0));

    let text = String::from_utf8_lossy(&fs::read(&trace).unwrap()).into_owned();
    let calls = parse(&text);
    let is_journal = |call: &Call| call.arguments.split(',').next().is_some_and(|fd| fd.contains("/log/"));
    let syncs: Vec<_> = calls
        .iter()
        .filter(|call| matches!(&*call.name, "fdatasync" | "fsync") && call.result == 0)
        .filter(|call| call.arguments.contains("/log/"))
        .collect();
    for (amount, seq) in &answered {
        let message = format!("{{\\\"add\\\":{amount}}}");
        let mut written = calls.iter().filter(|call| is_journal(call) && call.arguments.contains(&message));
        let written = written.next().unwrap_or_else(|| panic!("no write of {message}"));
        assert!(written.result > 0 && written.name.starts_with("pwrite"), "{written:?}");
        let answer = format!("\\\"seq\\\":{seq},");
        let mut told = calls.iter().filter(|call| {
            let name = &*call.name;
            !is_journal(call)
                && matches!(name, "write" | "writev" | "sendto" | "sendmsg")
                && call.arguments.contains("HTTP/1.1 200")
                && call.arguments.contains(&answer)
        });
        let told = told.next().unwrap_or_else(|| panic!("no answer with seq {seq}"));
        let between = syncs.iter().any(|sync| sync.begin > written.end && sync.end < told.begin);
        assert!(between, "no sync between\n{written:?} and\n{told:?}");
    }
}
