//! `troupe checkpoint`: how far a log has grown, as the node signed it.

use serde_json::json;
use troupe_api::Client;
use troupe_chain::note::PublicKey;

use super::failure::{Done, Failure};
use super::node::{NodeArgs, explain};
use super::place::Place;
use super::screen::{GOOD, Screen, count};
use super::signing;

/// Show the newest checkpoint of a node's log, or of an actor's
///
/// Without --key the signature is checked with the key that the node itself names, which shows that the key is the node's
/// and not whose it is. A checkpoint that somebody keeps is what a rewritten history is found with.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe checkpoint\n  \
    troupe checkpoint counter\n  \
    troupe checkpoint https://node.example --key 'node.example/log+1a2b3c4d+AbCd…'\n  \
    troupe checkpoint counter --raw > counter.checkpoint")]
pub(crate) struct Checkpoint {
    /// An actor's name or id, or the URL of a node or an actor [default: the node's own log]
    #[arg(value_name = "ACTOR|URL")]
    place: Option<String>,
    /// The key that must have signed it
    #[arg(long, value_name = "KEY", value_parser = signing::log_key)]
    key: Option<PublicKey>,
    /// Print the signed note as it is
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// The client of a log, and that of its node.
pub(super) fn find(node: &NodeArgs, place: Option<&str>) -> Result<(Client, Client), Failure> {
    let Some(place) = place else {
        let client = node.client_of(&node.node)?;
        return Ok((client.clone(), client));
    };
    if let Some(url) = Place::url(place) {
        let of_node = url.split_once("/actors/").map_or(url, |(of_node, _)| of_node);
        return Ok((node.client_of(url)?, node.client_of(of_node)?));
    }
    let node = node.connect()?;
    Ok((node.find(place)?.client, node.client))
}

pub(super) fn checkpoint(screen: &Screen, command: &Checkpoint) -> Done {
    let (log, node) = find(&command.node, command.place.as_deref())?;
    let signed = log.checkpoint().map_err(|error| explain(&error))?;
    let key = match &command.key {
        Some(key) => key.clone(),
        None => node.key().map_err(|error| explain(&error))?.parse().map_err(Failure::cannot)?,
    };
    let origin = &signed.checkpoint().origin;
    if !signed.is_signed_by(&key) {
        return Err(Failure::is_false(format_args!("the checkpoint of `{origin}` is not signed by {key}")));
    }
    if command.raw {
        return Ok(screen.bytes(signed.to_string().as_bytes())?);
    }
    let head = signed.head();
    let others = signed.note().signatures.iter().map(|signature| &signature.name);
    let others: Vec<_> = others.filter(|name| *name != key.name()).map(ToString::to_string).collect();
    if screen.json {
        return Ok(screen.json(&json!({
            "origin": origin.to_string(), "size": head.size, "root": head.root.to_string(),
            "key": key.to_string(), "did": key.did().to_string(), "key-given": command.key.is_some(), "cosigned": others,
            "checkpoint": signed.to_string(),
        }))?);
    }
    screen.line(format_args!("{GOOD}signed{GOOD:#} {origin}"))?;
    screen.field("size", count(head.size))?;
    screen.field("root", head.root)?;
    screen.field("key", &key)?;
    screen.field("did", key.did())?;
    for witness in others {
        screen.field("cosigned", format_args!("{witness}, not checked"))?;
    }
    if command.key.is_none() {
        screen.note("whose key it is, only who knows the operator can tell: --key KEY checks it");
    }
    Ok(())
}
