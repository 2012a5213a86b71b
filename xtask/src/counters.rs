//! Builds the counter of `sdk/counters`: with the SDKs for Rust and C, and on the generated bindings alone. What an SDK
//! costs is measured between them, by `cargo bench -p troupe-bench -- sdk`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{actors, cache, zig};

/// The name of each that is in Rust, its folder in `sdk`, package, and features.
const RUST: [(&str, &str, &str, &[&str]); 4] = [
    ("rust-sdk", "counters/rust", "counter-sdk", &["panics"]),
    ("rust-sdk-quiet", "counters/rust", "counter-sdk", &[]),
    ("rust-by-hand", "counters/by-hand", "counter-by-hand", &[]),
    ("rust-by-hand-log", "counters/by-hand", "counter-by-hand", &["panics"]),
];
/// The name of each that is in C, and its sources, from `sdk`.
const C: [(&str, &[&str]); 2] = [
    ("c-sdk", &["../crates/workshop/templates/c/actor.c.in", "c/troupe.c"]),
    ("c-by-hand", &["counters/c/by_hand.c"]),
];
/// Builds all of them.
pub(crate) fn run() -> Result<()> {
    match check()? {
        None => Ok(()),
        Some(why) => bail!("{why}"),
    }
}

/// Builds all of them; or says why that is not possible on this machine.
pub(crate) fn check() -> Result<Option<String>> {
    let built = cache::root()?.join("target/counters");
    fs::create_dir_all(&built).with_context(|| format!("making {}", built.display()))?;
    for (name, folder, package, features) in RUST {
        let Some(component) = actors::of_the_sdk(folder, package, features)? else {
            return Ok(Some("the compiler for WebAssembly cannot be had here".into()));
        };
        write(&built.join(name).with_extension("wasm"), &component)?;
    }
    for (name, sources) in C {
        // A core module, of which the benchmark makes a component as `troupe build` does.
        let core = built.join(name).with_extension("core.wasm");
        zig::compile(sources, &core)?;
    }
    Ok(None)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    println!("{}: {} bytes", path.display(), bytes.len());
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}
