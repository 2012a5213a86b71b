//! What an SDK costs: the same counter with it and on the generated bindings alone, in the same run.

use std::fs;
use std::path::Path;

use troupe::troupe_component::SandboxConfig;
use troupe_bench::bare::Bare;
use troupe_bench::{cpu_per_call, medians};

use crate::report;
use crate::step::FullStep;

const CALLS: usize = 2000;
const ROUNDS: usize = 25;
const MESSAGE: &[u8] = b"{\"add\":3}";
const STATE: &[u8] = b"{\"count\":39}";
const NEXT: &[u8] = b"{\"count\":42}";

pub(crate) fn measure() -> anyhow::Result<()> {
    println!("Without imports:\n");
    compare("Rust", ["rust-by-hand", "rust-sdk-quiet"])?;
    compare("C", ["c-by-hand", "c-sdk"])?;
    println!("With the import `log`, for what a panic says:\n");
    compare("Rust", ["rust-by-hand-log", "rust-sdk"])?;
    println!("What the import costs:\n");
    compare("Rust by hand", ["rust-by-hand", "rust-by-hand-log"])?;
    compare("Rust, SDK", ["rust-sdk-quiet", "rust-sdk"])
}

/// Measures two counters in turn, the second against the first.
fn compare(lang: &str, names: [&str; 2]) -> anyhow::Result<()> {
    println!("| {lang} | median | ratio | goal |\n| --- | --- | --- | --- |");
    let config = SandboxConfig::default();
    let components = all(names, component)?;
    let bare = all(components.each_ref(), |component| Bare::new(component, &config))?;
    for (name, bare) in names.iter().zip(&bare) {
        let next = bare.fresh(MESSAGE, STATE)?;
        anyhow::ensure!(next == NEXT, "{name} came to {}", String::from_utf8_lossy(&next));
    }
    let mut calls =
        bare.each_ref().map(|bare| move || cpu_per_call(CALLS, |_| bare.fresh(MESSAGE, STATE).map(drop)));
    let calls = medians(ROUNDS, calls.each_mut().map(|call| call as &mut dyn FnMut() -> _))?;
    tell("three calls, fresh instance", names, calls);
    let mut whole = all(components, |component| FullStep::new(&component, &config, STATE))?;
    let mut steps = whole.each_mut().map(|whole| move || cpu_per_call(CALLS, |_| whole.run(MESSAGE, STATE)));
    let steps = medians(ROUNDS, steps.each_mut().map(|step| step as &mut dyn FnMut() -> _))?;
    tell("full step", names, steps);
    println!();
    Ok(())
}

/// Makes one thing of each.
fn all<A, B, const N: usize>(
    from: [A; N],
    make: impl FnMut(A) -> anyhow::Result<B>,
) -> anyhow::Result<[B; N]> {
    let made = from.into_iter().map(make).collect::<anyhow::Result<Vec<_>>>()?;
    made.try_into().map_err(|_| anyhow::anyhow!("not as many as before"))
}

fn tell(what: &str, names: [&str; 2], medians: [f64; 2]) {
    for (name, median) in names.into_iter().zip(medians) {
        let goal = if names[0].contains("by-hand") && name.contains("sdk") { "≤ 1.05" } else { "" };
        report(&format!("{what}: `{name}`"), format!("{median:.2} µs"), median / medians[0], goal);
    }
}

/// A counter that `cargo xtask counters` built; of a core module the component, as `troupe build` makes it.
fn component(name: &str) -> anyhow::Result<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/counters");
    if let Ok(component) = fs::read(folder.join(name).with_extension("wasm")) {
        return Ok(component);
    }
    let core = fs::read(folder.join(name).with_extension("core.wasm"))
        .map_err(|_| anyhow::anyhow!("there is no counter {name}; `cargo xtask counters` builds it"))?;
    Ok(troupe_workshop::encode(&core)?)
}
