//! What becomes of a job, as it happens, over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use troupe::executor::ExecutorConfig;
use troupe::http::Site;
use troupe::live::MAX_BYTES;
use troupe_chain::Hash;
use troupe_commons::Id;
use troupe_commons::jobs::{JobSpec, Phase};
use troupe_component::Limits;
use troupe_store::{MemoryStore, Store};
use troupe_testing::{World, guests};

use crate::executor::{ECHO, Harbour};
use crate::gate::Gate;
use crate::person::person;
use crate::wire::Wire;

/// Says a line, and never ends.
pub(crate) const SAYS_AND_HANGS: &str = r#"(module
  (import "icn" "host_put_output" (func $put (param i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "begun\n")
  (func (export "run") (result i64)
    (drop (call $put (i32.const 0) (i32.const 6)))
    (loop $on (br $on)) unreachable))"#;
/// Says a line, and then its input.
pub(crate) const SAYS: &str = r#"(module
  (import "icn" "host_take_input" (func $take (param i32 i32) (result i32)))
  (import "icn" "host_put_output" (func $put (param i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "begun\n")
  (func (export "run") (result i64)
    (drop (call $put (i32.const 0) (i32.const 6)))
    (drop (call $put (i32.const 10) (call $take (i32.const 10) (i32.const 1000))))
    (i64.const 0)))"#;

/// A harbour's node over HTTP.
struct Served {
    harbour: Harbour,
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn new(harbour: Harbour) -> Self {
        let executing = harbour.executors.iter().map(|executor| Arc::clone(executor.counts())).collect();
        let site = Arc::new(Site::new(harbour.host.clone(), None).executing(executing));
        let runtime = troupe::http::runtime().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = troupe::http::serve(listener, site, async {
            let _ = stopped.await;
        });
        let thread = std::thread::spawn(move || runtime.block_on(served).unwrap());
        Self { harbour, addr, stop: Some(stop), thread: Some(thread) }
    }

    fn events(&self, job: Id) -> Events {
        Events::open(self.addr, job)
    }

    fn submit(&self, spec: JobSpec) -> Id {
        self.harbour.submit(vec![spec])[0]
    }

    /// A job of a component that writes to its log, `lines` lines of `len` bytes for each input.
    fn logging(&self, inputs: u8, lines: u32, len: u32) -> JobSpec {
        let component = self.harbour.put(&guests::many_logs(World::Actor, lines, len));
        let inputs = (0..inputs).map(|n| self.harbour.put(&[n])).collect();
        let limits = [("fuel", 100_000_000), ("log", u64::from(lines) * u64::from(len + 1))];
        let limits = limits.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        JobSpec { component, inputs, limits, price: 500, ..self.harbour.spec(ECHO, b"") }
    }

    fn get(&self, path: &str) -> crate::wire::Answer {
        Wire::connect(self.addr).unwrap().get(path).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Connections that a test left open end with the server.
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A reader of a job's events.
struct Events {
    wire: Wire,
    text: String,
}

impl Events {
    fn open(addr: SocketAddr, job: Id) -> Self {
        let mut wire = Wire::connect(addr).unwrap();
        wire.send(format!("GET /commons/jobs/{job}/events HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
        let head = wire.read(false).unwrap().status(200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        Self { wire, text: String::new() }
    }

    /// The next event: its name and its data; `None` at the end.
    fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                let found = field("event: ").map(|kind| {
                    (kind.to_owned(), serde_json::from_str::<Value>(field("data: ").unwrap()).unwrap())
                });
                self.text = rest.to_owned();
                match found {
                    Some(found) => return Some(found),
                    None => continue,
                }
            }
            self.text.push_str(&self.wire.chunk().unwrap()?);
        }
    }

    /// The next event of a name.
    #[track_caller]
    fn until(&mut self, kind: &str) -> Value {
        loop {
            let (found, data) = self.next().unwrap();
            if found == kind {
                return data;
            }
        }
    }

    /// All that follows, in words.
    fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).map(|(kind, data)| in_words(&kind, &data)).collect()
    }
}

/// An event in a few words.
fn in_words(kind: &str, data: &Value) -> String {
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    match kind {
        "phase" => format!("phase {}", text("name")),
        "progress" => format!("progress {} of {}", data["done"], data["of"]),
        "output" => format!("output {} {}", data["input"], text("text")),
        "line" => format!("line {} {}", data["n"], text("line")),
        other => other.to_owned(),
    }
}

#[test]
fn a_line_is_told_before_its_entry_is_there_and_its_output_after() {
    let gate = Gate::closed();
    let store = Arc::clone(&gate) as Arc<dyn Store>;
    let served = Served::new(Harbour::over(store, 1, &ExecutorConfig::default()));
    let job = served.submit(served.harbour.spec(SAYS, b"hello"));
    let mut early = served.events(job);
    assert_eq!(early.until("phase")["name"], "open");
    let line = early.until("line");
    // The entry cannot be there: nothing lets it in.
    let chain: Hash = line["chain"].as_str().unwrap().parse().unwrap();
    assert_eq!(gate.inner.head(&chain).unwrap().unwrap().seq, 1);
    assert_eq!((&line["seq"], &line["n"], &line["line"]), (&json!(2), &json!(1), &json!("begun")));
    assert_eq!(
        (&line["stream"], &line["level"], &line["committed"]),
        (&json!("output"), &Value::Null, &json!(false))
    );
    assert_eq!(line["executor"], person(2).id.to_string());
    // Whoever comes now is told how it stands, with the line.
    let mut late = served.events(job);
    assert_eq!(late.next().map(|(kind, data)| in_words(&kind, &data)).unwrap(), "phase assigned");
    assert_eq!((late.until("progress")["done"].clone(), late.until("line")), (json!(0), line));
    gate.open();
    let output = early.until("output");
    assert_eq!((&output["input"], &output["of"], &output["seq"]), (&json!(1), &json!(1), &json!(2)));
    assert_eq!((&output["text"], &output["bytes"]), (&json!("begun\nhello"), &json!(11)));
    let cid = output["output"].as_str().unwrap();
    assert_eq!(served.harbour.settled(job).1, 1);
    assert_eq!(served.get(&format!("/dag/{cid}")).status(200).text(), "begun\nhello");
    for mut reader in [early, late] {
        assert_eq!(reader.rest().last().unwrap(), "phase settled", "the stream ends with the job");
    }
    // Whoever comes after the end is told what came of it, once.
    let told = served.events(job).rest();
    assert_eq!(told, ["output 1 begun\nhello", "progress 1 of 1", "phase settled"]);
    let path = format!("/commons/jobs/{job}/events");
    let mut wire = Wire::connect(served.addr).unwrap();
    wire.request("GET", &path, "Last-Event-ID: end\r\n", b"").unwrap();
    assert_eq!(wire.read(false).unwrap().status, 204);
}

#[test]
fn a_line_is_told_while_the_code_runs_though_nothing_ever_comes_of_it() {
    let served = Served::new(Harbour::over(
        Arc::new(MemoryStore::new()),
        1,
        &ExecutorConfig { price: 0, ..ExecutorConfig::default() },
    ));
    let mut spec = served.harbour.spec(SAYS_AND_HANGS, b"");
    spec.limits.extend([("time".into(), 500), ("fuel".into(), 90_000_000_000)]);
    let job = served.submit(spec);
    let mut events = served.events(job);
    let line = events.until("line");
    assert_eq!((&line["line"], &line["committed"]), (&json!("begun"), &json!(false)));
    let given_back = loop {
        match events.next().unwrap() {
            (kind, data) if kind == "phase" => break data,
            // That the run was found may be told after what it wrote.
            (kind, data) => {
                assert!(kind == "progress" && data["done"] == 0, "no entry is made of it: {data}")
            }
        }
    };
    assert!(given_back.to_string().contains("out of time"), "{given_back}");
    served.harbour.wait(job, |phase| !matches!(phase, Phase::Assigned { .. }));
}

#[test]
fn the_lines_of_each_input_come_before_its_output_and_all_is_told_once() {
    let served = Served::new(Harbour::begin(1));
    let job = served.submit(served.logging(3, 2, 5));
    let told = served.events(job).rest();
    let told: Vec<_> = told.iter().filter(|told| !told.starts_with("phase")).map(String::as_str).collect();
    let outputs: Vec<_> = told.iter().filter(|told| told.starts_with("output")).collect();
    assert_eq!(outputs, [&"output 1 ", &"output 2 ", &"output 3 "], "{told:?}");
    let mut lines = 0;
    for told in &told {
        lines += usize::from(told.starts_with("line"));
        if let Some(input) = told.strip_prefix("output ") {
            assert!(lines >= 2 * input.trim().parse::<usize>().unwrap(), "{told:?}");
        }
    }
    assert_eq!(lines, 6);
    assert!(told.contains(&"progress 3 of 3"), "{told:?}");
    // Whoever comes after the run is told the same of it, from the log.
    let mut late = served.events(job);
    for input in 2..=4 {
        for n in 1..=2 {
            let line = late.until("line");
            assert_eq!(
                (&line["seq"], &line["n"], &line["committed"]),
                (&json!(input), &json!(n), &json!(true))
            );
        }
    }
    assert!(late.rest().iter().all(|told| !told.starts_with("line")));
}

#[test]
fn a_reader_that_takes_nothing_holds_up_neither_the_job_nor_other_readers() {
    let default = ExecutorConfig::default();
    let ceiling = Limits { log: 16 << 20, ..default.ceiling };
    let config = ExecutorConfig { ceiling, ..default };
    let served = Served::new(Harbour::over(Arc::new(MemoryStore::new()), 1, &config));
    // Far more than is kept, and than connections hold.
    let job = served.submit(served.logging(2, 2000, 8000));
    let idle = served.events(job);
    let mut quick = served.events(job);
    let (slots, _) = served.harbour.settled(job);
    assert_eq!(slots[0].result.as_ref().unwrap().error, None);
    let mut bytes = 0;
    while let Some((kind, data)) = quick.next() {
        bytes += data["line"].as_str().map_or(0, str::len);
        assert!(kind != "dropped", "{data}");
    }
    assert!(bytes > 0 && MAX_BYTES < 2 * 2000 * 8000);
    drop(idle);
}

#[test]
fn a_job_that_there_is_not_has_no_events() {
    let served = Served::new(Harbour::begin(1));
    let none = Id(Hash::of(b"no job"));
    served.get(&format!("/commons/jobs/{none}/events")).problem(404, "not-found");
    served.get("/commons/jobs/x/events").problem(400, "bad-query");
}
