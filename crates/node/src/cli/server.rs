//! What `run` and `serve` have in common: where a node listens, who may use it, how it is run, and how it ends.
//!
//! Invariant: nothing is stored before the address is taken, and nobody from another machine is let in by accident.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use troupe::access::{Policy, Tokens};
use troupe::host::SetupError;
use troupe::http::{Site, TlsAcceptor};
use troupe::manifest::{StorePlace, TlsFiles};
use troupe_chain::{Hash, Level};
use troupe_runtime::{LogRecord, OpenError, SendError};
use troupe_store::{DiskStore, MemoryStore, Store, StoreError};

use super::failure::{Done, Failure, chain_of};
use super::screen::{DIM, Screen, WARN, excerpt, short};

/// Where a node listens unless it is told otherwise.
pub(super) const ADDR: &str = "127.0.0.1:8080";

/// How many names are remembered.
const MAX_KNOWN: usize = 10_000;

/// Where a node listens, and who may use it.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ListenArgs {
    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, visible_alias = "listen", value_name = "HOST:PORT")]
    pub(super) addr: Option<String>,
    /// The file of tokens that let clients in; `troupe token create` makes it
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    pub(super) tokens: Option<PathBuf>,
    /// Let everybody read, without a token
    #[arg(long, help_heading = "Access")]
    pub(super) public_read: bool,
    /// Ask this machine for a token too: behind a proxy, whatever it passes on comes from here
    #[arg(long, requires = "tokens", help_heading = "Access")]
    pub(super) behind_proxy: bool,
    /// The certificate to serve HTTPS with, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Access")]
    pub(super) tls_cert: Option<PathBuf>,
    /// Its key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Access")]
    pub(super) tls_key: Option<PathBuf>,
}

/// A node's door, open but with nobody behind it yet.
pub(super) struct Door {
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    addr: SocketAddr,
    tls: Option<TlsAcceptor>,
    policy: Policy,
}

impl ListenArgs {
    /// Files that the arguments do not name are those of a configuration.
    pub(super) fn or(self, config: troupe::manifest::NodeConfig) -> Self {
        let (cert, key) = config.tls.map(|TlsFiles { cert, key }| (cert, key)).unzip();
        // A pair belongs together.
        let (tls_cert, tls_key) =
            if self.tls_cert.is_some() { (self.tls_cert, self.tls_key) } else { (cert, key) };
        Self {
            addr: self.addr.or(config.listen),
            tokens: self.tokens.or(config.tokens),
            public_read: self.public_read || config.public_read,
            behind_proxy: self.behind_proxy || config.behind_proxy,
            tls_cert,
            tls_key,
        }
    }

    /// Checks who would be let in, and takes the address.
    pub(super) fn open(&self) -> Result<Door, Failure> {
        troupe::huge_pages::disable();
        let policy = self.policy()?;
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some(TlsAcceptor::load(cert, key).map_err(Failure::cannot)?),
            _ => None,
        };
        let runtime = troupe::http::runtime()
            .map_err(|error| Failure::cannot(format_args!("cannot start: {error}")))?;
        let addr = self.addr.as_deref().unwrap_or(ADDR);
        let (listener, local) = runtime.block_on(listen(addr))?;
        if !local.ip().is_loopback() && self.tokens.is_none() && !self.public_read {
            let what =
                format!("{local} can be reached from other machines, and nobody there could be told apart");
            return Err(Failure::cannot(what)
                .help("make a token with `troupe token create --name NAME --scope manage`, and give --tokens tokens.json")
                .help("--public-read lets everybody read and nobody else write; 127.0.0.1 stays on this machine"));
        }
        Ok(Door { runtime, listener, addr: local, tls, policy })
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let tokens = self.tokens.as_ref().map(Tokens::open).transpose().map_err(|error| {
            Failure::cannot(chain_of(&error))
                .help("`troupe token create --name NAME --scope read,send --tokens FILE` makes the file")
        })?;
        Ok(Policy {
            tokens,
            public_read: self.public_read,
            loopback_free: !self.behind_proxy,
            hosts: Vec::new(),
        })
    }
}

impl Door {
    /// Where the node is.
    pub(super) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// Says what is worth a warning.
    pub(super) fn warn(&self, screen: &Screen) {
        if !self.addr.ip().is_loopback() && self.tls.is_none() {
            screen.warn(format_args!(
                "{} serves HTTP without TLS: whoever is on the way reads tokens and messages; --tls-cert and --tls-key",
                self.addr
            ));
        }
    }

    /// Serves until somebody asks to stop; what has begun is finished, unless they ask again. `begin` is called once
    /// signals are watched, and makes what is served.
    pub(super) fn serve(
        self,
        screen: &Screen,
        begin: impl FnOnce(&str, Policy) -> Result<Site, Failure>,
    ) -> Done {
        let url = self.url();
        let Self { runtime, listener, tls, policy, .. } = self;
        let mut stop = {
            let _context = runtime.enter();
            // Before the first word: whoever reads it may ask to stop.
            Stop::watch()
                .map_err(|error| Failure::cannot(format_args!("cannot watch for signals: {error}")))?
        };
        let site = begin(&url, policy)?;
        let actors = site.host.actors.clone();
        let noted = *screen;
        let until = async move {
            stop.asked().await;
            noted.note(format_args!(
                "{DIM}stopping once what was taken is answered; again to leave at once{DIM:#}"
            ));
            tokio::spawn(async move {
                stop.asked().await;
                // Whatever was answered is durable; a kill loses no more.
                std::process::exit(130);
            });
        };
        let router = troupe::http::router(Arc::new(site));
        let served = runtime.block_on(troupe::http::serve_router(listener, router, tls, until));
        actors.shutdown();
        served.map_err(|error| Failure::cannot(format_args!("the server failed: {error}")))
    }
}

pub(super) async fn listen(addr: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = TcpListener::bind(addr).await;
    let local = bound.and_then(|listener| listener.local_addr().map(|local| (listener, local)));
    local.map_err(|error| {
        let failure = Failure::cannot(format_args!("cannot listen on {addr}: {error}"));
        match error.kind() {
            io::ErrorKind::AddrInUse => failure.help(
                "something listens there already: choose another port with --addr, or 127.0.0.1:0 for any",
            ),
            io::ErrorKind::InvalidInput => failure.help("give it as HOST:PORT, such as 127.0.0.1:8080"),
            io::ErrorKind::PermissionDenied => {
                failure.help("ports below 1024 need rights; choose a higher one")
            }
            _ => failure.help("use an address of this machine, such as 127.0.0.1:8080"),
        }
    })
}

/// Reads a place as the command line has it.
pub(super) fn store_place(path: &Path) -> StorePlace {
    if path.as_os_str() == "memory" { StorePlace::Memory } else { StorePlace::Folder(path.to_owned()) }
}

/// The place as a person reads it.
pub(super) fn shown(place: &StorePlace) -> String {
    match place {
        StorePlace::Memory => "memory".to_owned(),
        StorePlace::Folder(path) => path.display().to_string(),
    }
}

pub(super) fn open_store(place: &StorePlace) -> Result<Arc<dyn Store>, Failure> {
    let StorePlace::Folder(path) = place else { return Ok(Arc::new(MemoryStore::new())) };
    match DiskStore::open(path) {
        Ok(store) => Ok(Arc::new(store)),
        Err(error @ StoreError::Locked { .. }) => Err(Failure::cannot(&error).help(
            "another `troupe run` or `troupe serve` may be using it; --store PATH takes another folder",
        )),
        Err(error) => Err(error.into()),
    }
}

/// What went wrong on the way to a running actor, and what to do.
pub(super) fn explain(error: &SetupError, component: &str, place: &str) -> Failure {
    let failure = Failure::cannot(chain_of(error));
    match error {
        SetupError::Load(_) => failure
            .while_(component)
            .help(format_args!("`troupe check {component}` says what an actor needs")),
        SetupError::Differs { .. } => failure
            .while_(format_args!("cannot go on with {place}"))
            .help("--store PATH begins another actor in another folder")
            .help("`troupe upgrade` gives a running actor other code or other limits"),
        SetupError::Several(_) => failure
            .help(format_args!("`troupe serve --store {place}` runs all of them"))
            .help("--store PATH takes a folder of its own"),
        SetupError::Begin(SendError::CannotBegin(_)) => failure
            .help(format_args!("`troupe check {component} --config …` tries init without storing anything")),
        SetupError::Open(OpenError::Broken(_) | OpenError::Replay(_)) => {
            failure.help(format_args!("`troupe verify {place}` says where the history goes wrong"))
        }
        SetupError::Grant(_) => failure.help("grant a host as http:api.example.org or private:HOST:PORT"),
        SetupError::Limit(_) => failure.help("`troupe check COMPONENT` lists the limits"),
        _ => failure,
    }
}

struct Names {
    store: Arc<dyn Store>,
    known: Mutex<HashMap<Hash, String>>,
}

/// Prints what actors log, and on a node of several which of them does.
pub(super) struct LogPrinter {
    screen: Screen,
    /// Where the names are and those that were looked up, if they are to be shown.
    names: Option<Names>,
}

impl LogPrinter {
    /// For a node of one actor.
    pub(super) fn one(screen: &Screen) -> Self {
        Self { screen: *screen, names: None }
    }

    /// For a node of many.
    pub(super) fn many(screen: &Screen, store: &Arc<dyn Store>) -> Self {
        Self { screen: *screen, names: Some(Names { store: Arc::clone(store), known: Mutex::default() }) }
    }

    pub(super) fn print(&self, records: &[LogRecord<'_>]) {
        // At once: a write for each would cost more than the messages do.
        let lines: Vec<_> = records.iter().map(|record| self.line(record)).collect();
        self.screen.note(lines.join("\n"));
    }

    fn line(&self, record: &LogRecord<'_>) -> String {
        let level = record.line.level;
        let line = excerpt(&record.line.line, 2000);
        let (chain, seq) = (record.chain, record.seq);
        if self.screen.json {
            let (actor, level) = (chain.to_string(), level.as_str());
            return json!({ "actor": actor, "seq": seq, "level": level, "line": line }).to_string();
        }
        let style = style_of(level);
        let actor = self.name(&chain).map(|name| format!("{DIM}{name}{DIM:#} ")).unwrap_or_default();
        format!("{actor}{DIM}{seq:>6}{DIM:#} {style}{:<5} {line}{style:#}", level.as_str())
    }

    fn name(&self, chain: &Hash) -> Option<String> {
        let Names { store, known } = self.names.as_ref()?;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = known.get(chain) {
            return Some(name.clone());
        }
        let record = troupe_runtime::stored_record(&**store, chain).ok().flatten();
        let name = record.and_then(|record| record.name().map(str::to_owned));
        let name = name.unwrap_or_else(|| short(chain));
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(*chain, name.clone());
        Some(name)
    }
}

/// How a line of a level looks.
pub(super) fn style_of(level: Level) -> Style {
    match level {
        Level::Debug => DIM,
        Level::Info => Style::new(),
        Level::Warn => WARN,
        Level::Error => AnsiColor::Red.on_default(),
    }
}

/// Ctrl-C, and what a service manager sends, watched from the moment this is made.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to watch, in the context of a runtime.
    pub(super) fn watch() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits until somebody asks, or has asked since.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
