//! `troupe log`: the entries of a chain, as a person reads them.

use std::fmt::Write as _;

use bytes::Bytes;
use troupe_chain::{Body, Code, Effect, Entry, Hash, History, Sender};

use super::failure::{Done, Failure};
use super::parse::utc;
use super::place::{Place, Source, Whose};
use super::screen::{BAD, BOLD, DIM, Screen, excerpt_bytes, short};

/// Show the history of an actor
///
/// One line for each entry: position, time (UTC), kind, name, and what it is about; below it, what was sent. With
/// --json, the canonical entries, one a line.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe log counter\n  \
    troupe log troupe.store --actor counter\n  \
    troupe log counter.store\n  \
    troupe log http://127.0.0.1:8080 --reverse --limit 20\n  \
    troupe log export.car --from 100 --limit 10\n  \
    troupe log counter.store --json | jq -r .data.kind | sort | uniq -c")]
pub(crate) struct Log {
    /// The folder of a store, a bundle, the URL of a node or an actor, or the name of an actor of the node
    #[arg(value_name = "STORE|URL|BUNDLE|ACTOR")]
    place: String,
    /// The first position shown, or the last with --reverse
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// The most entries shown
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// The newest first
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    whose: Whose,
}

pub(super) fn log(screen: &Screen, command: &Log) -> Done {
    let source = Place::find(&command.place)?.open(screen, &command.whose);
    let source = source.map_err(|error| error.into_failure(&command.place))?;
    let last = source.seq();
    if let Some(from) = command.from.filter(|from| *from > last) {
        return Err(Failure::cannot(format_args!("there is no entry at seq {from}: the last is at {last}")));
    }
    let limit = command.limit.unwrap_or(u64::MAX);
    let (first, last) = if command.reverse {
        let last = command.from.unwrap_or(last);
        (last.saturating_sub(limit - 1), last)
    } else {
        let first = command.from.unwrap_or(0);
        (first, last.min(first.saturating_add(limit - 1)))
    };
    let page = source.page();
    let mut left = first..last + 1;
    while !left.is_empty() {
        let (from, to) = if command.reverse {
            let from = left.end.saturating_sub(page).max(left.start);
            let range = (from, left.end - 1);
            left.end = from;
            range
        } else {
            let to = left.start.saturating_add(page - 1).min(left.end - 1);
            let range = (left.start, to);
            left.start = to + 1;
            range
        };
        let mut entries = source.range(from, to)?;
        if command.reverse {
            entries.reverse();
        }
        for entry in entries {
            print(screen, &source, &entry)?;
        }
    }
    Ok(())
}

/// Prints one entry.
pub(super) fn print(screen: &Screen, source: &Source, bytes: &Bytes) -> Done {
    if screen.json {
        let mut line = bytes.to_vec();
        line.push(b'\n');
        return Ok(screen.bytes(&line)?);
    }
    let entry = Entry::decode(bytes)
        .map_err(|error| Failure::cannot(format_args!("an entry cannot be read: {error}")))?;
    let name = short(Hash::of(bytes));
    let kind = entry.body.kind();
    let style = if let Body::Failure(_) = entry.body { BAD } else { BOLD };
    let (seq, at) = (entry.seq, utc(entry.at));
    // What stands before: 6 + 19 + 7 + 12 and the spaces between.
    let width = screen.width().saturating_sub(50);
    let about = about(source, &entry, width.max(20))?;
    screen.line(format_args!(
        "{seq:>6}  {DIM}{at}{DIM:#}  {style}{kind:<7}{style:#}  {DIM}{name}{DIM:#} {about}"
    ))?;
    for line in below(source, &entry, width.max(20))? {
        screen.line(format_args!("{:>36} {line}", ""))?;
    }
    Ok(())
}

/// What an entry is about, in what is left of its line.
fn about(source: &Source, entry: &Entry, width: usize) -> Result<String, Failure> {
    Ok(match &entry.body {
        Body::Genesis(genesis) => match &genesis.code {
            Code::Component(name) => format!("component {}", short(name)),
            Code::Native(name) => format!("machine {name}"),
        },
        Body::Init(init) => payload(source, &init.state, width)?,
        Body::Message(message) => with_sender(&message.from, &payload(source, &message.message, width)?),
        Body::Failure(failure) => with_sender(&failure.from, &payload(source, &failure.message, width)?),
        Body::Engine(engine) => {
            let mut text = String::new();
            for (key, value) in engine {
                let _ = write!(text, "{key} {value} ");
            }
            text
        }
        Body::Upgrade(upgrade) => match &upgrade.code {
            Code::Component(name) => format!("to component {}", short(name)),
            Code::Native(name) => format!("to machine {name}"),
        },
        Body::Stop(stop) => stop.reason.to_string(),
    })
}

fn with_sender(from: &Sender, message: &str) -> String {
    match from {
        Sender::Http { .. } => message.to_owned(),
        Sender::Did { did, .. } => format!("{message} from {did}"),
        Sender::Actor(by) => format!("{message} from actor {} effect {}", short(by.chain), by.n),
        Sender::Timer { set, .. } => format!("{message} from the timer set at {}", set.seq),
        Sender::Reply { to, chain, .. } => {
            format!("{message} from actor {}, the reply to the request at {}", short(chain), to.seq)
        }
        Sender::Notice { of, about, .. } => {
            format!("{message} a notice about effect {} of {}: {}", of.n, of.seq, about.as_str())
        }
        Sender::Parent(by) => format!("{message} from the parent {}", short(by.chain)),
    }
}

/// What an entry led to beside its state.
fn below(source: &Source, entry: &Entry, width: usize) -> Result<Vec<String>, Failure> {
    if let Body::Failure(failure) = &entry.body {
        return Ok(vec![format!("{BAD}failed: {}{BAD:#}, the state stays as it was", failure.error)]);
    }
    let line = |effect: &Effect| {
        let what = match effect {
            Effect::Send { to, .. } => format!("send → {to}"),
            Effect::Request { to, timeout, .. } => format!("request → {to}, reply within {timeout} ms"),
            Effect::Timer { after, .. } => format!("timer in {after} ms"),
            Effect::Cron { cron, .. } => format!("timer at `{cron}`"),
            Effect::Cancel(id) => format!("cancel timer {} of {}", id.n, id.seq),
            Effect::Spawn(spawn) => match &spawn.name {
                Some(name) => format!("spawn {name}"),
                None => "spawn".to_owned(),
            },
            Effect::Stop { child } => format!("stop {child}"),
            Effect::Exit { reason } => format!("exit: {reason}"),
        };
        match effect.blobs().next() {
            Some((_, name)) => Ok(format!("{what} {DIM}{}{DIM:#}", payload(source, &name, width)?)),
            None => Ok(what),
        }
    };
    entry.body.effects().iter().map(line).collect()
}

fn payload(source: &Source, name: &Hash, width: usize) -> Result<String, Failure> {
    Ok(match source.blob(name).map_err(Failure::cannot)? {
        Some(bytes) => excerpt_bytes(&bytes, width),
        None => match source.redaction(name).map_err(Failure::cannot)? {
            Some(redaction) => format!("({} was {redaction})", short(name)),
            None => format!("({} is not kept)", short(name)),
        },
    })
}
