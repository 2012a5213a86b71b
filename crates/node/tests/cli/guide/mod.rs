//! The guide's commands and snippets, run as they stand: `docs/guide` shows what really comes out.
//!
//! A code block is one of
//! - `console`: a line after `$ ` is a command, `^C` ends the node that `troupe serve`, `run` or `dev` started, and the lines
//!   below are the output, where `…` stands for anything, and a line `⋮` for any lines. What only looks is looked at again until
//!   it shows, since actors tell each other things in their own time;
//! - `LANGUAGE file=PATH`: the file is written there, before the commands below;
//! - `text`: for the eye alone, such as the form of a command.
//!
//! The word `toolchain` after one of the first two: it takes the tools of a language. Such blocks are left out unless
//! `TROUPE_GUIDE_TOOLS` says the user's cache folder to run them with, as `cargo xtask templates` does.
//! With `TROUPE_GUIDE=FOLDER`, pages with what came out are written there.

mod book;
mod page;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The user's cache folder, where the tools of the languages are here.
fn tools() -> Option<PathBuf> {
    std::env::var_os("TROUPE_GUIDE_TOOLS").map(PathBuf::from)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn read(name: &str) -> String {
    fs::read_to_string(repository().join("docs/guide").join(name)).expect("the page")
}

#[track_caller]
fn check(name: &str) {
    if !["bash", "curl", "jq"].iter().all(|tool| {
        Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    }) {
        eprintln!("SKIPPED: bash, curl and jq are not all here, so nothing says whether {name} is right");
        return;
    }
    let (written, wrong) = page::run(&read(name), tools());
    if let Some(folder) = std::env::var_os("TROUPE_GUIDE") {
        fs::write(Path::new(&folder).join(name), written).expect("written");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A test for each page; that no page is without one, `book` sees to.
macro_rules! pages {
    ($($test:ident = $name:literal),* $(,)?) => {
        /// The pages that are run.
        const PAGES: &[&str] = &[$($name),*];
        $(#[test] fn $test() { check($name); })*
    };
}

pages! {
    the_explorers_page_of_the_guide_is_as_it_says = "explorer.md",
    the_cooperative_of_the_guide_is_as_it_says = "cooperative.md",
    the_airports_of_the_guide_are_as_it_says = "airports.md",
    the_first_actor_of_the_guide_is_as_it_says = "first-actor.md",
    the_troubles_of_the_guide_are_as_it_says = "troubleshooting.md",
    the_mistakes_of_the_guide_are_as_it_says = "mistakes.md",
    the_tests_of_the_guide_are_as_it_says = "testing.md",
    the_contracts_of_the_guide_are_as_it_says = "contracts.md",
    the_determinism_of_the_guide_is_as_it_says = "determinism.md",
    the_upgrades_of_the_guide_are_as_it_says = "upgrades.md",
    the_verification_of_the_guide_is_as_it_says = "verification.md",
    the_messages_of_the_guide_are_as_it_says = "messaging.md",
    the_supervision_of_the_guide_is_as_it_says = "supervision.md",
    the_manifest_of_the_guide_is_as_it_says = "manifest.md",
    the_ordinary_code_of_the_guide_is_as_it_says = "ordinary.md",
    the_state_of_the_guide_is_as_it_says = "state.md",
    the_limits_of_the_guide_are_as_it_says = "limits.md",
    the_debugging_of_the_guide_is_as_it_says = "debugging.md",
}
