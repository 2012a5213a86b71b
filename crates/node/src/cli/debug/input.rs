//! Where the debugger's lines come from: a person at a terminal, or a pipe.
//!
//! Deliberately absent: editing of a line beyond what the terminal has.

use std::io::{self, BufRead, IsTerminal, Read, Write};

/// The most bytes of a line.
const MAX_LINE: u64 = 16 << 20;

/// Lines, one after the other.
pub(super) struct Input {
    stdin: io::StdinLock<'static>,
    is_terminal: bool,
}

impl Input {
    pub(super) fn new() -> Self {
        Self { stdin: io::stdin().lock(), is_terminal: io::stdin().is_terminal() }
    }

    /// The next line; `None` at the end.
    pub(super) fn line(&mut self, prompt: &str) -> io::Result<Option<String>> {
        if self.is_terminal {
            let mut out = io::stdout().lock();
            out.write_all(prompt.as_bytes())?;
            out.flush()?;
        }
        let mut line = String::new();
        let read = Read::take(&mut self.stdin, MAX_LINE).read_line(&mut line)?;
        Ok((read > 0).then_some(line))
    }

    /// Whether a person types.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }
}
