//! `troupe bench`: how fast a component is here, in the sandbox, over HTTP, on a disk and in a replay.
//!
//! Every figure stands beside what it should be compared with, from the same run; figures of other machines, or of
//! other runs, say little.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;
use troupe::host::{Running, Setup};
use troupe::load::Load;
use troupe_chain::{Context, Hash, Machine, Outcome, Sender, Timestamp, check_links, verify};
use troupe_runtime::StoreHistory;
use troupe_store::{DiskStore, MemoryStore, Store};

use super::failure::{Done, Failure};
use super::parse;
use super::screen::{BOLD, DIM, Screen, count};

/// Measure a component: one step, messages over HTTP, on a disk, and the replay of all of it
///
/// Without a component, the example `counter` is measured.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe bench\n  \
    troupe bench quakes.wasm --message @event.json --seconds 5\n  \
    troupe bench --folder /mnt/disk --json | jq .")]
pub(crate) struct Bench {
    /// The component: a .wasm file
    #[arg(requires = "message")]
    component: Option<PathBuf>,
    /// The message to send, over and over; it must be accepted each time
    #[arg(long, value_name = "JSON|@FILE")]
    message: Option<String>,
    /// Connections that send at the same time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// How long each measurement goes on
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Where to put the store that is measured; it is removed afterwards
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Be the client: what `bench` starts beside itself
    #[arg(long, hide = true, value_name = "ADDR")]
    client: Option<SocketAddr>,
}

const COUNTER: &[u8] = include_bytes!("../../../../actors/counter/counter.wasm");

/// One line of what was found.
struct Figure {
    name: &'static str,
    rate: f64,
    /// What it is compared with, and the ratio.
    against: Option<(&'static str, f64)>,
    note: String,
}

pub(super) fn bench(screen: &Screen, command: &Bench) -> Done {
    let message = command.message.as_deref().map_or_else(|| Ok(b"{\"add\":1}".to_vec()), parse::payload)?;
    let duration = Duration::from_secs(command.seconds);
    if let Some(addr) = command.client {
        return client(addr, command.connections.into(), duration, message);
    }
    let component = command.component.as_deref().map_or_else(|| Ok(COUNTER.to_vec()), parse::file)?;
    let folder = match &command.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir_in("."),
    };
    let folder = folder.map_err(|error| Failure::cannot(format_args!("no folder for the store: {error}")))?;
    let task = Task { message, duration, seconds: command.seconds, connections: command.connections };

    let mut figures = Vec::new();
    let memory = open(&component, Arc::new(MemoryStore::new()))?;
    let step = task.step(&memory)?;
    figures.push(Figure {
        name: "steps in the sandbox",
        rate: step.0,
        against: None,
        note: format!("fuel {}", count(step.1)),
    });
    let constant = task.load(serve(troupe::http::constant_router())?, command.connections)?;
    figures.push(Figure {
        name: "http, a constant",
        rate: constant.rate,
        against: None,
        note: constant.times(),
    });
    let in_memory = task.load(serve(troupe::http::router(memory.site()))?, command.connections)?;
    figures.push(in_memory.figure("http, memory store", ("a constant", constant.rate)));
    let store = DiskStore::open(folder.path()).map_err(|error| Failure::cannot(&error))?;
    let disk = serve(troupe::http::router(open(&component, Arc::new(store))?.site()))?;
    let durable = task.load(disk, command.connections)?;
    figures.push(durable.figure("http, durable", ("memory store", in_memory.rate)));
    let one = task.load(disk, 1)?;
    figures.push(one.figure("http, durable, one at a time", ("a raw sync", task.raw_sync(folder.path())?)));
    let (replay, links) = task.replay(&memory)?;
    let against = Some(("steps", replay / step.0));
    figures.push(Figure { name: "full replay", rate: replay, against, note: String::new() });
    let against = Some(("full replay", links / replay));
    figures.push(Figure { name: "links only", rate: links, against, note: String::new() });
    print(screen, &task, &figures)
}

fn print(screen: &Screen, task: &Task, figures: &[Figure]) -> Done {
    if screen.json {
        for figure in figures {
            let (against, ratio) = figure.against.unzip();
            screen.json(&json!({
                "name": figure.name, "per_second": figure.rate, "against": against, "ratio": ratio, "note": figure.note,
            }))?;
        }
        return Ok(());
    }
    screen.line(format_args!("{BOLD}{} connections, {} s each{BOLD:#}\n", task.connections, task.seconds))?;
    for figure in figures {
        let against = figure.against.map(|(what, ratio)| format!("{ratio:.2} × {what}")).unwrap_or_default();
        let rate = format!("{}/s", count(figure.rate as u64));
        screen.line(format_args!(
            "  {:<29}{rate:>12}  {against:<20} {DIM}{}{DIM:#}",
            figure.name, figure.note
        ))?;
    }
    Ok(())
}

/// What the process beside this one does: sends, and prints what came of it.
fn client(addr: SocketAddr, connections: usize, duration: Duration, message: Vec<u8>) -> Done {
    let load = Load { addr, connections, duration, bodies: vec![message], minimal: true };
    let report = load.run().map_err(|error| Failure::cannot(format_args!("the load broke off: {error}")))?;
    println!("{} {} {} {}", report.rate, report.refused, report.p50.as_micros(), report.p99.as_micros());
    Ok(())
}

/// What came of a load.
struct Loaded {
    rate: f64,
    p50_us: f64,
    p99_us: f64,
}

impl Loaded {
    fn times(&self) -> String {
        format!("p50 {:.1} ms, p99 {:.1} ms", self.p50_us / 1000.0, self.p99_us / 1000.0)
    }

    fn figure(&self, name: &'static str, (what, than): (&'static str, f64)) -> Figure {
        Figure { name, rate: self.rate, against: Some((what, self.rate / than)), note: self.times() }
    }
}

struct Task {
    message: Vec<u8>,
    duration: Duration,
    seconds: u64,
    connections: u16,
}

impl Task {
    /// Steps per second in one thread without storing them, and the fuel of one.
    fn step(&self, running: &Running) -> Result<(f64, u64), Failure> {
        let machine = troupe_chain::Machines::machine(
            &running.host.sandbox,
            &running.genesis.rules(),
            &running.component,
            &running.files().map_err(Failure::cannot)?,
        )
        .map_err(Failure::cannot)?;
        let seed = machine.draws().then(|| Hash::from_bytes([0; 32]));
        let context = Context {
            chain: Hash::from_bytes([0; 32]),
            from: Sender::Http { key: None },
            at: Timestamp(0),
            seq: 2,
            seed,
        };
        let state = running.actor.view().map_err(Failure::cannot)?.state.clone();
        let began = Instant::now();
        let (mut steps, mut fuel) = (0_u32, 0);
        while began.elapsed() < self.duration {
            let step = machine
                .apply(&context, &mut troupe_chain::Nowhere, &self.message, &state)
                .map_err(Failure::cannot)?;
            match step.outcome {
                Outcome::Accepted(_) => fuel = step.fuel.0,
                Outcome::Rejected(rejection) => {
                    return Err(Failure::cannot(format_args!("the message is refused: {rejection}"))
                        .help("give one that is accepted each time with --message"));
                }
                Outcome::Failed(failed) => {
                    return Err(Failure::cannot(format_args!("the actor fails on the message: {failed}")));
                }
            }
            steps += 1;
        }
        Ok((f64::from(steps) / began.elapsed().as_secs_f64(), fuel))
    }

    /// Sends from a process of its own, as clients are.
    fn load(&self, addr: SocketAddr, connections: u16) -> Result<Loaded, Failure> {
        let broken = |what: String| Failure::cannot(format_args!("the client broke off: {what}"));
        let program = std::env::current_exe().map_err(|error| broken(error.to_string()))?;
        let output = Command::new(program)
            .args(["bench", "--client", &addr.to_string()])
            .args(["--connections", &connections.to_string(), "--seconds", &self.seconds.to_string()])
            .arg(format!("--message={}", String::from_utf8_lossy(&self.message)))
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| broken(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [rate, 0.0, p50_us, p99_us] => Ok(Loaded { rate, p50_us, p99_us }),
            [_, refused, ..] => Err(Failure::cannot(format_args!("{refused} messages were not accepted"))
                .help("give one that is accepted each time with --message")),
            _ => Err(broken(text.into_owned())),
        }
    }

    /// How often a second a small write can be made durable, without anything around it.
    fn raw_sync(&self, folder: &Path) -> Result<f64, Failure> {
        use std::io::{Seek, Write};
        let raw = || -> std::io::Result<f64> {
            let mut file = std::fs::File::create(folder.join("raw"))?;
            file.write_all(&vec![0; 16 << 20])?;
            file.sync_all()?;
            file.rewind()?;
            let began = Instant::now();
            let mut syncs = 0_u32;
            while began.elapsed() < self.duration && syncs < 25_000 {
                file.write_all(&[7; 640])?;
                file.sync_data()?;
                syncs += 1;
            }
            Ok(f64::from(syncs) / began.elapsed().as_secs_f64())
        };
        raw().map_err(|error| Failure::cannot(format_args!("the raw file cannot be written: {error}")))
    }

    /// Messages per second of a full replay, and entries per second of a check of the links.
    fn replay(&self, running: &Running) -> Result<(f64, f64), Failure> {
        // A chain of its own, short enough to be replayed several times.
        let fresh = open(&running.component, Arc::new(MemoryStore::new()))?;
        for _ in 0..5000 {
            let message = Bytes::from(self.message.clone());
            fresh.actor.send_blocking(Sender::Http { key: None }, message).map_err(Failure::cannot)?;
        }
        let store = Arc::clone(fresh.actor.store());
        let history = StoreHistory::new(store, fresh.actor.id()).map_err(Failure::cannot)?;
        let Some(history) = history else { return Err(Failure::cannot("the chain is gone")) };
        let (mut replay, mut links) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..3 {
            let began = Instant::now();
            verify(&history, &running.host.sandbox, |_| {}).map_err(Failure::cannot)?;
            replay = replay.min(began.elapsed().as_secs_f64());
            let began = Instant::now();
            check_links(&history).map_err(Failure::cannot)?;
            links = links.min(began.elapsed().as_secs_f64());
        }
        let entries = fresh.actor.view().map_err(Failure::cannot)?.tip.seq as f64;
        Ok((entries / replay, entries / links))
    }
}

fn open(component: &[u8], store: Arc<dyn Store>) -> Result<Arc<Running>, Failure> {
    let running = Setup::new(component.to_vec(), store).open();
    Ok(Arc::new(running.map_err(|error| Failure::cannot(&error))?))
}

/// Serves until the process ends.
fn serve(router: axum::Router) -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| Failure::cannot(format_args!("cannot serve: {error}"));
    let runtime = troupe::http::runtime().map_err(failed)?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    std::thread::spawn(move || {
        runtime.block_on(troupe::http::serve_router(listener, router, None, std::future::pending()))
    });
    Ok(addr)
}
