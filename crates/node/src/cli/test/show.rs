//! What a person sees of scenarios: a line for each, and the lines of the file where something is otherwise.

use serde_json::{Value, json};
use troupe_scenario::{Change, Finding, Played, Scenario, Suite};

use crate::cli::failure::Done;
use crate::cli::screen::{BAD, BOLD, DIM, GOOD, Screen, excerpt, plural};

/// The most changes that are shown of one finding.
const MAX_CHANGES: usize = 20;

/// What came of all scenarios.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) left_out: u64,
    pub(super) steps: u64,
    pub(super) written: usize,
}

impl Totals {
    pub(super) fn add(&mut self, played: &Played) {
        self.steps += played.steps as u64;
        self.count(played.passed());
    }

    pub(super) fn count(&mut self, passed: bool) {
        match passed {
            true => self.passed += 1,
            false => self.failed += 1,
        }
    }
}

pub(super) fn scenario(screen: &Screen, suite: &Suite, scenario: &Scenario, played: &Played) -> Done {
    let file = suite.file.display().to_string();
    if screen.json {
        let findings: Vec<_> = played.findings.iter().map(finding_json).collect();
        return Ok(screen.json(&json!({
            "file": file, "scenario": scenario.name, "passed": played.passed(),
            "steps": played.steps, "left": played.left, "findings": findings,
        }))?);
    }
    let (style, word) = if played.passed() { (GOOD, "ok") } else { (BAD, "FAILED") };
    let steps = plural(played.steps as u64, "step");
    let name = &scenario.name;
    screen.line(format_args!("{style}{word}{style:#} {BOLD}{name}{BOLD:#}  {DIM}{steps}{DIM:#}"))?;
    for finding in &played.findings {
        show(screen, &file, finding)?;
    }
    if played.left > 0 {
        let left = plural(played.left as u64, "step");
        screen.line(format_args!("  {DIM}{left} after it not played{DIM:#}"))?;
    }
    Ok(())
}

fn show(screen: &Screen, file: &str, finding: &Finding) -> Done {
    let Finding { line, name, key, what, changes, write, .. } = finding;
    let step = name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    screen.line(format_args!("{BOLD}{file}:{line}{BOLD:#}: {step}{BAD}{key}{BAD:#}: {what}"))?;
    diff(screen, changes)?;
    if write.is_some() {
        screen.line(format_args!("    {DIM}troupe test --accept writes it{DIM:#}"))?;
    }
    Ok(())
}

/// Shows where values differ.
pub(super) fn diff(screen: &Screen, changes: &[Change]) -> Done {
    let width = screen.width().saturating_sub(14).max(40);
    for Change { path, expected, found } in changes.iter().take(MAX_CHANGES) {
        if !path.is_empty() {
            screen.line(format_args!("    {path}"))?;
        }
        let none = || "nothing".to_owned();
        let expected = excerpt(&expected.clone().unwrap_or_else(none), width);
        let found = excerpt(&found.clone().unwrap_or_else(none), width);
        screen.line(format_args!("      {GOOD}expected{GOOD:#} {expected}"))?;
        screen.line(format_args!("      {BAD}found{BAD:#}    {found}"))?;
    }
    if changes.len() > MAX_CHANGES {
        let more = plural((changes.len() - MAX_CHANGES) as u64, "difference");
        screen.line(format_args!("    {DIM}and {more} more{DIM:#}"))?;
    }
    Ok(())
}

fn finding_json(finding: &Finding) -> Value {
    let changes: Vec<_> = finding.changes.iter().map(change_json).collect();
    json!({ "line": finding.line, "step": finding.name, "key": finding.key, "what": finding.what, "changes": changes })
}

pub(super) fn change_json(change: &Change) -> Value {
    json!({ "path": change.path, "expected": change.expected, "found": change.found })
}

pub(super) fn totals(screen: &Screen, totals: &Totals) -> Done {
    let Totals { passed, failed, left_out, steps, written } = totals;
    if screen.json {
        return Ok(screen.json(&json!({
            "passed": passed, "failed": failed, "left_out": left_out, "steps": steps, "written": written,
        }))?);
    }
    let mut parts = vec![format!("{GOOD}{passed} passed{GOOD:#}")];
    if *failed > 0 {
        parts.push(format!("{BAD}{failed} failed{BAD:#}"));
    }
    if *left_out > 0 {
        parts.push(format!("{left_out} left out"));
    }
    parts.push(plural(*steps, "step"));
    if *written > 0 {
        parts.push(format!("{} written", plural(*written as u64, "value")));
    }
    Ok(screen.line(parts.join(", "))?)
}
