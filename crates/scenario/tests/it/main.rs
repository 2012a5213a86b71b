//! Scenarios, played against an actor that is written here.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod accept;
mod actor;
mod files;
mod property;
mod time;

use troupe_scenario::{Played, Setup, Suite};

/// Reads a file that has this text.
fn suite(text: &str) -> Result<Suite, String> {
    Suite::parse(text.to_owned(), "tests/a.toml", &Setup::default()).map_err(|fault| fault.to_string())
}

/// Plays the only scenario of a file.
fn play(text: &str) -> Played {
    let suite = suite(text).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(suite.scenarios.len(), 1);
    troupe_scenario::run(&suite, &suite.scenarios[0], &actor::Echo)
}

/// What is wrong, as `LINE KEY: WHAT`.
fn wrong(text: &str) -> Vec<String> {
    let findings = play(text).findings;
    findings.iter().map(|finding| format!("{} {}: {}", finding.line, finding.key, finding.what)).collect()
}
