//! `troupe check`: whether a component is an actor, and if not, why.

use std::path::PathBuf;

use serde_json::json;
use troupe_api::Payload;
use troupe_chain::{Context, Machine, Outcome, Sender, Timestamp};
use troupe_component::{Limits, LoadError, Sandbox, SandboxConfig, WasmComponent};

use super::failure::{Done, Failure};
use super::parse;
use super::screen::{BOLD, GOOD, Screen, count, excerpt_bytes, size};

/// Check that a component is an actor, and try its init
///
/// Exit code 1 if it is not one, with every reason; 2 if the file cannot be read.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe check counter.wasm\n  \
    troupe check quakes.wasm --config '{\"alerts\":\"somebody\"}'\n  \
    troupe check --json counter.wasm | jq .limits")]
pub(crate) struct Check {
    /// The component: a .wasm file
    component: PathBuf,
    /// Configuration for init
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
}

pub(super) fn check(screen: &Screen, command: &Check) -> Done {
    let bytes = parse::file(&command.component)?;
    let config = command.config.as_deref().map(parse::payload).transpose()?;
    if let Some(config) = &config {
        parse::check_json(config, "the configuration")?;
    }
    let file = command.component.display();
    let sandbox = Sandbox::new(SandboxConfig::default());
    let component = match sandbox.load(&bytes, &Limits::default()) {
        Ok(component) => component,
        Err(error @ (LoadError::NoEngine(_) | LoadError::File { .. })) => return Err(Failure::cannot(error)),
        Err(error) => return Err(not_an_actor(&file.to_string(), &error)),
    };
    let context = Context { from: Sender::Http { key: None }, at: Timestamp(0), seq: 1 };
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
    report(screen, &file.to_string(), &bytes, &component, &state, step.fuel.0)
}

fn not_an_actor(file: &str, error: &LoadError) -> Failure {
    let failure = Failure::is_false(format_args!("{file}: {error}"));
    match error {
        LoadError::NoWorld { .. } | LoadError::Interface { .. } => {
            failure.help("the folder `wit` has both worlds, and `actors` an example of each")
        }
        _ => failure,
    }
}

fn report(
    screen: &Screen,
    file: &str,
    bytes: &[u8],
    component: &WasmComponent,
    state: &[u8],
    fuel: u64,
) -> Done {
    let limits = component.limits().to_entry();
    if screen.json {
        let limits: serde_json::Map<_, _> =
            limits.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        return Ok(screen.json(&json!({
            "actor": true, "component": component.hash().to_string(), "size": bytes.len(),
            "world": component.world().name(), "limits": limits,
            "schema": super::schema::as_json(component),
            "init": { "state": Payload(state).to_value(), "fuel": fuel },
        }))?);
    }
    screen.line(format_args!("{GOOD}ok{GOOD:#} {BOLD}{file}{BOLD:#} is an actor"))?;
    screen.field("world", component.world().name())?;
    screen.field("hash", component.hash())?;
    screen.field("size", size(bytes.len() as u64))?;
    screen.field("interface", "every export has the world's signature; imports nothing beyond it")?;
    screen.field("schema", super::schema::summary(component))?;
    screen.field("init", format_args!("{} fuel, state of {}", count(fuel), size(state.len() as u64)))?;
    screen.field("state", excerpt_bytes(state, screen.width().min(160) - 14))?;
    for (index, (name, value)) in limits.iter().enumerate() {
        let is_bytes = !matches!(name.as_str(), "fuel" | "sends" | "instances" | "table");
        let value = if is_bytes { size(*value) } else { count(*value) };
        screen.field(if index == 0 { "limits" } else { "" }, format_args!("{name:<10} {value:>13}"))?;
    }
    Ok(())
}
