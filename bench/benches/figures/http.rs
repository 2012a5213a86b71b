//! Messages over HTTP: the same stack with a constant, with memory, with a disk; against a raw disk and a naive design.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use troupe::load::Load;
use troupe_bench::bare::Bare;
use troupe_bench::naive::Naive;
use troupe_bench::raw::Preallocated;
use troupe_bench::{medians, per_call};

use crate::{COUNTER, actor, report, table};

const ROUNDS: usize = 7;
const DURATION: Duration = Duration::from_millis(1500);
const MESSAGE: &[u8] = b"{\"add\":1}";

pub(crate) fn measure() -> anyhow::Result<()> {
    let constant = serve(troupe::http::constant_router())?;
    let (memory, _) = actor(COUNTER, false)?;
    let memory = serve(troupe::http::router(memory.site()))?;
    let (disk, _folder) = actor(COUNTER, true)?;
    let disk = serve(troupe::http::router(disk.site()))?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut raw = Preallocated::new(&folder.path().join("raw"), 64 << 20)?;
    let bare = Bare::new(
        COUNTER,
        &troupe::troupe_component::SandboxConfig {
            allocation: troupe::troupe_component::Allocation::OnDemand,
            ..Default::default()
        },
    )?;
    let naive = Naive::new(&folder.path().join("naive"), bare, b"{\"count\":0}".to_vec())?;
    let naive = serve(naive_router(naive))?;

    let mut latencies = Vec::new();
    let frame = [7; 640];
    let [constant_rate, memory_rate, disk_rate, one_rate, raw_us, naive_rate] = medians(
        ROUNDS,
        [
            &mut || Ok(load(constant, 64)?.rate),
            &mut || Ok(load(memory, 64)?.rate),
            &mut || {
                let report = load(disk, 64)?;
                latencies.push((report.p50, report.p99));
                Ok(report.rate)
            },
            &mut || Ok(load(disk, 1)?.rate),
            &mut || per_call(2000, |_| Ok(raw.append(&frame)?)),
            &mut || Ok(load(naive, 64)?.rate),
        ],
    )?;
    latencies.sort();
    let (p50, p99) = latencies.get(latencies.len() / 2).copied().unwrap_or_default();

    table();
    let rate = |rate: f64| format!("{rate:.0}/s");
    report("64 connections: the same HTTP stack, a constant", rate(constant_rate), 1.0, "");
    report(
        "64 connections: memory store",
        rate(memory_rate),
        memory_rate / constant_rate,
        "≥ 0.45 × constant",
    );
    report("64 connections: durable", rate(disk_rate), disk_rate / memory_rate, "≥ 0.8 × memory");
    let ratio = p99.as_secs_f64() / p50.as_secs_f64();
    report("64 connections: durable, p99 against p50", format!("{p99:?} against {p50:?}"), ratio, "≤ 5");
    report("raw write and fdatasync, one after the other", rate(1e6 / raw_us), 1.0, "");
    report("1 connection: durable", rate(one_rate), one_rate * raw_us / 1e6, "≥ 0.45 × raw");
    report("64 connections: naive design", rate(naive_rate), disk_rate / naive_rate, "durable ≥ 20 × naive");
    Ok(())
}

/// The naive design behind the same HTTP stack: one message after the other under a lock.
fn naive_router(naive: Naive) -> Router {
    let naive = Arc::new(Mutex::new(naive));
    let answer = move |body: bytes::Bytes| {
        let naive = Arc::clone(&naive);
        async move {
            let handle = move || naive.lock().ok().and_then(|mut naive| naive.handle(&body).ok());
            match tokio::task::spawn_blocking(handle).await {
                Ok(Some((hash, state))) => {
                    let state = String::from_utf8_lossy(&state);
                    Ok(format!("{{\"hash\":\"{hash}\",\"state\":{state}}}"))
                }
                _ => Err(axum::http::StatusCode::INTERNAL_SERVER_ERROR),
            }
        }
    };
    Router::new().route("/", axum::routing::post(answer))
}

/// Runs the load in a process of its own, as clients are.
fn load(addr: SocketAddr, connections: usize) -> anyhow::Result<LoadReport> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["client", &addr.to_string(), &connections.to_string()])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let [rate, refused, p50, p99] = numbers[..] else { anyhow::bail!("the client failed: {text}") };
    anyhow::ensure!(refused == 0.0, "{refused} messages were refused");
    Ok(LoadReport { rate, p50: Duration::from_secs_f64(p50), p99: Duration::from_secs_f64(p99) })
}

struct LoadReport {
    rate: f64,
    p50: Duration,
    p99: Duration,
}

/// What the client process does: `client ADDR CONNECTIONS`.
pub(crate) fn client(args: &[String]) -> anyhow::Result<()> {
    let [addr, connections] = args else { anyhow::bail!("usage: client ADDR CONNECTIONS") };
    let bodies = vec![MESSAGE.to_vec()];
    let (addr, connections) = (addr.parse()?, connections.parse()?);
    let report = Load { addr, connections, duration: DURATION, bodies, minimal: false }.run()?;
    println!("{} {} {} {}", report.rate, report.refused, report.p50.as_secs_f64(), report.p99.as_secs_f64());
    Ok(())
}

/// Serves on threads set up as `troupe run` sets them up.
fn serve(router: Router) -> anyhow::Result<SocketAddr> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || -> anyhow::Result<()> {
        let runtime = troupe::http::runtime()?;
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            sender.send(listener.local_addr()?)?;
            troupe::http::serve_router(listener, router, None, std::future::pending()).await?;
            Ok(())
        })
    });
    Ok(receiver.recv()?)
}
