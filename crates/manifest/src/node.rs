//! `troupe.toml`: how a node runs, and which actors it begins at its first start.
//!
//! Invariant: paths are relative to the folder of the file. Defaults are those of a node without such a file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::actor::{KEYS as ACTOR_KEYS, Manifest};
use crate::fault::{Fault, Source};
use crate::section::{At, Section, parse, read};

/// The most actors that a file may begin.
const MAX_DECLARED: usize = 10_000;
/// The longest that one message, or the delivery of one, may be let take.
const MAX_TIME: Duration = Duration::from_hours(24);

const KEYS: &[&str] =
    &["actor", "executor", "listen", "log", "node", "public-read", "store", "tls-cert", "tls-key", "tokens"];
const LOG_KEYS: &[&str] = &["key-passphrase-file", "name", "witnesses"];
const EXECUTOR_KEYS: &[&str] = &["as", "capabilities", "capacity", "limits", "price"];
/// The most capabilities of an executor.
const MAX_CAPABILITIES: usize = 32;
/// The most witnesses that a file may name.
const MAX_WITNESSES: usize = 100;
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

/// How a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeConfig {
    /// Where chains are kept.
    pub store: Option<StorePlace>,
    /// Where to listen, as `HOST:PORT`.
    pub listen: Option<String>,
    /// The file of the tokens that let clients in.
    pub tokens: Option<PathBuf>,
    /// Whether everybody may read.
    pub public_read: bool,
    /// The certificate to serve HTTPS with.
    pub tls: Option<TlsFiles>,
    /// What it signs with, and who cosigns.
    pub log: LogSettings,
    /// How it runs jobs of its commons; not at all without.
    pub executor: Option<ExecutorSettings>,
    /// How it runs its actors.
    pub node: NodeSettings,
    /// The actors to begin at the first start; each name is there once.
    pub actors: Vec<Manifest>,
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutorSettings {
    /// The key of the member as whom it runs them: a name or a file.
    pub signer: Option<String>,
    /// How many at the same time.
    pub capacity: Option<u32>,
    /// Mana that it asks for a million units of fuel.
    pub price: Option<u64>,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// How far submitters may raise limits.
    pub ceiling: Vec<(String, u64)>,
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
    /// A [`Fault`] with its place, in this file or in a manifest.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Fault> {
        let path = path.as_ref();
        Self::parse(&read(path)?, path)
    }

    /// Reads the text of a configuration as if it stood in `file`, which need not exist.
    ///
    /// # Errors
    /// As [`NodeConfig::load`].
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, Fault> {
        let source = Source { file: file.as_ref(), text };
        let table = parse(&source)?;
        let section = Section::new(&source, table.get_ref(), 0..0, KEYS)?;
        let store = section.text("store")?.map(|At { value, .. }| match value {
            "memory" => StorePlace::Memory,
            path => StorePlace::Folder(section.resolve(path)),
        });
        Ok(Self {
            store,
            listen: section.read("listen", listen)?.map(|at| at.value),
            tokens: tokens(&section)?,
            public_read: section.flag("public-read")?.unwrap_or_default(),
            tls: tls(&section)?,
            log: log(&section)?,
            executor: executor(&section)?,
            node: settings(&section)?,
            actors: actors(&section)?,
        })
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

fn tls(section: &Section<'_>) -> Result<Option<TlsFiles>, Fault> {
    let one = |there: &str, missing: &str| {
        let what = format_args!("`{there}` needs `{missing}` too");
        Err(section.source.fault(section.key_span(there), what))
    };
    match (section.file("tls-cert")?, section.file("tls-key")?) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert: cert.value, key: key.value })),
        (None, None) => Ok(None),
        (Some(_), None) => one("tls-cert", "tls-key"),
        (None, Some(_)) => one("tls-key", "tls-cert"),
    }
}

fn log(section: &Section<'_>) -> Result<LogSettings, Fault> {
    let Some(log) = section.section("log", LOG_KEYS)? else { return Ok(LogSettings::default()) };
    let mut witnesses = Vec::new();
    for At { value, span } in log.texts("witnesses", MAX_WITNESSES)? {
        if !value.split_once('=').is_some_and(|(url, key)| url.contains("://") && !key.is_empty()) {
            let what = "`witnesses`: expected URL=KEY, with the key that the witness prints";
            return Err(section.source.fault(span, what));
        }
        witnesses.push(value.to_owned());
    }
    Ok(LogSettings {
        name: log.text("name")?.map(|at| at.value.to_owned()),
        key_passphrase_file: log.file("key-passphrase-file")?.map(|at| at.value),
        witnesses,
    })
}

fn executor(section: &Section<'_>) -> Result<Option<ExecutorSettings>, Fault> {
    let Some(executor) = section.section("executor", EXECUTOR_KEYS)? else { return Ok(None) };
    let capabilities = executor.texts("capabilities", MAX_CAPABILITIES)?;
    Ok(Some(ExecutorSettings {
        signer: executor.text("as")?.map(|at| at.value.to_owned()),
        capacity: executor.number("capacity", (1, 1024))?.and_then(|number| u32::try_from(number).ok()),
        price: executor.number("price", (1, 1_000_000_000))?,
        capabilities: capabilities.into_iter().map(|at| at.value.to_owned()).collect(),
        ceiling: crate::actor::limits(&executor)?,
    }))
}

fn settings(section: &Section<'_>) -> Result<NodeSettings, Fault> {
    let usual = NodeSettings::default();
    let Some(node) = section.section("node", NODE_KEYS)? else { return Ok(usual) };
    let number = |key: &str, min: u64, max: u32| -> Result<Option<u32>, Fault> {
        Ok(node.number(key, (min, max.into()))?.and_then(|number| u32::try_from(number).ok()))
    };
    let bounded = |deadline: Option<Duration>| match deadline {
        Some(time) if time > MAX_TIME => {
            Err(format!("expected a duration up to {}", humantime::format_duration(MAX_TIME)))
        }
        other => Ok(other),
    };
    let deadline = node.read("deadline", |text| bounded(crate::units::deadline(text)?))?;
    let delivery_timeout = node.read("delivery-timeout", |text| {
        bounded(crate::units::deadline(text)?)?.ok_or_else(|| "a delivery must end at some time".to_owned())
    })?;
    Ok(NodeSettings {
        deadline: deadline.map_or(usual.deadline, |at| at.value),
        mailbox: number("mailbox", 1, 1 << 20)?.unwrap_or(usual.mailbox),
        memory: node.size("memory", (1 << 20, 1 << 40))?.unwrap_or(usual.memory),
        snapshot_every: node.number("snapshot-every", (1, 1_000_000))?.unwrap_or(usual.snapshot_every),
        threads: number("threads", 0, 1024)?.unwrap_or(usual.threads),
        delivery_timeout: delivery_timeout.map_or(usual.delivery_timeout, |at| at.value),
        max_actors: node.number("max-actors", (1, 1_000_000_000))?.unwrap_or(usual.max_actors),
        rate_limit: number("rate-limit", 0, 1_000_000)?.unwrap_or(usual.rate_limit),
    })
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ComponentRef;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("actors")).unwrap();
        for file in ["actors/quakes.wasm", "counter.wasm", "cert.pem", "key.pem", "tokens.json"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let manifest = "component = \"quakes.wasm\"\nname = \"quakes\"\n";
        fs::write(folder.path().join("actors/actor.toml"), manifest).unwrap();
        fs::write(folder.path().join("bad.toml"), "component = 1\n").unwrap();
        folder
    }

    #[test]
    fn a_whole_configuration_is_read() {
        let folder = folder();
        let at = |path: &str| folder.path().join(path);
        let text = r#"
            store = "data"
            listen = "[::1]:8080"
            tokens = "tokens.json"
            public-read = true
            tls-cert = "cert.pem"
            tls-key = "key.pem"
            [log]
            name = "node.example/log"
            key-passphrase-file = "key.pem"
            witnesses = ["http://127.0.0.1:8090=w+01020304+AbCd"]
            [executor]
            as = "ada"
            capacity = 4
            capabilities = ["gpu"]
            limits.memory = "2GiB"
            [node]
            deadline = "none"
            mailbox = 7
            memory = "1GiB"
            snapshot-every = 10
            threads = 2
            delivery-timeout = "1m"
            max-actors = 5
            rate-limit = 100
            [[actor]]
            manifest = "actors/actor.toml"
            [[actor]]
            component = "counter.wasm"
            config.start = 3
        "#;
        fs::write(at("troupe.toml"), text).unwrap();
        let config = NodeConfig::load(at("troupe.toml")).unwrap();
        assert_eq!(config.store, Some(StorePlace::Folder(at("data"))));
        assert_eq!(config.listen.as_deref(), Some("[::1]:8080"));
        assert_eq!((config.tokens, config.public_read), (Some(at("tokens.json")), true));
        assert_eq!(config.tls, Some(TlsFiles { cert: at("cert.pem"), key: at("key.pem") }));
        let log = LogSettings {
            name: Some("node.example/log".to_owned()),
            key_passphrase_file: Some(at("key.pem")),
            witnesses: vec!["http://127.0.0.1:8090=w+01020304+AbCd".to_owned()],
        };
        assert_eq!(config.log, log);
        let executor = ExecutorSettings {
            signer: Some("ada".to_owned()),
            capacity: Some(4),
            price: None,
            capabilities: vec!["gpu".to_owned()],
            ceiling: vec![("memory".to_owned(), 2 << 30)],
        };
        assert_eq!(config.executor, Some(executor));
        let node = NodeSettings {
            deadline: None,
            mailbox: 7,
            memory: 1 << 30,
            snapshot_every: 10,
            threads: 2,
            delivery_timeout: Duration::from_mins(1),
            max_actors: 5,
            rate_limit: 100,
        };
        assert_eq!(config.node, node);
        let [quakes, counter] = config.actors.try_into().unwrap();
        assert_eq!(quakes.component, ComponentRef::Path(at("actors/quakes.wasm")));
        assert_eq!(counter.component, ComponentRef::Path(at("counter.wasm")));
        assert_eq!(counter.config.as_deref(), Some(&b"{\"start\":3}"[..]));
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(NodeConfig::parse("", "troupe.toml"), Ok(NodeConfig::default()));
        let memory = NodeConfig::parse("store = \"memory\"\n[node]", "troupe.toml").unwrap();
        assert_eq!(memory, NodeConfig { store: Some(StorePlace::Memory), ..NodeConfig::default() });
    }

    #[test]
    fn every_mistake_is_a_fault_at_its_place() {
        let folder = folder();
        for (text, line, column, what) in [
            ("stroe = \"x\"", 1, 1, "did you mean `store`?"),
            ("store = true", 1, 9, "must be a string, not true or false"),
            ("listen = \"8080\"", 1, 10, "HOST:PORT"),
            ("listen = \"::1:8080\"", 1, 10, "[::1]:8080"),
            ("listen = \"a:65536\"", 1, 10, "HOST:PORT"),
            ("public-read = \"yes\"", 1, 15, "must be true or false, not a string"),
            ("tokens = \"no.json\"", 1, 10, "troupe token create"),
            ("tls-cert = \"no.pem\"", 1, 12, "no.pem: No such file"),
            ("tls-cert = \"cert.pem\"", 1, 1, "needs `tls-key` too"),
            ("\ntls-key = \"key.pem\"", 2, 1, "needs `tls-cert` too"),
            ("[log]\nwitnesses = [\"http://x\"]", 2, 14, "expected URL=KEY"),
            ("[log]\nwitness = []", 2, 1, "did you mean `witnesses`?"),
            ("[log]\nkey-passphrase-file = \"no.pem\"", 2, 23, "no.pem: No such file"),
            ("[executor]\ncapacity = 0", 2, 12, "must be from 1 to"),
            ("[node]\nmail-box = 3", 2, 1, "did you mean `mailbox`?"),
            ("[node]\nmailbox = 0", 2, 11, "must be from 1 to"),
            ("[node]\nmailbox = 99999999999999999999999", 2, 11, "must be from 1 to"),
            ("[node]\ndeadline = \"0s\"", 2, 12, "lets nothing pass"),
            ("[node]\ndeadline = \"400d\"", 2, 12, "up to 1day"),
            ("[node]\ndelivery-timeout = \"none\"", 2, 20, "must end"),
            ("[node]\nmemory = 1", 2, 10, "must be from 1048576 to"),
            ("[actor]\ncomponent = \"counter.wasm\"", 1, 1, "`actor` must be a list, not a table"),
            ("actor = [1]", 1, 10, "a list of tables, not a whole number"),
            ("[[actor]]\nmanifset = \"x\"", 2, 1, "did you mean `manifest`?"),
            ("[[actor]]\nmanifest = \"no.toml\"", 2, 12, "no.toml: No such file"),
            ("[[actor]]\nmanifest = \"actors/actor.toml\"\nname = \"b\"", 3, 1, "there is no key `name`"),
            ("\n[[actor]]\nname = \"b\"", 2, 1, "`component` is missing"),
            (
                "[[actor]]\nmanifest = \"actors/actor.toml\"\n[[actor]]\nmanifest = \"actors/actor.toml\"",
                3,
                1,
                "another actor is named `quakes` too",
            ),
        ] {
            let fault = NodeConfig::parse(text, folder.path().join("troupe.toml")).unwrap_err();
            assert!(fault.what().contains(what), "{text:?}: {fault}");
            assert_eq!(fault.place(), Some((line, column)), "{text:?}: {fault}");
        }
    }

    #[test]
    fn a_fault_in_a_manifest_is_shown_in_the_manifest() {
        let folder = folder();
        let text = "[[actor]]\nmanifest = \"bad.toml\"";
        let fault = NodeConfig::parse(text, folder.path().join("troupe.toml")).unwrap_err();
        assert_eq!((fault.file(), fault.place()), (&*folder.path().join("bad.toml"), Some((1, 13))));
    }
}
