//! `troupe test`: scenarios of an actor, played against its component.
//!
//! [`find`](find) says which files and which component, [`show`](show) how it looks.

mod find;
mod show;

use std::path::PathBuf;

use troupe_chain::Machine;
use troupe_component::{Grants, Limits, Sandbox, SandboxConfig, WasmComponent};
use troupe_scenario::{Scenario, Setup, Suite};

use super::failure::{Done, Failure};
use super::parse;
use super::screen::Screen;
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
    troupe test --json | jq .passed")]
pub(crate) struct Test {
    /// Scenario files, or folders whose `tests/*.toml` are such; the current folder if none is given
    #[arg(value_name = "DIR|FILE.toml")]
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
}

pub(super) fn test(screen: &Screen, command: &Test) -> Done {
    let files = find::files(&command.paths)?;
    let stage =
        Stage { sandbox: Sandbox::new(SandboxConfig::default()), component: command.component.clone() };
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
        if let Some((text, written)) = text {
            std::fs::write(&file, text)
                .map_err(|error| Failure::cannot(format_args!("cannot write {}: {error}", file.display())))?;
            totals.written += written;
        }
    }
    show::totals(screen, &totals)?;
    if totals.failed > 0 { Err(Failure::said(1)) } else { Ok(()) }
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
        let path = self.component.as_ref().or(setup.component.as_ref()).ok_or_else(|| {
            Failure::cannot(format_args!("{what}: no component is named")).help(
                "say `component = \"FILE.wasm\"` in the file or in an actor.toml beside it, or give --component",
            )
        })?;
        self.load(path, setup)
    }

    fn load(&self, path: &std::path::Path, setup: &Setup) -> Result<WasmComponent, Failure> {
        let bytes = parse::file(path)?;
        let mut limits = Limits::default();
        for (name, value) in &setup.limits {
            limits.set(name, *value).map_err(Failure::cannot)?;
        }
        let grants = Grants::parse(&setup.grants).map_err(Failure::cannot)?;
        let loaded = self.sandbox.load_granted(&bytes, &limits, &grants);
        loaded.map_err(|error| Failure::cannot(format_args!("{}: {error}", path.display())))
    }
}
