//! How `troupe.toml` is read: every mistake is collected, and where each setting stands is kept.
//!
//! Some settings were at the top of the file before it had sections. They still may be, but not in both places.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::settings::{SETTINGS, listed};
use super::{
    ExecutorSettings, IdentitySettings, LogSettings, Network, NodeConfig, NodeSettings, Profile, StorePlace,
    TlsFiles,
};
use crate::actor::{KEYS as ACTOR_KEYS, Manifest};
use crate::fault::{Fault, Source};
use crate::section::{self, At, Section};

/// The most actors that a file may begin.
const MAX_DECLARED: usize = 10_000;
/// The longest that one message, or the delivery of one, may be let take.
const MAX_TIME: Duration = Duration::from_hours(24);
/// The most capabilities of an executor.
const MAX_CAPABILITIES: usize = 32;
/// The most members for whom one node runs jobs.
pub const MAX_EXECUTORS: usize = 16;
/// The most witnesses that a file may name.
const MAX_WITNESSES: usize = 100;

const KEYS: &[&str] = &[
    "actor",
    "executor",
    "governance",
    "identity",
    "listen",
    "log",
    "network",
    "node",
    "parameters",
    "profile",
    "public-read",
    "storage",
    "store",
    "tls-cert",
    "tls-key",
    "tokens",
];
const EXECUTOR_KEYS: &[&str] = &["as", "capabilities", "capacity", "limits", "passphrase-file", "price"];
const GOVERNANCE_KEYS: &[&str] = &["charter"];
const IDENTITY_KEYS: &[&str] = &["key", "passphrase-file"];
const LOG_KEYS: &[&str] = &["key-passphrase-file", "name", "witnesses"];
const NETWORK_KEYS: &[&str] =
    &["behind-proxy", "listen", "mode", "public-read", "tls-cert", "tls-key", "tokens"];
const STORAGE_KEYS: &[&str] = &["path"];
const NODE_KEYS: &[&str] = &[
    "deadline",
    "delivery-timeout",
    "mailbox",
    "max-actors",
    "memory",
    "rate-limit",
    "snapshot-every",
    "threads",
];

/// The sections that settings are in, and their keys.
#[cfg(test)]
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    ("executor", EXECUTOR_KEYS),
    ("governance", GOVERNANCE_KEYS),
    ("identity", IDENTITY_KEYS),
    ("log", LOG_KEYS),
    ("network", NETWORK_KEYS),
    ("node", NODE_KEYS),
    ("storage", STORAGE_KEYS),
];

/// A configuration with the place of each of its settings.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What was read.
    pub config: NodeConfig,
    file: PathBuf,
    text: String,
    places: BTreeMap<String, Range<usize>>,
}

/// Mistakes as they are found.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    /// What was read; nothing if that is a mistake.
    fn take<T>(&mut self, read: Result<Option<T>, Fault>) -> Option<T> {
        read.unwrap_or_else(|fault| {
            self.0.push(fault);
            None
        })
    }

    /// Where a setting is, and under which key: in its section, else at the top, where it was before.
    fn place<'a, 's>(
        &mut self,
        root: &'a Section<'s>,
        section: Option<&'a Section<'s>>,
        key: &'static str,
        formerly: &'static str,
    ) -> (&'a Section<'s>, &'static str) {
        let Some(section) = section.filter(|section| section.value(key).is_some()) else {
            return (root, formerly);
        };
        if root.value(formerly).is_some() {
            let what =
                format_args!("`{formerly}` is there twice: in its section, and by its former name here");
            self.0.push(root.source.fault(root.key_span(formerly), what));
        }
        (section, key)
    }
}

impl Loaded {
    /// Reads a configuration, and the manifests that it names.
    ///
    /// # Errors
    /// Every [`Fault`] that was found, each with its place; never none.
    pub fn load(path: &Path) -> Result<Self, Vec<Fault>> {
        let text = section::read(path).map_err(|fault| vec![fault])?;
        Self::parse(&text, path)
    }

    /// Reads the text of a configuration as if it stood in `file`, which need not exist.
    ///
    /// # Errors
    /// As [`Loaded::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, Vec<Fault>> {
        let source = Source { file, text };
        let table = section::parse(&source).map_err(|fault| vec![fault])?;
        let mut faults = Faults::default();
        let config = match Section::new(&source, table.get_ref(), 0..0, KEYS) {
            Ok(root) => read(&root, &mut faults),
            Err(fault) => return Err(vec![fault]),
        };
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        let of = |name: &str, key: &str| Some((name.to_owned(), place(table.get_ref(), key)?));
        let setting = |setting: &super::Setting| {
            of(setting.key, setting.key).or_else(|| of(setting.key, setting.formerly?))
        };
        let listed = listed(&config).into_iter().filter_map(|(name, _)| of(&name, &name));
        let places = SETTINGS.iter().filter_map(setting).chain(listed).collect();
        Ok(Self { config, file: file.to_owned(), text: text.to_owned(), places })
    }

    /// The line that a setting stands in; none if the file does not have it.
    pub fn line(&self, key: &str) -> Option<usize> {
        let place = self.places.get(key)?;
        Some(self.text.get(..place.start)?.matches('\n').count() + 1)
    }

    /// Something is wrong with a setting: at its place, or with the file as a whole where it does not have it.
    pub fn fault(&self, key: &str, what: impl std::fmt::Display) -> Fault {
        match self.places.get(key) {
            Some(place) => Source { file: &self.file, text: &self.text }.fault(place.clone(), what),
            None => Fault::whole(&self.file, what),
        }
    }
}

/// Where the value of a dotted key stands.
fn place(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    match key.split_once('.') {
        None => table.get(key).map(toml::Spanned::span),
        Some((first, rest)) => match table.get(first)?.get_ref() {
            DeValue::Table(table) => place(table, rest),
            // The parts of a list have numbers, from 1.
            DeValue::Array(list) => {
                list.get(rest.parse::<usize>().ok()?.checked_sub(1)?).map(toml::Spanned::span)
            }
            _ => None,
        },
    }
}

fn read(root: &Section<'_>, faults: &mut Faults) -> NodeConfig {
    let storage = faults.take(root.section("storage", STORAGE_KEYS));
    let network = faults.take(root.section("network", NETWORK_KEYS));
    let governance = faults.take(root.section("governance", GOVERNANCE_KEYS));
    let store_at = faults.place(root, storage.as_ref(), "path", "store");
    let [listen_at, tokens_at, public_at, cert_at, key_at] =
        ["listen", "tokens", "public-read", "tls-cert", "tls-key"]
            .map(|key| faults.place(root, network.as_ref(), key, key).0);
    let mut behind_proxy = None;
    if let Some(network) = &network {
        faults.take(network.read("mode", mode));
        behind_proxy = faults.take(network.flag("behind-proxy"));
    }
    NodeConfig {
        profile: faults.take(root.read("profile", str::parse::<Profile>)).map(|at| at.value),
        identity: identity(root, faults),
        store: faults.take(store(store_at.0, store_at.1)),
        network: Network::Local,
        listen: faults.take(listen_at.read("listen", listen)).map(|at| at.value),
        tokens: faults.take(tokens(tokens_at)),
        public_read: faults.take(public_at.flag("public-read")).unwrap_or_default(),
        behind_proxy: behind_proxy.unwrap_or_default(),
        tls: faults.take(tls(cert_at, key_at)),
        charter: governance.and_then(|section| faults.take(section.file("charter"))).map(|at| at.value),
        parameters: faults.take(parameters(root)).unwrap_or_default(),
        log: faults.take(log(root)).unwrap_or_default(),
        executor: faults.take(executor(root)),
        node: settings(root, faults),
        actors: faults.take(actors(root).map(Some)).unwrap_or_default(),
    }
}

fn store(section: &Section<'_>, key: &str) -> Result<Option<StorePlace>, Fault> {
    Ok(section.text(key)?.map(|At { value, .. }| match value {
        "memory" => StorePlace::Memory,
        path => StorePlace::Folder(section.resolve(path)),
    }))
}

fn identity(root: &Section<'_>, faults: &mut Faults) -> IdentitySettings {
    let Some(identity) = faults.take(root.section("identity", IDENTITY_KEYS)) else {
        return IdentitySettings::default();
    };
    let key = faults.take(identity.text("key")).map(|at| key(&identity, at.value));
    let passphrase_file = faults.take(identity.file("passphrase-file")).map(|at| at.value);
    IdentitySettings { key, passphrase_file }
}

/// A key by its name in the keyring, or by its file: no name has a dot or a slash.
fn key(section: &Section<'_>, text: &str) -> String {
    match text.contains(['.', '/']) {
        true => section.resolve(text).display().to_string(),
        false => text.to_owned(),
    }
}

fn mode(text: &str) -> Result<Network, String> {
    match text {
        "local" => Ok(Network::Local),
        _ => Err("expected local: nodes do not reach each other yet".to_owned()),
    }
}

fn listen(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let whole =
        |(host, _): &(&str, &str)| !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
    match parts.filter(whole) {
        Some(_) => Ok(text.to_owned()),
        None => Err("expected HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080".to_owned()),
    }
}

fn tokens(section: &Section<'_>) -> Result<Option<PathBuf>, Fault> {
    let Some(At { value: path, span }) = section.path("tokens")? else { return Ok(None) };
    if !path.is_file() {
        let shown = path.display();
        let what =
            format_args!("`tokens`: {shown} is not there; `troupe token create --tokens {shown}` makes it");
        return Err(section.source.fault(span, what));
    }
    Ok(Some(path))
}

fn tls(cert_in: &Section<'_>, key_in: &Section<'_>) -> Result<Option<TlsFiles>, Fault> {
    let one = |section: &Section<'_>, there: &str, missing: &str| {
        let what = format_args!("`{there}` needs `{missing}` too");
        Err(section.source.fault(section.key_span(there), what))
    };
    match (cert_in.file("tls-cert")?, key_in.file("tls-key")?) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert: cert.value, key: key.value })),
        (None, None) => Ok(None),
        (Some(_), None) => one(cert_in, "tls-cert", "tls-key"),
        (None, Some(_)) => one(key_in, "tls-key", "tls-cert"),
    }
}

fn parameters(root: &Section<'_>) -> Result<Option<BTreeMap<String, u64>>, Fault> {
    let Some(At { value, span }) = root.value("parameters") else { return Ok(None) };
    let DeValue::Table(table) = value else {
        let what = format_args!("`parameters` must be a table, not {}", section::type_of(value));
        return Err(root.source.fault(span, what));
    };
    let names: Vec<_> = table.keys().map(|key| key.get_ref().as_ref()).collect();
    let section = Section::new(root.source, table, span, &names)?;
    let value = |name: &&str| {
        let number = section.number(name, (0, troupe_chain::MAX_INTEGER))?;
        Ok(((*name).to_owned(), number.unwrap_or_default()))
    };
    names.iter().map(value).collect::<Result<_, _>>().map(Some)
}

fn log(section: &Section<'_>) -> Result<Option<LogSettings>, Fault> {
    let Some(log) = section.section("log", LOG_KEYS)? else { return Ok(None) };
    let mut witnesses = Vec::new();
    for At { value, span } in log.texts("witnesses", MAX_WITNESSES)? {
        if !value.split_once('=').is_some_and(|(url, key)| url.contains("://") && !key.is_empty()) {
            let what = "`witnesses`: expected URL=KEY, with the key that the witness prints";
            return Err(section.source.fault(span, what));
        }
        witnesses.push(value.to_owned());
    }
    Ok(Some(LogSettings {
        name: log.text("name")?.map(|at| at.value.to_owned()),
        key_passphrase_file: log.file("key-passphrase-file")?.map(|at| at.value),
        witnesses,
    }))
}

fn executor(section: &Section<'_>) -> Result<Option<ExecutorSettings>, Fault> {
    let Some(executor) = section.section("executor", EXECUTOR_KEYS)? else { return Ok(None) };
    let usual = ExecutorSettings::default();
    let capabilities = executor.texts("capabilities", MAX_CAPABILITIES)?;
    let capacity = executor.number("capacity", (1, 1024))?.and_then(|number| u32::try_from(number).ok());
    let signers = executor.one_or_more("as", MAX_EXECUTORS)?;
    if let Some(At { value, span }) = section::twice(&signers) {
        return Err(section.source.fault(span, format_args!("`as` has {value:?} twice")));
    }
    let file = |At { value, span }| {
        let path = executor.resolve(value);
        executor.is_file("passphrase-file", &path, span).map(|()| path)
    };
    let files = executor.one_or_more("passphrase-file", MAX_EXECUTORS)?;
    Ok(Some(ExecutorSettings {
        signers: signers.into_iter().map(|at| key(&executor, at.value)).collect(),
        passphrase_files: files.into_iter().map(file).collect::<Result<_, _>>()?,
        capacity: capacity.unwrap_or(usual.capacity),
        price: executor.number("price", (1, 1_000_000_000))?.unwrap_or(usual.price),
        capabilities: capabilities.into_iter().map(|at| at.value.to_owned()).collect(),
        ceiling: crate::actor::limits(&executor)?,
    }))
}

fn settings(section: &Section<'_>, faults: &mut Faults) -> NodeSettings {
    let usual = NodeSettings::default();
    let Some(node) = faults.take(section.section("node", NODE_KEYS)) else { return usual };
    let number = |key: &str, min: u64, max: u32| -> Result<Option<u32>, Fault> {
        Ok(node.number(key, (min, max.into()))?.and_then(|number| u32::try_from(number).ok()))
    };
    let bounded = |deadline: Option<Duration>| match deadline {
        Some(time) if time > MAX_TIME => {
            Err(format!("expected a duration up to {}", humantime::format_duration(MAX_TIME)))
        }
        other => Ok(other),
    };
    let deadline = faults.take(node.read("deadline", |text| bounded(crate::units::deadline(text)?)));
    let delivery_timeout = faults.take(node.read("delivery-timeout", |text| {
        bounded(crate::units::deadline(text)?)?.ok_or_else(|| "a delivery must end at some time".to_owned())
    }));
    NodeSettings {
        deadline: deadline.map_or(usual.deadline, |at| at.value),
        mailbox: faults.take(number("mailbox", 1, 1 << 20)).unwrap_or(usual.mailbox),
        memory: faults.take(node.size("memory", (1 << 20, 1 << 40))).unwrap_or(usual.memory),
        snapshot_every: faults
            .take(node.number("snapshot-every", (1, 1_000_000)))
            .unwrap_or(usual.snapshot_every),
        threads: faults.take(number("threads", 0, 1024)).unwrap_or(usual.threads),
        delivery_timeout: delivery_timeout.map_or(usual.delivery_timeout, |at| at.value),
        max_actors: faults.take(node.number("max-actors", (1, 1_000_000_000))).unwrap_or(usual.max_actors),
        rate_limit: faults.take(number("rate-limit", 0, 1_000_000)).unwrap_or(usual.rate_limit),
    }
}

fn actors(section: &Section<'_>) -> Result<Vec<Manifest>, Fault> {
    let mut names = HashSet::new();
    let mut actors = Vec::new();
    for At { value: table, span } in section.tables("actor", MAX_DECLARED)? {
        let by_path = table.contains_key("manifest");
        let manifest = if by_path {
            let one = Section::new(section.source, table, span.clone(), &["manifest"])?;
            let path = one.file("manifest")?.ok_or_else(|| one.fault("`manifest` is missing"))?;
            Manifest::load(path.value)?
        } else {
            let keys: Vec<_> = [&["manifest"], ACTOR_KEYS].concat();
            Manifest::read(&Section::new(section.source, table, span.clone(), &keys)?)?
        };
        if let Some(name) = &manifest.name
            && !names.insert(name.clone())
        {
            return Err(section.source.fault(span, format_args!("another actor is named `{name}` too")));
        }
        actors.push(manifest);
    }
    Ok(actors)
}
