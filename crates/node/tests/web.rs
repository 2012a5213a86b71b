//! Actors that ask the web: live once, and from the record ever after.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use bytes::Bytes;
use troupe::host::{Running, Setup};
use troupe::troupe_chain::{Body, Call, Entry, Hash, Sender, Text, verify};
use troupe::troupe_runtime::StoreHistory;
use troupe::troupe_store::{MemoryStore, Store};
use troupe_testing::{guests, wasi};

/// A host that answers each connection with its number, and remembers what it was asked.
struct Web {
    url: String,
    port: u16,
    asked: Arc<AtomicUsize>,
    heads: Arc<std::sync::Mutex<Vec<String>>>,
    thread: JoinHandle<()>,
}

fn web() -> Web {
    web_for(usize::MAX)
}

/// One that is gone after so many connections.
fn web_for(connections: usize) -> Web {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, heads): (Arc<AtomicUsize>, Arc<std::sync::Mutex<Vec<String>>>) = Default::default();
    let (count, seen) = (Arc::clone(&asked), Arc::clone(&heads));
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut buffer = [0; 4096];
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut buffer).unwrap() {
                    0 => break,
                    read => head.extend_from_slice(&buffer[..read]),
                }
            }
            seen.lock().unwrap().push(String::from_utf8_lossy(&head).to_lowercase());
            let number = count.fetch_add(1, Ordering::SeqCst).to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{number}",
                number.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    Web { url: format!("http://127.0.0.1:{port}/"), port, asked, heads, thread }
}

fn open(store: &Arc<dyn Store>, grants: &[String]) -> Running {
    open_with(guests::fetches(), store, grants)
}

fn open_with(component: Vec<u8>, store: &Arc<dyn Store>, grants: &[String]) -> Running {
    let mut setup = Setup::new(component, Arc::clone(store));
    setup.grants = grants.iter().map(|grant| Text::new(grant.as_str()).unwrap()).collect();
    setup.open().unwrap()
}

fn ask(running: &Running, message: &str) -> String {
    let answer = running
        .actor
        .send_blocking(Sender::Http { key: None }, Bytes::copy_from_slice(message.as_bytes()))
        .unwrap();
    String::from_utf8_lossy(&answer.state).into_owned()
}

fn check(running: &Running) {
    let store = Arc::clone(running.actor.store());
    let history = StoreHistory::new(store, running.actor.id()).unwrap().unwrap();
    verify(&history, &running.host.sandbox, |_| {}).unwrap();
}

#[test]
fn an_answer_of_the_web_is_recorded_and_never_fetched_again() {
    let web = web();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let running = open(&store, &[format!("private:127.0.0.1:{}", web.port)]);
    assert_eq!(ask(&running, &format!("1{}", web.url)), "2000");
    assert_eq!(ask(&running, &format!("2{}", web.url)), "2002");
    assert_eq!(web.asked.load(Ordering::SeqCst), 3);
    check(&running);
    running.stop();
    let resumed = open(&store, &[format!("private:127.0.0.1:{}", web.port)]);
    check(&resumed);
    assert_eq!(web.asked.load(Ordering::SeqCst), 3, "neither verify nor a start asks");
}

#[test]
fn each_call_has_an_id_of_its_own_as_its_idempotency_key() {
    let web = web();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let running = open(&store, &[format!("private:127.0.0.1:{}", web.port)]);
    ask(&running, &format!("2{}", web.url));
    let heads = web.heads.lock().unwrap();
    let key = |head: &String| {
        let line = head.lines().find(|line| line.starts_with("idempotency-key:")).unwrap();
        line.split_once(':').unwrap().1.trim().parse::<Hash>().unwrap()
    };
    assert_eq!(heads.len(), 2);
    assert_ne!(key(&heads[0]), key(&heads[1]));
}

#[test]
fn a_private_address_that_was_granted_as_a_public_host_is_refused_and_that_is_recorded() {
    let web = web();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let running = open(&store, &[format!("http:127.0.0.1:{}", web.port)]);
    let state = ask(&running, &format!("1{}", web.url));
    assert!(state.starts_with("error ") && state.contains("private"), "{state}");
    assert_eq!(web.asked.load(Ordering::SeqCst), 0);
    check(&running);
}

#[test]
fn a_host_that_was_not_granted_is_not_asked() {
    let web = web();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let running = open(&store, &["http:example.org".to_owned()]);
    let state = ask(&running, &format!("1{}", web.url));
    assert!(state.starts_with("error "), "{state}");
    assert_eq!(web.asked.load(Ordering::SeqCst), 0);
    check(&running);
}

/// What an entry says was asked of the web.
fn calls(running: &Running, seq: u64) -> Vec<Call> {
    let bytes = running.actor.store().entry(&running.actor.id(), seq).unwrap().unwrap();
    match Entry::decode(&bytes).unwrap().body {
        Body::Message(message) => message.calls,
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn an_answer_to_wasi_http_is_recorded_and_replayed_with_its_server_gone() {
    let web = web_for(1);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let host = format!("127.0.0.1:{}", web.port);
    let grants = [format!("private:{host}")];
    let running = open_with(wasi::asks(), &store, &grants);
    assert_eq!(ask(&running, &host), "0");
    let recorded = calls(&running, 2);
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].function.as_str(), "troupe:actor/http.fetch");
    let blob = |name| {
        let blob = store.blob(&running.actor.id(), &name).unwrap().unwrap();
        String::from_utf8_lossy(&blob).into_owned()
    };
    assert!(blob(recorded[0].input).contains(&format!("http://{host}/")));
    assert!(blob(recorded[0].output).contains(r#""body":"MA==""#), "{}", blob(recorded[0].output));
    web.thread.join().unwrap();
    assert!(TcpStream::connect(&host).is_err(), "the server is gone");
    check(&running);
    running.stop();
    let resumed = open_with(wasi::asks(), &store, &grants);
    check(&resumed);
    // A live request finds nobody, and that is recorded too.
    assert_eq!(ask(&resumed, &host), "no answer");
    assert_eq!(calls(&resumed, 3).len(), 1);
    check(&resumed);
}

#[test]
fn a_host_that_was_not_granted_is_denied_to_wasi_http() {
    let web = web();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let running = open_with(wasi::asks(), &store, &["http:example.org".to_owned()]);
    assert_eq!(ask(&running, &format!("127.0.0.1:{}", web.port)), "denied");
    assert!(calls(&running, 2).is_empty());
    assert_eq!(web.asked.load(Ordering::SeqCst), 0);
    check(&running);
}
