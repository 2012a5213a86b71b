//! A chain of sends is one trace.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use troupe::host::{ComponentSource, Host, Settings, Start};
use troupe::troupe_chain::{Hash, Sender, Text};
use troupe::troupe_component::Allocation;
use troupe::troupe_runtime::{Actor, Span, Trace};
use troupe::troupe_store::MemoryStore;
use troupe_testing::guests;

/// A node without threads, and the spans of what its actors do.
fn node() -> (Host, Arc<Mutex<Vec<Span>>>) {
    let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
    let sink = Arc::clone(&spans);
    let mut settings = Settings::new(Arc::new(MemoryStore::new()));
    settings.allocation = Allocation::OnDemand;
    settings.options.threads = 0;
    settings.options.spans = Some(Arc::new(move |span| sink.lock().unwrap().push(span)));
    (settings.open().unwrap(), spans)
}

fn relay(host: &Host, name: &str) -> Actor {
    let start = Start {
        component: ComponentSource::Bytes(guests::relay().into()),
        name: Some(Text::new(name).unwrap()),
        ..Start::default()
    };
    host.start_blocking(start).unwrap()
}

fn send(host: &Host, actor: &Actor, message: &str) {
    let from = Sender::Http { key: None };
    actor.send_blocking(from, Bytes::copy_from_slice(message.as_bytes())).unwrap();
    while host.actors.step(&mut |_| 0) {}
}

/// The beginning of the name of an actor's entry.
fn span_id(actor: &Actor, seq: u64) -> u64 {
    let entry = actor.store().entry(&actor.id(), seq).unwrap().unwrap();
    u64::from_be_bytes(Hash::of(&entry).as_bytes()[..8].try_into().unwrap())
}

#[test]
fn a_chain_of_sends_is_one_trace_whose_spans_name_their_entries() {
    let (host, spans) = node();
    let [a, b, c] = ["a", "b", "c"].map(|name| relay(&host, name));
    send(&host, &a, "Sb\nSc\nhello");
    let spans = spans.lock().unwrap();
    let [first, second, third] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!([first.chain, second.chain, third.chain], [a.id(), b.id(), c.id()]);
    assert_ne!(first.trace.id, 0);
    assert!(spans.iter().all(|span| span.trace.id == first.trace.id));
    assert_eq!([first.trace.parent, second.trace.parent, third.trace.parent], [0, first.id, second.id]);
    assert_eq!([first.id, second.id, third.id], [span_id(&a, 2), span_id(&b, 2), span_id(&c, 2)]);
    assert!(spans.iter().all(|span| span.began <= span.ended && span.outcome == "message"));
}

#[test]
fn a_reply_belongs_to_the_trace_of_its_request() {
    let (host, spans) = node();
    let [a, _b] = ["a", "b"].map(|name| relay(&host, name));
    send(&host, &a, "Rb\nAhello");
    let spans = spans.lock().unwrap();
    let froms: Vec<_> = spans.iter().map(|span| span.from).collect();
    assert_eq!(froms, ["http", "actor", "reply"]);
    assert!(spans.iter().all(|span| span.trace.id == spans[0].trace.id));
    assert_eq!(spans[2].trace.parent, spans[1].id);
}

#[test]
fn a_trace_that_began_elsewhere_goes_on() {
    let (host, spans) = node();
    let a = relay(&host, "a");
    let trace = Trace { id: 77, parent: 5 };
    let from = Sender::Http { key: None };
    let answer = a.send_traced(from, Bytes::from_static(b"hello"), trace);
    let mut answer = std::pin::pin!(answer);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(answer.as_mut().poll(&mut context).is_pending());
    while host.actors.step(&mut |_| 0) {}
    assert!(answer.as_mut().poll(&mut context).is_ready());
    assert_eq!(spans.lock().unwrap()[0].trace, trace);
}
