//! Where components come from: built from published crates, taken out of published packages as they are, or made by the
//! toolchains of other languages.
//!
//! Nothing is installed. Sources, packages and what is built of them stay in the cache folder, so that a second time is
//! quick; a package is fetched again once another version of it is asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::made::Toolchain;
use crate::{cache, shell};

/// The target of WASI 0.2.
pub(super) const TARGET: &str = "wasm32-wasip2";

/// Where a component comes from.
pub(super) enum Source {
    /// A folder of this repository, whose library it is.
    Folder(&'static str),
    /// A program of a published crate, with its version.
    Program(&'static str, &'static str),
    /// An example of a published crate, with its version.
    Example(&'static str, &'static str, &'static str),
    /// A file of a published crate, with its version.
    Crate(&'static str, &'static str, &'static str),
    /// A file of a published npm package, with its version.
    Npm(&'static str, &'static str, &'static str),
    /// A file of a published Python package, with its version.
    Python(&'static str, &'static str, &'static str),
    /// Sources of this repository that know nothing of it.
    Made(Toolchain),
}

impl Source {
    /// Builds or fetches the component and says where it is.
    pub(super) fn component(&self, rustc: &Path, folder: &Path) -> Result<PathBuf> {
        let target = folder.join("target");
        let cargo = |arguments: &[&str]| -> Result<Command> {
            let mut cargo = shell::cargo(arguments)?;
            cargo.env("RUSTC", rustc).env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS");
            Ok(cargo)
        };
        let release = target.join(TARGET).join("release");
        match self {
            Self::Folder(path) => {
                let mut build = cargo(&["build", "--release", "--locked", "--target", TARGET])?;
                shell::run(build.current_dir(cache::root()?.join(path)), |_| {})?;
                let name = Path::new(path).file_name().context("a folder without a name")?;
                Ok(release.join(name.to_string_lossy().replace('-', "_")).with_extension("wasm"))
            }
            Self::Program(name, version) => {
                let root = folder.join(format!("{name}-{version}"));
                let program = root.join("bin").join(name).with_extension("wasm");
                if !program.exists() {
                    let mut install = cargo(&["install", name, "--version", version, "--locked"])?;
                    install.args(["--target", TARGET, "--no-track", "--force", "--root"]);
                    shell::run(install.arg(&root), |_| {})?;
                }
                Ok(program)
            }
            Self::Example(name, version, example) => {
                let source = sources(folder, name, version)?;
                let mut build = cargo(&["build", "--release", "--ignore-rust-version", "--target", TARGET])?;
                shell::run(build.current_dir(source).args(["--example", example]), |_| {})?;
                Ok(release.join("examples").join(example.replace('-', "_")).with_extension("wasm"))
            }
            Self::Crate(name, version, file) => Ok(sources(folder, name, version)?.join(file)),
            Self::Npm(name, version, file) => {
                let package = fetched(folder, name, version, |to| {
                    let mut pack = Command::new("npm");
                    pack.args(["pack", "--silent", "--pack-destination"]).arg(to);
                    shell::run(pack.arg(format!("{name}@{version}")), |_| {})?;
                    let archive = the_file(to, "tgz")?;
                    shell::run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(to), |_| {})
                })?;
                Ok(package.join("package").join(file))
            }
            Self::Made(toolchain) => toolchain.component(folder),
            Self::Python(name, version, file) => {
                let package = fetched(folder, name, version, |to| {
                    let mut pip = Command::new("python3");
                    pip.args([
                        "-m",
                        "pip",
                        "download",
                        "--quiet",
                        "--disable-pip-version-check",
                        "--no-deps",
                    ]);
                    shell::run(pip.arg("--dest").arg(to).arg(format!("{name}=={version}")), |_| {})?;
                    let mut unpack = Command::new("python3");
                    unpack.args(["-m", "zipfile", "-e"]).arg(the_file(to, "whl")?);
                    shell::run(unpack.arg(to), |_| {})
                })?;
                Ok(package.join(file))
            }
        }
    }
}

/// The folder of a package, which `fetch` fills the first time.
pub(super) fn fetched(
    folder: &Path,
    name: &str,
    version: &str,
    fetch: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let packages = folder.join("packages");
    let named = format!("{}-{version}", name.replace('/', "-"));
    let (package, part) = (packages.join(&named), packages.join(named + ".part"));
    if package.exists() {
        return Ok(package);
    }
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    fs::create_dir_all(&part)?;
    fetch(&part)?;
    // A package that came only in part never has this name.
    fs::rename(&part, &package).with_context(|| format!("naming {}", package.display()))?;
    Ok(package)
}

/// The one file of a folder that ends so.
fn the_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            return Ok(path);
        }
    }
    anyhow::bail!("no file .{extension} came into {}", folder.display())
}

/// The sources of a crate, as a package of nobody's workspace.
fn sources(folder: &Path, name: &str, version: &str) -> Result<PathBuf> {
    let package = fetched(folder, name, version, |to| {
        let (asking, vendor) = (to.join("asking"), to.join("vendor"));
        fs::create_dir_all(asking.join("src"))?;
        let exactly = version.split('+').next().unwrap_or(version);
        let manifest = format!(
            "[workspace]\n[package]\nname = \"asking\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [dependencies]\n{name} = \"={exactly}\"\n"
        );
        fs::write(asking.join("Cargo.toml"), manifest)?;
        fs::write(asking.join("src/lib.rs"), "")?;
        let mut cargo = shell::cargo(&["vendor", "--quiet"])?;
        shell::run(cargo.current_dir(&asking).arg(&vendor), |_| {})?;
        let manifest = vendor.join(name).join("Cargo.toml");
        fs::write(&manifest, fs::read_to_string(&manifest)? + "\n[workspace]\n")?;
        Ok(())
    })?;
    Ok(package.join("vendor").join(name))
}
