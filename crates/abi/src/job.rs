//! A core module as a job: what one run carries to and from the guest, how a job begins, and how a run concludes.

use troupe_chain::{Accepted, Failed, FailureCode, Outcome};

use crate::{Carried, HostError};

/// The world of core modules that run as jobs, as genesis names it.
pub const WORLD: &str = "troupe:job/module@1";
/// What a module exports to be run: `() -> i64`.
pub const RUN: &str = "run";
/// The memory that a module exports.
pub const MEMORY: &str = "memory";

/// The state of a job that was given no configuration.
const FIRST: &[u8] = b"null";

/// The bytes of one message's run.
#[derive(Debug, Default)]
pub struct Job {
    input: Vec<u8>,
    state: Vec<u8>,
    output: Vec<u8>,
    /// What becomes of the state, if the guest says so.
    next: Option<Vec<u8>>,
    /// What the last call led to whose result is bytes.
    pub(crate) result: Vec<u8>,
    max_output: u64,
    max_state: u64,
}

impl Job {
    /// A run on an input in a state, with the most bytes of its output and of a state.
    pub fn new(input: &[u8], state: &[u8], max_output: u64, max_state: u64) -> Self {
        let (input, state) = (input.to_vec(), state.to_vec());
        Self { input, state, max_output, max_state, ..Self::default() }
    }

    /// What goes to the guest.
    pub fn taken(&self, what: Carried) -> &[u8] {
        match what {
            Carried::Input => &self.input,
            Carried::State => &self.state,
            Carried::Result => &self.result,
            Carried::Output | Carried::NextState => &[],
        }
    }

    /// How many bytes the guest may still give.
    pub fn room(&self, what: Carried) -> u64 {
        match what {
            Carried::Output => self.max_output.saturating_sub(self.output.len() as u64),
            Carried::NextState => self.max_state,
            Carried::Input | Carried::Result | Carried::State => 0,
        }
    }

    /// Takes bytes of the guest's, of which there is [`Job::room`].
    pub(crate) fn put(&mut self, what: Carried, bytes: &[u8]) -> Result<u64, HostError> {
        match what {
            Carried::Output => {
                self.output.extend_from_slice(bytes);
                Ok(self.output.len() as u64)
            }
            Carried::NextState => {
                self.next = Some(bytes.to_vec());
                Ok(0)
            }
            Carried::Input | Carried::Result | Carried::State => Err(HostError::Malformed),
        }
    }

    /// What a run came to that returned this, but for its effects: the new state, and the reply.
    ///
    /// # Errors
    /// [`Failed`] if the number is less than 0, or the state has more bytes than it may.
    pub fn conclude(self, returned: i64) -> Result<(Vec<u8>, Option<Vec<u8>>), Failed> {
        if returned < 0 {
            let detail = format!("`{RUN}` returned {returned}");
            return Err(Failed { code: FailureCode::Refused, detail });
        }
        let state = self.next.unwrap_or(self.state);
        check_state(&state, self.max_state)?;
        Ok((state, Some(self.output).filter(|output| !output.is_empty())))
    }
}

/// How a job begins, or goes on with other code: with its configuration or its state as it is, or with `null`.
pub fn first_state(given: Option<&[u8]>, max_state: u64) -> Outcome {
    let state = given.unwrap_or(FIRST);
    match check_state(state, max_state) {
        Ok(()) => Outcome::Accepted(Accepted { state: state.to_vec(), reply: None, effects: Vec::new() }),
        Err(failed) => Outcome::Failed(failed),
    }
}

fn check_state(state: &[u8], max: u64) -> Result<(), Failed> {
    if state.len() as u64 <= max {
        return Ok(());
    }
    let detail = format!("{} bytes, the limit is {max}", state.len());
    Err(Failed { code: FailureCode::TooLargeState, detail })
}
