//! The dashboard and the alert rules use what a node has, and the documents say what each alert means.

use std::collections::BTreeSet;

use crate::person::charter;
use crate::server::{Server, counter};

fn file(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every metric that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !word(c)).filter(|word| word.starts_with("troupe_"));
    words.map(str::to_owned).collect()
}

/// The metrics of a node that has one of everything: an actor at the root, and a commons.
fn metrics() -> String {
    let server = Server::start(counter());
    let host = &server.running.host;
    let commons = host.prepare_commons(&charter(2, &[])).unwrap();
    host.actors.start_blocking(commons).unwrap();
    server.wire().get("/metrics").unwrap().status(200).text()
}

#[test]
fn the_dashboard_and_the_alerts_use_metrics_that_there_are() {
    let metrics = metrics();
    let there = named(&metrics);
    // Some are there only while the node runs jobs.
    let sometimes = named(&file("crates/node/src/http/metrics.rs"));
    assert!(metrics.contains("\ntroupe_ready 1\n"), "{metrics}");
    for path in ["monitoring/dashboard.json", "monitoring/alerts.yml", "docs/monitoring.md"] {
        let used = named(&file(path));
        let missing: Vec<_> = used.difference(&there).filter(|name| !sometimes.contains(*name)).collect();
        assert!(missing.is_empty(), "{path} uses what no node has: {missing:?}");
        assert!(used.len() > 3, "{path} uses next to nothing");
    }
    let documented = named(&file("docs/monitoring.md"));
    let ends = ["_bucket", "_sum", "_count"];
    let left_out: Vec<_> = there
        .iter()
        .filter(|name| !documented.contains(*name) && !ends.iter().any(|end| name.ends_with(end)))
        .collect();
    assert!(left_out.is_empty(), "docs/monitoring.md says nothing of {left_out:?}");
}

#[test]
fn labels_that_are_asked_for_are_there() {
    let metrics = metrics();
    for path in ["monitoring/dashboard.json", "monitoring/alerts.yml"] {
        let text = file(path).replace("\\\"", "\"");
        for label in ["outcome=\"", "result=\"", "use=\""] {
            for value in text.split(label).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(metrics.contains(&format!("{label}{value}\"")), "{path}: no {label}{value}\"");
            }
        }
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let (alerts, document) = (file("monitoring/alerts.yml"), file("docs/monitoring.md"));
    let names: Vec<_> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 5);
    for name in &names {
        assert!(document.contains(&format!("\n### {name}\n")), "docs/monitoring.md does not explain {name}");
    }
    assert_eq!(alerts.matches("summary:").count(), names.len());
    let dashboard: serde_json::Value = serde_json::from_str(&file("monitoring/dashboard.json")).unwrap();
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 10));
}
