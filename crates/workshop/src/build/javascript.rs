//! JavaScript and TypeScript: the SDK's own command, on Node, with the packages that are in the project.

use std::process::Command;

use super::tool::{find, run};
use super::{BuildError, Options, finish};
use crate::{Lang, Project};

/// The SDK's command, where npm puts it.
const COMMAND: &str = "node_modules/troupe-actor/bin/troupe-actor.js";
/// What it needs beside the SDK; absent until somebody installs.
const PACKAGES: [&str; 2] = ["node_modules/componentize-qjs", "node_modules/esbuild"];

pub(super) fn build(project: &Project, lang: Lang, options: &Options<'_>) -> Result<(), BuildError> {
    if find("node").is_none() {
        let help = "install Node 20 or newer, with npm";
        return Err(BuildError::missing("node is not installed, which builds actors in JavaScript", &[help]));
    }
    let there = |path: &&str| project.folder.join(path).exists();
    if ![COMMAND].iter().chain(&PACKAGES).all(there) {
        if !options.install {
            return Err(BuildError::missing(
                "the packages of the project are not installed",
                &["npm install", "or let it be done: troupe build --install"],
            ));
        }
        if find("npm").is_none() {
            return Err(BuildError::missing("npm is not installed", &["install Node 20 or newer, with npm"]));
        }
        (options.say)("installing packages into node_modules");
        let mut npm = Command::new("npm");
        npm.current_dir(&project.folder).args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        run(&mut npm, "npm")?;
    }
    finish::make_room(project)?;
    let mut node = Command::new("node");
    node.current_dir(&project.folder).args([COMMAND, "build", lang.main_file(), "-o"]).arg(&project.output);
    run(&mut node, "troupe-actor")
}
