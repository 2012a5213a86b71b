//! Rebuilds the example actors, the stock of the SDK for Rust and the module of the explorer's page, or compares what
//! their sources give with what is committed.
//!
//! The bytes of a component depend on the compiler, so that it is a pinned one, which `wasm-toolchain.sh` puts into a
//! cache folder: `$TROUPE_CACHE`, or else `target/`. The installed compiler is never used, whatever targets it has.
//! They also depend on cargo and on the linkers, which are those of the installed toolchain.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, anyhow, bail};

use crate::cache;

/// Each is a package whose library has the same name.
const BUILT: [Built; 8] = [
    Built::actor("account", "actors", "account"),
    Built::actor("airport", "actors", "airport"),
    Built::actor("counter", "actors", "counter"),
    Built::actor("credit", "actors", "credit"),
    Built { linker: "rust-lld", ..Built::actor("primes", "actors", "primes") },
    Built::actor("quakes", "actors", "quakes"),
    Built::actor("stock", "sdk", "stock/rust"),
    Built {
        name: "verifier",
        workspace: "",
        folder: "ui/verifier",
        into: "ui/page",
        profile: "page",
        linker: "rust-lld",
    },
];
/// Links an actor.
const LINKER: &str = "wasm-component-ld";
const TARGET: &str = "wasm32-unknown-unknown";
/// The exit status with which `wasm-toolchain.sh` says that there is no compiler to be had.
const UNAVAILABLE: i32 = 3;

/// A package whose WebAssembly is committed.
struct Built {
    /// The package, and the file.
    name: &'static str,
    /// The folder of the cargo workspace, from the root of the repository. All sources of the repository that it is made
    /// of are in there: a crate beyond has a name that depends on where the repository is.
    workspace: &'static str,
    /// The folder of the package, from there.
    folder: &'static str,
    /// The folder of the file, from the workspace.
    into: &'static str,
    /// The profile of cargo.
    profile: &'static str,
    /// What links it: to a component, or to a core module.
    linker: &'static str,
}

impl Built {
    /// An actor, whose component stands beside its sources.
    const fn actor(name: &'static str, workspace: &'static str, folder: &'static str) -> Self {
        Self { name, workspace, folder, into: folder, profile: "release", linker: LINKER }
    }
}

/// Runs the task.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let (mut check, mut skip, mut names) = (false, false, Vec::new());
    for option in options {
        match *option {
            "--check" => check = true,
            "--skip-if-unavailable" => skip = true,
            name if BUILT.iter().any(|built| built.name == name) => names.push(name),
            _ => bail!("actors has neither an option nor a package {option}"),
        }
    }
    match compare(check, &names)? {
        None => unavailable(skip),
        Some(differing) if differing.is_empty() => Ok(()),
        Some(differing) => Err(stale(&differing)),
    }
}

/// Compares what the sources give with what is committed; `false` if the compiler cannot be had.
pub(crate) fn check() -> Result<bool> {
    match compare(true, &[])? {
        None => Ok(false),
        Some(differing) if differing.is_empty() => Ok(true),
        Some(differing) => Err(stale(&differing)),
    }
}

fn stale(differing: &[&str]) -> anyhow::Error {
    anyhow!("not what its sources give: {}; run `cargo xtask actors` and commit", differing.join(", "))
}

/// Builds those that are named, all of them if none is, and replaces what is committed unless this is a check. Returns
/// those that differ in a check, or `None` if the compiler cannot be had.
fn compare(check: bool, names: &[&str]) -> Result<Option<Vec<&'static str>>> {
    let root = cache::root()?;
    let Some(rustc) = toolchain(root, &cache::folder()?.join("wasm-toolchain"))? else {
        return Ok(None);
    };
    let mut differing = Vec::new();
    let wanted = |built: &Built| names.is_empty() || names.contains(&built.name);
    for Built { name, workspace, folder, into, profile, linker } in BUILT.into_iter().filter(wanted) {
        let workspace = root.join(workspace);
        let cargo = || cargo(&rustc, &workspace.join(folder), linker);
        let built =
            build(cargo, &workspace, name, profile, &[]).with_context(|| format!("building {name}"))?;
        let committed = workspace.join(into).join(name).with_extension("wasm");
        let same = fs::read(&committed).is_ok_and(|bytes| bytes == built);
        let verdict = match (same, check) {
            (true, _) => "unchanged",
            (false, true) => "DIFFERENT from what is committed",
            (false, false) => "rebuilt",
        };
        println!("{name}: {} bytes, {verdict}", built.len());
        if !same && check {
            differing.push(name);
        } else if !same {
            fs::write(&committed, built).with_context(|| format!("writing {}", committed.display()))?;
        }
    }
    Ok(Some(differing))
}

/// Builds a package of the SDK's workspace as an actor with the pinned compiler; `None` if this machine cannot have it.
pub(crate) fn of_the_sdk(folder: &str, name: &str, features: &[&str]) -> Result<Option<Vec<u8>>> {
    let (root, workspace) = (cache::root()?, cache::root()?.join("sdk"));
    let Some(rustc) = toolchain(root, &cache::folder()?.join("wasm-toolchain"))? else {
        return Ok(None);
    };
    let cargo = || cargo(&rustc, &workspace.join(folder), LINKER);
    build(cargo, &workspace, name, "release", features).map(Some).with_context(|| format!("building {name}"))
}

/// The pinned compiler, or `None` if this machine cannot have it.
pub(crate) fn toolchain(root: &Path, folder: &Path) -> Result<Option<PathBuf>> {
    let script = root.join("xtask/wasm-toolchain.sh");
    let status = Command::new("bash")
        .arg(script)
        .arg(folder)
        .status()
        .context("running wasm-toolchain.sh with bash")?;
    match status.code() {
        Some(0) => Ok(Some(folder.join("bin/rustc"))),
        Some(UNAVAILABLE) => Ok(None),
        _ => bail!("wasm-toolchain.sh failed: {status}"),
    }
}

fn unavailable(skip: bool) -> Result<()> {
    let what = "THE ACTORS WERE NOT BUILT: their compiler cannot be had on this machine";
    if !skip {
        bail!("{what}");
    }
    eprintln!("xtask: {what}");
    eprintln!("xtask: SKIPPED, so nothing says whether the committed components are what their sources give");
    Ok(())
}

/// Builds a package in a fresh folder and reads what came of it.
fn build(
    cargo: impl Fn() -> Command,
    sources: &Path,
    name: &str,
    profile: &str,
    features: &[&str],
) -> Result<Vec<u8>> {
    // The sources must be there before the flags can name the folders that they are in.
    succeed(cargo().args(["fetch", "--quiet", "--locked", "--target", TARGET]))?;
    let target = tempfile::tempdir().context("making a folder to build in")?;
    succeed(
        cargo()
            // The chain crate asks for what the node needs; more than this compiler has is an error all the same.
            .args(["build", "--quiet", "--locked", "--profile", profile, "--ignore-rust-version"])
            .args(["--features", &features.join(","), "--target", TARGET, "--target-dir"])
            .arg(target.path())
            .env("CARGO_ENCODED_RUSTFLAGS", flags(sources)?),
    )?;
    let component =
        target.path().join(TARGET).join(profile).join(name.replace('-', "_")).with_extension("wasm");
    fs::read(&component).with_context(|| format!("reading {}", component.display()))
}

/// Cargo with the pinned compiler, and without what this machine's settings would change of what is built.
fn cargo(rustc: &Path, folder: &Path, linker: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(folder)
        .env("RUSTC", rustc)
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    cargo
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().context("running cargo")?;
    if !status.success() {
        bail!("cargo failed: {status}");
    }
    Ok(())
}

/// The compiler flags that keep this machine's folders out of the component.
fn flags(sources: &Path) -> Result<OsString> {
    let mut flags = remap(sources, "/actors");
    let registries = cargo_home()?.join("registry/src");
    // One folder for each registry or mirror of it, of a name that differs between machines.
    for registry in fs::read_dir(&registries).into_iter().flatten() {
        flags.push("\x1f");
        flags.push(remap(&registry?.path(), "/cargo"));
    }
    Ok(flags)
}

fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::home_dir().context("there is no home folder")?;
    Ok(home.join(".cargo"))
}
