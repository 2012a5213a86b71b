//! Sends spans to an OpenTelemetry collector: OTLP over HTTP, in JSON, as the specification 1.x maps it.
//!
//! Invariant: actors never wait for the collector. What does not fit into the queue is counted and left out, and so is
//! what the collector does not take.
//!
//! Deliberately absent: metrics and logs (they have ways of their own), sampling, and a second attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};
use troupe_api::{Asking, Fetcher};
use troupe_runtime::{Span, SpanSink};

/// How many spans wait at most.
const QUEUE: usize = 16_384;
/// How many are sent at once.
const BATCH: usize = 512;
/// How long a span waits for others.
const LINGER: Duration = Duration::from_millis(500);
/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What became of spans.
#[derive(Debug, Default)]
pub struct Exported {
    /// Taken by the collector.
    pub sent: AtomicU64,
    /// Left out: the queue was full, or the collector did not take them.
    pub lost: AtomicU64,
}

/// Starts a thread that sends spans to `endpoint`, such as `http://localhost:4318`; it ends with the last sink.
///
/// # Errors
/// If the thread cannot be started.
pub fn export(endpoint: &str) -> std::io::Result<(SpanSink, Arc<Exported>)> {
    let (queue, spans) = sync_channel(QUEUE);
    let counts = Arc::new(Exported::default());
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let sending = Arc::clone(&counts);
    std::thread::Builder::new().name("troupe-otlp".into()).spawn(move || serve(&spans, &url, &sending))?;
    let losing = Arc::clone(&counts);
    Ok((Arc::new(move |span| offer(&queue, span, &losing)), counts))
}

fn offer(queue: &SyncSender<Span>, span: Span, counts: &Exported) {
    if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(span) {
        counts.lost.fetch_add(1, Ordering::Relaxed);
    }
}

fn serve(spans: &Receiver<Span>, url: &str, counts: &Exported) {
    let fetcher = Fetcher::new(TIMEOUT, 1 << 20, Arc::new(|_| true));
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    while let Ok(first) = spans.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match spans.recv_timeout(LINGER) {
                Ok(span) => batch.push(span),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        let body = request(&batch).to_string();
        let asking = Asking { method: "POST", url, headers: &headers, body: body.as_bytes() };
        let taken = fetcher.fetch(&asking).is_ok_and(|answer| (200..300).contains(&answer.status));
        let count = if taken { &counts.sent } else { &counts.lost };
        count.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
}

/// The body of a request: `ExportTraceServiceRequest` in JSON.
fn request(spans: &[Span]) -> Value {
    let service = attribute("service.name", json!({ "stringValue": "troupe" }));
    let version = attribute("service.version", json!({ "stringValue": env!("CARGO_PKG_VERSION") }));
    json!({ "resourceSpans": [{
        "resource": { "attributes": [service, version] },
        "scopeSpans": [{
            "scope": { "name": "troupe" },
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

fn span(span: &Span) -> Value {
    // Identifiers are hex and 64-bit integers strings, as the mapping asks.
    let mut value = json!({
        "traceId": format!("{:032x}", span.trace.id),
        "spanId": format!("{:016x}", span.id),
        "name": span.outcome,
        // A message is consumed.
        "kind": 5,
        "startTimeUnixNano": span.began.to_string(),
        "endTimeUnixNano": span.ended.to_string(),
        "attributes": [
            attribute("troupe.actor", json!({ "stringValue": span.chain.to_string() })),
            attribute("troupe.seq", json!({ "intValue": span.seq.to_string() })),
            attribute("troupe.fuel", json!({ "intValue": span.fuel.0.to_string() })),
            attribute("troupe.from", json!({ "stringValue": span.from })),
        ],
        "status": { "code": if span.outcome == "failure" { 2 } else { 0 } },
    });
    if span.trace.parent != 0 {
        value["parentSpanId"] = format!("{:016x}", span.trace.parent).into();
    }
    value
}

fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use troupe_chain::{Fuel, Hash};
    use troupe_runtime::Trace;

    use super::*;

    fn one(trace: u128, id: u64, parent: u64) -> Span {
        Span {
            trace: Trace { id: trace, parent },
            id,
            chain: Hash::of(b"actor"),
            seq: 7,
            outcome: "message",
            from: "actor",
            began: 1_000_000_000,
            ended: 1_000_002_000,
            fuel: Fuel(5),
        }
    }

    #[test]
    fn spans_are_written_as_the_mapping_says() {
        let value = request(&[one(0xabc, 1, 0), one(0xabc, 2, 1)]);
        let spans = &value["resourceSpans"][0]["scopeSpans"][0]["spans"];
        assert_eq!(spans[0]["traceId"], "00000000000000000000000000000abc");
        assert_eq!(spans[0].get("parentSpanId"), None);
        assert_eq!(
            (&spans[1]["parentSpanId"], &spans[1]["spanId"]),
            (&json!("0000000000000001"), &json!("0000000000000002"))
        );
        assert_eq!(spans[1]["endTimeUnixNano"], "1000002000");
    }

    #[test]
    fn a_collector_gets_what_was_offered() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        let (sink, counts) = export(&endpoint).unwrap();
        sink(one(9, 8, 0));
        drop(sink);
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        while !asked.ends_with(b"]}]}]}") {
            let read = stream.read(&mut buffer).unwrap();
            asked.extend_from_slice(&buffer[..read]);
            assert!(read > 0, "{}", String::from_utf8_lossy(&asked));
        }
        assert!(asked.starts_with(b"POST /v1/traces HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        while counts.sent.load(Ordering::Relaxed) == 0 {
            assert_eq!(counts.lost.load(Ordering::Relaxed), 0);
            std::thread::yield_now();
        }
    }
}
