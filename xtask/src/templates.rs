//! Makes a project in each language as an author does, from an empty folder: new, build, its own tests, a message. Then runs
//! the guide, with the blocks that take the tools of a language.
//!
//! Projects and tools are in the cache folder; versions are those that the templates name. Rust is skipped, loudly, where
//! its compiler cannot be had.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{actors, cache, shell};

/// What there is a template for.
const LANGS: [&str; 5] = ["rust", "c", "js", "ts", "python"];
/// What names the guide.
const GUIDE: &str = "guide";
/// What the projects are called.
const NAME: &str = "counter";

/// What one language came to.
struct Made {
    lang: &'static str,
    /// From the empty folder to the component, tools included.
    seconds: f64,
    /// The component.
    bytes: u64,
    /// Of the actor's source.
    lines: usize,
}

/// Runs the task, for all languages and the guide unless some are named.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !LANGS.contains(name) && **name != GUIDE) {
        bail!("there is no template for {unknown}; there are {}, and {GUIDE}", LANGS.join(", "));
    }
    let is_meant = |name| names.is_empty() || names.contains(&name);
    let root = cache::root()?;
    shell::run(&mut shell::cargo(&["build", "-p", "troupe", "--bin", "troupe"])?, |_| {})?;
    let folder = cache::folder()?.join("templates");
    let work = Workplace { troupe: binary(root)?, user: folder.join("cache"), folder };
    let mut made = Vec::new();
    for lang in LANGS.into_iter().filter(|lang| is_meant(lang)) {
        match work.make(lang).with_context(|| format!("the template for {lang}"))? {
            Some(one) => made.push(one),
            None => eprintln!("xtask: SKIPPED {lang}: its tools cannot be had on this machine"),
        }
    }
    println!("\nlanguage   built in  component  lines");
    for Made { lang, seconds, bytes, lines } in made {
        println!("{lang:<9} {seconds:>7.1} s {:>6} KiB {lines:>6}", bytes / 1024);
    }
    if is_meant(GUIDE) { work.guide() } else { Ok(()) }
}

/// The binary that was just built.
fn binary(root: &Path) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let troupe = target.join("debug/troupe");
    if !troupe.is_file() {
        bail!("cargo built no {}", troupe.display());
    }
    Ok(troupe)
}

struct Workplace {
    troupe: PathBuf,
    /// The cache folder of the user that the commands are run as.
    user: PathBuf,
    folder: PathBuf,
}

impl Workplace {
    fn troupe(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.troupe);
        command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", &self.user);
        command
    }

    /// Makes a project and uses it; `None` if the tools cannot be had.
    fn make(&self, lang: &'static str) -> Result<Option<Made>> {
        let mut build = vec!["build", "--install"];
        if lang == "rust" && !self.lend_compiler()? {
            return Ok(None);
        } else if lang == "rust" {
            build.extend(["--toolchain", "debian"]);
        }
        let folder = self.folder.join(lang);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        let began = Instant::now();
        shell::run(&mut self.troupe(&folder, &["new", "--lang", lang, NAME]), |_| {})?;
        let project = folder.join(NAME);
        shell::run(&mut self.troupe(&project, &build), |_| {})?;
        let seconds = began.elapsed().as_secs_f64();
        let component = project.join("build").join(NAME).with_extension("wasm");
        shell::run(&mut self.troupe(&project, &["check", "build/counter.wasm"]), |_| {})?;
        own_tests(lang, &project)?;
        self.message(&project)?;
        let source = fs::read_to_string(project.join(source(lang)))?;
        let lines = source.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        Ok(Some(Made { lang, seconds, bytes: fs::metadata(component)?.len(), lines }))
    }

    /// Runs the pages of the guide, with the tools of all languages.
    fn guide(&self) -> Result<()> {
        if !self.lend_compiler()? {
            eprintln!("xtask: SKIPPED the guide: the compiler for Rust cannot be had on this machine");
            return Ok(());
        }
        let mut test = shell::cargo(&["test", "--package", "troupe", "--test", "cli", "guide::"])?;
        shell::run(test.env("TROUPE_GUIDE_TOOLS", &self.user), |_| {})
    }

    /// Gives the pinned compiler of the example actors to the user of the commands; `false` if it cannot be had.
    fn lend_compiler(&self) -> Result<bool> {
        let compiler = cache::folder()?.join("wasm-toolchain");
        if actors::toolchain(cache::root()?, &compiler)?.is_none() {
            return Ok(false);
        }
        let toolchains = self.user.join("troupe/toolchains");
        fs::create_dir_all(&toolchains)?;
        let lent = toolchains.join("debian-rust");
        if !lent.exists() {
            std::os::unix::fs::symlink(compiler, lent).context("lending the compiler")?;
        }
        Ok(true)
    }

    /// Runs the actor and sends it a message.
    fn message(&self, project: &Path) -> Result<()> {
        let run = ["run", "actor.toml", "--store", "memory", "--addr", "127.0.0.1:0"];
        let mut node = self.troupe(project, &run);
        let mut node = Running(node.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?);
        let out = node.0.stdout.take().context("a node without output")?;
        let mut lines = BufReader::new(out).lines();
        let url = loop {
            let line = lines.next().context("the node ended before it listened")??;
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        let mut answers = String::new();
        shell::run(&mut self.troupe(project, &["send", &url, r#"{"add":2}"#]), |line| {
            answers.push_str(line)
        })?;
        if !answers.contains(r#"{"count":2}"#) {
            bail!("the actor answered {answers}");
        }
        let refused = shell::run(&mut self.troupe(project, &["send", &url, r#"{"add":"one"}"#]), |_| {});
        if refused.is_ok() {
            bail!("the actor takes a text for a number");
        }
        Ok(())
    }
}

/// A node that is killed in the end.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the tests that the template has in its own language.
fn own_tests(lang: &str, project: &Path) -> Result<()> {
    let (program, arguments): (&str, &[&str]) = match lang {
        "rust" => ("cargo", &["test", "--quiet"]),
        "js" => ("node", &["--test", "tests/actor.test.js"]),
        "ts" => ("npx", &["tsc", "--noEmit"]),
        "python" => (".venv/bin/python", &["-m", "unittest", "discover", "tests"]),
        _ => return Ok(()),
    };
    let program = if program.contains('/') { project.join(program) } else { program.into() };
    shell::run(Command::new(program).args(arguments).current_dir(project), |_| {})
}

/// The file that the actor is in.
fn source(lang: &str) -> &'static str {
    match lang {
        "rust" => "src/lib.rs",
        "c" => "actor.c",
        "js" => "actor.js",
        "ts" => "actor.ts",
        _ => "app.py",
    }
}
