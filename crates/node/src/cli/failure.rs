//! How a command ends badly: what happened, what to do about it, and the exit code.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use serde_json::json;
use troupe::copy::NotCopied;
use troupe_api::ClientError;
use troupe_store::StoreError;

use super::screen::{ERROR, HELP, Screen};

/// What an author does about a failure with this code, where there is something to say.
pub(super) fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "fuel" => {
            "a loop without an end, or too little fuel: `troupe upgrade ACTOR --limit fuel=N` gives more"
        }
        "memory" => "too little memory: `troupe upgrade ACTOR --limit memory=BYTES` gives more",
        "too-large:state" => "keep less in the state, or `troupe upgrade ACTOR --limit state=BYTES`",
        "trap:unreachable" => {
            "it panicked or aborted; an error that it returns instead is shown with its reason"
        }
        _ => return None,
    })
}

/// What a command comes to.
pub(super) type Done = Result<(), Failure>;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
    help: Vec<String>,
}

impl Failure {
    /// It could not be done or checked: exit code 2.
    pub(super) fn cannot(message: impl Display) -> Self {
        Self { code: 2, message: message.to_string(), help: Vec::new() }
    }

    /// It was checked, and it is not so: exit code 1.
    pub(super) fn is_false(message: impl Display) -> Self {
        Self { code: 1, ..Self::cannot(message) }
    }

    /// Everything was said already; only the exit code is left.
    pub(super) fn said(code: u8) -> Self {
        Self { code, message: String::new(), help: Vec::new() }
    }

    /// Adds what to do about it.
    pub(super) fn help(mut self, help: impl Display) -> Self {
        self.help.push(help.to_string());
        self
    }

    /// What to do about it.
    pub(super) fn helps(&self) -> &[String] {
        &self.help
    }

    /// Says more of what happened.
    pub(super) fn and(mut self, what: impl Display) -> Self {
        self.message = format!("{}, {what}", self.message);
        self
    }

    /// Says what was being done.
    pub(super) fn while_(mut self, doing: impl Display) -> Self {
        if !self.message.is_empty() {
            self.message = format!("{doing}: {}", self.message);
        }
        self
    }

    /// Prints it and gives the exit code.
    pub(super) fn report(&self, screen: &Screen) -> ExitCode {
        if !self.message.is_empty() {
            if screen.json {
                screen.note(json!({ "error": self.message, "help": self.help }));
            } else {
                screen.note(format_args!("{ERROR}error:{ERROR:#} {}", self.message));
                for help in &self.help {
                    screen.note(format_args!("{HELP}help:{HELP:#} {help}"));
                }
            }
        }
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Writing to standard output failed. Whoever closes a pipe has read enough, and that is no error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::said(0),
            _ => Self::cannot(format_args!("cannot write the output: {error}")),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let failure = Self::cannot(&error);
        match error.help() {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

impl From<NotCopied> for Failure {
    fn from(error: NotCopied) -> Self {
        match error {
            NotCopied::False { .. } => Self::is_false(error),
            NotCopied::Store(error) => error.into(),
            error => Self::cannot(chain_of(&error)),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::cannot(chain_of(&error));
        match error {
            StoreError::Locked { .. } => failure.help(
                "while a node runs on the store, ask the node: give its URL instead, such as http://127.0.0.1:8080",
            ),
            _ => failure,
        }
    }
}

/// An error with everything that led to it, in one line.
pub(super) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Some errors repeat their source in their own words.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}
