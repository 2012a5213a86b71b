//! Measures every figure of `docs/benchmarks.md`: `cargo bench -p troupe-bench`, or with names of sections after `--`.

mod commons;
mod company;
mod density;
mod fairness;
mod host;
mod http;
mod replay;
mod sdk;
mod size;
mod start;
mod step;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use troupe::host::{Running, Setup};
use troupe::troupe_store::{DiskStore, MemoryStore, Store};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The components that are measured.
const COUNTER: &[u8] = include_bytes!("../../../actors/counter/counter.wasm");
const QUAKES: &[u8] = include_bytes!("../../../actors/quakes/quakes.wasm");
/// Real messages for `quakes`, one a line.
const EVENTS: &[u8] = include_bytes!("../../../actors/quakes/data/earthquakes.ndjson");

/// Measures and prints one section.
type Section = fn() -> anyhow::Result<()>;

fn main() -> anyhow::Result<()> {
    let sections: [(&str, Section); 13] = [
        ("step", step::measure),
        ("sdk", sdk::measure),
        ("host", host::measure),
        ("http", http::measure),
        ("replay", replay::measure),
        ("verify", verify::measure),
        ("start", start::measure),
        ("commons", commons::measure),
        ("chains", company::chains),
        ("ring", company::ring),
        ("fairness", fairness::fairness),
        ("density", density::measure),
        ("size", size::measure),
    ];
    let args: Vec<_> = std::env::args().skip(1).collect();
    if let Some(("client", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return http::client(rest);
    }
    // As a node has it.
    troupe::huge_pages::disable();
    if let Some(("idle", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return density::idle(rest);
    }
    // `cargo bench` passes a flag of its own.
    let wanted: Vec<_> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    for (name, measure) in sections {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            println!("\n## {name}\n");
            measure()?;
        }
    }
    Ok(())
}

/// Prints a figure, its ratio to a baseline if there is one, and the goal.
fn report(what: &str, value: String, ratio: f64, goal: &str) {
    let ratio = if ratio.is_nan() { String::new() } else { format!("{ratio:.2}") };
    println!("| {what} | {value} | {ratio} | {goal} |");
}

fn table() {
    println!("| what | median | ratio | goal |\n| --- | --- | --- | --- |");
}

/// An actor on a memory store, or on a disk store in a new folder beside the build.
fn actor(component: &[u8], durable: bool) -> anyhow::Result<(Arc<Running>, Option<tempfile::TempDir>)> {
    let folder = durable.then(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))).transpose()?;
    let store: Arc<dyn Store> = match &folder {
        Some(folder) => Arc::new(DiskStore::open(folder.path())?),
        None => Arc::new(MemoryStore::new()),
    };
    let running = Setup::new(component.to_vec(), store).open()?;
    Ok((Arc::new(running), folder))
}

/// A folder for compiled code.
fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}
