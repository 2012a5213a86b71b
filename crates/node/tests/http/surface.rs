//! Which paths there are, and what the metrics look like.

use std::collections::{BTreeMap, BTreeSet};

use troupe_chain::Sender;
use troupe_commons::governance::{Action, Motion};
use troupe_commons::jobs::JobSpec;
use troupe_commons::{Act, Id, Reply, WHOLE};
use troupe_testing::{Call, Guest, World};

use crate::person::{charter, now, person};
use crate::server::{Server, counter};

#[test]
fn the_openapi_document_lists_exactly_what_there_is() {
    let server = Server::start(counter());
    let commons = a_commons(&server);
    server.sign();
    let mut wire = server.wire();
    let document = wire.get("/openapi.json").unwrap().status(200).json();
    let actor = server.running.actor.id().to_string();
    let put = "POST /dag HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nblob";
    wire.send(put).unwrap();
    let cid = wire.read(true).unwrap().status(201).json()["cid"].as_str().unwrap().to_owned();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{entry}", "0").replace("{hash}", &component_name(&server));
        let path = path.replace("{actor}", &actor).replace("{file}", "app.js").replace("{cid}", &cid);
        let path = commons.iter().fold(path, |path, (name, value)| path.replace(name, value));
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
                        // What they are asked for is needed.
                        "/commons/trust" | "/commons/proof" => 400,
                        _ => 200,
                    };
                    wire.ask(method, &path, "", b"").unwrap().status(status);
                }
                continue;
            }
            let answer = wire.ask(method, &path, "", b"").unwrap();
            if path.starts_with("/commons") && !matches!(method, "GET" | "HEAD") {
                // Whose request it is, comes first.
                answer.problem(401, "unsigned");
                continue;
            }
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

/// Begins a commons that has one of everything: what stands for each parameter of a path.
fn a_commons(server: &Server) -> Vec<(&'static str, String)> {
    let host = &server.running.host;
    let actor = host.prepare_commons(&charter(2, &[])).unwrap();
    let actor = host.actors.start_blocking(actor).unwrap();
    let (one, two, blob) = (person(1), person(2), Id(troupe_chain::Hash::of(b"a blob")));
    let spec = JobSpec {
        bundle: None,
        capabilities: vec![],
        component: blob,
        deadline: now() + 600_000,
        inputs: vec![blob],
        limits: [("fuel".to_owned(), 1)].into(),
        price: 1,
        quorum: 1,
        replicas: 1,
        reputation: None,
        resume: None,
        scope: None,
        term: None,
    };
    let (duration, half) = (60_000, WHOLE / 2);
    let motion = Motion {
        action: Action::Text {},
        duration,
        options: vec![],
        quorum: half,
        text: None,
        threshold: half,
    };
    let acts = [
        Act::Hold { amount: 1, arbiter: two.id, to: two.id, until: now() + 600_000 },
        Act::Submit { jobs: vec![spec] },
        Act::Propose(motion),
    ];
    let mut found = vec![
        ("{member}", one.id.to_string()),
        ("{account}", format!("member-{}", one.id)),
        ("{parameter}", "mana-cap".to_owned()),
    ];
    for ((number, act), name) in (1..).zip(acts).zip(["{hold}", "{job}", "{proposal}"]) {
        let message = one.message(actor.id(), number, now() + 60_000, act).to_bytes();
        let answer = actor.send_blocking(Sender::Http { key: None }, message.into()).unwrap();
        let id = match serde_json::from_slice(&answer.reply.unwrap()).unwrap() {
            Reply::Hold(id) | Reply::Proposal(id) => id,
            Reply::Jobs(ids) => ids[0],
            other => panic!("{other:?}"),
        };
        found.push((name, id.to_string()));
    }
    found
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
