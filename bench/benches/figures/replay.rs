//! Verification against the same calls, bare.

use std::sync::Arc;

use bytes::Bytes;
use troupe::troupe_chain::{Sender, check_links, verify};
use troupe::troupe_component::SandboxConfig;
use troupe::troupe_runtime::StoreHistory;
use troupe_bench::bare::Bare;
use troupe_bench::{cpu_micros, medians};

use crate::{COUNTER, EVENTS, QUAKES, actor, report, table};

const ROUNDS: usize = 9;

pub(crate) fn measure() -> anyhow::Result<()> {
    table();
    let additions = vec![Bytes::from_static(b"{\"add\":1}"); 5000];
    replay("counter.wasm, 12 B state", COUNTER, &additions)?;
    let events = EVENTS.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(Bytes::from_static);
    replay("quakes.wasm, a real week", QUAKES, &events.collect::<Vec<_>>())
}

fn replay(what: &str, component: &[u8], messages: &[Bytes]) -> anyhow::Result<()> {
    let (running, _) = actor(component, false)?;
    let first = running.actor.view()?.state.clone();
    let accepted: Vec<_> = messages
        .iter()
        .filter(|message| {
            running.actor.send_blocking(Sender::Http { key: None }, Bytes::clone(message)).is_ok()
        })
        .collect();
    let store = Arc::clone(running.actor.store());
    let Some(history) = StoreHistory::new(store, running.actor.id())? else { anyhow::bail!("no chain") };
    let bare = Bare::new(component, &SandboxConfig::default())?;
    let sandbox = running.host.sandbox.clone();
    let each = |began: f64| (cpu_micros() - began) / accepted.len() as f64;

    let [bare, full, links] = medians(
        ROUNDS,
        [
            &mut || {
                let began = cpu_micros();
                let mut state = first.to_vec();
                for message in &accepted {
                    state = bare.fresh(message, &state)?;
                }
                Ok(each(began))
            },
            &mut || {
                let began = cpu_micros();
                verify(&history, &sandbox, |_| {})?;
                Ok(each(began))
            },
            &mut || {
                let began = cpu_micros();
                check_links(&history)?;
                Ok(each(began))
            },
        ],
    )?;
    let rate = |us: f64| format!("{:.0}/s", 1e6 / us);
    report(&format!("{what}: three bare calls, fresh instance"), rate(bare), 1.0, "");
    report(&format!("{what}: full replay"), rate(full), bare / full, "≥ 0.8 × bare");
    report(&format!("{what}: links only"), rate(links), full / links, "≥ 10 × full replay");
    Ok(())
}
