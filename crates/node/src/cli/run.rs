//! `troupe run`: one actor behind an HTTP server, until Ctrl-C.

use std::path::PathBuf;
use std::sync::Arc;

use troupe::host::{ComponentSource, Running, Setup};
use troupe::http::Site;
use troupe::manifest::StorePlace;
use troupe_chain::Hash;

use super::begin::{self, BeginArgs};
use super::code::CodeArgs;
use super::failure::{Done, Failure};
use super::parse::{self, Deadline};
use super::screen::{BOLD, Screen, short, size};
use super::server::{self, ListenArgs, LogPrinter};
use super::signing::SigningArgs;

/// Run a component as an actor behind an HTTP server
///
/// Begins an actor, or goes on with the one that the store holds: after Ctrl-C, a crash or a power cut the same command
/// continues where the last answered message left off. `troupe serve` runs a node of many actors.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe run counter.wasm\n  \
    troupe run actor.toml\n  \
    troupe run counter.wasm --addr 127.0.0.1:9000 --store /var/lib/counter\n  \
    troupe run quakes.wasm --config '{\"alerts\":\"alerts@example\"}' --memory 16MiB\n  \
    troupe run counter.wasm --store memory --limit state=1MiB --fuel 50000000\n  \
    troupe run counter.wasm --addr 0.0.0.0:8080 --tokens tokens.json\n\n\
    Then, in another terminal:\n  \
    troupe send http://127.0.0.1:8080 '{\"add\":1}'\n  \
    troupe verify http://127.0.0.1:8080")]
pub(crate) struct Run {
    /// The component, a .wasm file, or a manifest, a .toml file
    #[arg(value_name = "COMPONENT|actor.toml")]
    component: String,
    #[command(flatten)]
    listen: ListenArgs,
    /// Folder of the store, or `memory` for one that is gone in the end
    /// [default: the actor's or the component's name with .store, in the current folder]
    #[arg(long, value_name = "PATH|memory")]
    store: Option<PathBuf>,
    #[command(flatten)]
    begin: BeginArgs,
    /// Fuel for one message: about one unit an instruction
    #[arg(long, value_name = "N", value_parser = parse::size, help_heading = "Limits")]
    fuel: Option<u64>,
    /// Memory of the actor, such as 64MiB
    #[arg(long, value_name = "SIZE", value_parser = parse::size, help_heading = "Limits")]
    memory: Option<u64>,
    /// How long one message may take, such as 10s, or none
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse::deadline, help_heading = "Limits")]
    deadline: Deadline,
    /// How many messages may wait
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    mailbox: u32,
    /// Keep a state at least every N entries; those between are replayed when they are needed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Tuning")]
    snapshot_every: u64,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    code: CodeArgs,
}

pub(super) fn run(screen: &Screen, mut command: Run) -> Done {
    let fuel = command.fuel.map(|fuel| ("fuel".to_owned(), fuel));
    let memory = command.memory.map(|memory| ("memory".to_owned(), memory));
    command.begin.limit.extend(fuel.into_iter().chain(memory));
    let begin = begin::read(&command.component, &command.begin)?;
    let ComponentSource::Bytes(component) = begin.component.clone() else {
        return Err(Failure::cannot(format_args!("`troupe run` needs the bytes of {}", begin.shown))
            .help("give the file of the component; a node that has it begins it with `troupe start`"));
    };
    // First what is cheap to get wrong: nothing is stored if the port is taken.
    let door = command.listen.open()?;
    door.warn(screen);
    let place = server::store_place(&command.store.unwrap_or_else(|| begin.default_store()));
    let signing = command.signing.unlock(&place)?;
    let is_new = matches!(&place, StorePlace::Folder(path) if !path.exists());
    let mut setup = Setup::new(component, server::open_store(&place)?);
    setup.name = begin.text();
    setup.config.clone_from(&begin.config);
    setup.limits.clone_from(&begin.limits);
    setup.grants.clone_from(&begin.grants);
    setup.files.clone_from(&begin.files);
    setup.supervision = begin.supervision;
    setup.settings.deadline = command.deadline.0;
    setup.settings.options.mailbox = usize::try_from(command.mailbox).unwrap_or(usize::MAX);
    setup.settings.options.snapshot_every = command.snapshot_every;
    command.code.apply(screen, Some(&begin.shown), &mut setup.settings)?;
    let printer = LogPrinter::one(screen);
    setup.settings.options.log = Arc::new(move |records| printer.print(records));
    let running = setup.open().map_err(|error| {
        if let StorePlace::Folder(path) = &place
            && is_new
        {
            // The store was made a moment ago and holds nothing; if it stays, it is empty.
            let _ = std::fs::remove_dir_all(path);
        }
        server::explain(&error, &begin.shown, &server::shown(&place))
    })?;
    let actor = running.actor.clone();
    if let Some(name) = &begin.name
        && actor.record().map_err(Failure::cannot)?.name() != Some(name.as_str())
    {
        screen.warn(format_args!("the actor goes on without the name `{name}`: it was begun without it"));
    }
    let checkpoints = signing.begin(screen, &running.host.actors)?;
    let log = Some(Arc::clone(checkpoints.log()));
    door.serve(screen, |url, policy| {
        introduce(screen, &begin.shown, &place, &running, url)?;
        Ok(Site::from(&running).guarded(policy, None).signing(log))
    })?;
    let view = actor.view().map_err(Failure::cannot)?;
    screen.note(format_args!("stopped at seq {}, head {}", view.tip.seq, short(view.tip.entry)));
    Ok(())
}

fn introduce(screen: &Screen, file: &str, place: &StorePlace, running: &Running, url: &str) -> Done {
    let view = running.actor.view().map_err(Failure::cannot)?;
    let record = running.actor.record().map_err(Failure::cannot)?;
    let component = Hash::of(&running.component);
    let store = server::shown(place);
    if screen.json {
        return Ok(screen.json(&serde_json::json!({
            "actor": view.tip.chain.to_string(), "component": component.to_string(), "name": record.name(),
            "world": running.genesis.world.to_string(), "url": url, "seq": view.tip.seq,
            "resumed": running.resumed, "store": store,
        }))?);
    }
    let bytes = size(running.component.len() as u64);
    screen.field("actor", format_args!("{BOLD}{}{BOLD:#}", view.tip.chain))?;
    if let Some(name) = record.name() {
        screen.field("name", name)?;
    }
    screen.field("component", format_args!("{file} ({bytes}), {}", short(component)))?;
    screen.field("world", &running.genesis.world)?;
    if *place == StorePlace::Memory {
        screen.field("store", "memory: gone when this ends")?;
    } else if running.resumed {
        screen.field("store", format_args!("{store}, resumed at seq {}", view.tip.seq))?;
    } else {
        screen.field("store", format_args!("{store}, new"))?;
    }
    screen.field("send", format_args!("troupe send {url} '{{…}}'   (Ctrl-C stops)"))?;
    Ok(screen.line(format_args!("listening on {BOLD}{url}{BOLD:#}"))?)
}
