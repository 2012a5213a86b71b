//! `troupe demo`: a week of earthquakes through a sandboxed actor, all of it checked, and one byte changed.
//!
//! Everything is real: the component, the events, the HTTP server on a port of its own, the store on disk.

mod commons;
mod job;
mod quakes;
mod server;
mod tamper;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use troupe::host::Running;
use troupe_api::{Client, Prefer};
use troupe_chain::{Hash, Report};
use troupe_runtime::StoreHistory;
use troupe_store::Store;

use super::export::{self, Form};
use super::failure::{Done, Failure};
use super::place::Source;
use super::screen::{BAD, BOLD, DIM, GOOD, Screen, count, plural, rate, short, size};
use super::send::{self, Summary};
use super::verify::{self, Replayed};
use server::Server;

/// The actor `quakes`, built from `actors/quakes`.
const COMPONENT: &[u8] = include_bytes!("../../../../../actors/quakes/quakes.wasm");
/// A week of earthquakes as they were reported.
const EVENTS: &[u8] = include_bytes!("../../../../../actors/quakes/data/earthquakes.ndjson");

/// See it work: a week of real earthquakes, verified by replay
///
/// Starts an actor, sends it 1,707 real events over HTTP, verifies its whole history by running everything again, and
/// shows what a single changed byte does.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
    troupe demo\n  \
    troupe demo commons\n  \
    troupe demo --keep quakes-demo\n  \
    troupe demo --json"
)]
pub(crate) struct Demo {
    #[command(subcommand)]
    other: Option<Other>,
    /// Keep component, store and exports in a folder, to go on with
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// How many connections send at the same time; more than one send in no particular order
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
}

/// Another demo than the usual one.
#[derive(clap::Subcommand)]
enum Other {
    Commons(commons::Commons),
}

pub(super) fn demo(screen: &Screen, command: &Demo) -> Done {
    if let Some(Other::Commons(command)) = &command.other {
        return commons::demo(screen, command);
    }
    let temporary = match &command.keep {
        Some(folder) => {
            make_folder(folder)?;
            None
        }
        None => Some(
            tempfile::tempdir()
                .map_err(|error| Failure::cannot(format_args!("cannot make a folder: {error}")))?,
        ),
    };
    let folder = match (&temporary, &command.keep) {
        (Some(temporary), _) => temporary.path(),
        (None, Some(folder)) => folder,
        (None, None) => Path::new("."),
    };
    let begun = Instant::now();
    let component = folder.join("quakes.wasm");
    write(&component, COMPONENT)?;
    write(&folder.join("earthquakes.ndjson"), EVENTS)?;

    let server = Server::start(COMPONENT, &folder.join("quakes.store"))?;
    introduce(screen, &server)?;
    let summary = send_events(screen, &server, command.connections)?;
    let state: Value = serde_json::from_slice(&Client::new(server.url())?.state()?.bytes)
        .map_err(|error| Failure::cannot(format_args!("the state is not JSON: {error}")))?;
    let running = server.stop();
    if !screen.json {
        quakes::print(screen, &summary, &state)?;
    }

    let source = source(&running)?;
    let (report, seconds) = verify_all(screen, &source)?;
    let bundle = folder.join("quakes.car");
    let (_, bytes) = export::write(&source, &bundle, Form::Car)?;
    if !screen.json {
        screen.field(
            "exported",
            format_args!("the whole history as one file of {}", size(bytes.unwrap_or_default())),
        )?;
    }
    let tampered = tamper::tamper(screen, &source, &bundle, &state["strongest"][0])?;
    drop((source, running));
    if screen.json {
        return print_json(screen, &summary, &state, &report, seconds, &tampered);
    }
    tampered.print(screen)?;
    print_next(screen, command.keep.as_deref(), begun)
}

fn make_folder(folder: &Path) -> Done {
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::cannot(format_args!("{} is there already and not empty", folder.display()))
            .help("give a folder that is not there yet"));
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::cannot(format_args!("cannot make {}: {error}", folder.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Done {
    std::fs::write(path, bytes)
        .map_err(|error| Failure::cannot(format_args!("cannot write {}: {error}", path.display())))
}

fn introduce(screen: &Screen, server: &Server) -> Done {
    if screen.json {
        return Ok(());
    }
    screen
        .line(format_args!("{BOLD}A week of earthquakes, through an actor that anyone can check{BOLD:#}"))?;
    screen.line("")?;
    let info = server.running();
    let component = size(COMPONENT.len() as u64);
    screen.field("actor", format_args!("{}", short(info.actor.id())))?;
    screen.field("runs", format_args!("quakes.wasm ({component}), in a sandbox, anew for each message"))?;
    Ok(screen.field("at", format_args!("{}, with its store on disk", server.url()))?)
}

fn send_events(screen: &Screen, server: &Server, connections: u16) -> Result<Summary, Failure> {
    let client = Client::new(server.url())?;
    let total = EVENTS.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
    let lines = Box::new(Cursor::new(EVENTS));
    // The answers are not what a program wants of a demo.
    let quiet = Screen { json: false };
    let screen = if screen.json { &quiet } else { screen };
    send::stream(screen, &client, lines, Some(total), Prefer::Minimal, connections)
}

fn source(running: &Running) -> Result<Source, Failure> {
    let store: Arc<dyn Store> = Arc::clone(running.actor.store());
    let history = StoreHistory::new(Arc::clone(&store), running.actor.id()).map_err(Failure::cannot)?;
    Ok(Source::Store(store, history.ok_or_else(|| Failure::cannot("the store lost the chain"))?))
}

fn verify_all(screen: &Screen, source: &Source) -> Result<(Report, f64), Failure> {
    let replayed =
        verify::replay(screen, &verify::machines(screen), source, source.seq()).map_err(|error| {
            Failure::is_false(format_args!("the demo's own history does not verify: {error}"))
        })?;
    let Replayed { report, seconds } = replayed;
    if !screen.json {
        screen.line("")?;
        let messages = plural(report.messages, "message");
        let speed = rate(report.messages, seconds);
        screen.line(format_args!(
            "{GOOD}verified{GOOD:#} by running all of it again: {messages} in {seconds:.2} s, {speed}"
        ))?;
        let what = "every state, reply and alert came out the same";
        screen.field("checked", format_args!("{}; {what}", plural(report.seq + 1, "link")))?;
        screen.field("head", report.head)?;
    }
    Ok((report, seconds))
}

fn print_json(
    screen: &Screen,
    summary: &Summary,
    state: &Value,
    report: &Report,
    seconds: f64,
    tampered: &tamper::Tampered,
) -> Done {
    Ok(screen.json(&json!({
        "sent": summary.sent(), "accepted": summary.accepted, "rejected": summary.rejected, "failed": summary.failed,
        "send_seconds": summary.elapsed.as_secs_f64(), "alerts": state["alerts"],
        "component": Hash::of(COMPONENT).to_string(), "chain": report.chain.to_string(),
        "head": report.head.to_string(), "seq": report.seq, "verified": true,
        "verify_seconds": seconds, "tampered": tampered.to_json(),
    }))?)
}

fn print_next(screen: &Screen, kept: Option<&Path>, begun: Instant) -> Done {
    screen.line("")?;
    let seconds = begun.elapsed().as_secs_f64();
    screen.line(format_args!("{BOLD}Try next{BOLD:#} {DIM}(this took {seconds:.1} s){DIM:#}"))?;
    let troupe = this_command();
    let Some(folder) = kept else {
        for line in [
            format!("{troupe} demo --keep quakes-demo   # keeps everything, to go on with"),
            format!("{troupe} check actors/counter/counter.wasm"),
            format!("{troupe} run actors/counter/counter.wasm --store memory"),
            "curl -d '{\"add\":1}' http://127.0.0.1:8080/      # in another terminal".to_owned(),
            format!("{troupe} verify http://127.0.0.1:8080"),
        ] {
            screen.line(format_args!("  {line}"))?;
        }
        return Ok(());
    };
    let at = |name: &str| folder.join(name).display().to_string();
    for line in [
        format!("{troupe} log {} --reverse --limit 5", at("quakes.store")),
        format!("{troupe} state {} --at 100", at("quakes.store")),
        format!("{troupe} verify {}", at("quakes.car")),
        format!("{troupe} verify {}", at("tampered.car")),
        format!("{troupe} run {} --store {}", at("quakes.wasm"), at("quakes.store")),
        "curl http://127.0.0.1:8080/state              # in another terminal".to_owned(),
        "curl 'http://127.0.0.1:8080/chain?from=1675'".to_owned(),
    ] {
        screen.line(format_args!("  {line}"))?;
    }
    Ok(())
}

/// How the user started this program: from a checkout, as an example to copy.
fn this_command() -> &'static str {
    if std::env::var_os("CARGO_MANIFEST_DIR").is_some() { "cargo run --" } else { "troupe" }
}

/// A number and what it is of, for the summary.
fn tally(number: u64) -> String {
    format!("{:>6}", count(number))
}

/// The word for something that is false.
fn false_word() -> String {
    format!("{BAD}FALSE{BAD:#}")
}
