//! What an entry says: the types of `docs/spec/chain.md`, and nothing of how they are written.

use std::collections::BTreeMap;

use crate::effect::{Effect, EffectRef, Sender};
use crate::{FILE_FIELD, FailureCode, GrantedFile, Hash, Text};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub u64);

/// A count of executed WebAssembly operations, as the engine weighs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Fuel(pub u64);

/// One link of a chain. Its name is the hash of its canonical bytes, see [`Entry::encode`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the entry before; `None` in genesis only.
    pub parent: Option<Hash>,
    /// The position in the chain, from 0.
    pub seq: u64,
    /// When the sequencer took it; never less than the parent's.
    pub at: Timestamp,
    /// What happened.
    pub body: Body,
}

/// What happened, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Seq 0: binds code, configuration and rules. Its name is the actor's id.
    Genesis(Box<Genesis>),
    /// Seq 1: the first state.
    Init(Init),
    /// One message handled.
    Message(Box<Message>),
    /// The actor took a message and failed; the state stays as it was.
    Failure(Box<Failure>),
    /// New code, or other rules; the state is carried over.
    Upgrade(Box<Upgrade>),
    /// From here on outcomes are this engine's.
    Engine(Engine),
    /// The last entry.
    Stop(Stop),
}

impl Body {
    /// The kind, as written in the entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Genesis(_) => "genesis",
            Self::Init(_) => "init",
            Self::Message(_) => "message",
            Self::Failure(_) => "failure",
            Self::Upgrade(_) => "upgrade",
            Self::Engine(_) => "engine",
            Self::Stop(_) => "stop",
        }
    }

    /// Who sent what led to this entry; nobody for genesis, init and engine.
    pub fn from(&self) -> Option<&Sender> {
        match self {
            Self::Message(message) => Some(&message.from),
            Self::Failure(failure) => Some(&failure.from),
            Self::Upgrade(upgrade) => Some(&upgrade.from),
            Self::Stop(stop) => Some(&stop.from),
            Self::Genesis(_) | Self::Init(_) | Self::Engine(_) => None,
        }
    }

    /// The seed of its randomness, where its machine draws.
    pub fn seed(&self) -> Option<Hash> {
        match self {
            Self::Init(init) => init.seed,
            Self::Message(message) => message.seed,
            Self::Failure(failure) => failure.seed,
            Self::Upgrade(upgrade) => upgrade.seed,
            Self::Genesis(_) | Self::Engine(_) | Self::Stop(_) => None,
        }
    }

    /// What is done once the entry is committed, in order.
    pub fn effects(&self) -> &[Effect] {
        match self {
            Self::Init(init) => &init.effects,
            Self::Message(message) => &message.effects,
            Self::Upgrade(upgrade) => &upgrade.effects,
            _ => &[],
        }
    }
}

/// The code that grows a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A WebAssembly component, by the hash of its bytes.
    Component(Hash),
    /// A native machine, as `name@version`.
    Native(Text),
}

/// What outcomes depend on beside the code: engine, version, target and the settings of the deterministic profile.
pub type Engine = BTreeMap<Text, Text>;

/// The named limits of a chain. Replay uses these and never a default.
pub type Limits = BTreeMap<Text, u64>;

/// The first entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The code.
    pub code: Code,
    /// The WIT world that the component was loaded as.
    pub world: Text,
    /// The configuration given to `init`, a blob.
    pub config: Option<Hash>,
    /// Every limit that decides an outcome.
    pub limits: Limits,
    /// The engine that outcomes come from, until an [`Body::Engine`] entry names another.
    pub engine: Engine,
    /// Capabilities beyond what the world gives, in ascending order.
    pub grants: Vec<Text>,
    /// The DID of whoever owns the actor.
    pub owner: Option<Text>,
    /// 32 bytes that tell this chain from others of the same code and configuration.
    pub nonce: Hash,
    /// The state of another chain that this one goes on from.
    pub fork: Option<Fork>,
    /// The effect of another actor that started this one.
    pub started_by: Option<EffectRef>,
}

/// Where a chain branches off from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// The other chain.
    pub chain: Hash,
    /// The name of the entry after which it branches off.
    pub entry: Hash,
    /// Its position.
    pub seq: u64,
    /// The state there, a blob.
    pub state: Hash,
}

/// The outcome of `init`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The first state, a blob.
    pub state: Hash,
    /// What the call used.
    pub fuel: Fuel,
    /// Host calls that brought in something from outside, in order.
    pub calls: Vec<Call>,
    /// What is done once the entry is committed, in order.
    pub effects: Vec<Effect>,
    /// The seed of randomness, where the machine draws.
    pub seed: Option<Hash>,
}

/// A message and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The message, a blob.
    pub message: Hash,
    /// Who sent it.
    pub from: Sender,
    /// The state it started from, a blob.
    pub before: Hash,
    /// The state it led to, a blob.
    pub state: Hash,
    /// The reply, a blob.
    pub reply: Option<Hash>,
    /// What the calls used.
    pub fuel: Fuel,
    /// Host calls that brought in something from outside, in order.
    pub calls: Vec<Call>,
    /// What is done once the entry is committed, in order.
    pub effects: Vec<Effect>,
    /// The seed of randomness, where the machine draws.
    pub seed: Option<Hash>,
}

/// A message that the actor took and failed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The message, a blob.
    pub message: Hash,
    /// Who sent it.
    pub from: Sender,
    /// The state before and after, a blob.
    pub before: Hash,
    /// Why.
    pub error: FailureCode,
    /// What the calls used; compared only where every call returned.
    pub fuel: Fuel,
    /// Host calls that brought in something from outside, in order.
    pub calls: Vec<Call>,
    /// The seed of randomness, where the machine draws.
    pub seed: Option<Hash>,
}

/// A host call that brought in something from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The function, as `interface.function`.
    pub function: Text,
    /// The request, a blob.
    pub input: Hash,
    /// The answer, a blob.
    pub output: Hash,
}

/// New code, or other rules: all that holds from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The code.
    pub code: Code,
    /// The WIT world that it is loaded as.
    pub world: Text,
    /// Every limit that decides an outcome.
    pub limits: Limits,
    /// Capabilities beyond what the world gives, in ascending order.
    pub grants: Vec<Text>,
    /// Who asked for it.
    pub from: Sender,
    /// The state it started from, a blob.
    pub before: Hash,
    /// The state it led to, a blob.
    pub state: Hash,
    /// What `migrate` and the state contract used.
    pub fuel: Fuel,
    /// Host calls that brought in something from outside, in order.
    pub calls: Vec<Call>,
    /// What is done once the entry is committed, in order.
    pub effects: Vec<Effect>,
    /// The seed of randomness, where the machine of this code draws.
    pub seed: Option<Hash>,
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Who asked for it.
    pub from: Sender,
    /// Why.
    pub reason: Text,
}

/// What outcomes depend on beside state and message. Genesis says it, upgrades and engine entries change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The code.
    pub code: Code,
    /// The WIT world that it is loaded as.
    pub world: Text,
    /// Every limit that decides an outcome.
    pub limits: Limits,
    /// Capabilities beyond what the world gives, in ascending order.
    pub grants: Vec<Text>,
    /// The engine.
    pub engine: Engine,
}

/// A genesis that cannot be written: which field, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` of a genesis {what}")]
pub struct Unfit {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Genesis {
    /// The rules that hold from genesis on.
    pub fn rules(&self) -> Rules {
        Rules {
            code: self.code.clone(),
            world: self.world.clone(),
            limits: self.limits.clone(),
            grants: self.grants.clone(),
            engine: self.engine.clone(),
        }
    }

    /// Who sent what `init` is run for: the parent of an actor that was spawned, otherwise nobody who is named.
    pub fn init_from(&self) -> Sender {
        self.started_by.map_or(Sender::Http { key: None }, Sender::Parent)
    }

    /// Checks what the types do not: everything that would make [`Entry::encode`] panic.
    ///
    /// # Errors
    /// [`Unfit`] if `engine` or `limits` is empty, a limit is above [`MAX_INTEGER`](crate::MAX_INTEGER), or `grants`
    /// is not in ascending order.
    pub fn check(&self) -> Result<(), Unfit> {
        let unfit = |field, what| Err(Unfit { field, what });
        if self.engine.is_empty() {
            return unfit("engine", "is empty");
        }
        if self.limits.is_empty() {
            return unfit("limits", "is empty");
        }
        if self.limits.values().any(|limit| *limit > crate::MAX_INTEGER) {
            return unfit("limits", "has a value above 2^53-1");
        }
        if !self.grants.is_sorted_by(|a, b| a < b) {
            return unfit("grants", "is not in ascending order");
        }
        Ok(())
    }
}

impl Entry {
    /// The largest number of canonical bytes: 8 MiB, room for 10,000 sends with the longest addresses.
    pub const MAX_LENGTH: usize = 8 << 20;

    /// The state after this entry, if the entry says it.
    pub fn state(&self) -> Option<Hash> {
        match &self.body {
            Body::Init(init) => Some(init.state),
            Body::Message(message) => Some(message.state),
            Body::Failure(failure) => Some(failure.before),
            Body::Upgrade(upgrade) => Some(upgrade.state),
            Body::Genesis(_) | Body::Engine(_) | Body::Stop(_) => None,
        }
    }

    /// The blobs that this entry names, with the field that names each. The component is one of them.
    pub fn blobs(&self) -> Vec<(&'static str, Hash)> {
        let mut blobs = Vec::with_capacity(4);
        match &self.body {
            Body::Genesis(genesis) => {
                if let Code::Component(hash) = genesis.code {
                    blobs.push(("component-hash", hash));
                }
                blobs.extend(genesis.config.map(|hash| ("config", hash)));
                blobs.extend(genesis.fork.map(|fork| ("fork.state", fork.state)));
                push_files(&mut blobs, &genesis.grants);
            }
            Body::Init(init) => {
                blobs.push(("state", init.state));
                push_shared(&mut blobs, &init.calls, &init.effects);
            }
            Body::Message(message) => {
                blobs.push(("message", message.message));
                blobs.push(("state", message.state));
                blobs.extend(message.reply.map(|hash| ("reply", hash)));
                push_shared(&mut blobs, &message.calls, &message.effects);
            }
            Body::Failure(failure) => {
                blobs.push(("message", failure.message));
                push_shared(&mut blobs, &failure.calls, &[]);
            }
            Body::Upgrade(upgrade) => {
                if let Code::Component(hash) = upgrade.code {
                    blobs.push(("component-hash", hash));
                }
                blobs.push(("state", upgrade.state));
                push_files(&mut blobs, &upgrade.grants);
                push_shared(&mut blobs, &upgrade.calls, &upgrade.effects);
            }
            Body::Engine(_) | Body::Stop(_) => {}
        }
        blobs
    }

    /// Whether the blobs that this field of an entry names are kept once for all chains of a store: what several chains
    /// have in common belongs to none of them.
    pub fn is_shared(field: &str) -> bool {
        matches!(field, "component-hash" | "config" | FILE_FIELD)
    }
}

fn push_files(blobs: &mut Vec<(&'static str, Hash)>, grants: &[Text]) {
    blobs.extend(GrantedFile::all(grants).map(|file| (FILE_FIELD, file.name)));
}

fn push_shared(blobs: &mut Vec<(&'static str, Hash)>, calls: &[Call], effects: &[Effect]) {
    blobs.extend(calls.iter().flat_map(|call| [("calls.in", call.input), ("calls.out", call.output)]));
    blobs.extend(effects.iter().flat_map(Effect::blobs));
}
