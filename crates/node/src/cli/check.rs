//! `troupe check`: whether a component is an actor, and if not, why.

use serde_json::json;
use troupe::host::ComponentSource;
use troupe_api::Payload;
use troupe_chain::{Context, Hash, Machine, Outcome, Sender, Timestamp};
use troupe_component::{Grants, Import, Limits, LoadError, SandboxConfig, WasmComponent};

use super::begin::{self, Begin, BeginArgs};
use super::code;
use super::failure::{Done, Failure};
use super::screen::{BOLD, GOOD, Screen, count, excerpt_bytes, size};

/// Check that a component is an actor, and try its init
///
/// A manifest says under which limits, with which grants and which configuration.
///
/// Exit code 1 if it is not one, with every reason; 2 if the file cannot be read.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe check counter.wasm\n  \
    troupe check actor.toml\n  \
    troupe check quakes.wasm --config '{\"alerts\":\"somebody\"}'\n  \
    troupe check --json counter.wasm | jq .limits")]
pub(crate) struct Check {
    /// The component, a .wasm file, or a manifest
    #[arg(value_name = "COMPONENT|actor.toml")]
    component: String,
    /// Configuration for init
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
}

/// A component that is an actor, and what its `init` came to.
pub(super) struct Checked {
    /// The file as a person reads it.
    file: String,
    size: u64,
    component: WasmComponent,
    state: Vec<u8>,
    fuel: u64,
}

pub(super) fn check(screen: &Screen, command: &Check) -> Done {
    let args = BeginArgs { config: command.config.clone(), ..BeginArgs::default() };
    try_out(screen, begin::read(&command.component, &args)?)?.report(screen)
}

/// Loads what an actor is to be begun with, and runs its `init`.
pub(super) fn try_out(screen: &Screen, begin: Begin) -> Result<Checked, Failure> {
    let Begin { component, config, limits: set, grants, files, shown: file, .. } = begin;
    let ComponentSource::Bytes(bytes) = component else {
        return Err(Failure::cannot(format_args!("{file} is the name of a component, not the file of one")));
    };
    let mut limits = Limits::default();
    for (name, value) in &set {
        limits.set(name, *value).map_err(Failure::cannot)?;
    }
    let grants =
        Grants::parse(&grants).map_err(Failure::cannot)?.with_files(&files).map_err(Failure::cannot)?;
    let sandbox = code::sandbox(screen, Some(&file), SandboxConfig::default().deadline);
    let component = match sandbox.load_granted(&bytes, &limits, &grants) {
        Ok(component) => component,
        Err(error @ (LoadError::NoEngine(_) | LoadError::File { .. })) => return Err(Failure::cannot(error)),
        Err(error) => return Err(not_an_actor(&file, &error)),
    };
    let seed = component.draws().then(|| Hash::from_bytes([0; 32]));
    let context = Context {
        chain: Hash::from_bytes([0; 32]),
        from: Sender::Http { key: None },
        at: Timestamp(0),
        seq: 1,
        seed,
    };
    let step = Machine::init(&component, &context, &mut troupe_chain::Nowhere, config.as_deref())
        .map_err(|abort| Failure::cannot(format_args!("{file}: init came to no outcome: {abort}")))?;
    let state = match step.outcome {
        Outcome::Accepted(accepted) => accepted.state,
        Outcome::Failed(failed) => {
            return Err(Failure::is_false(format_args!("{file}: fits its world, but init failed: {failed}"))
                .help("if it needs a configuration, give one with --config"));
        }
        Outcome::Rejected(rejection) => {
            return Err(Failure::is_false(format_args!("{file}: init rejected: {rejection}")));
        }
    };
    let size = bytes.len() as u64;
    Ok(Checked { file, size, component, state, fuel: step.fuel.0 })
}

fn not_an_actor(file: &str, error: &LoadError) -> Failure {
    let failure = Failure::is_false(format_args!("{file}: {error}"));
    match error {
        LoadError::NoWorld { .. } => failure
            .help("build it for the world `troupe:actor/whole-actor`, which the folder `wit` has")
            .help("`troupe new --lang rust NAME` makes a project that does"),
        LoadError::Interface { .. } => failure
            .help("`troupe new --lang rust NAME` makes a project that fits; the folder `wit` has the worlds")
            .help("the web is there for actors that are granted a host of it: troupe run --grant http:HOST"),
        LoadError::CoreModule => failure.help("in a project, `troupe build` makes a component by itself"),
        LoadError::TooLarge { .. } => {
            failure.help("leave out what is for debugging: strip it, or build for size")
        }
        LoadError::Needs { limit, .. } => failure
            .help(format_args!("a larger limit is given when it begins: troupe run --limit {limit}=VALUE")),
        LoadError::Invalid(_) => {
            failure.help("if it was copied, copy it again; if it was built, build it again")
        }
        _ => failure,
    }
}

/// What the component imports and what it gets of it, for programs.
fn imported(import: &Import) -> serde_json::Value {
    json!({ "name": import.name, "met": import.met.as_str(), "what": import.what })
}

impl Checked {
    /// Says all of it.
    pub(super) fn report(&self, screen: &Screen) -> Done {
        let Self { file, size: bytes, component, state, fuel } = self;
        let limits = component.limits().to_entry();
        if screen.json {
            let limits: serde_json::Map<_, _> =
                limits.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
            return Ok(screen.json(&json!({
                "actor": true, "component": component.hash().to_string(), "size": bytes,
                "world": component.world().name(), "limits": limits,
                "imports": component.imports().iter().map(imported).collect::<Vec<_>>(),
                "schema": super::schema::as_json(component),
                "init": { "state": Payload(state).to_value(), "fuel": fuel },
            }))?);
        }
        screen.line(format_args!("{GOOD}ok{GOOD:#} {BOLD}{}{BOLD:#} is an actor", file))?;
        self.essentials(screen)?;
        for (index, (name, value)) in limits.iter().enumerate() {
            let is_bytes = !matches!(
                name.as_str(),
                "calls"
                    | "fuel"
                    | "sends"
                    | "instances"
                    | "table"
                    | "functions"
                    | "globals"
                    | "tables"
                    | "time"
            );
            let value = if is_bytes { size(*value) } else { count(*value) };
            screen.field(if index == 0 { "limits" } else { "" }, format_args!("{name:<10} {value:>13}"))?;
        }
        Ok(())
    }

    /// Says what matters most, without the limits.
    pub(super) fn essentials(&self, screen: &Screen) -> Done {
        let Self { size: bytes, component, state, fuel, .. } = self;
        screen.field("world", component.world().name())?;
        screen.field("hash", component.hash())?;
        screen.field("size", size(*bytes))?;
        screen.field("interface", "every export has the world's signature")?;
        let width = component.imports().iter().map(|import| import.name.len()).max().unwrap_or(0);
        for (index, Import { name, met, what }) in component.imports().iter().enumerate() {
            let label = if index == 0 { "imports" } else { "" };
            screen.field(label, format_args!("{name:<width$}  {:<8}  {what}", met.as_str()))?;
        }
        screen.field("schema", super::schema::summary(component))?;
        let (limit, kept) = (count(component.limits().fuel), size(state.len() as u64));
        screen.field("init", format_args!("{} fuel of {limit}, state of {kept}", count(*fuel)))?;
        Ok(screen.field("state", excerpt_bytes(state, screen.width().min(160) - 14))?)
    }
}
