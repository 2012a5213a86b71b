//! Builds components that were not written for this repository, runs them as actors, and verifies their chains.
//!
//! Each is checked (`troupe check`), run behind a server, sent a few messages, and its chain is verified by replay from
//! what that server hands out. A component that is meant to be refused must be refused with the reason that is expected.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{actors, cache, shell};

const TARGET: &str = "wasm32-wasip2";

/// A component, where it comes from, and what it is sent.
struct Case {
    name: &'static str,
    source: Source,
    /// Messages, each with a part of what is answered.
    messages: &'static [(&'static str, &'static str)],
}

/// Where a component comes from.
enum Source {
    /// A folder of this repository, whose library it is.
    Folder(&'static str),
    /// A program of a published crate, with its version.
    Program(&'static str, &'static str),
    /// An example of a published crate, with its version.
    Example(&'static str, &'static str, &'static str),
}

const CASES: &[Case] = &[
    Case {
        name: "std-actor",
        source: Source::Folder("xtask/third-party/std-actor"),
        messages: &[(r#"{"do":"look"}"#, r#""slept":1500"#), (r#"{"do":"exit"}"#, "trap:other")],
    },
    Case {
        name: "jsonxf",
        source: Source::Program("jsonxf", "1.1.1"),
        messages: &[
            (r#"{"stdin":"{\"a\":[1,2]}"}"#, r#""exit":0"#),
            (r#"{"args":["--no-such"]}"#, r#""exit":1"#),
            (r#"{"argv":[]}"#, "there is no key `argv`"),
        ],
    },
    Case {
        name: "http-proxy",
        source: Source::Example("wasip2", "1.0.4+wasi-0.2.12", "http-proxy"),
        messages: &[(r#"{"method":"GET","path":"/"}"#, r#""status":200"#)],
    },
];

/// Runs the task, for all of them or those that are named.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !CASES.iter().any(|case| case.name == **name)) {
        bail!(
            "there is no component {unknown}; there are {}",
            CASES.iter().map(|case| case.name).collect::<Vec<_>>().join(", ")
        );
    }
    let root = cache::root()?;
    let folder = cache::folder()?.join("third-party");
    let Some(rustc) = actors::toolchain(root, &cache::folder()?.join("wasm-toolchain"))? else {
        bail!("the compiler for {TARGET} cannot be had on this machine");
    };
    shell::run(&mut shell::cargo(&["build", "--package", "troupe"])?, |_| {})?;
    let troupe = root.join("target/debug/troupe");
    for case in CASES.iter().filter(|case| names.is_empty() || names.contains(&case.name)) {
        println!("\n{}", case.name);
        let built = case.source.build(&rustc, &folder).with_context(|| format!("building {}", case.name))?;
        case.try_out(&troupe, &built, &folder).with_context(|| case.name.to_owned())?;
    }
    Ok(())
}

impl Source {
    /// Builds the component and says where it is.
    fn build(&self, rustc: &Path, folder: &Path) -> Result<PathBuf> {
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
                let mut install =
                    cargo(&["install", name, "--version", version, "--target", TARGET, "--force"])?;
                shell::run(install.arg("--no-track").arg("--root").arg(folder), |_| {})?;
                Ok(folder.join("bin").join(name).with_extension("wasm"))
            }
            Self::Example(name, version, example) => {
                let source = unpack(&cargo, folder, name, version)?;
                let mut build = cargo(&["build", "--release", "--ignore-rust-version", "--target", TARGET])?;
                shell::run(build.current_dir(source).args(["--example", example]), |_| {})?;
                Ok(release.join("examples").join(example.replace('-', "_")).with_extension("wasm"))
            }
        }
    }
}

/// Fetches the source of a crate, and copies it to where it can be built.
fn unpack(
    cargo: &dyn Fn(&[&str]) -> Result<Command>,
    folder: &Path,
    name: &str,
    version: &str,
) -> Result<PathBuf> {
    let (fetched, version) = (folder.join("fetch"), version.split('+').next().unwrap_or(version));
    fs::create_dir_all(fetched.join("src"))?;
    let manifest = format!(
        "[workspace]\n[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n{name} = \"={version}\"\n"
    );
    fs::write(fetched.join("Cargo.toml"), manifest)?;
    fs::write(fetched.join("src/lib.rs"), "")?;
    let vendor = folder.join("vendor");
    shell::run(cargo(&["vendor", "--quiet"])?.current_dir(&fetched).arg(&vendor), |_| {})?;
    let source = folder.join(name);
    if source.exists() {
        fs::remove_dir_all(&source)?;
    }
    copy(&vendor.join(name), &source)?;
    // It is none of this repository's packages.
    let manifest = source.join("Cargo.toml");
    fs::write(&manifest, fs::read_to_string(&manifest)? + "\n[workspace]\n")?;
    Ok(source)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => _ = fs::copy(entry.path(), target)?,
        }
    }
    Ok(())
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Case {
    fn try_out(&self, troupe: &Path, component: &Path, folder: &Path) -> Result<()> {
        shell::run(Command::new(troupe).arg("check").arg(component), |_| {})?;
        let store = folder.join(self.name).with_extension("store");
        if store.exists() {
            fs::remove_dir_all(&store)?;
        }
        let mut run = Command::new(troupe);
        run.arg("run").arg(component).args(["--addr", "127.0.0.1:0", "--store"]).arg(&store);
        let child = run.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("starting a server")?;
        let mut server = Server(child);
        let lines = BufReader::new(server.0.stdout.take().context("no output of the server")?).lines();
        let url =
            lines.map_while(Result::ok).find_map(|line| Some(line.split_once("listening on ")?.1.to_owned()));
        let url = url.context("the server did not say where it listens")?;
        for (message, part) in self.messages {
            let sent = Command::new(troupe).args(["send", &url, message]).output().context("sending")?;
            let said =
                format!("{}{}", String::from_utf8_lossy(&sent.stdout), String::from_utf8_lossy(&sent.stderr));
            println!("{message}\n{said}");
            if !said.contains(part) {
                bail!("{message} was not answered with {part}");
            }
        }
        shell::run(Command::new(troupe).args(["verify", &url]), |_| {})
    }
}
