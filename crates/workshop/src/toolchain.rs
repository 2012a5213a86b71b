//! A Rust compiler with a target for WebAssembly, for machines whose own has none: that of Debian 13, in a folder of the
//! user's. Nothing is installed.

use std::path::PathBuf;
use std::process::Command;

use crate::build::{BuildError, Options, find, run};

/// Downloads and unpacks the packages.
const SCRIPT: &str = include_str!("../../../xtask/wasm-toolchain.sh");
/// The folder, within the user's folder for toolchains.
const FOLDER: &str = "debian-rust";
/// The compiler within it.
const RUSTC: &str = "bin/rustc";

/// The compiler, if it is there.
pub(crate) fn ready(options: &Options<'_>) -> Option<PathBuf> {
    let folder = options.cache?.join(FOLDER);
    // Written last.
    folder.join("ready").is_file().then(|| folder.join(RUSTC)).filter(|rustc| rustc.is_file())
}

/// The compiler; it is got if it is not there.
pub(crate) fn get(options: &Options<'_>) -> Result<PathBuf, BuildError> {
    if let Some(rustc) = ready(options) {
        return Ok(rustc);
    }
    let missing = |what: &str, help: &str| {
        Err(BuildError::Missing { what: what.to_owned(), help: vec![help.to_owned()] })
    };
    let Some(cache) = options.cache else {
        return missing("this user has no cache folder for the compiler", "set XDG_CACHE_HOME or HOME");
    };
    if find("bash").is_none() {
        return missing(
            "bash is not installed, which gets the compiler",
            "rustup target add wasm32-unknown-unknown",
        );
    }
    let folder = cache.join(FOLDER);
    (options.say)(&format!("getting the Rust compiler of Debian 13 into {}", folder.display()));
    match run(Command::new("bash").args(["-c", SCRIPT, "wasm-toolchain"]).arg(&folder), "wasm-toolchain") {
        Ok(()) => Ok(folder.join(RUSTC)),
        Err(BuildError::Sources { .. }) => missing(
            "the compiler of Debian 13 cannot be had on this machine; the reason is above",
            "rustup target add wasm32-unknown-unknown",
        ),
        Err(error) => Err(error),
    }
}
