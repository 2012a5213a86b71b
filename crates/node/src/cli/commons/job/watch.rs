//! `troupe job watch`: what becomes of a job, and what it writes, as it happens.
//!
//! Invariant: what is committed is shown once, however often the connection breaks. Lines are shown as they are written, so one
//! may be of an entry that never is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use troupe::commons::JobPhase;
use troupe_api::ClientError;
use troupe_chain::Level;
use troupe_commons::Id;
use troupe_commons::jobs::{JobResult, Phase};

use super::show::{phase, say_result};
use crate::cli::failure::{Done, Failure};
use crate::cli::node::{NodeArgs, explain};
use crate::cli::screen::{BAD, DIM, Screen, WARN, excerpt, plural, short, size};
use crate::cli::server::style_of;
use crate::cli::sse::{Event, Events};

/// How long to wait before the next try.
const RETRY: Duration = Duration::from_secs(1);
/// How often a node that does not answer is tried in a row.
const MAX_TRIES: u32 = 60;
/// The most characters of a line or an output that a person is shown.
const WIDTH: usize = 2000;

/// Say what becomes of a job until it has ended
///
/// Shows its phases, how far its runs have come, what came of each input once that is committed, and what the running code
/// writes while it runs: its log, and its output by the line. A line is not committed when it is shown; if the run breaks
/// off, its input is run again, and so is the line. After a broken connection it goes on.
///
/// Exit code 0 once it is settled with an output; 1 if it failed, expired, or was cancelled.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe job watch JOB\n  \
    troupe job watch JOB --until executed\n  \
    troupe job watch JOB --json | jq -r 'select(.event == \"line\") | .line'")]
pub(super) struct Watch {
    /// The job's id
    job: Id,
    /// Stop once it is in this phase or one after it
    #[arg(long, value_name = "PHASE", value_parser = ["assigned", "executed", "settled"])]
    until: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

/// What was shown, so that it is not shown again.
#[derive(Default)]
struct Shown {
    phase: Option<JobPhase>,
    /// How far each executor has come.
    done: BTreeMap<String, u64>,
    /// The inputs of each executor whose output was shown.
    outputs: BTreeSet<(String, u64)>,
    /// The last line of each executor: of which entry, and which of its lines.
    lines: BTreeMap<String, (u64, u64)>,
}

/// How a stream came to its end.
enum End {
    /// The job is where it was watched for.
    Reached(Box<Phase>),
    /// The node broke it off.
    Broken(String),
}

#[derive(Deserialize)]
struct Progress {
    executor: String,
    done: u64,
    of: u64,
}

#[derive(Deserialize)]
struct Output {
    executor: String,
    input: u64,
    of: u64,
    #[serde(default)]
    failure: Option<String>,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    bytes: Option<u64>,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    executor: String,
    seq: u64,
    n: u64,
    #[serde(default)]
    level: Option<String>,
    line: String,
}

#[derive(Deserialize)]
struct Missed {
    lines: u64,
}

#[derive(Deserialize)]
struct Dropped {
    reason: String,
}

pub(super) fn watch(screen: &Screen, command: &Watch) -> Done {
    let node = command.node.connect()?;
    let path = format!("/commons/jobs/{}/events", command.job);
    let (mut shown, mut tries) = (Shown::default(), 0);
    loop {
        let failed = match node.client.stream(&path) {
            Ok(stream) => {
                // What it has said of the job before is said again, and not shown again.
                let again = shown.phase.is_some();
                match follow(screen, &mut shown, Events::new(stream), command.until.as_deref(), again)? {
                    End::Reached(phase) => return ended(screen, &phase),
                    End::Broken(why) => {
                        tries = 0;
                        why
                    }
                }
            }
            Err(error @ (ClientError::Refused(_) | ClientError::Connection { .. }))
                if shown.phase.is_some() =>
            {
                error.to_string()
            }
            Err(error) => return Err(explain(&error)),
        };
        tries += 1;
        if tries == 1 {
            screen.note(format_args!("{DIM}{failed}; trying again{DIM:#}"));
        }
        if tries >= MAX_TRIES {
            let help = format!("`troupe job watch {}` goes on, once the node is back", command.job);
            return Err(Failure::cannot(failed).help(help));
        }
        std::thread::sleep(RETRY);
    }
}

/// Shows what comes, up to the end of the job, the phase that is waited for, or the end of the connection.
fn follow<R: Read>(
    screen: &Screen,
    shown: &mut Shown,
    mut events: Events<R>,
    until: Option<&str>,
    again: bool,
) -> Result<End, Failure> {
    loop {
        let event = match events.next() {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(End::Broken("the connection ended".to_owned())),
            Err(error) => return Ok(End::Broken(error.to_string())),
        };
        match &*event.kind {
            "phase" => {
                let now: JobPhase = read(&event)?;
                if shown.phase.as_ref() != Some(&now) {
                    say(screen, &event, || say_phase(screen, &now))?;
                    shown.phase = Some(now.clone());
                }
                if !now.phase.is_live() || reached(&now.phase, until) {
                    return Ok(End::Reached(Box::new(now.phase)));
                }
            }
            "progress" => {
                let Progress { executor, done, of } = read(&event)?;
                if shown.done.insert(executor.clone(), done) != Some(done) {
                    say(screen, &event, || say_progress(screen, &executor, done, of))?;
                }
            }
            "output" => {
                let output: Output = read(&event)?;
                if shown.outputs.insert((output.executor.clone(), output.input)) {
                    say(screen, &event, || say_output(screen, &output))?;
                }
            }
            "line" => {
                let line: Line = read(&event)?;
                let at = (line.seq, line.n);
                if !again || shown.lines.get(&line.executor).is_none_or(|last| at > *last) {
                    shown.lines.insert(line.executor.clone(), at);
                    say(screen, &event, || say_line(screen, &line))?;
                }
            }
            "missed" if !again => {
                let Missed { lines } = read(&event)?;
                let missed = plural(lines, "line");
                say(screen, &event, || {
                    Ok(screen.line(format_args!("{WARN}{missed} came too fast{WARN:#}"))?)
                })?;
            }
            "dropped" => {
                let Dropped { reason } = read(&event)?;
                return Ok(End::Broken(reason));
            }
            // What a newer node says beside.
            _ => {}
        }
    }
}

/// Prints an event: for programs as a line of JSON, for people as `show` does.
fn say(screen: &Screen, event: &Event, show: impl FnOnce() -> Done) -> Done {
    if !screen.json {
        return show();
    }
    let mut object: Map<String, Value> = read(event)?;
    object.insert("event".to_owned(), event.kind.clone().into());
    Ok(screen.json(&object)?)
}

fn read<T: DeserializeOwned>(event: &Event) -> Result<T, Failure> {
    serde_json::from_str(&event.data).map_err(|error| {
        let data = excerpt(&event.data, 200);
        Failure::cannot(format_args!("the node sent what is no `{}` of a job: {error}: {data}", event.kind))
            .help("check that it is a node of the version of this program")
    })
}

fn say_phase(screen: &Screen, now: &JobPhase) -> Done {
    let mut line = phase(&now.phase, now.replicas);
    if let Phase::Assigned { slots } = &now.phase {
        let to: Vec<_> = slots.iter().map(|slot| short(slot.executor)).collect();
        line.push_str(&format!(" to {}", to.join(", ")));
    }
    if !now.tried.is_empty() {
        line.push_str(&format!("; {} did not finish it", plural(now.tried.len() as u64, "executor")));
    }
    if let Some(note) = &now.note {
        line.push_str(&format!("; the executor of this node: {note}"));
    }
    Ok(screen.line(line)?)
}

fn say_progress(screen: &Screen, executor: &str, done: u64, of: u64) -> Done {
    let executor = short(executor);
    match (done, of) {
        (0, _) => screen.line(format_args!("{DIM}{executor} has begun{DIM:#}"))?,
        // Its output says it.
        (_, 1) => {}
        _ => screen.line(format_args!("{DIM}{executor} has handled {done} of {of} inputs{DIM:#}"))?,
    }
    Ok(())
}

fn say_output(screen: &Screen, output: &Output) -> Done {
    let name = match output.of {
        1 => "output".to_owned(),
        _ => format!("output {}", output.input),
    };
    let bytes = output.bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
    match (&output.failure, &output.text, &output.output) {
        (Some(failure), ..) => screen.field(&name, format_args!("{BAD}failed: {failure}{BAD:#}"))?,
        (None, Some(text), _) => screen.field(&name, excerpt(text, WIDTH))?,
        (None, None, Some(cid)) => screen.field(&name, format_args!("{cid}{bytes}"))?,
        (None, None, None) => {}
    }
    Ok(())
}

fn say_line(screen: &Screen, line: &Line) -> Done {
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
    let level = levels.into_iter().find(|level| Some(level.as_str()) == line.level.as_deref());
    let text = excerpt(&line.line, WIDTH);
    match level {
        Some(level) => {
            let style = style_of(level);
            screen.line(format_args!("{DIM}│{DIM:#} {style}{:<5} {text}{style:#}", level.as_str()))?;
        }
        None => screen.line(format_args!("{DIM}│{DIM:#} {text}"))?,
    }
    Ok(())
}

fn reached(phase: &Phase, until: Option<&str>) -> bool {
    let order = ["open", "assigned", "executed", "settled"];
    let place = |name: &str| order.iter().position(|one| *one == name);
    match (place(phase.name()), until.and_then(place)) {
        (Some(now), Some(until)) => now >= until,
        _ => false,
    }
}

fn ended(screen: &Screen, phase: &Phase) -> Done {
    let results: Vec<&JobResult> = phase.slots().iter().filter_map(|slot| slot.result.as_ref()).collect();
    if !screen.json {
        for result in &results {
            say_result(screen, result)?;
        }
    }
    let is_bad = matches!(phase, Phase::Cancelled {} | Phase::Expired {} | Phase::Disputed { .. })
        || results.iter().any(|result| result.error.is_some());
    if is_bad { Err(Failure::said(1)) } else { Ok(()) }
}
