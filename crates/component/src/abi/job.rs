//! What a core module has of its job while it runs: the input, the output so far, its state, and the last result.

use super::{Carried, HostError};

/// The bytes of one message's run.
#[derive(Debug, Default)]
pub(crate) struct Job {
    pub(crate) input: Vec<u8>,
    pub(crate) state: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// What becomes of the state, if the guest says so.
    pub(crate) next: Option<Vec<u8>>,
    /// What the last call led to whose result is bytes.
    pub(crate) result: Vec<u8>,
    max_output: u64,
    max_state: u64,
}

impl Job {
    pub(crate) fn new(input: &[u8], state: &[u8], max_output: u64, max_state: u64) -> Self {
        let (input, state) = (input.to_vec(), state.to_vec());
        Self { input, state, max_output, max_state, ..Self::default() }
    }

    /// What goes to the guest.
    pub(crate) fn taken(&self, what: Carried) -> &[u8] {
        match what {
            Carried::Input => &self.input,
            Carried::State => &self.state,
            Carried::Result => &self.result,
            Carried::Output | Carried::NextState => &[],
        }
    }

    /// How many bytes the guest may still give.
    pub(crate) fn room(&self, what: Carried) -> u64 {
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
}
