//! `troupe schema`: what an actor says that it takes.

use std::path::Path;

use serde_json::Value;
use troupe_component::{Grants, Limits, Sandbox, SandboxConfig, WasmComponent};
use troupe_schema::Description;

use super::contracts;
use super::failure::{Done, Failure};
use super::infer;
use super::node::NodeArgs;
use super::parse;
use super::screen::{DIM, Screen, WARN};

/// Show what an actor takes, as it says itself
///
/// A component may export JSON Schemas of its messages, states, configuration and replies. They decide nothing: its
/// contracts do.
///
/// Exit code 1 if the actor says nothing of it, or nothing that can be used.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe schema stock.wasm\n  \
    troupe schema stock --node http://127.0.0.1:8080\n  \
    troupe schema stock.wasm --json | jq .message\n  \
    troupe schema infer stock.car\n  \
    troupe schema contracts stock.schema.json --lang rust -o src/contracts.rs")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Schema {
    #[command(subcommand)]
    command: Option<SchemaCommand>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Subcommand)]
enum SchemaCommand {
    Infer(infer::Infer),
    Contracts(contracts::Contracts),
}

/// Whose schemas are shown.
#[derive(clap::Args)]
struct Shown {
    /// A component's file, or an actor: its name, its id, or the beginning of its id
    #[arg(value_name = "FILE.wasm|ACTOR", required = true)]
    actor: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn schema(screen: &Screen, command: &Schema) -> Done {
    match (&command.command, &command.shown) {
        (Some(SchemaCommand::Infer(command)), _) => infer::infer(screen, command),
        (Some(SchemaCommand::Contracts(command)), _) => contracts::contracts(screen, command),
        (None, Shown { actor: Some(actor), node }) => show(screen, actor, node),
        (None, Shown { actor: None, .. }) => Err(Failure::cannot("no actor is named")),
    }
}

fn show(screen: &Screen, actor: &str, node: &NodeArgs) -> Done {
    let path = Path::new(actor);
    let text = match path.is_file() {
        true => of_component(&load(path)?)?,
        false => {
            let node = node.connect()?;
            let found = node.find(actor)?;
            let value: Value = node.get(&found.path("/schema"))?;
            (value != Value::Object(serde_json::Map::new())).then(|| value.to_string())
        }
    };
    let Some(text) = text else {
        let what = format!("{actor} does not say what it takes");
        return Err(Failure::is_false(what)
            .help("a component says it by exporting `troupe:actor/description`, see wit/actor/actor.wit"));
    };
    let value: Value = serde_json::from_str(&text).map_err(Failure::cannot)?;
    if screen.json {
        screen.json(&value)?;
    } else {
        screen.line(serde_json::to_string_pretty(&value).map_err(Failure::cannot)?)?;
    }
    match Description::parse(&text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::is_false(format_args!("this cannot be used: {error}"))),
    }
}

fn load(path: &Path) -> Result<WasmComponent, Failure> {
    let bytes = parse::file(path)?;
    // What it may ask of the web does not matter here.
    let some_host = troupe_chain::Text::new("http:host").ok().and_then(|host| Grants::parse(&[host]).ok());
    let sandbox = Sandbox::new(SandboxConfig::default());
    let loaded = sandbox.load_granted(&bytes, &Limits::default(), &some_host.unwrap_or_default());
    loaded.map_err(|error| Failure::is_false(format_args!("{}: {error}", path.display())))
}

fn of_component(component: &WasmComponent) -> Result<Option<String>, Failure> {
    let said = component
        .description()
        .map_err(|error| Failure::is_false(format_args!("this cannot be used: {error}")));
    Ok(said?.map(str::to_owned))
}

/// What a component says, in a few words.
pub(super) fn summary(component: &WasmComponent) -> String {
    let text = match component.description() {
        Ok(None) => return format!("{DIM}none: it does not say what it takes{DIM:#}"),
        Ok(Some(text)) => text,
        Err(error) => return format!("{WARN}not usable{WARN:#}: {error}"),
    };
    match Description::parse(text) {
        Ok(Description { message, state, config, reply }) => {
            let parts = [("message", message), ("state", state), ("config", config), ("reply", reply)];
            let said = parts.iter().filter(|(_, schema)| schema.is_some()).map(|(name, _)| *name);
            let said = said.collect::<Vec<_>>().join(", ");
            if said.is_empty() { "of nothing".to_owned() } else { format!("of {said}") }
        }
        Err(error) => format!("{WARN}not usable{WARN:#}: {error}"),
    }
}

/// What a component says, for programs; null if it says nothing that can be used.
pub(super) fn as_json(component: &WasmComponent) -> Value {
    let text = component.description().ok().flatten().filter(|text| Description::parse(text).is_ok());
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
