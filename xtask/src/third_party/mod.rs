//! Components that were not written for this repository: run as actors and verified, or refused with the reason.
//!
//! Each that is an actor is checked (`troupe check`), run behind a server, sent a few messages, and its chain is verified
//! by replay from what that server hands out. One that is meant to be refused must be, with the reason that is expected.

mod cases;
mod made;
mod source;
mod web;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use self::cases::{CASES, Case, Fate, Grants};
use self::web::Web;
use crate::{actors, cache, shell};

/// Runs the task, for all of them or those that are named.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !CASES.iter().any(|case| case.name == **name)) {
        let all: Vec<_> = CASES.iter().map(|case| case.name).collect();
        bail!("there is no component {unknown}; there are {}", all.join(", "));
    }
    match check(names)? {
        None => Ok(()),
        Some(why) => bail!("{why}"),
    }
}

/// Tries out those that are named, or all; or says why that is not possible on this machine.
pub(crate) fn check(names: &[&str]) -> Result<Option<String>> {
    for (tool, version) in
        [("npm", "--version"), ("node", "--version"), ("python3", "--version"), ("tar", "--version")]
    {
        if !shell::succeeds(Command::new(tool).arg(version)) {
            return Ok(Some(format!("this needs {tool}")));
        }
    }
    let root = cache::root()?;
    let folder = cache::folder()?.join("third-party");
    let Some(rustc) = actors::toolchain(root, &cache::folder()?.join("wasm-toolchain"))? else {
        return Ok(Some(format!("the compiler for {} cannot be had here", source::TARGET)));
    };
    shell::run(&mut shell::cargo(&["build", "--package", "troupe"])?, |_| {})?;
    let node = Node { troupe: root.join("target/debug/troupe"), folder };
    for case in CASES.iter().filter(|case| names.is_empty() || names.contains(&case.name)) {
        println!("\n{}", case.name);
        let component = case.source.component(&rustc, &node.folder);
        let component = component.with_context(|| format!("getting {}", case.name))?;
        node.try_out(case, &component).with_context(|| case.name.to_owned())?;
    }
    Ok(None)
}

/// What runs the components, and where it keeps their chains.
struct Node {
    troupe: PathBuf,
    folder: PathBuf,
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Node {
    fn try_out(&self, case: &Case, component: &Path) -> Result<()> {
        match case.fate {
            Fate::Runs(messages) => self.takes(case, component, &Grants { lines: "", files: &[] }, messages),
            Fate::Granted(ref grants, messages) => self.takes(case, component, grants, messages),
            Fate::Refused(reasons) => self.refuses(component, reasons),
        }
    }

    fn refuses(&self, component: &Path, reasons: &[&str]) -> Result<()> {
        let (succeeded, said) = self.say(&["check".as_ref(), component.as_os_str()])?;
        if succeeded {
            bail!("it is an actor, and was to be refused");
        }
        expect(&said, reasons)
    }

    fn takes(&self, case: &Case, component: &Path, grants: &Grants, messages: &[(&str, &str)]) -> Result<()> {
        let web = Web::start()?;
        let manifest = self.manifest(case, component, grants, &web)?;
        shell::run(Command::new(&self.troupe).arg("check").arg(&manifest), |_| {})?;
        let store = self.folder.join(case.name).with_extension("store");
        if store.exists() {
            fs::remove_dir_all(&store)?;
        }
        let mut run = Command::new(&self.troupe);
        run.arg("run").arg(&manifest).args(["--addr", "127.0.0.1:0", "--store"]).arg(&store);
        let child = run.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("starting a server")?;
        let mut server = Server(child);
        let mut lines = BufReader::new(server.0.stdout.take().context("no output of the server")?).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("listening on ")?.1.to_owned()))
            .context("the server did not say where it listens")?;
        for (message, part) in messages {
            let message = web.named_in(message);
            println!("{message}");
            let (_, said) =
                self.say(&["send".as_ref(), "--json".as_ref(), url.as_ref(), message.as_ref()])?;
            expect(&said, &[part])?;
        }
        shell::run(Command::new(&self.troupe).args(["verify", &url]), |_| {})
    }

    /// Writes a manifest with these grants.
    fn manifest(&self, case: &Case, component: &Path, grants: &Grants, web: &Web) -> Result<PathBuf> {
        let folder = self.folder.join(case.name).with_extension("files");
        fs::create_dir_all(&folder)?;
        let mut text = format!("component = {:?}\n[grants]\n", component.display().to_string());
        text += &web.named_in(grants.lines);
        text += "\n[grants.files]\n";
        for (index, (path, contents)) in grants.files.iter().enumerate() {
            fs::write(folder.join(index.to_string()), contents)?;
            text += &format!("{path:?} = \"{index}\"\n");
        }
        let manifest = folder.join("actor.toml");
        fs::write(&manifest, text)?;
        Ok(manifest)
    }

    /// Runs a command, shows what it says, and gives that and whether it succeeded.
    fn say(&self, arguments: &[&std::ffi::OsStr]) -> Result<(bool, String)> {
        let output = Command::new(&self.troupe).args(arguments).output().context("running troupe")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        println!("{said}");
        Ok((output.status.success(), said))
    }
}

fn expect(said: &str, parts: &[&str]) -> Result<()> {
    match parts.iter().find(|part| !said.contains(**part)) {
        Some(missing) => bail!("this was expected and not said: {missing}"),
        None => Ok(()),
    }
}
