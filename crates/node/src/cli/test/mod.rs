//! `troupe test`: scenarios of an actor, played against its component.
//!
//! [`find`](find) says which files and which component, [`show`](show) how it looks; [`replay`](replay) runs recorded
//! chains, [`property`](property) generated messages.

mod find;
mod property;
mod replay;
mod show;

use std::path::{Path, PathBuf};

use troupe_chain::Machine;
use troupe_component::{Grants, Limits, Sandbox, SandboxConfig, WasmComponent};
use troupe_scenario::{Scenario, Setup, Suite};

use super::failure::{Done, Failure};
use super::parse;
use super::place::Whose;
use super::screen::Screen;
use replay::Recorded;
use show::Totals;

/// Play the scenarios of an actor, and compare
///
/// A scenario file says what an actor is begun with, which messages it gets, and which states, replies, effects and
/// refusals are expected. What is not written is not checked. The component is the one of the file, or of the `actor.toml`
/// in its folder or the one above.
///
/// Exit code 0 if everything is as expected, 1 if not, with the lines; 2 if a file or a component cannot be used.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe test\n  \
    troupe test tests/counter.toml --filter refuse\n  \
    troupe test --component new/counter.wasm\n  \
    troupe test --accept\n  \
    troupe test --replay counter.car --component new/counter.wasm\n  \
    troupe test --property --component counter.wasm --cases 1000 --seed 7\n  \
    troupe test --json | jq .passed")]
pub(crate) struct Test {
    /// Scenario files, or folders whose `tests/*.toml` are such; the current folder if none is given
    #[arg(value_name = "FOLDER|FILE.toml")]
    paths: Vec<PathBuf>,
    /// Test this component, whatever the files say
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,
    /// Play only scenarios whose file or name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write what was found into the files: for `?`, and in steps with `snapshot = true`
    #[arg(long)]
    accept: bool,
    /// Run the messages of a recorded chain instead, and compare what they come to
    #[arg(long, value_name = "STORE|FILE.car|FOLDER|URL|ACTOR", conflicts_with_all = ["paths", "filter", "accept"])]
    replay: Option<String>,
    #[command(flatten)]
    whose: Whose,
    /// Try generated messages instead: of the actor's schema, and nearly
    #[arg(long, conflicts_with_all = ["replay", "filter", "accept"])]
    property: bool,
    /// Generate of this schema, a description with `message`, whatever the component says
    #[arg(long, value_name = "FILE.json", requires = "property")]
    schema: Option<PathBuf>,
    /// How many messages are tried
    #[arg(long, value_name = "N", default_value_t = CASES, requires = "property")]
    cases: u64,
    /// What messages are generated from; another each time if none is given
    #[arg(long, value_name = "N", requires = "property")]
    seed: Option<u64>,
}

/// How many messages are tried, unless a person says.
const CASES: u64 = 256;

pub(super) fn test(screen: &Screen, command: &Test) -> Done {
    let stage =
        Stage { sandbox: Sandbox::new(SandboxConfig::default()), component: command.component.clone() };
    if let Some(place) = &command.replay {
        let component = stage.component.as_deref();
        let recorded = Recorded { place, said_at: None, component, messages: u64::MAX };
        return passed(replay::replay(screen, &stage, &recorded, &command.whose)?);
    }
    if command.property {
        return properties(screen, &stage, command);
    }
    let files = find::files(&command.paths)?;
    let mut totals = Totals::default();
    for file in files {
        let suite = Suite::load(&file, &find::base(&file)?).map_err(Failure::cannot)?;
        let mut text = None;
        for scenario in &suite.scenarios {
            let name = format!("{} {}", file.display(), scenario.name);
            if command.filter.as_ref().is_some_and(|filter| !name.contains(filter)) {
                totals.left_out += 1;
                continue;
            }
            let machine = stage.machine(&scenario.setup, &name)?;
            let mut played = troupe_scenario::run(&suite, scenario, &machine);
            if command.accept {
                text = accept(&suite, scenario, &mut played, text)?;
            }
            show::scenario(screen, &suite, scenario, &played)?;
            totals.add(&played);
        }
        for recorded in &suite.replays {
            let place = recorded.chain.display().to_string();
            if command
                .filter
                .as_ref()
                .is_some_and(|filter| !format!("{} {place}", file.display()).contains(filter))
            {
                totals.left_out += 1;
                continue;
            }
            let recorded = Recorded {
                place: &place,
                said_at: Some(format!("{}:{}", file.display(), recorded.line)),
                component: stage.component.as_deref().or(recorded.component.as_deref()),
                messages: recorded.messages.unwrap_or(u64::MAX),
            };
            totals.count(replay::replay(screen, &stage, &recorded, &command.whose)?);
        }
        if let Some((text, written)) = text {
            std::fs::write(&file, text)
                .map_err(|error| Failure::cannot(format_args!("cannot write {}: {error}", file.display())))?;
            totals.written += written;
        }
    }
    show::totals(screen, &totals)?;
    passed(totals.failed == 0)
}

fn passed(passed: bool) -> Done {
    if passed { Ok(()) } else { Err(Failure::said(1)) }
}

/// Tries generated messages on the component that is named, or on that of each folder's manifest.
fn properties(screen: &Screen, stage: &Stage, command: &Test) -> Done {
    let seed = match command.seed {
        Some(seed) => seed,
        None => {
            let random = troupe::host::random().map_err(Failure::cannot)?;
            random.as_bytes().iter().take(4).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
        }
    };
    let here = [PathBuf::from(".")];
    let mut all = true;
    for path in if command.paths.is_empty() { &here[..] } else { &command.paths } {
        let setup = find::base(&if path.is_dir() { path.join("tests.toml") } else { path.clone() })?;
        let component = stage.component.as_deref().or(setup.component.as_deref());
        let component = component.ok_or_else(|| no_component(&path.display().to_string()))?;
        let schema = command.schema.as_deref();
        all &= property::property(screen, stage, (component, &setup, schema), (seed, command.cases))?;
    }
    passed(all)
}

fn no_component(what: &str) -> Failure {
    Failure::cannot(format_args!("{what}: no component is named")).help(
        "say `component = \"FILE.wasm\"` in the file or in an actor.toml beside it, or give --component",
    )
}

/// Takes what may be written out of the findings; the file's new text, and how much was written so far.
fn accept(
    suite: &Suite,
    scenario: &Scenario,
    played: &mut troupe_scenario::Played,
    text: Option<(String, usize)>,
) -> Result<Option<(String, usize)>, Failure> {
    if played.findings.iter().all(|finding| finding.write.is_none()) {
        return Ok(text);
    }
    let (before, so_far) = text.unwrap_or_else(|| (suite.text().to_owned(), 0));
    let accepted = troupe_scenario::accept(&before, scenario, &played.findings)
        .map_err(|error| Failure::cannot(format_args!("{}: {error}", suite.file.display())))?;
    played.findings.retain(|finding| finding.write.is_none());
    Ok(Some((accepted.text, so_far + accepted.written)))
}

/// What components are loaded with.
struct Stage {
    sandbox: Sandbox,
    component: Option<PathBuf>,
}

impl Stage {
    /// The machine of a scenario.
    fn machine(&self, setup: &Setup, what: &str) -> Result<impl Machine + use<>, Failure> {
        let path = self.component.as_deref().or(setup.component.as_deref());
        let path = path.ok_or_else(|| no_component(what))?;
        self.load(path, setup)
    }

    fn load(&self, path: &Path, setup: &Setup) -> Result<WasmComponent, Failure> {
        let bytes = parse::file(path)?;
        let mut limits = Limits::default();
        for (name, value) in &setup.limits {
            limits.set(name, *value).map_err(Failure::cannot)?;
        }
        let grants = Grants::parse(&setup.grants).map_err(Failure::cannot)?;
        let grants = grants.with_files(&setup.files).map_err(Failure::cannot)?;
        let loaded = self.sandbox.load_granted(&bytes, &limits, &grants);
        loaded.map_err(|error| Failure::cannot(format_args!("{}: {error}", path.display())))
    }
}
