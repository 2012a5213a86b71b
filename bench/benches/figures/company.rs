//! Actors that talk to each other: what a message costs, and how many actors keep all cores busy.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use troupe::host::{ComponentSource, Host, Settings, Start};
use troupe::troupe_chain::{Hash, Machine, Nowhere, Outcome, Sender, Text, Timestamp, Tip};
use troupe::troupe_component::{Limits, WasmComponent};
use troupe::troupe_runtime::Actor;
use troupe::troupe_store::{MemoryStore, Store};
use troupe_bench::{medians, micros, per_call};
use troupe_testing::guests::bounces;

use crate::{cache, report, table};

const ROUNDS: usize = 7;
/// Messages of one chain.
const HOPS: u32 = 5_000;
/// Actors that are busy at the same time, and the messages that each gets.
const BUSY: u32 = 1_000;
const EACH: u32 = 40;
/// Messages that one actor has from itself at any time.
const WINDOW: u32 = 64;
pub(crate) const PERSON: Sender = Sender::Http { key: None };

pub(crate) fn node(store: Arc<dyn Store>) -> anyhow::Result<Host> {
    let mut settings = Settings::new(store);
    settings.cache = Some(cache().into());
    Ok(settings.open()?)
}

/// Begins an actor; `config` is the address that it plays with.
pub(crate) fn start(
    host: &Host,
    component: &Bytes,
    name: &str,
    config: Option<&str>,
) -> anyhow::Result<Actor> {
    Ok(host.start_blocking(Start {
        component: ComponentSource::Bytes(component.clone()),
        config: config.map(|config| Bytes::copy_from_slice(config.as_bytes())),
        name: Some(Text::new(name)?),
        ..Start::default()
    })?)
}

/// A message that leads to `count` more.
fn ball(kind: u8, count: u32) -> Bytes {
    [&[kind][..], &count.to_le_bytes()].concat().into()
}

/// Posts messages and waits until they led to `expected` entries; gives the time that one took, in microseconds.
fn play<'a>(
    host: &Host,
    balls: impl Iterator<Item = (&'a Actor, Bytes)>,
    expected: u64,
) -> anyhow::Result<f64> {
    let accepted = || host.actors.metrics().accepted.load(Ordering::Relaxed);
    let before = accepted();
    let began = Instant::now();
    for (actor, ball) in balls {
        drop(actor.post(PERSON, ball)?);
    }
    while accepted() < before + expected {
        anyhow::ensure!(began.elapsed() < Duration::from_secs(120), "{} of {expected}", accepted() - before);
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(micros(began.elapsed()) / expected as f64)
}

/// The time of one message from one actor to another, where nothing else happens.
pub(crate) fn chains() -> anyhow::Result<()> {
    table();
    let host = node(Arc::new(MemoryStore::new()))?;
    let component = Bytes::from(bounces());
    let threads = host.actors.options().threads as u64;
    let thread = |actor: &Actor| thread(actor, threads);
    let pair = |round: &str, same: bool| -> anyhow::Result<Actor> {
        for n in 0..64 {
            let [one, other] = ["a", "b"].map(|side| format!("{round}-{n}{side}"));
            let a = start(&host, &component, &one, Some(&other))?;
            let b = start(&host, &component, &other, Some(&one))?;
            if threads == 1 || (thread(&a) == thread(&b)) == same {
                return Ok(a);
            }
        }
        anyhow::bail!("no two actors fit")
    };
    let (near, far) = (pair("near", true)?, pair("far", false)?);
    let step = one_step(&host, &component)?;
    let [step, near_send, near_request, far_send, far_request] = medians(
        ROUNDS,
        [
            &mut || step(),
            &mut || play(&host, [(&near, ball(b's', HOPS))].into_iter(), u64::from(HOPS) + 1),
            &mut || play(&host, [(&near, ball(b'r', HOPS))].into_iter(), u64::from(HOPS) + 1),
            &mut || play(&host, [(&far, ball(b's', HOPS))].into_iter(), u64::from(HOPS) + 1),
            &mut || play(&host, [(&far, ball(b'r', HOPS))].into_iter(), u64::from(HOPS) + 1),
        ],
    )?;
    let shown = |time: f64| format!("{time:.2} µs");
    report("one step in memory, with a send", shown(step), 1.0, "");
    report("a message from actor to actor, same thread", shown(near_send), near_send / step, "≤ 3 × step");
    report("request or reply, same thread", shown(near_request), near_request / step, "≤ 3 × step");
    report("a message from actor to actor, other thread", shown(far_send), far_send / step, "");
    report("request or reply, other thread", shown(far_request), far_request / step, "");
    Ok(())
}

/// The step of a message that is sent on, without a runtime.
fn one_step(host: &Host, component: &[u8]) -> anyhow::Result<impl Fn() -> anyhow::Result<f64> + use<>> {
    let machine: WasmComponent = host.sandbox.load(component, &Limits::default())?;
    let genesis = host.prepare(Start {
        component: ComponentSource::Bytes(Bytes::copy_from_slice(component)),
        config: Some("peer".into()),
        ..Start::default()
    })?;
    let (mut tip, _) = Tip::start(genesis.genesis, Timestamp(0));
    let context = tip.next_context(PERSON, Timestamp(0));
    let first = Machine::init(&machine, &context, &mut Nowhere, Some(b"peer"))?;
    tip.init(&context, &first).map_err(|failed| anyhow::anyhow!("init failed: {failed}"))?;
    let message = ball(b's', 1);
    Ok(move || {
        let mut tip = tip.clone();
        per_call(HOPS as usize, |_| {
            let context = tip.next_context(PERSON, Timestamp(0));
            let step = machine.apply(&context, &mut Nowhere, &message, b"peer")?;
            anyhow::ensure!(matches!(step.outcome, Outcome::Accepted(_)), "{:?}", step.outcome);
            tip.message(&context, Hash::of(&message), &step).context("no entry")?;
            Ok(())
        })
    })
}

/// Messages a second: by one actor that always has some, by one such actor on each core at once, and by many.
pub(crate) fn ring() -> anyhow::Result<()> {
    table();
    let host = node(Arc::new(MemoryStore::new()))?;
    let component = Bytes::from(bounces());
    let alone = lone_actors(&host, &component)?;
    let ring =
        (0..BUSY).map(|n| start(&host, &component, &format!("n{n}"), Some(&format!("n{}", (n + 1) % BUSY))));
    let ring = ring.collect::<anyhow::Result<Vec<_>>>()?;
    let each = BUSY * EACH / WINDOW;
    let lone = |actors: &[Actor]| {
        let balls = actors.iter().flat_map(|actor| (0..WINDOW).map(move |_| (actor, ball(b's', each - 1))));
        anyhow::Ok(1e6 / play(&host, balls, actors.len() as u64 * u64::from(WINDOW * each))?)
    };
    let [one, cores, many] = medians(
        ROUNDS,
        [&mut || lone(&alone[..1]), &mut || lone(&alone), &mut || {
            let balls = ring.iter().map(|actor| (actor, ball(b's', EACH - 1)));
            Ok(1e6 / play(&host, balls, u64::from(BUSY * EACH))?)
        }],
    )?;
    let shown = |rate: f64| format!("{rate:.0}/s");
    report("one actor that sends to itself, in memory", shown(one), one / cores, "");
    report("one such actor on each core at once, summed", shown(cores), 1.0, "");
    report(&format!("{BUSY} actors in a ring"), shown(many), many / cores, "≥ 0.8 × summed over cores");
    Ok(())
}

/// An actor that sends to itself for each thread that serves actors.
fn lone_actors(host: &Host, component: &Bytes) -> anyhow::Result<Vec<Actor>> {
    let threads = host.actors.options().threads as u64;
    let mut lone: Vec<Option<Actor>> = (0..threads).map(|_| None).collect();
    for n in 0..64 * threads {
        let name = format!("alone{n}");
        let actor = start(host, component, &name, Some(&name))?;
        if let Some(place) = lone.get_mut(thread(&actor, threads) as usize) {
            place.get_or_insert(actor);
        }
    }
    lone.into_iter().collect::<Option<_>>().context("a thread has no actor")
}

/// The thread that serves an actor, which follows from its id.
fn thread(actor: &Actor, threads: u64) -> u64 {
    let bytes = actor.id().as_bytes()[8..16].try_into();
    bytes.map_or(0, |bytes| u64::from_le_bytes(bytes) % threads)
}
