//! `cargo xtask test`: everything that must hold before a change is taken.
//!
//! A step that fails does not keep the next from running. A step that cannot be done on this machine says so and is
//! counted as skipped, never as passed.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::summary::{Counts, Row, Verdict, table};
use crate::{actors, api_fuzz, counters, deny, explorer, fuzz, python, shell, stock, templates, third_party};

/// A name, whether it takes long, and what it does.
type Step = (&'static str, bool, fn(&mut Counts) -> Result<Verdict>);

const STEPS: &[Step] = &[
    ("format", false, format),
    ("locks", false, locks),
    ("lint", false, lint),
    ("docs", false, docs),
    ("tests", false, tests),
    ("doctests", false, doctests),
    ("kills", true, kills),
    ("device", true, device),
    ("actors", false, actors_tests),
    ("vectors", false, vectors),
    ("licences", true, |_| deny::check()),
    ("components", true, components),
    ("stock", true, stock),
    ("counters", true, counters),
    ("third-party", true, third_party),
    ("templates", true, |_| templates::run(&[]).map(|()| Verdict::Passed)),
    ("explorer", true, explorer_tests),
    ("api-fuzz", true, |_| api_fuzz::run().map(|()| Verdict::Passed)),
    ("fuzz", true, |_| fuzz::each(&[], 30).map(|()| Verdict::Passed)),
];

/// Runs the task.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let (mut quick, mut names) = (false, Vec::new());
    for option in options {
        match *option {
            "--quick" => quick = true,
            name if STEPS.iter().any(|(step, ..)| *step == name) => names.push(name),
            other => {
                let all: Vec<_> = STEPS.iter().map(|(step, ..)| *step).collect();
                bail!("test has neither an option nor a step {other}; the steps are {}", all.join(", "));
            }
        }
    }
    let mut rows = Vec::new();
    let mut telling = String::new();
    for (step, slow, act) in STEPS {
        let wanted = if names.is_empty() { !(quick && *slow) } else { names.contains(step) };
        if !wanted {
            continue;
        }
        println!("\n=== {step}");
        let began = Instant::now();
        let mut counts = Counts::default();
        let verdict = act(&mut counts).unwrap_or_else(|error| {
            if let Some(failed) = error.downcast_ref::<shell::Failed>() {
                telling += &format!("\n=== what {step} failed of\n{}\n", failed.lines.join("\n"));
            }
            Verdict::Failed(format!("{error:#}"))
        });
        match &verdict {
            Verdict::Passed => {}
            Verdict::Skipped(why) => println!("=== SKIPPED: {why}"),
            Verdict::Failed(why) => println!("=== FAILED: {why}"),
        }
        rows.push(Row { step, verdict, counts, took: began.elapsed() });
    }
    print!("{telling}\n{}", table(&rows));
    if rows.iter().any(|row| matches!(row.verdict, Verdict::Failed(_))) {
        bail!("not everything passed");
    }
    Ok(())
}

fn format(_: &mut Counts) -> Result<Verdict> {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"])?, |_| {})?;
    for manifest in ["actors/Cargo.toml", "fuzz/Cargo.toml", "sdk/Cargo.toml"] {
        shell::run(&mut shell::cargo(&["fmt", "--all", "--check", "--manifest-path", manifest])?, |_| {})?;
    }
    Ok(Verdict::Passed)
}

/// Each workspace's lock file fits its manifests.
fn locks(_: &mut Counts) -> Result<Verdict> {
    for manifest in ["Cargo.toml", "actors/Cargo.toml", "fuzz/Cargo.toml", "sdk/Cargo.toml"] {
        let mut metadata =
            shell::cargo(&["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest])?;
        if !shell::succeeds(&mut metadata) {
            bail!("the lock file is behind: run `cargo update --workspace --manifest-path {manifest}`");
        }
    }
    Ok(Verdict::Passed)
}

fn lint(_: &mut Counts) -> Result<Verdict> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    shell::run(&mut shell::cargo(&clippy)?, |_| {})?;
    let options = ["--manifest-path", "sdk/Cargo.toml", "--target-dir", "target/sdk", "--all-features"];
    shell::run(shell::cargo(&clippy[..4])?.args(options).args(&clippy[4..]), |_| {})?;
    Ok(Verdict::Passed)
}

fn docs(_: &mut Counts) -> Result<Verdict> {
    let mut doc = shell::cargo(&["doc", "--workspace", "--no-deps", "--locked"])?;
    shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"), |_| {})?;
    Ok(Verdict::Passed)
}

fn tests(counts: &mut Counts) -> Result<Verdict> {
    let mut run = if shell::succeeds(&mut shell::cargo(&["nextest", "--version"])?) {
        shell::cargo(&["nextest", "run", "--workspace", "--locked", "--no-fail-fast"])?
    } else {
        let targets = ["--lib", "--bins", "--tests", "--examples"];
        let mut test = shell::cargo(&["test", "--workspace", "--locked", "--no-fail-fast"])?;
        test.args(targets);
        test
    };
    shell::run(&mut run, |line| counts.read(line))?;
    Ok(Verdict::Passed)
}

fn doctests(counts: &mut Counts) -> Result<Verdict> {
    let mut test = shell::cargo(&["test", "--doc", "--workspace", "--locked", "--no-fail-fast"])?;
    shell::run(&mut test, |line| counts.read(line))?;
    Ok(Verdict::Passed)
}

/// Keys in a device, against SoftHSM, which is got where it is missing and may be.
fn device(counts: &mut Counts) -> Result<Verdict> {
    let util = || std::process::Command::new("softhsm2-util");
    if !shell::succeeds(util().arg("--version")) {
        let mut install = std::process::Command::new("apt-get");
        if !shell::succeeds(install.args(["install", "-y", "softhsm2"])) {
            return Ok(Verdict::Skipped(
                "there is no SoftHSM, and `apt-get install softhsm2` did not get it".into(),
            ));
        }
    }
    let test = ["test", "--package", "troupe", "--test", "cli", "--locked", "--", "device::", "--ignored"];
    shell::run(&mut shell::cargo(&test)?, |line| counts.read(line))?;
    Ok(Verdict::Passed)
}

/// The bank that is killed again and again, more often than the tests do.
fn kills(counts: &mut Counts) -> Result<Verdict> {
    let test =
        ["test", "--package", "troupe", "--test", "crash", "--locked", "--", "bank::kills", "--nocapture"];
    shell::run(shell::cargo(&test)?.env("TROUPE_KILLS", "300"), |line| counts.read(line))?;
    Ok(Verdict::Passed)
}

/// The actors' rules, natively, and the SDK that some are made with.
fn actors_tests(counts: &mut Counts) -> Result<Verdict> {
    for (manifest, target) in [("actors/Cargo.toml", "target/actors"), ("sdk/Cargo.toml", "target/sdk")] {
        let mut test = shell::cargo(&["test", "--workspace", "--locked", "--manifest-path", manifest])?;
        shell::run(test.args(["--all-features", "--target-dir", target]), |line| counts.read(line))?;
    }
    shell::run(python::installed()?.args(["sdk/stock/reference.py", "--check"]), |_| {})?;
    Ok(Verdict::Passed)
}

/// The chain's test vectors, by the verifier that has none of this code.
fn vectors(_: &mut Counts) -> Result<Verdict> {
    let mut check = python::with_blake3()?;
    shell::run(check.arg("docs/spec/vectors/check.py"), |_| {})?;
    let mut check = python::with_blake3()?;
    shell::run(check.arg("docs/spec/vectors/commons/check.py"), |_| {})?;
    Ok(Verdict::Passed)
}

/// The actors' committed components, against their sources.
fn components(_: &mut Counts) -> Result<Verdict> {
    match actors::check()? {
        true => Ok(Verdict::Passed),
        false => Ok(Verdict::Skipped("the pinned compiler cannot be had here".into())),
    }
}

/// The SDKs whose components are built where they are tested.
fn stock(_: &mut Counts) -> Result<Verdict> {
    Ok(stock::check()?.map_or(Verdict::Passed, Verdict::Skipped))
}

/// The counters that are measured with the SDKs and without them.
fn counters(_: &mut Counts) -> Result<Verdict> {
    Ok(counters::check()?.map_or(Verdict::Passed, Verdict::Skipped))
}

/// The explorer's page, in a browser.
fn explorer_tests(counts: &mut Counts) -> Result<Verdict> {
    Ok(explorer::check(counts)?.map_or(Verdict::Passed, Verdict::Skipped))
}

/// Components from elsewhere, as actors or refused.
fn third_party(_: &mut Counts) -> Result<Verdict> {
    Ok(third_party::check(&[])?.map_or(Verdict::Passed, Verdict::Skipped))
}
