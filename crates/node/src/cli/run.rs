//! `troupe run`: an actor behind an HTTP server, until Ctrl-C.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use tokio::signal::unix::{Signal, SignalKind, signal};
use troupe::host::{Running, Setup, SetupError};
use troupe_chain::Level;
use troupe_component::Allocation;
use troupe_runtime::{LogRecord, OpenError, SendError};
use troupe_store::{DiskStore, MemoryStore, Store, StoreError};

use super::failure::{Done, Failure, chain_of};
use super::parse::{self, Deadline};
use super::screen::{BOLD, DIM, Screen, WARN, short, size};

/// Run a component as an actor behind an HTTP server
///
/// Begins an actor, or goes on with the one that the store holds: after Ctrl-C, a crash or a power cut the same command
/// continues where the last answered message left off.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe run counter.wasm\n  \
    troupe run counter.wasm --addr 127.0.0.1:9000 --store /var/lib/counter\n  \
    troupe run quakes.wasm --config '{\"alerts\":\"alerts@example\"}' --memory 16MiB\n  \
    troupe run counter.wasm --store memory --limit state=1MiB --fuel 50000000\n\n\
    Then, in another terminal:\n  \
    troupe send http://127.0.0.1:8080 '{\"add\":1}'\n  \
    troupe verify http://127.0.0.1:8080")]
pub(crate) struct Run {
    /// The component: a .wasm file
    component: PathBuf,
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    addr: String,
    /// Folder of the store, or `memory` for one that is gone in the end
    /// [default: the component's name with .store, in the current folder]
    #[arg(long, value_name = "PATH|memory")]
    store: Option<PathBuf>,
    /// Configuration for the actor's init, when it begins
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
    /// Fuel for one message: about one unit an instruction
    #[arg(long, value_name = "N", value_parser = parse::size, help_heading = "Limits")]
    fuel: Option<u64>,
    /// Memory of the actor, such as 64MiB
    #[arg(long, value_name = "SIZE", value_parser = parse::size, help_heading = "Limits")]
    memory: Option<u64>,
    /// Any limit by name; `troupe check` lists them. They are fixed when the actor begins
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse::limit, help_heading = "Limits")]
    limit: Vec<(String, u64)>,
    /// How long one message may take, such as 10s, or none
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse::deadline, help_heading = "Limits")]
    deadline: Deadline,
    /// How many messages may wait
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    mailbox: u32,
    /// Keep a state at least every N entries; those between are replayed when they are needed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Tuning")]
    snapshot_every: u64,
    /// How instances get their memory
    #[arg(long, value_enum, default_value = "pooling", help_heading = "Tuning")]
    allocation: AllocationArg,
    /// Folder for compiled code, or none [default: troupe in the user's cache folder]
    #[arg(long, value_name = "DIR|none", help_heading = "Tuning")]
    cache: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AllocationArg {
    /// From slots set up once: fast
    Pooling,
    /// From the system each time: little address space
    OnDemand,
}

pub(super) fn run(screen: &Screen, command: Run) -> Done {
    let component = parse::file(&command.component)?;
    let config = command.config.as_deref().map(parse::payload).transpose()?;
    if let Some(config) = &config {
        parse::check_json(config, "the configuration")?;
    }
    let runtime =
        troupe::http::runtime().map_err(|error| Failure::cannot(format_args!("cannot start: {error}")))?;
    // First what is cheap to get wrong: nothing is stored if the port is taken.
    let (listener, addr) = runtime.block_on(listen(&command.addr))?;
    if !addr.ip().is_loopback() {
        screen.warn(format_args!(
            "{addr} can be reached from other machines, and anybody there can send messages and read everything"
        ));
    }
    let place = command.store.clone().unwrap_or_else(|| default_store(&command.component));
    let is_new = !place.exists();
    let store = open_store(&place)?;
    let mut setup = Setup::new(component, store);
    setup.config = config.map(Into::into);
    setup.limits = command.limit;
    setup.limits.extend(command.fuel.map(|fuel| ("fuel".into(), fuel)));
    setup.limits.extend(command.memory.map(|memory| ("memory".into(), memory)));
    setup.settings.deadline = command.deadline.0;
    setup.settings.options.mailbox = usize::try_from(command.mailbox).unwrap_or(usize::MAX);
    setup.settings.options.snapshot_every = command.snapshot_every;
    if let AllocationArg::OnDemand = command.allocation {
        setup.settings.allocation = Allocation::OnDemand;
    }
    setup.settings.cache = match command.cache {
        Some(none) if none.as_os_str() == "none" => None,
        Some(folder) => Some(folder),
        None => default_cache(),
    };
    let sink = *screen;
    setup.settings.options.log = Arc::new(move |records| print_log(&sink, records));
    let running = setup.open().map_err(|error| {
        if is_new {
            // The store was made a moment ago and holds nothing; if it stays, it is empty.
            let _ = std::fs::remove_dir_all(&place);
        }
        explain(&error, &command.component, &place)
    });
    let running = Arc::new(running?);
    let mut stop = {
        let _context = runtime.enter();
        // Before the first word: whoever reads it may ask to stop.
        Stop::watch().map_err(|error| Failure::cannot(format_args!("cannot watch for signals: {error}")))?
    };
    introduce(screen, &command.component, &place, &running, addr)?;
    let noted = *screen;
    let served = runtime.block_on(troupe::http::serve(listener, running.site(), async move {
        stop.asked().await;
        noted.note(format_args!(
            "{DIM}stopping once what was taken is answered; again to leave at once{DIM:#}"
        ));
        tokio::spawn(async move {
            stop.asked().await;
            // Whatever was answered is durable; a kill loses no more.
            std::process::exit(130);
        });
    }));
    running.stop();
    let view = running.actor.view().map_err(Failure::cannot)?;
    screen.note(format_args!("stopped at seq {}, head {}", view.tip.seq, short(view.tip.entry)));
    served.map_err(|error| Failure::cannot(format_args!("the server failed: {error}")))
}

async fn listen(addr: &str) -> Result<(tokio::net::TcpListener, SocketAddr), Failure> {
    let bound = tokio::net::TcpListener::bind(addr).await;
    let local = bound.and_then(|listener| listener.local_addr().map(|local| (listener, local)));
    local.map_err(|error| {
        let failure = Failure::cannot(format_args!("cannot listen on {addr}: {error}"));
        match error.kind() {
            std::io::ErrorKind::AddrInUse => failure.help(
                "something listens there already: choose another port with --addr, or 127.0.0.1:0 for any",
            ),
            std::io::ErrorKind::InvalidInput => failure.help("give it as HOST:PORT, such as 127.0.0.1:8080"),
            std::io::ErrorKind::PermissionDenied => {
                failure.help("ports below 1024 need rights; choose a higher one")
            }
            _ => failure.help("use an address of this machine, such as 127.0.0.1:8080"),
        }
    })
}

fn default_store(component: &Path) -> PathBuf {
    let stem = component.file_stem().unwrap_or(component.as_os_str());
    PathBuf::from(stem).with_extension("store")
}

/// A folder of this user's own; none if the environment names none.
pub(super) fn default_cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|path| Path::new(path).is_absolute());
    let cache = cache.map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("troupe"))
}

fn open_store(place: &Path) -> Result<Arc<dyn Store>, Failure> {
    if place.as_os_str() == "memory" {
        return Ok(Arc::new(MemoryStore::new()));
    }
    match DiskStore::open(place) {
        Ok(store) => Ok(Arc::new(store)),
        Err(error @ StoreError::Locked { .. }) => Err(Failure::cannot(&error)
            .help("another `troupe run` may be using it; --store PATH takes another folder")),
        Err(error) => Err(error.into()),
    }
}

/// What went wrong on the way to a running actor, and what to do.
pub(super) fn explain(error: &SetupError, component: &Path, place: &Path) -> Failure {
    let component = component.display();
    let failure = Failure::cannot(chain_of(error));
    match error {
        SetupError::Load(_) => failure
            .while_(&component)
            .help(format_args!("`troupe check {component}` says what an actor needs")),
        SetupError::Differs { .. } => failure
            .while_(format_args!("cannot go on with {}", place.display()))
            .help("--store PATH begins another actor in another folder"),
        SetupError::Several(_) => failure.help("--store PATH takes a folder of its own"),
        SetupError::Begin(SendError::CannotBegin(_)) => failure
            .help(format_args!("`troupe check {component} --config …` tries init without storing anything")),
        SetupError::Open(OpenError::Broken(_) | OpenError::Replay(_)) => failure
            .help(format_args!("`troupe verify {}` says where the history goes wrong", place.display())),
        _ => failure,
    }
}

fn introduce(screen: &Screen, file: &Path, place: &Path, running: &Running, addr: SocketAddr) -> Done {
    let view = running.actor.view().map_err(Failure::cannot)?;
    let component = troupe_chain::Hash::of(&running.component);
    let url = format!("http://{addr}");
    if screen.json {
        return Ok(screen.json(&serde_json::json!({
            "actor": view.tip.chain.to_string(), "component": component.to_string(),
            "world": running.genesis.world.to_string(), "url": url, "seq": view.tip.seq,
            "resumed": running.resumed, "store": place.display().to_string(),
        }))?);
    }
    let bytes = size(running.component.len() as u64);
    screen.field("actor", format_args!("{BOLD}{}{BOLD:#}", view.tip.chain))?;
    screen.field("component", format_args!("{} ({bytes}), {}", file.display(), short(component)))?;
    screen.field("world", &running.genesis.world)?;
    let store = place.display();
    if place.as_os_str() == "memory" {
        screen.field("store", "memory: gone when this ends")?;
    } else if running.resumed {
        screen.field("store", format_args!("{store}, resumed at seq {}", view.tip.seq))?;
    } else {
        screen.field("store", format_args!("{store}, new"))?;
    }
    screen.field("send", format_args!("troupe send {url} '{{…}}'   (Ctrl-C stops)"))?;
    Ok(screen.line(format_args!("listening on {BOLD}{url}{BOLD:#}"))?)
}

/// Prints the lines of a batch at once: a write for each would cost more than the messages do.
fn print_log(screen: &Screen, records: &[LogRecord<'_>]) {
    let lines: Vec<_> = records.iter().map(|record| log_line(screen.json, record)).collect();
    screen.note(lines.join("\n"));
}

fn log_line(json: bool, record: &LogRecord<'_>) -> String {
    let level = record.line.level;
    let line = super::screen::excerpt(&record.line.line, 2000);
    if json {
        return serde_json::json!({ "seq": record.seq, "level": level.as_str(), "line": line }).to_string();
    }
    let style = match level {
        Level::Debug => DIM,
        Level::Info => Style::new(),
        Level::Warn => WARN,
        Level::Error => AnsiColor::Red.on_default(),
    };
    format!("{DIM}{:>6}{DIM:#} {style}{:<5} {line}{style:#}", record.seq, level.as_str())
}

/// Ctrl-C, and what a service manager sends, watched from the moment this is made.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to watch, in the context of a runtime.
    fn watch() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits until somebody asks, or has asked since.
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
