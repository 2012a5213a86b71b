//! The C compiler that makes actors: zig's, which is a Python package.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{cache, python, shell};

/// What it takes for every actor.
const FLAGS: [&str; 12] = [
    "-target",
    "wasm32-freestanding",
    "-std=c11",
    "-Os",
    "-nostdlib",
    "-Ic",
    "-Wl,--no-entry",
    "-Wl,--strip-all",
    "-Wl,-z,stack-size=131072",
    "-Wl,--initial-memory=1048576",
    "-x",
    "c",
];

/// Makes a core module of sources, which are named from the folder `sdk`.
pub(crate) fn compile(sources: &[&str], core: &Path) -> Result<()> {
    let mut zig = Command::new("python3");
    zig.current_dir(cache::root()?.join("sdk")).env("PYTHONPATH", python::package(python::ZIG)?);
    zig.args(["-m", "ziglang", "cc"]).args(FLAGS).args(sources).arg("-o");
    shell::run(zig.arg(core), |_| {})
}
