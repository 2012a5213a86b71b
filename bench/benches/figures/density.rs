//! Many actors that do nothing: what they cost, and what a node that has them takes to begin again.
//!
//! Memory and restarts are measured in processes of their own, `figures idle FOLDER`, so that nothing is left over in them.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use troupe::host::{ComponentSource, Host, Settings, Start};
use troupe::troupe_chain::{Hash, Sender, Text};
use troupe::troupe_runtime::{Actor, SendError};
use troupe::troupe_store::DiskStore;
use troupe_bench::{median, micros};

use crate::{COUNTER, cache, report, table};

/// How many actors there are, unless `TROUPE_BENCH_ACTORS` says otherwise.
const ACTORS: u64 = 100_000;
/// How many are begun at the same time.
const AT_ONCE: u64 = 256;
const ROUNDS: usize = 5;
/// How many cold actors are asked.
const COLD: u64 = 100;
/// Messages that wait for the hot actor, and for how long it gets some.
const WINDOW: usize = 64;
const HOT_FOR: Duration = Duration::from_millis(1500);
const MESSAGE: &[u8] = b"{\"add\":1}";
const REFUSED: &[u8] = b"{}";
const PERSON: Sender = Sender::Http { key: None };

/// What one process found.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    /// Bytes of memory once the node is open, with all actors loaded, and a while after they were unloaded again.
    opened: f64,
    loaded: f64,
    unloaded: f64,
    /// Milliseconds to open store and node, and to the first answer.
    open: f64,
    first: f64,
    /// The median of the other cold answers, in milliseconds.
    cold: f64,
    /// Messages a second of one actor.
    hot: f64,
}

pub(crate) fn measure() -> anyhow::Result<()> {
    let actors = std::env::var("TROUPE_BENCH_ACTORS").ok().and_then(|actors| actors.parse().ok());
    let actors: u64 = actors.unwrap_or(ACTORS);
    let many = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let few = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    begin(few.path(), 1)?;
    let took = begin(many.path(), actors)?;
    let (mut with_many, mut with_few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with_few.push(in_a_process(few.path())?);
        with_many.push(in_a_process(many.path())?);
    }
    let (one, all) = (middle(&with_few), middle(&with_many));
    table();
    let named = |what: &str| format!("{actors} idle counters: {what}");
    let bytes = |bytes: f64| format!("{bytes:.0} B");
    let each = |of: fn(&Found) -> f64| (of(&all) - of(&one)) / actors as f64;
    report(&named("to begin them"), format!("{took:.1} s, {:.0}/s", actors as f64 / took), f64::NAN, "");
    report(
        &named("memory of each, never used"),
        bytes(each(|found| found.opened)),
        each(|found| found.opened) / 512.0,
        "≤ 512 B",
    );
    report(
        &named("memory of each, loaded"),
        bytes(each(|found| found.loaded)),
        each(|found| found.loaded) / 512.0,
        "",
    );
    report(
        &named("memory of each, unloaded again"),
        bytes(each(|found| found.unloaded)),
        each(|found| found.unloaded) / 512.0,
        "",
    );
    report(&named("to open the node"), format!("{:.1} ms", all.open), all.open / one.open, "");
    report(
        &named("from the start to the first answer"),
        format!("{:.1} ms", all.open + all.first),
        (all.open + all.first) / (one.open + one.first),
        "≤ 2 s",
    );
    report(&named("the very first answer"), format!("{:.2} ms", all.first), all.first / one.first, "");
    report(&named("a cold answer"), format!("{:.2} ms", all.cold), f64::NAN, "≤ 5 ms");
    report(
        &named("messages of one that is busy"),
        format!("{:.0}/s", all.hot),
        all.hot / one.hot,
        "≥ 1 × alone",
    );
    Ok(())
}

fn node(folder: &Path) -> anyhow::Result<Host> {
    let mut settings = Settings::new(Arc::new(DiskStore::open(folder)?));
    settings.cache = Some(cache().into());
    settings.options.memory = 8 << 30;
    Ok(settings.open()?)
}

/// Begins so many counters in a store; gives the seconds.
fn begin(folder: &Path, actors: u64) -> anyhow::Result<f64> {
    let host = node(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let began = Instant::now();
    runtime.block_on(async {
        let starters = (0..AT_ONCE.min(actors)).map(|first| {
            let host = host.clone();
            tokio::spawn(async move {
                for n in (first..actors).step_by(AT_ONCE as usize) {
                    let new = host.prepare(Start {
                        component: ComponentSource::Bytes(Bytes::from_static(COUNTER)),
                        name: Some(Text::new(format!("counter-{n}"))?),
                        ..Start::default()
                    })?;
                    host.actors.start(new).await?;
                }
                anyhow::Ok(())
            })
        });
        for starter in starters.collect::<Vec<_>>() {
            starter.await??;
        }
        anyhow::Ok(())
    })?;
    let took = began.elapsed().as_secs_f64();
    host.actors.shutdown();
    Ok(took)
}

fn in_a_process(folder: &Path) -> anyhow::Result<Found> {
    let output = Command::new(std::env::current_exe()?).arg("idle").arg(folder).output()?;
    let text = String::from_utf8(output.stdout)?;
    anyhow::ensure!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [opened, loaded, unloaded, open, first, cold, hot] = numbers[..] else { anyhow::bail!("{text}") };
    Ok(Found { opened, loaded, unloaded, open, first, cold, hot })
}

/// Measures the node in a folder and prints what it found.
pub(crate) fn idle(args: &[String]) -> anyhow::Result<()> {
    let [folder] = args else { anyhow::bail!("idle FOLDER") };
    let began = Instant::now();
    let host = node(Path::new(folder))?;
    let open = began.elapsed();
    let opened = memory()?;
    let ids: Vec<Hash> = host.actors.store().chains()?.into_iter().map(|(id, _)| id).collect();
    let began = Instant::now();
    ask(&host.actors.get(ids[0])?)?;
    let first = began.elapsed();
    // Ids are as good as random.
    let step = (ids.len() / COLD as usize).max(1);
    let mut times = Vec::new();
    for id in ids.iter().skip(1).step_by(step) {
        let began = Instant::now();
        ask(&host.actors.get(*id)?)?;
        times.push(micros(began.elapsed()) / 1000.0);
    }
    let cold = median(times);
    // What is refused loads an actor and writes nothing, so that the store's memory stays as it is.
    for ids in ids.chunks(512) {
        let post = |id: &Hash| host.actors.get(*id)?.post(PERSON, Bytes::from_static(REFUSED));
        let waiting = ids.iter().map(post).collect::<Result<Vec<_>, _>>()?;
        for answer in waiting {
            let answer = answer.blocking_recv()?;
            anyhow::ensure!(matches!(answer, Err(SendError::Rejected(_))), "{answer:?}");
        }
    }
    let loaded = memory()?;
    host.actors.unload_idle();
    // The allocator gives memory back while it is used.
    let hot = hot(&host.actors.get(ids[0])?)?;
    let unloaded = memory()?;
    let ms = |time: Duration| micros(time) / 1000.0;
    println!("{opened} {loaded} {unloaded} {} {} {cold} {hot}", ms(open), ms(first));
    host.actors.shutdown();
    Ok(())
}

fn ask(actor: &Actor) -> anyhow::Result<()> {
    actor.send_blocking(PERSON, Bytes::from_static(MESSAGE))?;
    Ok(())
}

/// Messages a second of one actor that always has some.
fn hot(actor: &Actor) -> anyhow::Result<f64> {
    let mut waiting = VecDeque::new();
    let (mut count, began) = (0, Instant::now());
    while began.elapsed() < HOT_FOR {
        while waiting.len() < WINDOW {
            waiting.push_back(actor.post(PERSON, Bytes::from_static(MESSAGE))?);
        }
        for answer in waiting.drain(..WINDOW / 2) {
            answer.blocking_recv()??;
            count += 1;
        }
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// The memory of this process, in bytes.
fn memory() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kib.context("no VmRSS")? * 1024.0)
}

/// The median of each figure by itself.
fn middle(found: &[Found]) -> Found {
    let of = |figure: fn(&Found) -> f64| median(found.iter().map(figure).collect());
    Found {
        opened: of(|found| found.opened),
        loaded: of(|found| found.loaded),
        unloaded: of(|found| found.unloaded),
        open: of(|found| found.open),
        first: of(|found| found.first),
        cold: of(|found| found.cold),
        hot: of(|found| found.hot),
    }
}
