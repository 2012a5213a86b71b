//! A scenario file: one scenario, or several that share what the top of the file says.
//!
//! Invariant: paths are relative to the folder of the file.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;
use troupe_chain::{Files, Text};
use troupe_manifest::strict::{self, At, Section, Source};
use troupe_manifest::{ComponentRef, Fault, Manifest};

use crate::step::{self, EXPECT_KEYS, Expect, Step};

/// The most scenarios and replays of a file.
pub const MAX_SCENARIOS: usize = 1000;
/// The most steps of a scenario.
pub const MAX_STEPS: usize = 10_000;
/// The clock of a scenario that does not say one: 2026-01-01T00:00:00Z.
pub(crate) const CLOCK: u64 = 1_767_225_600_000;

const SETUP_KEYS: &[&str] = &[
    "clock",
    "component",
    "config",
    "config-file",
    "exact",
    "grants",
    "init",
    "limits",
    "name",
    "seed",
    "step",
];
const REPLAY_KEYS: &[&str] = &["chain", "messages"];

/// What a scenario file says.
#[derive(Debug)]
pub struct Suite {
    /// The file.
    pub file: PathBuf,
    pub(crate) text: String,
    /// Its scenarios, in order.
    pub scenarios: Vec<Scenario>,
    /// The recorded chains that are to be the same under the component, in order.
    pub replays: Vec<Replay>,
}

/// An actor, and what happens to it.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// How the actor begins.
    pub setup: Setup,
    /// Its number among the `[[scenario]]` of the file; none if it is what the top of the file says.
    pub(crate) index: Option<usize>,
    pub(crate) span: Range<usize>,
    pub(crate) init: Expect,
    /// Whether a parent begins it.
    pub(crate) parent: bool,
    pub(crate) steps: Vec<Step>,
}

/// How an actor begins.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The component's file.
    pub component: Option<PathBuf>,
    /// The configuration for `init`.
    pub config: Option<Vec<u8>>,
    /// Limits that differ from the default.
    pub limits: Vec<(String, u64)>,
    /// What it is granted, in ascending order.
    pub grants: Vec<Text>,
    /// The bytes of the files among them.
    pub files: Files,
    /// The clock as it begins, in milliseconds since 1970.
    pub(crate) clock: u64,
    /// What all randomness follows from, where the component draws any.
    pub(crate) seed: u64,
    /// Whether expectations that are written as JSON text are compared byte by byte.
    pub(crate) exact: bool,
}

/// A recorded chain.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The bundle.
    pub chain: PathBuf,
    /// How many of its messages are run; all if none is said.
    pub messages: Option<u64>,
    /// The line of the file that says so.
    pub line: usize,
    /// The component to run instead of its own.
    pub component: Option<PathBuf>,
}

impl Setup {
    /// What an actor's manifest says.
    pub fn of(manifest: &Manifest) -> Self {
        let component = match &manifest.component {
            ComponentRef::Path(path) => Some(path.clone()),
            ComponentRef::Hash(_) => None,
        };
        Self {
            component,
            config: manifest.config.as_ref().map(|config| config.to_vec()),
            limits: manifest.limits.clone(),
            grants: manifest.grants.clone(),
            files: manifest.files.clone(),
            ..Self::default()
        }
    }
}

impl Suite {
    /// Reads a file; `base` is what holds where it says nothing.
    ///
    /// # Errors
    /// A [`Fault`] with its place.
    pub fn load(path: impl AsRef<Path>, base: &Setup) -> Result<Self, Fault> {
        let path = path.as_ref();
        Self::parse(strict::read(path)?, path, base)
    }

    /// Reads the text of a file as if it stood in `file`.
    ///
    /// # Errors
    /// As [`Suite::load`].
    pub fn parse(text: String, file: impl AsRef<Path>, base: &Setup) -> Result<Self, Fault> {
        let file = file.as_ref();
        let source = Source { file, text: &text };
        let table = strict::parse(&source)?;
        let keys: Vec<_> = SETUP_KEYS.iter().copied().chain(["replay", "scenario"]).collect();
        let top = Section::new(&source, table.get_ref(), 0..0, &keys)?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let base = Setup { clock: CLOCK, ..base.clone() };
        let first = scenario(&top, &base, &stem, None)?;
        let mut replays = Vec::new();
        for At { value, span } in top.tables("replay", MAX_SCENARIOS)? {
            replays.push(replay(&source, value, span, first.setup.component.clone())?);
        }
        let mut scenarios = Vec::new();
        let more = top.tables("scenario", MAX_SCENARIOS)?;
        for (index, At { value, span }) in more.into_iter().enumerate() {
            let section = Section::new(&source, value, span, SETUP_KEYS)?;
            let name = format!("{stem} {}", index + 1);
            scenarios.push(scenario(&section, &first.setup, &name, Some(index))?);
        }
        let says_nothing = first.steps.is_empty() && top.value("init").is_none();
        if !says_nothing {
            scenarios.insert(0, first);
        } else if scenarios.is_empty() && replays.is_empty() {
            return Err(Fault::whole(
                file,
                "there is nothing to test: no `[[step]]`, `[[scenario]]` or `[[replay]]`",
            ));
        }
        Ok(Self { file: file.to_owned(), scenarios, replays, text })
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of a place in the file, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        line(&self.text, at)
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn scenario(
    section: &Section<'_>,
    base: &Setup,
    name: &str,
    index: Option<usize>,
) -> Result<Scenario, Fault> {
    let said = |key| section.value(key).is_some();
    let mut setup = base.clone();
    if let Some(component) = section.file("component")? {
        setup.component = Some(component.value);
    }
    if said("config") || said("config-file") {
        setup.config = config(section)?;
    }
    if said("limits") {
        setup.limits = strict::limits(section)?;
    }
    if said("grants") {
        let granted = strict::grants(section)?;
        (setup.grants, setup.files) = (granted.grants, granted.files);
    }
    setup.clock = step::moment(section, "clock")?.unwrap_or(setup.clock);
    setup.seed = section.number("seed", (0, i64::MAX as u64))?.unwrap_or(setup.seed);
    setup.exact = section.flag("exact")?.unwrap_or(setup.exact);
    let keys: Vec<_> = EXPECT_KEYS.iter().copied().chain(["from"]).collect();
    let (mut init, mut parent) = (Expect::default(), false);
    if let Some(init_section) = section.section("init", &keys)? {
        init = step::expect(&init_section)?;
        if let Some(refused) = &init.refused {
            let what = "there is nothing to refuse in `init`: it fails with a reason, in `failed`";
            return Err(section.source.fault(refused.span.clone(), what));
        }
        parent = match init_section.text("from")? {
            None => false,
            Some(At { value: "http", .. }) => false,
            Some(At { value: "parent", .. }) => true,
            Some(At { span, .. }) => {
                return Err(section.source.fault(span, "an actor is begun from `http` or by its `parent`"));
            }
        };
    }
    let tables = section.tables("step", MAX_STEPS)?;
    let steps = tables.into_iter().map(|At { value, span }| step::read(section.source, value, span));
    let name = section.text("name")?.map_or_else(|| name.to_owned(), |at| at.value.to_owned());
    let span = section.span();
    Ok(Scenario { name, setup, index, span, init, parent, steps: steps.collect::<Result<_, _>>()? })
}

/// A configuration: as in a manifest, or any JSON as text.
fn config(section: &Section<'_>) -> Result<Option<Vec<u8>>, Fault> {
    if let Some(At { value: toml::de::DeValue::String(_), .. }) = section.value("config") {
        let text = crate::value::text(section, "config")?;
        return Ok(text.map(|at| at.value).filter(|text| text != crate::value::NONE.as_bytes()));
    }
    Ok(strict::config(section)?.map(|config| config.to_vec()))
}

fn replay(
    source: &Source<'_>,
    table: &DeTable<'_>,
    span: Range<usize>,
    component: Option<PathBuf>,
) -> Result<Replay, Fault> {
    let line = line(source.text, span.start);
    let section = Section::new(source, table, span, REPLAY_KEYS)?;
    let chain = section
        .path("chain")?
        .ok_or_else(|| section.fault("`chain` is missing: a file or folder made by `troupe export`"))?;
    if !chain.value.exists() {
        let what = format_args!("`chain`: there is no {}", chain.value.display());
        return Err(source.fault(chain.span, what));
    }
    let messages = section.number("messages", (1, troupe_chain::MAX_INTEGER))?;
    Ok(Replay { chain: chain.value, messages, line, component })
}
