//! Hostile requests for a node, made from its OpenAPI document: `cargo xtask test api-fuzz`.
//!
//! The real binary runs in a folder of its own, on a port of its own. Schemathesis asks it for everything that the document
//! lists, in ways that fit and in ways that do not. What answers with a status, a content type or a body that the document
//! does not have is a finding, and so is a node that failed or is gone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{cache, python, shell};

const PACKAGE: &str = "schemathesis==4.32.5";
/// How many cases there are of each operation; all of them take a minute or so.
const CASES: &str = "100";
/// The actor that is asked.
const COMPONENT: &str = "actors/counter/counter.wasm";
/// The most seconds for all of it.
const TIME: &str = "300";

/// Runs the step.
pub(crate) fn run() -> Result<()> {
    let python = python::of_its_own("schemathesis", &[PACKAGE])?;
    shell::run(&mut shell::cargo(&["build", "-p", "troupe", "--locked"])?, |_| {})?;
    let folder = cache::root()?.join("target/api-fuzz");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let mut node = Node::start(&folder)?;
    let mut fuzz = Command::new("timeout");
    fuzz.current_dir(&folder).env("SCHEMATHESIS_HOOKS", "api_fuzz_hooks");
    fuzz.env("PYTHONPATH", cache::root()?.join("xtask/src"));
    fuzz.env("PYTHONDONTWRITEBYTECODE", "1");
    fuzz.arg(TIME).arg(python.with_file_name("schemathesis"));
    fuzz.args(["run", &format!("{}/openapi.json", node.url), "--max-examples", CASES, "--workers", "1"]);
    fuzz.args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "30", "--seed", "1"]);
    fuzz.env("TROUPE_URL", &node.url);
    fuzz.env("TROUPE_COMPONENT", cache::root()?.join(COMPONENT));
    // The actor at the root is to last; the same is asked of others.
    for operation in ["stop", "remove", "pause"] {
        fuzz.args(["--exclude-operation-id", operation]);
    }
    // A stream has no end, and a socket is no answer.
    fuzz.args(["--exclude-path-regex", "/(events|socket)$", "--continue-on-failure"]);
    fuzz.args(["--checks", CHECKS]);
    let found = shell::run(&mut fuzz, |_| {});
    let alive = node.child.try_wait().context("looking at the node")?.is_none();
    if !alive {
        bail!("the node is gone");
    }
    found
}

const CHECKS: &str =
    "status_code_conformance,content_type_conformance,response_schema_conformance,no_failure_of_the_node";

/// A running node; it ends with this.
struct Node {
    child: Child,
    url: String,
}

impl Node {
    fn start(folder: &Path) -> Result<Self> {
        let root = cache::root()?;
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        let mut command = Command::new(target.join("debug/troupe"));
        command.current_dir(folder).arg("--json").arg("run").arg(root.join(COMPONENT));
        command.args(["--addr", "127.0.0.1:0", "--store", "memory", "--allocation", "on-demand"]);
        let log = fs::File::create(folder.join("node.log")).context("making the node's log")?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().context("starting the node")?;
        let mut line = String::new();
        let out = child.stdout.take().context("the node has no output")?;
        BufReader::new(out).read_line(&mut line).context("reading what the node says")?;
        let url = line.split("\"url\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let url = url.map(str::to_owned);
        let node = Self { child, url: url.unwrap_or_default() };
        if node.url.is_empty() {
            bail!("the node does not say where it is: {line}");
        }
        Ok(node)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
