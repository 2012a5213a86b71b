//! `troupe upgrade`: other code or other rules for an actor, and first what would come of it.

use serde::Deserialize;
use serde_json::{Value, json};
use troupe::host::ComponentSource;
use troupe_chain::{Files, Text};

use super::begin::{self, BeginArgs};
use super::failure::{Done, Failure};
use super::node::{Found, Node, NodeArgs};
use super::parse;
use super::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, count, excerpt, plural};
use super::table::{Align, Table};

/// The most differences that are shown to a person.
const MAX_SHOWN: usize = 50;

/// Give an actor other code, other limits or other grants
///
/// Its state is carried over: as it is, or by `migrate` where the new component has that. With --dry-run the node runs
/// the actor's history on the new code and shows what would have been different; nothing is changed. Exit code 1 if the
/// state cannot be carried over.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe upgrade counter counter-2.wasm --dry-run\n  \
    troupe upgrade counter counter-2.wasm\n  \
    troupe upgrade counter actor.toml\n  \
    troupe upgrade counter --limit fuel=50000000\n  \
    troupe upgrade fetch fetch.wasm --grant http:api.example.org")]
pub(crate) struct Upgrade {
    /// The actor's name, its id, or the beginning of its id
    actor: String,
    /// A .wasm file, a manifest, or the hash of a component that the node has [default: the code that it has]
    #[arg(value_name = "COMPONENT|HASH|actor.toml", required_unless_present_any = ["limit", "grant"])]
    component: Option<String>,
    /// Only show what would be different
    #[arg(long)]
    dry_run: bool,
    /// A limit that is to be another
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse::limit)]
    limit: Vec<(String, u64)>,
    /// What it may reach from now on, in place of all that it may now
    #[arg(long, value_name = "GRANT", value_parser = troupe::manifest::grant)]
    grant: Vec<Text>,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Deserialize)]
struct Upgraded {
    hash: String,
    seq: u64,
    #[serde(default)]
    state: Value,
}

#[derive(Deserialize)]
struct DryRun {
    messages: u64,
    #[serde(default)]
    differs: Vec<Differs>,
    /// How much would be otherwise; `differs` is the first of it.
    #[serde(default)]
    different: u64,
    #[serde(rename = "carried-over")]
    carried_over: CarriedOver,
}

#[derive(Deserialize)]
struct Differs {
    seq: u64,
    field: String,
    recorded: Value,
    would: Value,
}

#[derive(Deserialize)]
struct CarriedOver {
    ok: bool,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    state: Option<Value>,
}

pub(super) fn upgrade(screen: &Screen, command: &Upgrade) -> Done {
    let mut body = json!({});
    let mut bytes = None;
    let args =
        BeginArgs { limit: command.limit.clone(), grant: command.grant.clone(), ..BeginArgs::default() };
    let (limits, grants, files) = match &command.component {
        Some(component) => {
            let begin = begin::read(component, &args)?;
            body["component"] = begin.hash().to_string().into();
            if let ComponentSource::Bytes(component) = begin.component {
                bytes = Some(component);
            }
            // A manifest says all grants; a component says nothing of them.
            let grants = (begin::is_manifest(component) || !begin.grants.is_empty()).then_some(begin.grants);
            (begin.limits, grants, begin.files)
        }
        None => (args.limit, (!args.grant.is_empty()).then_some(args.grant), Files::new()),
    };
    if !limits.is_empty() {
        body["limits"] = limits.into_iter().map(|(name, value)| (name, json!(value))).collect();
    }
    if let Some(grants) = grants {
        body["grants"] = grants.iter().map(|grant| grant.as_str()).collect();
    }
    let node = command.node.connect()?;
    let found = node.find(&command.actor)?;
    if let Some(bytes) = bytes {
        node.upload(&bytes)?;
    }
    node.upload_files(&files)?;
    if command.dry_run { try_out(screen, &node, &found, body) } else { change(screen, &node, &found, &body) }
}

fn change(screen: &Screen, node: &Node, found: &Found, body: &Value) -> Done {
    let answer: Value = node.post(&found.path("/upgrade"), body)?;
    if screen.json {
        return Ok(screen.json(&answer)?);
    }
    let upgraded = Upgraded::deserialize(&answer).map_err(Failure::cannot)?;
    let (name, seq) = (found.shown(), upgraded.seq);
    screen.line(format_args!("{GOOD}upgraded{GOOD:#} {BOLD}{name}{BOLD:#} at seq {BOLD}{seq}{BOLD:#}"))?;
    screen.field("entry", upgraded.hash)?;
    if let Some(component) = body["component"].as_str() {
        screen.field("component", component)?;
    }
    Ok(screen.field("state", excerpt(&upgraded.state.to_string(), screen.width().min(160) - 14))?)
}

fn try_out(screen: &Screen, node: &Node, found: &Found, mut body: Value) -> Done {
    body["dry-run"] = true.into();
    let answer: Value = node.post(&found.path("/upgrade"), &body)?;
    let dry = DryRun::deserialize(&answer).map_err(Failure::cannot)?;
    let ok = dry.carried_over.ok;
    if screen.json {
        screen.json(&answer)?;
    } else {
        say(screen, &found.shown(), &dry)?;
    }
    if ok { Ok(()) } else { Err(Failure::said(1)) }
}

fn say(screen: &Screen, name: &str, dry: &DryRun) -> Done {
    let messages = plural(dry.messages, "message");
    screen.line(format_args!("{BOLD}{name}{BOLD:#}: {messages} run again, nothing changed"))?;
    let carried = &dry.carried_over;
    let (style, what) = if carried.ok { (GOOD, "carried over") } else { (BAD, "not carried over") };
    let detail = carried.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
    screen.field("state", format_args!("{style}{what}{style:#}{detail}"))?;
    if let Some(state) = &carried.state {
        screen.field("", excerpt(&state.to_string(), screen.width().min(160) - 14))?;
    }
    if dry.differs.is_empty() {
        return Ok(screen.field("history", format_args!("{GOOD}the same{GOOD:#}"))?);
    }
    let different = dry.different.max(dry.differs.len() as u64);
    screen.field("history", format_args!("{WARN}{}{WARN:#}", plural(different, "difference")))?;
    let width = (screen.width().min(160) / 2).saturating_sub(14);
    let mut table = Table::new(&[
        ("SEQ", Align::Right),
        ("WHAT", Align::Left),
        ("RECORDED", Align::Left),
        ("WOULD BE", Align::Left),
    ]);
    for one in dry.differs.iter().take(MAX_SHOWN) {
        let cell = |value: &Value| {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            excerpt(&text, width)
        };
        table.row(vec![one.seq.to_string(), one.field.clone(), cell(&one.recorded), cell(&one.would)]);
    }
    table.print(screen)?;
    let shown = dry.differs.len().min(MAX_SHOWN) as u64;
    if different > shown {
        screen.line(format_args!("{DIM}and {} more{DIM:#}", count(different - shown)))?;
    }
    Ok(())
}
