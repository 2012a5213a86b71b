//! Every setting of a node in one table: its name in the file, its variable, how it is shown and taken over.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Network, NodeConfig, StorePlace};
use crate::actor::{ComponentRef, Manifest};

/// How the text of a variable stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As a text.
    Text,
    /// As a number, or a text that says one with its unit.
    Number,
    /// As true or false.
    Flag,
    /// As a list of texts; in a variable with commas between them.
    Texts,
}

/// A setting.
pub struct Setting {
    /// Its name in the file: section and key with a dot between them.
    pub key: &'static str,
    /// Its name before the file had sections, which is still read.
    pub formerly: Option<&'static str>,
    /// How its variable is read.
    pub kind: Kind,
    /// Its value for a person; none if it is not set and has no default.
    pub show: fn(&NodeConfig) -> Option<String>,
    /// Takes its value from another configuration.
    pub(super) copy: fn(&mut NodeConfig, &NodeConfig),
}

impl Setting {
    /// The environment variable that beats the file: `TROUPE_`, and the name in capitals with `_` for `.` and `-`.
    pub fn variable(&self) -> String {
        format!("TROUPE_{}", self.key.to_ascii_uppercase().replace(['.', '-'], "_"))
    }

    /// The setting of a name.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

macro_rules! setting {
    ($key:literal, $kind:ident, $formerly:expr, $($field:ident).+, $show:expr) => {
        Setting {
            key: $key,
            formerly: $formerly,
            kind: Kind::$kind,
            show: |config| $show(&config.$($field).+),
            copy: |to, from| to.$($field).+ = from.$($field).+.clone(),
        }
    };
}

/// A setting of the executor, which is there as soon as one of them is said.
macro_rules! executor {
    ($key:literal, $kind:ident, $field:ident, $show:expr) => {
        Setting {
            key: $key,
            formerly: None,
            kind: Kind::$kind,
            show: |config| config.executor.as_ref().and_then(|executor| $show(&executor.$field)),
            copy: |to, from| {
                if let Some(from) = &from.executor {
                    to.executor.get_or_insert_default().$field = from.$field.clone();
                }
            },
        }
    };
}

/// Every setting that has a name of its own; those of lists are `listed`.
pub const SETTINGS: &[Setting] = &[
    setting!("profile", Text, None, profile, shown),
    setting!("identity.key", Text, None, identity.key, shown),
    setting!("identity.passphrase-file", Text, None, identity.passphrase_file, |path: &Option<_>| file(path)),
    setting!("storage.path", Text, Some("store"), store, place),
    setting!("network.mode", Text, None, network, network),
    setting!("network.listen", Text, Some("listen"), listen, shown),
    setting!("network.tokens", Text, Some("tokens"), tokens, |path: &Option<_>| file(path)),
    setting!("network.behind-proxy", Flag, None, behind_proxy, always),
    setting!("network.public-read", Flag, Some("public-read"), public_read, always),
    Setting {
        key: "network.tls-cert",
        formerly: Some("tls-cert"),
        kind: Kind::Text,
        show: |config| config.tls.as_ref().map(|tls| tls.cert.display().to_string()),
        copy: copy_tls,
    },
    Setting {
        key: "network.tls-key",
        formerly: Some("tls-key"),
        kind: Kind::Text,
        show: |config| config.tls.as_ref().map(|tls| tls.key.display().to_string()),
        copy: copy_tls,
    },
    setting!("governance.charter", Text, None, charter, |path: &Option<_>| file(path)),
    executor!("executor.as", Texts, signers, |all: &Vec<String>| texts(all)),
    executor!("executor.capabilities", Texts, capabilities, |all: &Vec<String>| texts(all)),
    executor!("executor.capacity", Number, capacity, always),
    executor!("executor.passphrase-file", Texts, passphrase_files, |all: &Vec<PathBuf>| files(all)),
    executor!("executor.price", Number, price, always),
    setting!("log.key-passphrase-file", Text, None, log.key_passphrase_file, |path: &Option<_>| file(path)),
    setting!("log.name", Text, None, log.name, shown),
    setting!("log.witnesses", Texts, None, log.witnesses, |all: &Vec<String>| texts(all)),
    setting!("node.deadline", Text, None, node.deadline, deadline),
    setting!("node.delivery-timeout", Text, None, node.delivery_timeout, time),
    setting!("node.mailbox", Number, None, node.mailbox, always),
    setting!("node.max-actors", Number, None, node.max_actors, always),
    setting!("node.memory", Number, None, node.memory, always),
    setting!("node.rate-limit", Number, None, node.rate_limit, always),
    setting!("node.snapshot-every", Number, None, node.snapshot_every, always),
    setting!("node.threads", Number, None, node.threads, always),
];

/// The settings whose names a configuration chooses, and their values: limits of the executor, parameters of the commons,
/// and actors, which have numbers from 1.
pub(super) fn listed(config: &NodeConfig) -> Vec<(String, String)> {
    let ceiling = config.executor.iter().flat_map(|executor| &executor.ceiling);
    let limits = ceiling.map(|(name, value)| (format!("executor.limits.{name}"), value.to_string()));
    let parameters =
        config.parameters.iter().map(|(name, value)| (format!("parameters.{name}"), value.to_string()));
    let actors =
        config.actors.iter().zip(1..).map(|(actor, number)| (format!("actor.{number}"), described(actor)));
    limits.chain(parameters).chain(actors).collect()
}

/// An actor for a person: its component, and its name if it has one.
fn described(actor: &Manifest) -> String {
    let component = match &actor.component {
        ComponentRef::Path(path) => path.display().to_string(),
        ComponentRef::Hash(hash) => hash.to_string(),
    };
    match &actor.name {
        Some(name) => format!("{name}: {component}"),
        None => component,
    }
}

/// A certificate and its key belong together.
fn copy_tls(to: &mut NodeConfig, from: &NodeConfig) {
    to.tls.clone_from(&from.tls);
}

fn shown<T: ToString>(value: &Option<T>) -> Option<String> {
    value.as_ref().map(ToString::to_string)
}

#[expect(clippy::unnecessary_wraps, reason = "one of the functions that show a value")]
fn always<T: ToString>(value: &T) -> Option<String> {
    Some(value.to_string())
}

fn file<P: AsRef<Path>>(path: &Option<P>) -> Option<String> {
    path.as_ref().map(|path| path.as_ref().display().to_string())
}

fn place(place: &Option<StorePlace>) -> Option<String> {
    place.as_ref().map(|place| match place {
        StorePlace::Memory => "memory".to_owned(),
        StorePlace::Folder(path) => path.display().to_string(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "one of the functions that show a value")]
fn network(Network::Local: &Network) -> Option<String> {
    Some("local".to_owned())
}

fn texts(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn files(files: &[PathBuf]) -> Option<String> {
    texts(&files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>())
}

#[expect(clippy::unnecessary_wraps, reason = "one of the functions that show a value")]
fn deadline(deadline: &Option<Duration>) -> Option<String> {
    Some(deadline.map_or("none".to_owned(), |deadline| humantime::format_duration(deadline).to_string()))
}

#[expect(clippy::unnecessary_wraps, reason = "one of the functions that show a value")]
fn time(time: &Duration) -> Option<String> {
    Some(humantime::format_duration(*time).to_string())
}
