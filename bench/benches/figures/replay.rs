//! Verification against the same calls, bare.

use std::sync::Arc;

use bytes::Bytes;
use troupe::troupe_chain::{Sender, check_links, verify};
use troupe::troupe_component::SandboxConfig;
use troupe::troupe_runtime::StoreHistory;
use troupe_bench::bare::Bare;
use troupe_bench::{cpu_micros, cpu_per_call, medians};

use crate::{COUNTER, actor, report, table};

const MESSAGES: usize = 5000;
const ROUNDS: usize = 9;

pub(crate) fn measure() -> anyhow::Result<()> {
    let (running, _) = actor(COUNTER, false)?;
    for _ in 0..MESSAGES {
        running.actor.send_blocking(Sender::Http { key: None }, Bytes::from_static(b"{\"add\":1}"))?;
    }
    let store = Arc::clone(running.actor.store());
    let Some(history) = StoreHistory::new(store, running.actor.id())? else { anyhow::bail!("no chain") };
    let bare = Bare::new(COUNTER, &SandboxConfig::default())?;
    let sandbox = running.sandbox.clone();

    let mut state = b"{\"count\":0}".to_vec();
    let [bare, full, links] = medians(
        ROUNDS,
        [
            &mut || {
                cpu_per_call(MESSAGES, |_| {
                    state = bare.fresh(b"{\"add\":1}", &state)?;
                    Ok(())
                })
            },
            &mut || {
                let began = cpu_micros();
                verify(&history, &sandbox, |_| {})?;
                Ok((cpu_micros() - began) / MESSAGES as f64)
            },
            &mut || {
                let began = cpu_micros();
                check_links(&history)?;
                Ok((cpu_micros() - began) / MESSAGES as f64)
            },
        ],
    )?;
    table();
    let rate = |us: f64| format!("{:.0}/s", 1e6 / us);
    report("three bare calls, fresh instance", rate(bare), 1.0, "");
    report("full replay", rate(full), bare / full, "≥ 0.8 × bare");
    report("links only", rate(links), full / links, "≥ 10 × full replay");
    Ok(())
}
