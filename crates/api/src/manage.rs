//! Bodies about a node's actors: what begins, changes and ends them, and what is told of them.
//!
//! Invariant: a request with a key that is not known is refused. Deliberately absent: what a name, a hash or a limit may
//! be; the node says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `GET /actors`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActorList {
    /// In order of their ids.
    pub actors: Vec<ActorSummary>,
    /// What `after` is for those that follow; none if these are the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An actor of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorSummary {
    /// Its id: the name of its genesis.
    pub actor: String,
    /// Its name on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it takes messages: `running`, `paused`, `stopped` or `removed`.
    pub status: String,
    /// The position of its last entry.
    pub seq: u64,
    /// The actor that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The fork that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages handled since it was last loaded.
    pub handled: u64,
    /// How many of them it failed on.
    pub failed: u64,
    /// The fuel that they used.
    pub fuel: u64,
    /// How often it was started again of late.
    pub restarts: u64,
    /// Whether its state is in memory.
    pub loaded: bool,
}

/// The answer to `POST /components`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    /// The hash of the component: what actors are begun with.
    pub component: String,
    /// Its WIT world.
    pub world: String,
}

/// The answer to `POST /files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedFile {
    /// The hash of its bytes: what a grant names it by.
    pub file: String,
}

/// A blob that the node keeps by its CID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBlob {
    /// When it was put first: milliseconds since 1970.
    pub at: u64,
    /// Its CID: version 1, raw, BLAKE3.
    pub cid: String,
    /// Its hash, which the CID holds.
    pub hash: String,
    /// How many bytes it has.
    pub size: u64,
}

/// The answer to `GET /dag`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blobs {
    /// Some of the blobs, in order of their hashes.
    pub blobs: Vec<KeptBlob>,
    /// What `after` is for those that follow; absent if these are the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /actors`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartActor {
    /// The hash of a component that the node has.
    pub component: String,
    /// The configuration for `init`: any JSON, which is kept byte by byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Box<RawValue>>,
    /// Limits that differ from the default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// What it may ask and read, such as `http:example.org` or `file:HASH:/words.txt`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    /// Its name on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the members of the node's commons decide on its upgrades.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub governed: bool,
    /// What is done about its failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervision: Option<Supervision>,
}

/// What is done about failures; times are in milliseconds. What is left out is as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Supervision {
    /// `go-on`, `pause`, `restart`, `restore`, `stop` or `escalate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    /// So many failures are repeated failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// The time in which failures and restarts count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
    /// The first rest after a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<u64>,
    /// The longest rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_backoff: Option<u64>,
    /// So many restarts are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_restarts: Option<u64>,
}

/// `POST …/pause` and `POST …/resume`: there is nothing to say.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `POST …/stop`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopActor {
    /// Why, for the last entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST …/upgrade`. What is left out stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpgradeActor {
    /// The hash of a component that the node has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Limits that change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// Everything that it may ask from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<String>>,
    /// Whether only to say what would come of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// The most messages that a dry run replays; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
}

/// What an upgrade led to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upgraded {
    /// The name of the entry.
    pub hash: String,
    /// Its position.
    pub seq: u64,
    /// The state, carried over.
    pub state: Box<RawValue>,
}

/// What an upgrade would have changed, had it been there from the first state on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rehearsal {
    /// How many messages were replayed.
    pub messages: u64,
    /// What would have been otherwise, in order: the first of it.
    pub differs: Vec<Difference>,
    /// How much would have been otherwise.
    pub different: u64,
    /// Whether nothing would have been.
    pub same: bool,
    /// What comes of the state as it is now.
    pub carried_over: CarriedOver,
}

/// Something that would have been otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The position of the entry.
    pub seq: u64,
    /// `state`, `reply`, `effects`, `outcome` or `calls`.
    pub field: String,
    /// What is recorded: the beginning of it, or its hash.
    pub recorded: String,
    /// What it would have been.
    pub would: String,
}

/// What comes of a state under new code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CarriedOver {
    /// Whether it fits.
    pub ok: bool,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The state, carried over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<RawValue>>,
}

/// `POST …/fork`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkActor {
    /// The position whose state it begins with.
    pub at: u64,
    /// Its name on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `POST …/rewind`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewindActor {
    /// The position whose state it goes back to.
    pub to: u64,
    /// Why, for the last entry of what ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /top`: what the node does now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Top {
    /// The busiest actors first.
    pub actors: Vec<TopActor>,
    /// The node as a whole.
    pub node: TopNode,
}

/// A busy actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopActor {
    /// Its id.
    pub actor: String,
    /// Its name on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it takes messages.
    pub status: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages handled since it was last loaded.
    pub handled: u64,
    /// How many of them it failed on.
    pub failed: u64,
    /// The fuel that they used.
    pub fuel: u64,
}

/// Counters of a node, which only grow, and what it holds. Two answers and the time between them give rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TopNode {
    /// When this was so, in milliseconds since 1970.
    pub at: u64,
    /// The version of the node.
    pub version: String,
    /// Messages that led to a new state.
    pub accepted: u64,
    /// Messages that a contract refused.
    pub rejected: u64,
    /// Messages that an actor failed on.
    pub failed: u64,
    /// Messages whose outcome was not known in time.
    pub aborted: u64,
    /// Messages that were turned away.
    pub busy: u64,
    /// Fuel used.
    pub fuel: u64,
    /// What actors asked for.
    pub effects: u64,
    /// Group commits that succeeded.
    pub commits: u64,
    /// Group commits that failed.
    pub commit_errors: u64,
    /// Actors.
    pub actors: u64,
    /// Actors in memory.
    pub in_memory: u64,
    /// Bytes of their states.
    pub memory: u64,
    /// Actors that wait to be served.
    pub ready: u64,
    /// Timers, requests and rests that are still to come.
    pub due: u64,
    /// Streams and sockets that are open.
    pub streams: u64,
    /// Bytes of log lines that are kept.
    pub log_bytes: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it out so")]
fn is_false(value: &bool) -> bool {
    !value
}
