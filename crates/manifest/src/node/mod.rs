//! `troupe.toml`: how a node runs, and which actors it begins at its first start.
//!
//! Invariant: paths are relative to the folder of the file. Defaults are those of a node without such a file.
//!
//! [`read`](mod@read) reads the file, [`settings`] lists what can be set, and [`layers`] puts the file, the environment and
//! arguments on top of each other.

mod layers;
mod read;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::actor::Manifest;
use crate::fault::Fault;
use crate::section;

pub use layers::{Layers, Origin, Row};
pub use read::{Loaded, MAX_EXECUTORS};
pub use settings::{Kind, SETTINGS, Setting};

/// How a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeConfig {
    /// What the node is for, which says what it must have and may not. Without one, it has what it is given.
    pub profile: Option<Profile>,
    /// Whose key the node acts with.
    pub identity: IdentitySettings,
    /// Where chains are kept.
    pub store: Option<StorePlace>,
    /// Which other nodes it reaches.
    pub network: Network,
    /// Where to listen, as `HOST:PORT`.
    pub listen: Option<String>,
    /// The file of the tokens that let clients in.
    pub tokens: Option<PathBuf>,
    /// Whether everybody may read.
    pub public_read: bool,
    /// Whether this machine needs a token too, since a proxy passes on from it what comes from elsewhere.
    pub behind_proxy: bool,
    /// The certificate to serve HTTPS with.
    pub tls: Option<TlsFiles>,
    /// The charter of the commons that the node begins, if its store has none.
    pub charter: Option<PathBuf>,
    /// Parameters that the commons begins with, where the charter does not say them: names and values.
    pub parameters: BTreeMap<String, u64>,
    /// What it signs with, and who cosigns.
    pub log: LogSettings,
    /// How it runs jobs of its commons; not at all without.
    pub executor: Option<ExecutorSettings>,
    /// How it runs its actors.
    pub node: NodeSettings,
    /// The actors to begin at the first start; each name is there once.
    pub actors: Vec<Manifest>,
}

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// People rely on it: durable, with a key of its own, reached only over HTTPS.
    Production,
    /// Somebody tries things: a key of its own, the rest as it comes.
    Development,
    /// A test: nothing is kept, nothing comes from outside, every run is the same.
    Testing,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Production, Self::Development, Self::Testing];

    /// The profile as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
            Self::Testing => "testing",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|profile| profile.as_str() == text);
        found.ok_or_else(|| "expected production, development or testing".to_owned())
    }
}

/// Whose key the node acts with. What a name may be, and whether there is such a key, the reader of these says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentitySettings {
    /// The name of a key in the keyring, or the path of a key file: what has a dot or a slash is a path.
    pub key: Option<String>,
    /// The file with its passphrase.
    pub passphrase_file: Option<PathBuf>,
}

/// Which other nodes a node reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// None: what it has it has by itself. There is no other network yet.
    #[default]
    Local,
}

/// What a node signs with, and who cosigns. What a name or a key may be, the reader of these says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// The name of its log, when its key is made.
    pub name: Option<String>,
    /// The file with the passphrase of its key.
    pub key_passphrase_file: Option<PathBuf>,
    /// The witnesses that are to cosign, each as `URL=KEY`.
    pub witnesses: Vec<String>,
}

/// How a node runs jobs of its commons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorSettings {
    /// The keys of the members for whom it runs them, each a name or a file, and none twice.
    pub signers: Vec<String>,
    /// The files with the passphrases of these keys: none, one for all of them, or one for each in their order.
    pub passphrase_files: Vec<PathBuf>,
    /// How many each of them runs at the same time.
    pub capacity: u32,
    /// Mana that it asks for a million units of fuel.
    pub price: u64,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// How far submitters may raise limits.
    pub ceiling: Vec<(String, u64)>,
}

impl Default for ExecutorSettings {
    fn default() -> Self {
        Self {
            signers: Vec::new(),
            passphrase_files: Vec::new(),
            capacity: 2,
            price: 1,
            capabilities: Vec::new(),
            ceiling: Vec::new(),
        }
    }
}

/// Where chains are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// In memory, gone in the end.
    Memory,
    /// In a folder.
    Folder(PathBuf),
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain of certificates, the server's own first, as PEM.
    pub cert: PathBuf,
    /// The key of the first one, as PEM.
    pub key: PathBuf,
}

/// How a node runs its actors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// How long one message may take; `None` leaves it to fuel alone.
    pub deadline: Option<Duration>,
    /// How many messages may wait for one actor.
    pub mailbox: u32,
    /// Bytes of states that are kept in memory, of all actors together.
    pub memory: u64,
    /// How many entries there are at most from one stored state to the next.
    pub snapshot_every: u64,
    /// The threads that run actors; 0 takes as many as there are cores.
    pub threads: u32,
    /// How long the delivery of a message between actors may take.
    pub delivery_timeout: Duration,
    /// The most actors.
    pub max_actors: u64,
    /// Requests that one client may make a second; 0 is no limit.
    pub rate_limit: u32,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            deadline: Some(Duration::from_secs(10)),
            mailbox: 1024,
            memory: 256 << 20,
            snapshot_every: 1,
            threads: 0,
            delivery_timeout: Duration::from_secs(30),
            max_actors: 1_000_000,
            rate_limit: 0,
        }
    }
}

impl NodeConfig {
    /// Reads a configuration, and the manifests that it names.
    ///
    /// # Errors
    /// The first [`Fault`] with its place, in this file or in a manifest; [`Loaded::load`] has all of them.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Fault> {
        let path = path.as_ref();
        Self::parse(&section::read(path)?, path)
    }

    /// Reads the text of a configuration as if it stood in `file`, which need not exist.
    ///
    /// # Errors
    /// As [`NodeConfig::load`].
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, Fault> {
        match Loaded::parse(text, file.as_ref()) {
            Ok(loaded) => Ok(loaded.config),
            Err(mut faults) => Err(faults.swap_remove(0)),
        }
    }
}
