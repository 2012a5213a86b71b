//! `GET /metrics`: counters in the Prometheus text format, version 0.0.4.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, header};
use troupe_runtime::Histogram;

use super::problem::Refusal;
use super::read;
use super::site::Site;
use crate::commons::Committed;

pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Result<Response<Body>, Refusal> {
    let mut text = String::new();
    let actors = &site.host.actors;
    let metrics = actors.metrics();
    let value = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);

    let ready = u64::from(read::ready(&site).await.is_ok());
    gauge(&mut text, "troupe_ready", "1 if a message would have a chance.", ready);
    head(&mut text, "troupe_messages_total", "counter", "Messages by outcome.");
    for (outcome, value) in [
        ("accepted", value(&metrics.accepted)),
        ("rejected", value(&metrics.rejected)),
        ("failed", value(&metrics.failed)),
        ("aborted", value(&metrics.aborted)),
        ("busy", value(&metrics.busy)),
    ] {
        line(&mut text, "troupe_messages_total", &format!("{{outcome=\"{outcome}\"}}"), value);
    }
    counter(&mut text, "troupe_fuel_total", "Fuel used by recorded messages.", value(&metrics.fuel));
    counter(
        &mut text,
        "troupe_effects_total",
        "What actors asked for: messages, timers, children.",
        value(&metrics.effects),
    );
    counter(
        &mut text,
        "troupe_dropped_letters_total",
        "Letters that nobody took and only the log tells of.",
        value(&metrics.dropped),
    );
    head(&mut text, "troupe_commits_total", "counter", "Group commits by result.");
    line(&mut text, "troupe_commits_total", "{result=\"ok\"}", value(&metrics.commits));
    line(&mut text, "troupe_commits_total", "{result=\"error\"}", value(&metrics.commit_errors));
    histogram(&mut text, "troupe_commit_seconds", "How long a group commit took.", &metrics.commit_time);
    let meters = site.host.sandbox.meters();
    head(&mut text, "troupe_host_calls_total", "counter", "Calls of the host ABI, whatever came of them.");
    for (function, value) in meters.calls() {
        line(&mut text, "troupe_host_calls_total", &format!("{{function=\"{function}\"}}"), value);
    }
    head(&mut text, "troupe_growth_denied_total", "counter", "Growth that a limit denied a guest.");
    line(&mut text, "troupe_growth_denied_total", "{what=\"memory\"}", meters.memory_denied());
    line(&mut text, "troupe_growth_denied_total", "{what=\"table\"}", meters.table_denied());
    let executors = &site.executors;
    if !executors.is_empty() {
        let running = executors.sum(|counts| &counts.running);
        gauge(&mut text, "troupe_jobs_running", "Runs of jobs that are under way.", running);
        let name = "troupe_executor_total";
        head(&mut text, name, "counter", "What the node's executors did about jobs.");
        for (what, sum) in [
            ("bid", executors.sum(|counts| &counts.bids)),
            ("ran", executors.sum(|counts| &counts.ran)),
            ("receipt", executors.sum(|counts| &counts.receipts)),
            ("abandoned", executors.sum(|counts| &counts.abandoned)),
        ] {
            line(&mut text, name, &format!("{{what=\"{what}\"}}"), sum);
        }
    }
    let (chains, cells, bytes) = actors.usage();
    let (names, due) = actors.due();
    gauge(&mut text, "troupe_actors", "Actors that the node has.", chains);
    gauge(&mut text, "troupe_actors_in_memory", "Actors that are in memory.", cells as u64);
    gauge(&mut text, "troupe_state_memory_bytes", "Bytes of states in memory.", bytes);
    gauge(&mut text, "troupe_ready_actors", "Actors that wait to be served.", actors.ready() as u64);
    gauge(&mut text, "troupe_streams", "Streams and sockets that are open.", site.open_streams() as u64);
    gauge(&mut text, "troupe_log_bytes", "Bytes of log lines that are kept.", site.host.logs.bytes() as u64);
    gauge(&mut text, "troupe_names", "Names of actors.", names as u64);
    gauge(&mut text, "troupe_due", "Timers, requests and rests that are still to come.", due as u64);
    if let Some(root) = &site.root {
        gauge(
            &mut text,
            "troupe_mailbox_messages",
            "Messages that wait for the actor at the root.",
            root.waiting(),
        );
        if let Ok(view) = root.view() {
            gauge(
                &mut text,
                "troupe_chain_seq",
                "The position of the root actor's last entry.",
                view.tip.seq,
            );
            let bytes = view.state.len() as u64;
            gauge(&mut text, "troupe_state_bytes", "The size of the root actor's state.", bytes);
        }
    }

    let (host, counting) = (site.host.clone(), Arc::clone(&site));
    let commons = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        // One that is not in memory is not read for this.
        let view = host.commons().ok().flatten().and_then(|actor| actor.view_in_memory());
        if let Some(committed) = view.and_then(Committed::of) {
            counting.counts.write(&mut text, &committed);
        }
        text
    });
    text.push_str(&commons.await.unwrap_or_default());
    let store = Arc::clone(actors.store());
    if let Ok(Ok(usage)) = tokio::task::spawn_blocking(move || store.usage()).await {
        head(&mut text, "troupe_store_bytes", "gauge", "Bytes held by the store, by use.");
        for (part, value) in [
            ("log", usage.log_bytes),
            ("reserved", usage.reserved_bytes),
            ("index", usage.index_bytes),
            ("shared", usage.shared_bytes),
        ] {
            line(&mut text, "troupe_store_bytes", &format!("{{use=\"{part}\"}}"), value);
        }
    }
    let response =
        Response::builder().header(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    Ok(response.body(Body::from(text)).unwrap_or_default())
}

pub(super) fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub(super) fn line(text: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(text, "{name}{labels} {value}");
}

pub(super) fn counter(text: &mut String, name: &str, help: &str, value: u64) {
    head(text, name, "counter", help);
    line(text, name, "", value);
}

pub(super) fn gauge(text: &mut String, name: &str, help: &str, value: u64) {
    head(text, name, "gauge", help);
    line(text, name, "", value);
}

fn histogram(text: &mut String, name: &str, help: &str, histogram: &Histogram) {
    head(text, name, "histogram", help);
    let (counts, sum_us) = histogram.read();
    let mut total = 0;
    for (index, count) in counts.iter().enumerate() {
        total += count;
        let bound = Histogram::BOUNDS_US.get(index).map_or("+Inf".to_owned(), |us| seconds(*us));
        line(text, &format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), total);
    }
    let _ = writeln!(text, "{name}_sum {}", seconds(sum_us));
    line(text, &format!("{name}_count"), "", total);
}

fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}
