//! Loading a component that has been compiled before.

use troupe::troupe_component::{CodeCache, Limits, Sandbox, SandboxConfig};
use troupe_bench::{medians, per_call};

use crate::{COUNTER, cache, report, table};

const ROUNDS: usize = 15;

pub(crate) fn measure() -> anyhow::Result<()> {
    table();
    start(&format!("counter.wasm, {} kB", COUNTER.len() / 1000), COUNTER, "≤ 1 ms at 20 kB")?;
    let large = troupe_testing::guests::padded(troupe_testing::World::Simple, 1_600_000);
    start(&format!("a component of {} kB", large.len() / 1000), &large, "≤ 3 ms at 1.6 MB")?;
    if let Some(path) = std::env::var_os("TROUPE_BENCH_COMPONENT") {
        let bytes = std::fs::read(&path)?;
        start(&format!("{}, {} kB", path.to_string_lossy(), bytes.len() / 1000), &bytes, "≤ 3 ms at 1.6 MB")?;
    }
    Ok(())
}

fn start(what: &str, component: &[u8], goal: &str) -> anyhow::Result<()> {
    let limits = Limits::default();
    // A sandbox of its own for each, as a process has; its engine is started by another component.
    let load = |cache: Option<std::path::PathBuf>| {
        let cache = cache.map(CodeCache::from);
        let sandbox = Sandbox::new(SandboxConfig { cache, ..SandboxConfig::default() });
        sandbox.load(&troupe_testing::guests::echo(troupe_testing::World::Simple), &limits)?;
        per_call(1, |_| {
            std::hint::black_box(sandbox.load(component, &limits)?);
            Ok(())
        })
    };
    let compile = load(None)?;
    let [warm] = medians(ROUNDS, [&mut || load(Some(cache()))])?;
    report(&format!("{what}: from the cache"), format!("{:.2} ms", warm / 1000.0), warm / compile, goal);
    Ok(())
}
