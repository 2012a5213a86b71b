//! Rust: cargo, for a target without an operating system, linked as a component in one step.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::tool::{failed, find, output};
use super::{BuildError, Options, Toolchain, finish};
use crate::{Project, toolchain};

const TARGET: &str = "wasm32-unknown-unknown";

pub(super) fn build(project: &Project, options: &Options<'_>) -> Result<(), BuildError> {
    if find("cargo").is_none() {
        let help = "get Rust with rustup, from rustup.rs; then: rustup target add wasm32-unknown-unknown";
        return Err(BuildError::missing("cargo is not installed, which builds actors in Rust", &[help]));
    }
    let rustc = compiler(options)?;
    let made = cargo(project, rustc.as_deref())?;
    finish::finish(project, &made)
}

/// The compiler, if it is not to be cargo's own.
fn compiler(options: &Options<'_>) -> Result<Option<PathBuf>, BuildError> {
    if options.toolchain == Toolchain::Debian {
        return toolchain::get(options).map(Some);
    }
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = output(Command::new(program).args(["--print", "sysroot"]));
    let has_target =
        |sysroot: &String| Path::new(sysroot).join("lib/rustlib").join(TARGET).join("lib").is_dir();
    if sysroot.as_ref().is_some_and(has_target) {
        return Ok(None);
    }
    if let Some(rustc) = toolchain::ready(options) {
        (options.say)(
            "with the compiler in the cache folder: the installed one has no target for WebAssembly",
        );
        return Ok(Some(rustc));
    }
    let rustup = "rustup target add wasm32-unknown-unknown";
    let debian = "without rustup, on Debian or its like: troupe build --toolchain debian (puts a compiler into the \
                  cache folder, 750 MB; nothing is installed)";
    Err(BuildError::missing(format!("the Rust compiler cannot build for {TARGET}"), &[rustup, debian]))
}

/// Builds, and returns the file that the linker made.
fn cargo(project: &Project, rustc: Option<&Path>) -> Result<PathBuf, BuildError> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&project.folder)
        .args(["build", "--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .args(["--config", &format!("target.{TARGET}.linker = 'wasm-component-ld'")])
        .args(["--config", &format!("target.{TARGET}.rustflags = {}", remaps(project))])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if let Some(rustc) = rustc {
        cargo.env("RUSTC", rustc).env("RUSTC_WRAPPER", "");
    }
    let starting = || BuildError::system("starting cargo");
    let mut child = cargo.spawn().map_err(starting())?;
    let mut made = None;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(BuildError::system("reading what cargo prints"))?;
            made = artifact(&line).or(made);
        }
    }
    let status = child.wait().map_err(starting())?;
    if !status.success() {
        return Err(failed("cargo", status));
    }
    made.ok_or_else(|| {
        BuildError::sources("the package is no cdylib: Cargo.toml needs [lib] with crate-type = [\"cdylib\"]")
    })
}

/// Flags that keep the folders of this machine out of the component, so that it has the same bytes elsewhere.
fn remaps(project: &Project) -> Value {
    let folder = project.folder.canonicalize().unwrap_or_else(|_| project.folder.clone());
    let mut flags = vec![format!("--remap-path-prefix={}=/actor", folder.display())];
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    if let Some(home) = home.or_else(|| Some(env::home_dir()?.join(".cargo"))) {
        // One folder for each registry, of a name that differs between machines.
        for registry in home.join("registry/src").read_dir().into_iter().flatten().flatten() {
            flags.push(format!("--remap-path-prefix={}=/cargo", registry.path().display()));
        }
    }
    json!(flags)
}

/// The WebAssembly that a line of cargo's says was made.
fn artifact(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let files = message["filenames"].as_array()?;
    let wasm = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm"))?;
    Some(PathBuf::from(wasm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_linked_is_found_in_what_cargo_says() {
        let made = r#"{"reason":"compiler-artifact","filenames":["/t/libx.rlib","/t/x.wasm"]}"#;
        assert_eq!(artifact(made), Some("/t/x.wasm".into()));
        for other in [
            r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "not JSON",
        ] {
            assert_eq!(artifact(other), None, "{other}");
        }
    }
}
