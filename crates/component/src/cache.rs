//! Compiled code on disk, so that a component is compiled once and mapped into memory from then on.
//!
//! Invariant: only files that this user alone can have written are loaded, since compiled code is trusted as such.
#![allow(unsafe_code, reason = "loading compiled code is unsafe: it is executed as it is")]

use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

use troupe_chain::Hash;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiles `bytes`, or maps what an earlier run compiled. A cache that cannot be used costs time, nothing else.
pub(crate) fn load(
    engine: &Engine,
    folder: Option<&Path>,
    name: &Hash,
    bytes: &[u8],
) -> wasmtime::Result<Component> {
    let Some(folder) = folder else { return Component::from_binary(engine, bytes) };
    let path = path(engine, folder, name);
    if is_ours(folder) && is_ours(&path) {
        // SAFETY: the file and its folder belong to this user and nobody else may write to them, and files get here
        // only through `store` below, whole.
        if let Ok(component) = unsafe { Component::deserialize_file(engine, &path) } {
            return Ok(component);
        }
    }
    let component = Component::from_binary(engine, bytes)?;
    // The next start compiles again if this fails; nothing else depends on it.
    let _ = store(folder, &path, &component);
    Ok(component)
}

/// Names the file by the component and everything that the engine says compiled code depends on.
fn path(engine: &Engine, folder: &Path, name: &Hash) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    folder.join(format!("{name}-{:016x}.cwasm", hasher.finish()))
}

fn store(folder: &Path, path: &Path, component: &Component) -> wasmtime::Result<()> {
    create_private(folder)?;
    if !is_ours(folder) {
        return Ok(());
    }
    // No other thread or process has this name, so that nobody writes into what another has mapped.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let temporary = path.with_extension(format!("{process}-{count}.tmp"));
    // What a process of the same number left when it died.
    let _ = fs::remove_file(&temporary);
    write(&temporary, &component.serialize()?).inspect_err(|_| _ = fs::remove_file(&temporary))?;
    fs::rename(&temporary, path)?;
    Ok(())
}

/// Writes a file for this user alone. It is synced, since what a crash leaves of it under its final name would be run.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn is_ours(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.mode() & 0o022 == 0
        && !metadata.is_symlink()
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Who else may write to a file cannot be told here, so nothing is trusted.
#[cfg(not(unix))]
fn is_ours(_: &Path) -> bool {
    false
}
