//! Which paths there are, and what the metrics look like.

use std::collections::{BTreeMap, BTreeSet};

use troupe_testing::{Call, Guest, World};

use crate::server::{Server, counter};

#[test]
fn the_openapi_document_lists_exactly_what_there_is() {
    let server = Server::start(counter());
    server.sign();
    let mut wire = server.wire();
    let document = wire.get("/openapi.json").unwrap().status(200).json();
    let actor = server.running.actor.id().to_string();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{entry}", "0").replace("{hash}", &component_name(&server));
        let path = path.replace("{actor}", &actor).replace("{file}", "app.js");
        let mut expected: BTreeSet<_> =
            methods.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        if expected.contains("GET") {
            expected.insert("HEAD".into());
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "BREW"] {
            // What changes something is listed by `Allow`; a stream has no end.
            if expected.contains(method) {
                if matches!(method, "GET" | "HEAD") && !path.ends_with("/events") {
                    let status = match &*path {
                        path if path.ends_with("/socket") => 426,
                        "/ui" => 308,
                        _ => 200,
                    };
                    wire.ask(method, &path, "", b"").unwrap().status(status);
                }
                continue;
            }
            let answer = wire.ask(method, &path, "", b"").unwrap();
            assert_eq!(answer.status, 405, "{method} {path}");
            if method != "HEAD" {
                answer.problem(405, "method-not-allowed");
            }
            let allow = answer.header("allow").unwrap_or_else(|| panic!("{method} {path} says no Allow"));
            let allow: BTreeSet<_> = allow.split(',').map(|name| name.trim().to_owned()).collect();
            assert_eq!(allow, expected, "{method} {path}");
        }
    }
    for path in [
        "/index.html",
        "/state/",
        "/chain/",
        "/blobs/",
        "//",
        "/chain/0/0",
        "/actors/",
        "/actors/nobody",
        "/actors/nobody/state/",
        "/favicon.ico",
        "/..",
        "/Chain",
    ] {
        for method in ["GET", "POST"] {
            wire.ask(method, path, "", b"").unwrap().problem(404, "not-found");
        }
    }
}

fn component_name(server: &Server) -> String {
    troupe_chain::Hash::of(&server.running.component).to_string()
}

/// Reads the Prometheus text format: samples by name and labels, checking that each family is announced.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut family = String::new();
    let mut helped = String::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped = rest.split(' ').next().expect("a name").to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a kind");
            assert_eq!(name, helped);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            family = name.to_owned();
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            let bare = name.split('{').next().expect("a name");
            assert!(bare.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            let suffix = bare.strip_prefix(&*family).unwrap_or_else(|| panic!("{line} without # TYPE"));
            assert!(["", "_bucket", "_sum", "_count"].contains(&suffix), "{line}");
            let twice = samples.insert(name.to_owned(), value.parse().expect("a number"));
            assert!(twice.is_none(), "{line} twice");
        }
    }
    samples
}

#[test]
fn metrics_are_prometheus_text_and_count_what_happens() {
    // Traps if the message has more than 20 bytes, and refuses one of exactly 2.
    let guest = Guest::new(World::Simple)
        .body(
            Call::MessageContract,
            "(if (i32.eq (local.get $mlen) (i32.const 2)) (then (return (call $refuse (i32.const 0) (i32.const 0)))))
             (call $accept)",
        )
        .body(
            Call::Handle,
            "(if (i32.gt_u (local.get $mlen) (i32.const 20)) (then (unreachable)))
             (call $ok (local.get $m) (local.get $mlen))",
        );
    let server = Server::start(guest.component());
    let mut wire = server.wire();
    let before = samples(&wire.get("/metrics").unwrap().status(200).text());
    for (body, status) in
        [("{\"a\":1}", 200), ("{\"a\":2}", 200), ("{}", 422), ("{\"a\":\"0123456789abcdef\"}", 500)]
    {
        wire.post(body).unwrap().status(status);
    }
    let answer = wire.get("/metrics").unwrap().status(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let after = samples(&answer.text());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, grown) in [
        ("troupe_messages_total{outcome=\"accepted\"}", 2.0),
        ("troupe_messages_total{outcome=\"rejected\"}", 1.0),
        ("troupe_messages_total{outcome=\"failed\"}", 1.0),
        ("troupe_messages_total{outcome=\"aborted\"}", 0.0),
        ("troupe_messages_total{outcome=\"busy\"}", 0.0),
        ("troupe_commits_total{result=\"ok\"}", 3.0),
        ("troupe_commits_total{result=\"error\"}", 0.0),
        ("troupe_commit_seconds_count", 3.0),
        ("troupe_commit_seconds_bucket{le=\"+Inf\"}", 3.0),
        ("troupe_chain_seq", 3.0),
    ] {
        assert_eq!(after[name] - before[name], grown, "{name}");
    }
    assert!(after["troupe_fuel_total"] > before["troupe_fuel_total"]);
    assert_eq!(after["troupe_mailbox_messages"], 0.0);
    assert_eq!(after["troupe_state_bytes"], 7.0);
    // In the order of the text, each bucket holds those before it.
    let text = answer.text();
    let buckets: Vec<u64> = (text.lines().filter(|line| line.starts_with("troupe_commit_seconds_bucket")))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert!(buckets.is_sorted(), "{buckets:?}");
}
