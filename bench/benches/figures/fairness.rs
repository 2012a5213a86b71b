//! Who waits for whom: actors with little to do beside one that has far too much.
//!
//! A bare thread that writes and syncs is measured the same way, beside threads that only count: what a machine whose every
//! core is busy adds by itself to one in a hundred waits is not the node's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use troupe::troupe_runtime::Actor;
use troupe::troupe_store::DiskStore;
use troupe_bench::raw::Preallocated;
use troupe_bench::{median, micros};

use crate::company::{PERSON, node, start};
use crate::{COUNTER, report, table};

const ROUNDS: usize = 3;
/// Actors of which each has one request at a time, and the pause between two.
const CALM: usize = 99;
const PAUSE: Duration = Duration::from_millis(50);
const CALM_FOR: Duration = Duration::from_secs(4);
/// Messages that wait for the flooded actor at any time.
const FLOOD: usize = 900;
/// Bytes that one message of a calm actor adds to the log.
const FRAME: usize = 616;

/// The median and the 99th percentile of waits, in microseconds.
type Waits = (f64, f64);

/// A folder of a file system in memory, as Linux has it.
const IN_MEMORY: &str = "/dev/shm";

/// How long calm actors wait, alone and beside a flooded one: on a disk, and where nothing waits for a disk.
pub(crate) fn fairness() -> anyhow::Result<()> {
    table();
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    bare(disk.path())?;
    beside_a_flood(disk.path(), "on a disk")?;
    if Path::new(IN_MEMORY).is_dir() {
        beside_a_flood(tempfile::tempdir_in(IN_MEMORY)?.path(), "on a file system in memory")?;
    }
    Ok(())
}

fn beside_a_flood(folder: &Path, place: &str) -> anyhow::Result<()> {
    let host = node(Arc::new(DiskStore::open(folder.join("store"))?))?;
    let component = Bytes::from_static(COUNTER);
    let calm = (0..CALM).map(|n| start(&host, &component, &format!("calm{n}"), None));
    let calm = calm.collect::<anyhow::Result<Vec<_>>>()?;
    let flooded = start(&host, &component, "flooded", None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut rates = Vec::new();
    let rounds = (0..ROUNDS).map(|_| {
        let alone = runtime.block_on(ask(&calm))?;
        let stop = AtomicBool::new(false);
        let (before, began) = (flooded.view()?.tip.seq, Instant::now());
        let beside = std::thread::scope(|scope| {
            let flooding = scope.spawn(|| flood_until(&flooded, &stop));
            let asked = runtime.block_on(ask(&calm));
            stop.store(true, Ordering::Relaxed);
            flooding.join().map_err(|_| anyhow::anyhow!("the flood panicked"))??;
            asked
        })?;
        rates.push((flooded.view()?.tip.seq - before) as f64 / began.elapsed().as_secs_f64());
        Ok((alone, beside))
    });
    let rounds = rounds.collect::<anyhow::Result<Vec<_>>>()?;
    let beside = format!("the same beside one that handles {:.0}/s", median(rates));
    tell(&format!("{CALM} calm actors {place}, p50 and p99"), &beside, &rounds, "p99 ≤ 3 × alone");
    Ok(())
}

/// How long a thread waits that writes and syncs as often as the calm actors, alone and beside a busy thread on each core.
fn bare(folder: &Path) -> anyhow::Result<()> {
    let mut file = Preallocated::new(&folder.join("raw"), 8 << 20)?;
    let cores = std::thread::available_parallelism()?.get();
    let mut write = || {
        let end = Instant::now() + CALM_FOR;
        let mut times = Vec::new();
        while Instant::now() < end {
            std::thread::sleep(PAUSE / CALM as u32);
            let began = Instant::now();
            file.append(&[1; FRAME])?;
            times.push(micros(began.elapsed()));
        }
        anyhow::Ok(waits(times))
    };
    let rounds = (0..ROUNDS).map(|_| {
        let alone = write()?;
        let (stop, counted) = (AtomicBool::new(false), AtomicU64::new(0));
        let beside = std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let beside = write();
            stop.store(true, Ordering::Relaxed);
            beside
        })?;
        Ok((alone, beside))
    });
    let rounds = rounds.collect::<anyhow::Result<Vec<_>>>()?;
    let beside = format!("the same beside {cores} threads that count, on {cores} cores");
    tell("a bare write and sync now and then, p50 and p99", &beside, &rounds, "");
    Ok(())
}

/// Reports the medians of rounds, each alone and beside something.
fn tell(alone: &str, beside: &str, rounds: &[(Waits, Waits)], goal: &str) {
    let of = |part: fn(&(Waits, Waits)) -> f64| median(rounds.iter().map(part).collect());
    let shown = |half: f64, most: f64| format!("{:.2} ms, {:.2} ms", half / 1000.0, most / 1000.0);
    let (most_alone, most_beside) = (of(|round| round.0.1), of(|round| round.1.1));
    report(alone, shown(of(|round| round.0.0), most_alone), 1.0, "");
    report(beside, shown(of(|round| round.1.0), most_beside), most_beside / most_alone, goal);
}

fn waits(mut times: Vec<f64>) -> Waits {
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(f64::NAN);
    (at(50), at(99))
}

/// Lets each actor be asked now and then.
async fn ask(actors: &[Actor]) -> anyhow::Result<Waits> {
    let end = Instant::now() + CALM_FOR;
    let clients = actors.iter().enumerate().map(|(n, actor)| {
        let actor = actor.clone();
        tokio::spawn(async move {
            let mut times = Vec::new();
            tokio::time::sleep(PAUSE * n as u32 / CALM as u32).await;
            while Instant::now() < end {
                let began = Instant::now();
                let message = Bytes::from_static(b"{\"add\":1}");
                actor.send(PERSON, message).await?;
                times.push(micros(began.elapsed()));
                tokio::time::sleep(PAUSE).await;
            }
            anyhow::Ok(times)
        })
    });
    let mut times = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        times.extend(client.await??);
    }
    Ok(waits(times))
}

/// Keeps an actor's mailbox full.
fn flood_until(actor: &Actor, stop: &AtomicBool) -> anyhow::Result<()> {
    let mut waiting = std::collections::VecDeque::new();
    while !stop.load(Ordering::Relaxed) {
        while waiting.len() < FLOOD {
            waiting.push_back(actor.post(PERSON, Bytes::from_static(b"{\"add\":1}"))?);
        }
        for answer in waiting.drain(..FLOOD / 2) {
            answer.blocking_recv()??;
        }
    }
    Ok(())
}
