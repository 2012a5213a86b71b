//! Everything at once for a while: messages, requests, timers, children that come and go, upgrades, rewinds, readers that
//! leave; then a kill, and on. What a node needs does not grow with what it has done.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use troupe_testing::guests;

use crate::process::{Process, verify};
use crate::random::Random;
use crate::wire::Wire;

const ACTORS: u64 = 60;
const PEOPLE: u64 = 3;
/// How long each life of the node lasts, in seconds, unless `TROUPE_SOAK` says otherwise.
const SECONDS: u64 = 8;
const LIVES: u64 = 2;
const JSON: &str = "Content-Type: application/json\r\n";

/// What a process uses: kilobytes of memory, and open files.
#[derive(Debug, Clone, Copy)]
struct Use {
    memory: u64,
    files: usize,
}

fn measure(process: &Process) -> Use {
    let pid = process.child.id();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    let memory = memory.trim().trim_end_matches(" kB").parse().expect("a number");
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count();
    Use { memory, files }
}

/// Does something at random, over and over, until the time is up.
fn live(addr: SocketAddr, person: u64, component: &str, until: Instant, mut random: Random) -> u64 {
    let mut wire = Wire::connect(addr).expect("a connection");
    let mut done = 0;
    while Instant::now() < until {
        let (one, other) = (random.below(ACTORS), random.below(ACTORS));
        let at = format!("/actors/r{one}");
        let body = match random.below(100) {
            0..40 => format!(r#"{{"do":"Sr{other}|hello"}}"#),
            40..60 => format!(r#"{{"do":"Rr{other}|Ahello"}}"#),
            60..70 => r#"{"do":"Tlater"}"#.to_owned(),
            70..75 => r#"{"do":"F"}"#.to_owned(),
            75..80 => r#"{"do":"Q"}"#.to_owned(),
            80..85 => r#"{"do":"Snobody|hello"}"#.to_owned(),
            85..90 => format!(r#"{{"do":"Cc{person}-{done}|X"}}"#),
            90..93 => {
                let limits = 1_000_000_000 + random.below(1000);
                let body = format!(r#"{{"component":"{component}","limits":{{"fuel":{limits}}}}}"#);
                wire.ask("POST", &format!("{at}/upgrade"), JSON, body.as_bytes()).expect("an answer");
                done += 1;
                continue;
            }
            93..95 => {
                wire.ask("POST", &format!("{at}/rewind"), JSON, br#"{"to":1}"#).expect("an answer");
                done += 1;
                continue;
            }
            95..97 => {
                // A reader that leaves after the first events.
                let mut reader = Wire::connect(addr).expect("a connection");
                reader.request("GET", &format!("{at}/events?from=0"), "", b"").expect("it is taken");
                done += 1;
                continue;
            }
            _ => {
                wire.get(&format!("{at}/chain?limit=20")).expect("an answer");
                done += 1;
                continue;
            }
        };
        let answer = wire.ask("POST", &at, JSON, body.as_bytes()).expect("an answer");
        // Refused, failed, busy, or between a rewind and the fork: all of them are answers.
        assert!(matches!(answer.status, 200 | 410 | 422 | 500 | 503), "{}: {}", answer.status, answer.text());
        if answer.status == 500 {
            answer.problem(500, "failed");
        }
        done += 1;
    }
    done
}

fn begin(addr: SocketAddr) -> String {
    let mut wire = Wire::connect(addr).expect("a connection");
    let component = guests::relay();
    let uploaded = wire.ask("POST", "/components", "Content-Type: application/wasm\r\n", &component);
    let uploaded = uploaded.expect("an answer").status(201).json();
    let component = uploaded["component"].as_str().expect("a hash").to_owned();
    for n in 0..ACTORS {
        let body = format!(r#"{{"component":"{component}","name":"r{n}"}}"#);
        wire.ask("POST", "/actors", JSON, body.as_bytes()).expect("an answer").status(201);
    }
    component
}

#[test]
fn what_a_node_needs_does_not_grow_with_what_it_has_done() {
    let given = std::env::var("TROUPE_SOAK").ok().and_then(|seconds| seconds.parse().ok());
    let seconds = given.unwrap_or(SECONDS);
    let seed = Random::seed("TROUPE_SOAK_SEED");
    let folder = tempfile::tempdir().expect("a folder");
    let mut component = String::new();
    for life in 0..LIVES {
        let mut process = Process::serve(folder.path());
        let addr = process.address();
        if life == 0 {
            component = begin(addr);
        }
        let until = Instant::now() + Duration::from_secs(seconds);
        let people: Vec<_> = (0..PEOPLE)
            .map(|person| {
                let (component, random) = (component.clone(), Random(seed ^ (life * 16 + person) << 50));
                thread::spawn(move || live(addr, life * PEOPLE + person, &component, until, random))
            })
            .collect();
        let mut samples = Vec::new();
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(seconds * 1000 / 40));
            samples.push(measure(&process));
        }
        let done: u64 = people.into_iter().map(|person| person.join().expect("only what may be said")).sum();
        process.kill();
        // The first third is for what is filled once: caches, the pool of instances, the first stretch of the index.
        let rest = &samples[samples.len() / 3..];
        let (early, late) = rest.split_at(rest.len() / 2);
        let most = |part: &[Use]| {
            let memory = part.iter().map(|used| used.memory).max().unwrap_or(0);
            (memory, part.iter().map(|used| used.files).max().unwrap_or(0))
        };
        let ((memory, files), (later_memory, later_files)) = (most(early), most(late));
        eprintln!(
            "life {life}: {done} requests; memory {memory} then {later_memory} kB, files {files} then {later_files}"
        );
        assert!(later_memory < memory + memory / 4 + 16_384, "memory grows: {samples:?}");
        assert!(later_files < files + 16, "open files grow: {samples:?}");
        assert!(done > 100);
    }
    let mut process = Process::serve(folder.path());
    process.address();
    assert_eq!(process.stop(), Some(0));
    let report = verify(folder.path());
    assert_eq!(report["verified"], true);
    assert_eq!(report["origins"]["false"], serde_json::json!([]));
}
