//! Where the debugger's lines come from: a person at a terminal, who edits them, or a pipe.
//!
//! Deliberately absent: a history that outlives the debugger.

use std::io::{self, BufRead, IsTerminal, Read, StdinLock};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

/// The most bytes of a line from a pipe.
const MAX_LINE: u64 = 16 << 20;

/// Lines, one after the other.
pub(super) enum Input {
    /// From somebody at a terminal.
    Terminal(Box<Editor<Commands, MemHistory>>),
    /// From a pipe or a file.
    Pipe(StdinLock<'static>),
}

impl Input {
    /// Takes standard input; at a terminal the tab key completes the names of `commands`.
    pub(super) fn new(commands: Vec<&'static str>) -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Self::Pipe(io::stdin().lock()));
        }
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Editor::with_history(config, MemHistory::new()).map_err(io::Error::other)?;
        editor.set_helper(Some(Commands(commands)));
        Ok(Self::Terminal(Box::new(editor)))
    }

    /// The next line; `None` at the end.
    pub(super) fn line(&mut self, prompt: &str) -> io::Result<Option<String>> {
        match self {
            Self::Terminal(editor) => match editor.readline(prompt) {
                Ok(line) => Ok(Some(line)),
                // Ctrl-C takes back what was typed, and ends nothing.
                Err(ReadlineError::Interrupted) => Ok(Some(String::new())),
                Err(ReadlineError::Eof) => Ok(None),
                Err(error) => Err(io::Error::other(error)),
            },
            Self::Pipe(stdin) => {
                let mut line = String::new();
                let read = Read::take(stdin, MAX_LINE).read_line(&mut line)?;
                Ok((read > 0).then_some(line))
            }
        }
    }

    /// Whether a person types.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }
}

/// The names of commands, which a line begins with.
pub(super) struct Commands(Vec<&'static str>);

impl Completer for Commands {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..at];
        let fitting = self.0.iter().filter(|name| name.starts_with(typed));
        Ok((0, fitting.map(|name| format!("{name} ")).collect()))
    }
}

impl Helper for Commands {}
impl Highlighter for Commands {}
impl Validator for Commands {}

impl Hinter for Commands {
    type Hint = String;
}
