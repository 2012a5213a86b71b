//! Verification on all cores, against one core, and against the node that took the messages; and how a difference is found.

use std::convert::Infallible;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use troupe::parallel::{self, Verification};
use troupe::troupe_chain::{Hash, Sender, first_difference, verify};
use troupe::troupe_runtime::StoreHistory;
use troupe_bench::medians;

use crate::{COUNTER, EVENTS, QUAKES, actor, report, table};

const ROUNDS: usize = 7;
/// Messages of the counter, and how often the week of earthquakes is sent.
const ADDITIONS: usize = 50_000;
/// How many entries are compared by halving.
const LONG: u64 = 1_000_000;

pub(crate) fn measure() -> anyhow::Result<()> {
    table();
    let additions = vec![Bytes::from_static(b"{\"add\":1}"); ADDITIONS];
    speed("counter", COUNTER, &additions)?;
    let events = EVENTS.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(Bytes::from_static);
    speed("quakes, a real week", QUAKES, &events.collect::<Vec<_>>())?;
    halving();
    Ok(())
}

/// Wall time, since it is about several cores.
fn speed(what: &str, component: &[u8], messages: &[Bytes]) -> anyhow::Result<()> {
    let (running, _) = actor(component, false)?;
    let began = Instant::now();
    let took = messages
        .iter()
        .filter(|message| {
            running.actor.send_blocking(Sender::Http { key: None }, Bytes::clone(message)).is_ok()
        })
        .count() as f64;
    let live = took / began.elapsed().as_secs_f64();
    let store = Arc::clone(running.actor.store());
    let Some(history) = StoreHistory::new(store, running.actor.id())? else { anyhow::bail!("no chain") };
    let sandbox = running.host.sandbox.clone();
    let cores = parallel::cores();
    let on = |threads: NonZero<usize>| {
        let began = Instant::now();
        parallel::verify(&history, &sandbox, &Verification { threads, ..Verification::default() })?;
        anyhow::Ok(began.elapsed().as_secs_f64())
    };
    let [one, parts, all] = medians(
        ROUNDS,
        [
            &mut || {
                let began = Instant::now();
                verify(&history, &sandbox, |_| {})?;
                Ok(began.elapsed().as_secs_f64())
            },
            &mut || on(NonZero::<usize>::MIN),
            &mut || on(cores),
        ],
    )?;
    let rate = |seconds: f64| format!("{:.0}/s", took / seconds);
    let goal = format!("≥ {:.1} × one core", 0.8 * cores.get() as f64);
    report(
        &format!("{what}: taken live, one sender that waits, memory store"),
        format!("{live:.0}/s"),
        f64::NAN,
        "",
    );
    report(&format!("{what}: one replay on one core"), rate(one), 1.0, "");
    report(&format!("{what}: in parts, one thread"), rate(parts), one / parts, "");
    report(&format!("{what}: in parts, {cores} threads"), rate(all), one / all, &goal);
    report(&format!("{what}: the same against live"), rate(all), took / all / live, "");
    Ok(())
}

/// Two histories of a million entries that differ from some place on.
fn halving() {
    let most = [1, 333_333, 500_000, 999_999].map(|first| {
        let name = |history: u64, seq: u64| {
            let history = if seq >= first { history } else { 0 };
            Hash::of(&[history.to_le_bytes(), seq.to_le_bytes()].concat())
        };
        let mut steps = 0;
        let mut differ = |seq| {
            steps += 1;
            Ok::<_, Infallible>(name(1, seq) != name(2, seq))
        };
        // That they differ at all is a comparison as well.
        let Ok(_) = differ(LONG - 1);
        let Ok(found) = first_difference(0, LONG - 1, &mut differ);
        assert_eq!(found, first, "halving found another place");
        steps
    });
    let most = most.into_iter().max().unwrap_or_default();
    report("comparisons to the first difference in a million entries", most.to_string(), f64::NAN, "≤ 21");
}
