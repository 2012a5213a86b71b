//! `troupe watch` and `troupe logs`: what an actor does, and what it says, as it happens.
//!
//! Invariant: every entry is shown once and in order, however often the connection breaks.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use troupe_api::ClientError;
use troupe_chain::{Body, Entry, Level, Timestamp};

use super::failure::{Done, Failure};
use super::log;
use super::node::{Found, NodeArgs, explain};
use super::parse::utc;
use super::place::Source;
use super::remote::Remote;
use super::screen::{DIM, Screen, excerpt};
use super::server::style_of;
use super::sse::Events;

/// How long to wait before the next try.
const RETRY: Duration = Duration::from_secs(1);
/// How often a node that does not answer is tried in a row.
const MAX_TRIES: u32 = 60;
/// How many lines are asked for at once.
const PAGE: usize = 1000;

/// Show the entries of an actor as they are committed
///
/// After a broken connection it goes on where it was. It ends with the chain, or with Ctrl-C.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe watch counter\n  \
    troupe watch counter --from 0\n  \
    troupe watch counter --json | jq -r .data.kind")]
pub(crate) struct Watch {
    /// The actor's name, its id, or the beginning of its id
    actor: String,
    /// The position of the first entry shown [default: the next one]
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Show what an actor logged
///
/// A node keeps the newest lines in memory only: they are no part of the history.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe logs counter\n  \
    troupe logs counter --from 100 -f\n  \
    troupe logs counter --json | jq -r 'select(.level == \"error\") | .line'")]
pub(crate) struct Logs {
    /// The actor's name, its id, or the beginning of its id
    actor: String,
    /// The position of the first message whose lines are shown
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    from: u64,
    /// Go on as lines come
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn watch(screen: &Screen, command: &Watch) -> Done {
    let found = command.node.connect()?.find(&command.actor)?;
    let mut next = command.from.unwrap_or(found.info.seq + 1);
    let source = Source::Remote(Box::new(Remote::at(found.client.clone(), &found.info, screen)?));
    let mut tries = 0;
    loop {
        let failed = match found.client.stream(&format!("/events?from={next}")) {
            Ok(stream) => {
                let before = next;
                let ended = show(screen, &source, Events::new(stream), &mut next)?;
                if ended {
                    screen.note(format_args!("{DIM}the chain has ended{DIM:#}"));
                    return Ok(());
                }
                if next > before {
                    tries = 0;
                }
                "the connection ended".to_owned()
            }
            Err(error @ (ClientError::Refused(_) | ClientError::Connection { .. })) => error.to_string(),
            Err(error) => return Err(explain(&error)),
        };
        tries += 1;
        if tries == 1 {
            screen.note(format_args!("{DIM}{failed}; trying again, from seq {next}{DIM:#}"));
        }
        if tries >= MAX_TRIES {
            return Err(Failure::cannot(failed).help(format_args!("--from {next} goes on from there")));
        }
        std::thread::sleep(RETRY);
    }
}

/// Prints what comes; `true` once the chain has ended, `false` once the connection has.
fn show<R: std::io::Read>(
    screen: &Screen,
    source: &Source,
    mut events: Events<R>,
    next: &mut u64,
) -> Result<bool, Failure> {
    while let Ok(Some(event)) = events.next() {
        let Ok(entry) = Entry::decode(event.data.as_bytes()) else {
            if event.kind == "error" {
                return Err(Failure::cannot(format_args!("the node says: {}", excerpt(&event.data, 400))));
            }
            continue;
        };
        if entry.seq < *next {
            continue;
        }
        if entry.seq > *next {
            let what = format!("the node sent the entry at seq {} after the one at {}", entry.seq, *next - 1);
            return Err(Failure::cannot(what).help("`troupe log` shows all of them"));
        }
        log::print(screen, source, &Bytes::from(event.data))?;
        *next = entry.seq + 1;
        if let Body::Stop(_) = entry.body {
            return Ok(true);
        }
    }
    Ok(false)
}

#[derive(Deserialize)]
struct Line {
    seq: u64,
    level: String,
    line: String,
    #[serde(default)]
    at: Option<u64>,
}

pub(super) fn logs(screen: &Screen, command: &Logs) -> Done {
    let found = command.node.connect()?.find(&command.actor)?;
    // Up to the line `seen` of those at `from` was shown. A message may log several lines, and one that was refused has
    // the position of the next one.
    let (mut from, mut seen, mut tries) = (command.from, 0, 0);
    loop {
        let lines = match lines(&found, from) {
            Ok(lines) => lines,
            Err(Unread::Away(failed)) if command.follow && tries < MAX_TRIES => {
                if tries == 0 {
                    screen.note(format_args!("{DIM}{failed}; trying again{DIM:#}"));
                }
                tries += 1;
                std::thread::sleep(RETRY);
                continue;
            }
            Err(Unread::Away(failure) | Unread::Cannot(failure)) => return Err(failure),
        };
        tries = 0;
        let is_full = lines.len() >= PAGE && seen < PAGE;
        // A node that was started again has forgotten its lines.
        let known = lines.iter().take(seen).take_while(|(_, line)| line.seq == from).count();
        for (text, line) in lines.into_iter().skip(known) {
            (from, seen) = if line.seq == from { (from, seen + 1) } else { (line.seq, 1) };
            print(screen, &text, &line)?;
        }
        if is_full {
            continue;
        }
        if !command.follow {
            return Ok(());
        }
        std::thread::sleep(RETRY);
    }
}

/// Why there are no lines.
enum Unread {
    /// The node does not answer now.
    Away(Failure),
    Cannot(Failure),
}

fn lines(found: &Found, from: u64) -> Result<Vec<(String, Line)>, Unread> {
    let bytes = found.client.log(Some(from), PAGE as u64).map_err(|error| match &error {
        ClientError::Refused(_) | ClientError::Connection { .. } => Unread::Away(explain(&error)),
        _ => Unread::Cannot(explain(&error)),
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter(|line| !line.is_empty());
    let read = |line: &str| Ok((line.to_owned(), serde_json::from_str(line)?));
    lines
        .map(read)
        .collect::<Result<_, serde_json::Error>>()
        .map_err(|error| Unread::Cannot(Failure::cannot(format_args!("a line cannot be read: {error}"))))
}

fn print(screen: &Screen, text: &str, line: &Line) -> Done {
    if screen.json {
        return Ok(screen.line(text)?);
    }
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
    let level = levels.iter().find(|level| level.as_str() == line.level);
    let style = level.map_or(DIM, |level| style_of(*level));
    let at = line.at.map(|at| format!("{DIM}{}{DIM:#}  ", utc(Timestamp(at)))).unwrap_or_default();
    let shown = excerpt(&line.line, 2000);
    Ok(screen
        .line(format_args!("{DIM}{:>6}{DIM:#}  {at}{style}{:<5} {shown}{style:#}", line.seq, line.level))?)
}
