//! `wasi:cli`: arguments and environment from the grants, standard streams to the log, and an end that fails the call.
//!
//! A command's standard streams are its message's and its reply's; `ordinary` sets that up.

use std::mem::take;

use troupe_chain::Level;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::Kept;
use super::streams::{InputStream, OutputStream};
use super::wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use crate::host::{Host, Refused};

/// The name that a program finds before its arguments where nothing is granted.
const PROGRAM: &str = "actor";

/// A terminal. There is none.
pub enum Terminal {}

impl Kept for Terminal {}

/// The standard streams of one message.
#[derive(Default)]
pub(crate) struct Stdio {
    /// What is read from standard input.
    pub(crate) input: InputStream,
    /// Arguments after those that are granted.
    pub(crate) args: Vec<String>,
    /// What was written to standard output, where it does not go to the log.
    pub(crate) captured: Option<Vec<u8>>,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Host {
    /// Writes to standard output.
    pub(super) fn print(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.wasi.stdio.captured.is_some() {
            self.take_memory(bytes.len() as u64)?;
        }
        if let Some(captured) = &mut self.wasi.stdio.captured {
            captured.extend_from_slice(bytes);
            self.written.output(bytes);
            return Ok(());
        }
        self.take_log_bytes(bytes.len())?;
        self.wasi.stdio.out.extend_from_slice(bytes);
        let whole = lines(&mut self.wasi.stdio.out);
        self.log_lines(Level::Info, whole);
        Ok(())
    }

    /// Writes to standard error.
    pub(super) fn print_error(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.take_log_bytes(bytes.len())?;
        self.wasi.stdio.err.extend_from_slice(bytes);
        let whole = lines(&mut self.wasi.stdio.err);
        self.log_lines(Level::Warn, whole);
        Ok(())
    }

    /// Logs what was written since the last end of a line.
    pub(crate) fn flush_lines(&mut self) {
        let (out, err) = (take(&mut self.wasi.stdio.out), take(&mut self.wasi.stdio.err));
        for (rest, level) in [(out, Level::Info), (err, Level::Warn)] {
            if !rest.is_empty() {
                self.log_line(level, String::from_utf8_lossy(&rest).into_owned());
            }
        }
    }

    fn log_lines(&mut self, level: Level, lines: Vec<String>) {
        lines.into_iter().for_each(|line| self.log_line(level, line));
    }
}

/// Takes the whole lines of what was written.
fn lines(written: &mut Vec<u8>) -> Vec<String> {
    let Some(end) = written.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let lines = written[..end].split(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8_lossy(line).into_owned()
    });
    let lines = lines.collect();
    written.drain(..=end);
    lines
}

impl environment::Host for Host {
    fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        Ok(self.grants.environment().to_vec())
    }

    fn get_arguments(&mut self) -> Result<Vec<String>> {
        let mut args = match self.grants.arguments() {
            [] => vec![PROGRAM.to_owned()],
            args => args.to_vec(),
        };
        args.extend_from_slice(&self.wasi.stdio.args);
        Ok(args)
    }

    fn initial_cwd(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}

impl exit::Host for Host {
    fn exit(&mut self, status: Result<(), ()>) -> Result<()> {
        Err(Refused::Exit(status.is_err().into()).into())
    }

    fn exit_with_code(&mut self, code: u8) -> Result<()> {
        Err(Refused::Exit(code).into())
    }
}

impl stdin::Host for Host {
    fn get_stdin(&mut self) -> Result<Resource<InputStream>> {
        self.keep(self.wasi.stdio.input.clone())
    }
}

impl stdout::Host for Host {
    fn get_stdout(&mut self) -> Result<Resource<OutputStream>> {
        self.keep(OutputStream::Out)
    }
}

impl stderr::Host for Host {
    fn get_stderr(&mut self) -> Result<Resource<OutputStream>> {
        self.keep(OutputStream::Err)
    }
}

impl terminal_input::HostTerminalInput for Host {
    fn drop(&mut self, this: Resource<Terminal>) -> Result<()> {
        self.forget(this)
    }
}

impl terminal_output::HostTerminalOutput for Host {
    fn drop(&mut self, this: Resource<Terminal>) -> Result<()> {
        self.forget(this)
    }
}

impl terminal_input::Host for Host {}
impl terminal_output::Host for Host {}

impl terminal_stdin::Host for Host {
    fn get_terminal_stdin(&mut self) -> Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}

impl terminal_stdout::Host for Host {
    fn get_terminal_stdout(&mut self) -> Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}

impl terminal_stderr::Host for Host {
    fn get_terminal_stderr(&mut self) -> Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}
