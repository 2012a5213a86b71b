//! `troupe send`: one message, or a stream of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use troupe_api::{Answer, Client, ClientError, ErrorCode, FieldProblem, Prefer, Problem};

use super::failure::{Done, Failure, remedy};
use super::node::{NodeArgs, explain as explain_node};
use super::place::Place;
use super::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, count, excerpt, excerpt_bytes, rate};
use super::{parse, progress};

/// The longest line that is read from a stream: the largest message there can be.
const MAX_LINE: u64 = 64 << 20;
/// How often a busy node is asked again.
const MAX_TRIES: u32 = 40;

/// Send a message, or one for each line of a file
///
/// A file or standard input may hold one JSON value, or NDJSON: one a line. Several connections send faster, and in no
/// particular order. Exit code 1 if any message was rejected or the actor failed on it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe send counter '{\"add\":1}'\n  \
    troupe send http://127.0.0.1:8080 '{\"add\":1}'\n  \
    troupe send http://127.0.0.1:8080 @message.json\n  \
    troupe send http://127.0.0.1:8080 @events.ndjson --connections 16 --minimal\n  \
    tail -f events.ndjson | troupe send http://127.0.0.1:8080 - --json")]
pub(crate) struct Send {
    /// The name or id of an actor of the node, or a URL
    #[arg(value_name = "ACTOR|URL")]
    to: String,
    /// The message: JSON, @FILE, or - for standard input
    #[arg(value_name = "JSON|@FILE|-")]
    message: String,
    /// Ask for hash and position only, not for state and reply
    #[arg(long)]
    minimal: bool,
    /// How many connections send at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn send(screen: &Screen, command: &Send) -> Done {
    let client = client(command)?;
    let prefer = if command.minimal { Prefer::Minimal } else { Prefer::Full };
    match input(&command.message)? {
        Input::One(message) => one(screen, command, &client, &message, prefer),
        Input::Lines { lines, total } => {
            // An answer tells the caller at once if the URL is wrong; a token may allow no more than to send.
            match client.info() {
                Err(error) if error.problem().is_none_or(|problem| problem.code != ErrorCode::Forbidden) => {
                    return Err(unheard(command, &client, error));
                }
                _ => {}
            }
            let summary = stream(screen, &client, lines, total, prefer, command.connections)?;
            if !screen.json {
                summary.print(screen)?;
            }
            if summary.accepted == summary.sent() { Ok(()) } else { Err(Failure::said(1)) }
        }
    }
}

enum Input {
    One(Vec<u8>),
    Lines { lines: Box<dyn BufRead + std::marker::Send>, total: Option<u64> },
}

/// Tells one message from a stream by whether the first line is a whole JSON value.
fn input(text: &str) -> Result<Input, Failure> {
    let (mut reader, what): (Box<dyn BufRead + std::marker::Send>, _) = match text.strip_prefix('@') {
        Some(path) => {
            let file = File::open(path);
            let file = file.map_err(|error| Failure::cannot(format_args!("cannot read {path}: {error}")))?;
            (Box::new(BufReader::new(file)), path)
        }
        None if text == "-" => (Box::new(BufReader::new(std::io::stdin())), "standard input"),
        None => {
            parse::check_json(text.as_bytes(), "the message")?;
            return Ok(Input::One(text.as_bytes().to_vec()));
        }
    };
    let cannot = |error: std::io::Error| Failure::cannot(format_args!("cannot read {what}: {error}"));
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() {
        first.clear();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut first).map_err(cannot)? == 0 {
            return Err(Failure::cannot(format_args!("{what} is empty; there is nothing to send")));
        }
    }
    let is_value = serde_json::from_slice::<&RawValue>(&first).is_ok();
    if !is_value || text != "-" {
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).map_err(cannot)?;
        first.extend_from_slice(&rest);
        if serde_json::from_slice::<&RawValue>(&first).is_ok() {
            return Ok(Input::One(first.trim_ascii().to_vec()));
        }
        if !is_value {
            parse::check_json(&first, what)?;
        }
        let total = first.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        return Ok(Input::Lines { lines: Box::new(Cursor::new(first)), total: Some(total as u64) });
    }
    Ok(Input::Lines { lines: Box::new(Cursor::new(first).chain(reader)), total: None })
}

/// Whoever takes the messages: a URL, or an actor of the node.
fn client(command: &Send) -> Result<Client, Failure> {
    match Place::url(&command.to) {
        Some(url) => command.node.client_of(url),
        None => Ok(command.node.connect()?.client.actor(&command.to)),
    }
}

/// Nobody took a message; where a name is wrong, perhaps another was meant.
fn unheard(command: &Send, client: &Client, error: ClientError) -> Failure {
    let is_unknown = error.problem().is_some_and(|problem| problem.code == ErrorCode::NotFound);
    match Place::url(&command.to) {
        None if is_unknown => match command.node.connect().and_then(|node| node.find(&command.to)) {
            Ok(found) => Failure::cannot(error).help(format_args!("send to {}", found.id())),
            Err(failure) => failure,
        },
        None => explain_node(&error),
        Some(_) if is_unknown => {
            explain_node(&error).help(format_args!("name an actor: {}/actors/NAME", client.url()))
        }
        Some(_) => match &error {
            ClientError::Problem(_) => explain_node(&error),
            _ => error.into(),
        },
    }
}

fn one(screen: &Screen, command: &Send, client: &Client, message: &[u8], prefer: Prefer) -> Done {
    match patient(client, message, prefer) {
        Ok(answer) => {
            if screen.json {
                return print_json(screen, &answer);
            }
            screen.line(format_args!("{GOOD}accepted{GOOD:#} seq {BOLD}{}{BOLD:#}", answer.seq))?;
            screen.field("entry", &answer.hash)?;
            let width = screen.width().min(160) - 14;
            if let Some(reply) = &answer.reply {
                screen.field("reply", excerpt_bytes(reply.get().as_bytes(), width))?;
            }
            if let Some(state) = &answer.state {
                screen.field("state", excerpt_bytes(state.get().as_bytes(), width))?;
            }
            Ok(())
        }
        Err(ClientError::Problem(problem)) if screen.json => {
            screen.json(&problem)?;
            Err(Failure::said(code_of(&problem)))
        }
        Err(ClientError::Problem(problem)) if is_explained(&problem) => Err(explain(&problem)),
        Err(error) => Err(unheard(command, client, error)),
    }
}

/// Whether it is about the message or the actor, and not about finding it.
fn is_explained(problem: &Problem) -> bool {
    is_answer(problem) || matches!(problem.code, ErrorCode::OutcomeUnknown | ErrorCode::StoreFull)
}

/// Exit code 1 for what the actor said, 2 for what the node could not do.
fn code_of(problem: &Problem) -> u8 {
    if is_answer(problem) { 1 } else { 2 }
}

/// Whether the message itself is at fault, so that the next one may pass.
fn is_answer(problem: &Problem) -> bool {
    matches!(
        problem.code,
        ErrorCode::NotAnObject
            | ErrorCode::TooLarge
            | ErrorCode::Rejected
            | ErrorCode::Failed
            | ErrorCode::OutOfTime
    )
}

fn explain(problem: &Problem) -> Failure {
    let what = problem.sentence();
    let failure = if is_answer(problem) { Failure::is_false(what) } else { Failure::cannot(what) };
    match problem.code {
        ErrorCode::Rejected => {
            let fields = problem.fields.iter();
            let failure =
                fields.fold(failure, |failure, FieldProblem { path, problem }| match path.as_str() {
                    "" => failure.help(format_args!("the message {problem}")),
                    path => failure.help(format_args!("{path}: {problem}")),
                });
            failure.help("nothing was recorded; `troupe schema ACTOR` shows what it takes, if it says so")
        }
        ErrorCode::Failed => {
            let code = problem.error.as_deref().unwrap_or("unknown");
            let seq = problem.seq.unwrap_or_default();
            let failure = failure
                .help(format_args!("the failure ({code}) is recorded at seq {seq}; the state is as it was"));
            remedy(code).into_iter().fold(failure, Failure::help)
        }
        ErrorCode::OutcomeUnknown => failure.help("restart the node, then look with `troupe log`"),
        ErrorCode::StoreFull => failure.help("free some space on the node's disk and send it again"),
        _ => failure,
    }
}

fn print_json(screen: &Screen, answer: &Answer) -> Done {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        hash: &'a str,
        seq: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply: Option<&'a RawValue>,
    }
    let (state, reply) = (answer.state.as_deref(), answer.reply.as_deref());
    Ok(screen.json(&Line { hash: &answer.hash, seq: answer.seq, state, reply })?)
}

/// Sends a message, again while the node is busy: then it was not taken.
fn patient(client: &Client, message: &[u8], prefer: Prefer) -> Result<Answer, ClientError> {
    let mut wait = Duration::from_millis(10);
    for _ in 1..MAX_TRIES {
        match client.send(message, prefer) {
            Err(ClientError::Problem(problem)) if problem.code == ErrorCode::Busy => {
                std::thread::sleep(wait);
                wait = (wait * 2).min(Duration::from_secs(1));
            }
            other => return other,
        }
    }
    client.send(message, prefer)
}

/// What came of a stream of messages.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) accepted: u64,
    /// How often each reason was given.
    pub(super) rejected: BTreeMap<String, u64>,
    /// How often each failure happened.
    pub(super) failed: BTreeMap<String, u64>,
    pub(super) last: Option<(u64, String)>,
    pub(super) elapsed: Duration,
}

type Outcome = Result<Answer, ClientError>;

/// Sends every line that is not empty over `connections` connections.
pub(super) fn stream(
    screen: &Screen,
    client: &Client,
    lines: Box<dyn BufRead + std::marker::Send>,
    total: Option<u64>,
    prefer: Prefer,
    connections: u16,
) -> Result<Summary, Failure> {
    let started = Instant::now();
    let mut summary = Summary::default();
    let bar = progress::bar(screen, "sending", total);
    let lines = Mutex::new(lines);
    let stop = AtomicBool::new(false);
    let (outcomes, results) = channel();
    let result = std::thread::scope(|scope| {
        for _ in 0..connections {
            let (outcomes, lines, stop) = (outcomes.clone(), &lines, &stop);
            scope.spawn(move || work(client, lines, prefer, stop, &outcomes));
        }
        drop(outcomes);
        for outcome in results {
            bar.inc(1);
            let taken = outcome.and_then(|outcome| summary.take(screen, outcome));
            if let Err(failure) = taken {
                stop.store(true, Ordering::Relaxed);
                return Err(failure);
            }
        }
        Ok(())
    });
    bar.finish_and_clear();
    summary.elapsed = started.elapsed();
    match result {
        Ok(()) => Ok(summary),
        Err(failure) => {
            if !screen.json && summary.sent() > 0 {
                summary.print(screen)?;
            }
            Err(failure)
        }
    }
}

/// One connection: the next line, until there is none.
fn work(
    client: &Client,
    lines: &Mutex<Box<dyn BufRead + std::marker::Send>>,
    prefer: Prefer,
    stop: &AtomicBool,
    outcomes: &Sender<Result<Outcome, Failure>>,
) {
    let mut line = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        line.clear();
        let read = {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            (&mut **lines).take(MAX_LINE).read_until(b'\n', &mut line)
        };
        let outcome = match read {
            Ok(0) => return,
            Ok(_) if line.trim_ascii().is_empty() => continue,
            Ok(_) => Ok(patient(client, line.trim_ascii(), prefer)),
            Err(error) => Err(Failure::cannot(format_args!("cannot read the messages: {error}"))),
        };
        let is_last = outcome.is_err();
        // Nobody listens any more once another connection has failed.
        if outcomes.send(outcome).is_err() || is_last {
            return;
        }
    }
}

impl Summary {
    /// How many were answered.
    pub(super) fn sent(&self) -> u64 {
        self.accepted + self.rejected.values().sum::<u64>() + self.failed.values().sum::<u64>()
    }

    fn take(&mut self, screen: &Screen, outcome: Outcome) -> Done {
        match outcome {
            Ok(answer) => {
                self.accepted += 1;
                if screen.json {
                    print_json(screen, &answer)?;
                }
                self.reach(answer.seq, answer.hash);
                Ok(())
            }
            Err(ClientError::Problem(problem)) if is_answer(&problem) => {
                if screen.json {
                    screen.json(&problem)?;
                }
                let count = match problem.code {
                    ErrorCode::Failed => {
                        let reason = problem.error.clone().unwrap_or_else(|| problem.detail.clone());
                        self.failed.entry(reason).or_default()
                    }
                    _ => self.rejected.entry(excerpt(&problem.detail, 100)).or_default(),
                };
                *count += 1;
                if let (Some(seq), Some(hash)) = (problem.seq, problem.hash) {
                    self.reach(seq, hash);
                }
                Ok(())
            }
            Err(error) => {
                Err(Failure::from(error).while_(format_args!("stopped after {} messages", self.sent())))
            }
        }
    }

    fn reach(&mut self, seq: u64, hash: String) {
        if self.last.as_ref().is_none_or(|(last, _)| *last < seq) {
            self.last = Some((seq, hash));
        }
    }

    /// Prints what came of the messages.
    pub(super) fn print(&self, screen: &Screen) -> Done {
        let seconds = self.elapsed.as_secs_f64();
        let sent = self.sent();
        screen.line(format_args!(
            "sent {BOLD}{}{BOLD:#} in {seconds:.2} s, {}",
            count(sent),
            rate(sent, seconds)
        ))?;
        screen.field("accepted", format_args!("{GOOD}{:>9}{GOOD:#}", count(self.accepted)))?;
        for (what, style, reasons) in [("rejected", WARN, &self.rejected), ("failed", BAD, &self.failed)] {
            let total = count(reasons.values().sum());
            if reasons.is_empty() {
                screen.field(what, format_args!("{total:>9}"))?;
            } else {
                screen.field(what, format_args!("{style}{total:>9}{style:#}"))?;
            }
            let mut reasons: Vec<_> = reasons.iter().collect();
            reasons.sort_by_key(|(reason, number)| (std::cmp::Reverse(**number), (*reason).clone()));
            for (reason, number) in reasons.iter().take(10) {
                screen.field("", format_args!("{DIM}{:>9}  {reason}{DIM:#}", count(**number)))?;
            }
            if reasons.len() > 10 {
                screen.field(
                    "",
                    format_args!("{DIM}{:>9}  other reasons{DIM:#}", count((reasons.len() - 10) as u64)),
                )?;
            }
        }
        if let Some((seq, hash)) = &self.last {
            screen.head(hash, *seq)?;
        }
        Ok(())
    }
}
