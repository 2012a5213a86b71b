//! `troupe start`: a new actor on a running node.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use troupe::host::ComponentSource;
use troupe::manifest::Name;
use troupe_chain::{Supervision, Text};

use super::begin::{self, Begin, BeginArgs};
use super::failure::{Done, Failure};
use super::node::NodeArgs;
use super::screen::{BOLD, GOOD, Screen};

/// Begin an actor on a running node
///
/// Uploads the component, unless it is named by its hash, and begins an actor with it. A manifest says all of it in a
/// file; arguments beat the file.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe start counter.wasm --name counter\n  \
    troupe start actor.toml\n  \
    troupe start quakes.wasm --name quakes --config '{\"alerts\":\"alerts\"}' --on-failure restart\n  \
    troupe start fetch.wasm --grant http:api.example.org --limit fuel=50000000\n  \
    ID=$(troupe start counter.wasm --json | jq -r .actor)")]
pub(crate) struct Start {
    /// A .wasm file, a manifest (a .toml file), or the hash of a component that the node has
    #[arg(value_name = "COMPONENT|HASH|actor.toml")]
    component: String,
    #[command(flatten)]
    begin: BeginArgs,
    /// Let the members of the node's commons decide on its upgrades
    #[arg(long)]
    governed: bool,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn start(screen: &Screen, command: &Start) -> Done {
    let begin = begin::read(&command.component, &command.begin)?;
    let node = command.node.connect()?;
    let component = match &begin.component {
        ComponentSource::Bytes(bytes) => node.upload(bytes).map_err(|failure| {
            let component = &begin.shown;
            failure.help(format_args!("`troupe check {component}` says what an actor needs"))
        })?,
        ComponentSource::Stored(name) => name.to_string(),
    };
    node.upload_files(&begin.files)?;
    let info: troupe_api::Info = node.post("/actors", &body(&begin, &component, command.governed)?)?;
    let name = info.name.as_deref().unwrap_or(&info.actor);
    let url = format!("{}/actors/{name}", node.client.url());
    if screen.json {
        let mut value = serde_json::to_value(&info).unwrap_or_default();
        value["url"] = url.into();
        return Ok(screen.json(&value)?);
    }
    screen.line(format_args!("{GOOD}begun{GOOD:#} {BOLD}{name}{BOLD:#}"))?;
    screen.field("actor", &info.actor)?;
    screen.field("component", &info.component)?;
    screen.field("url", url)?;
    Ok(screen.field("send", format_args!("troupe send {name} '{{…}}'"))?)
}

/// What the node is asked for. The configuration goes as it is: its bytes have a name in the chain.
#[derive(Serialize)]
struct Body<'a> {
    component: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<&'a str, u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grants: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    governed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    supervision: Option<Value>,
}

fn body<'a>(begin: &'a Begin, component: &'a str, governed: bool) -> Result<Body<'a>, Failure> {
    let config = begin.config.as_deref().map(serde_json::from_slice).transpose();
    Ok(Body {
        component,
        config: config
            .map_err(|error| Failure::cannot(format_args!("the configuration is not JSON: {error}")))?,
        limits: begin.limits.iter().map(|(name, value)| (name.as_str(), *value)).collect(),
        grants: begin.grants.iter().map(Text::as_str).collect(),
        name: begin.name.as_ref().map(Name::as_str),
        governed,
        supervision: (begin.supervision != Supervision::default()).then(|| supervision(&begin.supervision)),
    })
}

fn supervision(supervision: &Supervision) -> Value {
    let mut value = json!({ "on-failure": supervision.on_failure.as_str() });
    for (name, number) in supervision.numbers() {
        value[name] = number.into();
    }
    value
}
