//! `troupe debug`: a history step by step, forward and back, with what the actor did at each.
//!
//! One command a line, from a terminal or a pipe. Exit code 0; 1 if `run` found no entry; 2 if a line could not be done.

mod again;
mod condition;
mod input;
mod session;
mod show;

use std::sync::Arc;

use troupe::copy::copy;
use troupe_store::{MemoryStore, Store};

use self::condition::Condition;
use self::input::Input;
use self::session::{NAMES, Session};

use super::failure::{Done, Failure};
use super::place::{Place, Source, Whose};
use super::screen::{BOLD, DIM, Screen};
use super::verify;

/// Step through a history, forward and back, and see what the actor did at each entry
///
/// Each step is done again here, with the recorded answers from outside: state, reply, effects, calls, and the lines that
/// the actor wrote to its log. Nothing is changed, and nothing is verified: `troupe verify` does that. Commands are read
/// from standard input, one a line; `help` lists them.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe debug counter\n  \
    troupe debug counter.car\n  \
    troupe debug troupe.store --actor counter\n  \
    echo 'run state.count > 100' | troupe debug counter.car\n  \
    printf 'goto 7\\ntry {\"add\":3}\\n' | troupe debug counter.car --json")]
pub(crate) struct Debug {
    /// The folder of a store, a bundle, the URL of a node or an actor, or the name of an actor of the node
    #[arg(value_name = "STORE|URL|BUNDLE|ACTOR")]
    place: String,
    /// The position of the entry to begin at [default: the first state]
    #[arg(long, value_name = "SEQ")]
    at: Option<u64>,
    #[command(flatten)]
    whose: Whose,
}

/// A command: its name, its short name, what follows it, and what it does.
const COMMANDS: [(&str, &str, &str, &str); 20] = [
    ("step", "s", "[N]", "go N entries on, 1 without N"),
    ("back", "b", "[N]", "go N entries back"),
    ("goto", "g", "SEQ", "go to an entry"),
    ("first", "", "", "go to the first state"),
    ("last", "", "", "go to the last entry"),
    ("run", "r", "CONDITION", "go on to the next entry for which it holds: run state.total > 100"),
    ("rback", "", "CONDITION", "go back to the entry before for which it holds"),
    ("where", "w", "", "show this entry again"),
    ("print", "p", "EXPRESSION", "show what it comes to here: print state.items[0].name"),
    ("state", "", "", "show the state after this entry"),
    ("before", "", "", "show the state before it"),
    ("diff", "d", "", "show where the two differ"),
    ("message", "m", "", "show the message"),
    ("reply", "", "", "show the reply"),
    ("effects", "e", "", "show what the actor asked for"),
    ("calls", "c", "", "show what it asked of the outside, and the answers"),
    ("log", "l", "", "show what it wrote to its log"),
    ("try", "t", "MESSAGE", "send a message to the state here, on a fork that is thrown away"),
    ("help", "h", "[COMMAND]", "show this"),
    ("quit", "q", "", "end"),
];

/// What a line led to.
enum Next {
    Go,
    /// Nothing was found.
    NotFound,
    End,
}

pub(super) fn debug(screen: &Screen, command: &Debug) -> Done {
    let source = Place::find(&command.place)?.open(screen, &command.whose);
    let source = source.map_err(|error| error.into_failure(&command.place))?;
    let mut session = open(screen, source)?;
    if let Some(at) = command.at {
        session.go(at)?;
    }
    let names = COMMANDS.iter().map(|(name, ..)| *name).collect();
    let mut input = Input::new(names).map_err(|error| no_line(&error))?;
    if input.is_terminal() {
        show::place(screen, session.here(), session.last())?;
        screen.note(format_args!("{DIM}help lists the commands, Tab completes them, Ctrl-D ends{DIM:#}"));
    }
    let mut code = 0;
    let mut number = 0;
    loop {
        let prompt = format!("{}> ", session.seq());
        let line = input.line(&prompt).map_err(|error| no_line(&error))?;
        let Some(line) = line else { break };
        number += 1;
        match act(screen, &mut session, line.trim()) {
            Ok(Next::Go) => {}
            Ok(Next::NotFound) => code = code.max(1),
            Ok(Next::End) => break,
            Err(failure) if failure.to_string().is_empty() => return Err(failure),
            Err(failure) => {
                let failure =
                    if input.is_terminal() { failure } else { failure.while_(format_args!("line {number}")) };
                failure.report(screen);
                code = 2;
            }
        }
    }
    // A person has seen what went wrong.
    if code == 0 || input.is_terminal() { Ok(()) } else { Err(Failure::said(code)) }
}

fn no_line(error: &std::io::Error) -> Failure {
    Failure::cannot(format_args!("no line can be read: {error}"))
}

fn open(screen: &Screen, source: Source) -> Result<Session, Failure> {
    let machines = verify::machines(screen);
    match source {
        Source::Store(store, history) => Session::open(store, history.chain(), machines),
        other => {
            let store = MemoryStore::new();
            copy(&other, &store, other.seq(), |_| {})?;
            let chain = store.chains()?.first().map(|(chain, _)| *chain);
            let chain = chain.ok_or_else(|| Failure::cannot("there are no entries"))?;
            Session::open(Arc::new(store), chain, machines)
        }
    }
}

fn act(screen: &Screen, session: &mut Session, line: &str) -> Result<Next, Failure> {
    // An empty line, and what is there for people who read a script.
    if line.is_empty() || line.starts_with('#') {
        return Ok(Next::Go);
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let found =
        COMMANDS.iter().find(|(name, short, ..)| *name == word || (*short == word && !short.is_empty()));
    let Some((name, _, takes, _)) = found else { return Err(unknown(word)) };
    if takes.is_empty() && !rest.is_empty() {
        return Err(Failure::cannot(format_args!("`{name}` takes nothing, found `{rest}`")));
    }
    if !takes.is_empty() && !takes.starts_with('[') && rest.is_empty() {
        return Err(Failure::cannot(format_args!("`{name}` needs {takes}")).help(format_args!("help {name}")));
    }
    let seq = session.seq();
    match *name {
        "step" => go(screen, session, seq.saturating_add(count(rest)?).min(session.last()))?,
        "back" => go(screen, session, seq.saturating_sub(count(rest)?).max(1))?,
        "goto" => go(screen, session, number(rest)?)?,
        "first" => go(screen, session, 1)?,
        "last" => go(screen, session, session.last())?,
        "run" => return run(screen, session, rest, true),
        "rback" => return run(screen, session, rest, false),
        "where" => show::place(screen, session.here(), session.last())?,
        "print" => {
            let expression = parse(rest)?;
            show::value(screen, "value", &expression.value(&|name| session.here().lookup(name)))?;
        }
        "state" | "before" | "message" | "reply" => show::value(screen, name, &session.here().lookup(name))?,
        "diff" => show::diff(screen, session.here())?,
        "effects" => show::effects(screen, session.here())?,
        "calls" => show::calls(screen, session.here().step.as_ref())?,
        "log" => show::log(screen, session.here().step.as_ref())?,
        "try" => {
            super::parse::check_json(rest.as_bytes(), "the message")?;
            let step = session.tried(rest.as_bytes())?;
            show::tried(screen, session.here(), &step)?;
        }
        "help" => help(screen, rest)?,
        _ => return Ok(Next::End),
    }
    Ok(Next::Go)
}

fn go(screen: &Screen, session: &mut Session, seq: u64) -> Done {
    session.go(seq)?;
    show::place(screen, session.here(), session.last())
}

/// Goes to the next entry for which a condition holds, or stays.
fn run(screen: &Screen, session: &mut Session, text: &str, forward: bool) -> Result<Next, Failure> {
    let condition = parse(text)?;
    let begun = session.seq();
    loop {
        let seq = session.seq();
        let next = if forward { seq + 1 } else { seq - 1 };
        if next == 0 || next > session.last() {
            session.go(begun)?;
            let way = if forward { "after" } else { "before" };
            screen.note(format_args!("no entry {way} {begun} fits"));
            return Ok(Next::NotFound);
        }
        if let Err(failure) = session.go(next) {
            let at = format!("on the way, which ends at {seq}");
            session.go(begun)?;
            return Err(failure.while_(at));
        }
        if condition.holds(&|name| session.here().lookup(name)) {
            show::place(screen, session.here(), session.last())?;
            return Ok(Next::Go);
        }
    }
}

fn parse(text: &str) -> Result<Condition, Failure> {
    Condition::parse(text, &NAMES).map_err(|mistake| {
        let mark = format!("{}^", " ".repeat(mistake.column - 1));
        Failure::cannot(mistake).help(text).help(mark)
    })
}

/// How many, 1 unless it is said.
fn count(text: &str) -> Result<u64, Failure> {
    if text.is_empty() { Ok(1) } else { number(text) }
}

fn number(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| Failure::cannot(format_args!("expected a whole number, found `{text}`")))
}

fn unknown(word: &str) -> Failure {
    let near = COMMANDS.iter().map(|(name, ..)| (strsim::osa_distance(word, name), *name)).min();
    let failure = Failure::cannot(format_args!("there is no command `{word}`"));
    match near {
        Some((distance, name)) if distance <= word.len() / 3 => {
            failure.help(format_args!("did you mean `{name}`?"))
        }
        _ => failure.help("`help` lists them"),
    }
}

fn help(screen: &Screen, of: &str) -> Done {
    let is_meant =
        |(name, short, ..): &(&str, &str, &str, &str)| of.is_empty() || *name == of || *short == of;
    let mut shown = false;
    for (name, short, takes, does) in COMMANDS.iter().filter(|command| is_meant(command)) {
        let short = if short.is_empty() { String::new() } else { format!(", {short}") };
        let usage = format!("{name}{short} {takes}");
        screen.line(format_args!("  {BOLD}{usage:<22}{BOLD:#} {does}"))?;
        shown = true;
    }
    if !shown {
        return Err(unknown(of));
    }
    if of.is_empty() || matches!(of, "run" | "r" | "rback" | "print" | "p") {
        screen.line(format_args!("\nA condition knows {}.", NAMES.join(", ")))?;
        screen
            .line("It has == != < <= > >= contains, and, or, not, (), and paths: state.items[0][\"a b\"].")?;
    }
    Ok(())
}
