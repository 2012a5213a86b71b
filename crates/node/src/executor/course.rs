//! The course of a job's run, as its chains have it: which inputs were handled, in which order, and what came of them.
//!
//! A run is in one part, or in several: an executor may go on after an entry of another's chain, and its own chain is then a
//! fork there. Invariant: what is said here is read from entries alone, so that an executor after a crash, a stranger with a
//! receipt, and whoever watches a job, come to the same.

use bytes::Bytes;
use troupe_chain::{Body, Entry, FailureCode, Fork, Genesis, Hash};
use troupe_commons::Id;
use troupe_commons::jobs::{JobResult, JobSpec, MAX_INPUTS, MAX_TRIES};
use troupe_store::Store;

/// The most entries of one chain that belong to a run: two to begin, one for each input, and as many for changes of engine.
const MAX_ENTRIES: u64 = 2 + 2 * MAX_INPUTS as u64;

/// An input that was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// The chain.
    pub chain: Hash,
    /// The entry's name.
    pub entry: Hash,
    /// Its position.
    pub seq: u64,
    /// The input.
    pub input: Hash,
    /// The fuel that it used.
    pub fuel: u64,
    /// What came of it.
    pub came: Came,
}

/// What came of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// An output, and the state after it.
    Output {
        /// The output; of nothing, if there is none.
        output: Hash,
        /// The state.
        state: Hash,
    },
    /// A failure.
    Failure(FailureCode),
}

/// What one chain has of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What the chain begins with.
    pub genesis: Genesis,
    /// The inputs that were handled on it, in order.
    pub handled: Vec<Handled>,
}

/// A run, as far as it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Its parts, from the first on; at least one.
    pub parts: Vec<Part>,
}

/// Why the course of a run cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unclear(pub String);

fn unclear<T>(what: impl Into<String>) -> Result<T, Unclear> {
    Err(Unclear(what.into()))
}

/// The state that an entry leaves, if it leaves one by itself.
pub fn state_after(entry: &Entry) -> Option<Hash> {
    match &entry.body {
        Body::Init(init) => Some(init.state),
        Body::Message(message) => Some(message.state),
        _ => None,
    }
}

impl Handled {
    /// Going on after it; `None` after a failure, which ends a run.
    pub fn fork(&self) -> Option<Fork> {
        match self.came {
            Came::Output { state, .. } => {
                Some(Fork { chain: self.chain, entry: self.entry, seq: self.seq, state })
            }
            Came::Failure(_) => None,
        }
    }
}

impl Part {
    /// Reads a chain up to and with the entry at `last`, or as far as a run of so many inputs goes.
    fn read(
        chain: &Hash,
        last: u64,
        inputs: usize,
        bytes: &mut dyn FnMut(&Hash, u64) -> Result<Bytes, Unclear>,
    ) -> Result<Self, Unclear> {
        let mut read = |seq| -> Result<(Hash, Entry), Unclear> {
            let bytes = bytes(chain, seq)?;
            let entry = Entry::decode(&bytes).map_err(|error| Unclear(error.to_string()))?;
            Ok((Hash::of(&bytes), entry))
        };
        let (_, first) = read(0)?;
        let Body::Genesis(genesis) = first.body else {
            return unclear(format!("the chain {chain} does not begin with genesis"));
        };
        let mut handled: Vec<Handled> = Vec::new();
        for seq in 1..=last {
            // What comes after the run is none of it.
            let failed = matches!(handled.last(), Some(Handled { came: Came::Failure(_), .. }));
            if failed || handled.len() == inputs {
                break;
            }
            if seq >= MAX_ENTRIES {
                return unclear(format!("the chain {chain} has more entries than a job's run may have"));
            }
            let (entry, read) = read(seq)?;
            let (input, fuel, came) = match read.body {
                Body::Message(message) => {
                    let output = message.reply.unwrap_or_else(|| Hash::of(b""));
                    (message.message, message.fuel.0, Came::Output { output, state: message.state })
                }
                Body::Failure(failure) => (failure.message, failure.fuel.0, Came::Failure(failure.error)),
                _ => continue,
            };
            handled.push(Handled { chain: *chain, entry, seq, input, fuel, came });
        }
        Ok(Self { genesis: *genesis, handled })
    }
}

impl Course {
    /// Reads a run from its last chain, up to and with the entry at `last`, and from the chains before it.
    ///
    /// # Errors
    /// [`Unclear`] if an entry is missing, or they are not those of a run.
    pub fn read(
        chain: &Hash,
        last: u64,
        spec: &JobSpec,
        bytes: &mut dyn FnMut(&Hash, u64) -> Result<Bytes, Unclear>,
    ) -> Result<Self, Unclear> {
        let (mut parts, mut next) = (Vec::new(), Some((*chain, last)));
        while let Some((chain, last)) = next {
            if parts.len() == MAX_TRIES {
                return unclear(format!("the run is in more than {MAX_TRIES} parts"));
            }
            let part = Part::read(&chain, last, spec.inputs.len(), bytes)?;
            // The entry that the submitter named is where the run begins; any other fork is where it went on.
            let went_on = part.genesis.fork.filter(|fork| spec.resume != Some(Id(fork.entry)));
            next = went_on.map(|fork| (fork.chain, fork.seq));
            parts.push(part);
        }
        parts.reverse();
        Ok(Self { parts })
    }

    /// Reads a run from a store.
    ///
    /// # Errors
    /// [`Unclear`].
    pub fn of_store(store: &dyn Store, chain: &Hash, last: u64, spec: &JobSpec) -> Result<Self, Unclear> {
        Self::read(chain, last, spec, &mut |chain, seq| {
            let bytes = store.entry(chain, seq).map_err(|error| Unclear(error.to_string()))?;
            bytes.ok_or_else(|| Unclear(format!("the chain {chain} has no entry at seq {seq}")))
        })
    }

    /// Every input that was handled, in order.
    pub fn handled(&self) -> impl Iterator<Item = &Handled> {
        self.parts.iter().flat_map(|part| &part.handled)
    }

    /// How many inputs were handled.
    pub fn done(&self) -> usize {
        self.parts.iter().map(|part| part.handled.len()).sum()
    }

    /// Whether what was handled are the job's inputs, from the first on.
    ///
    /// # Errors
    /// [`Unclear`] with the first difference.
    pub fn check_inputs(&self, spec: &JobSpec) -> Result<(), Unclear> {
        for (n, handled) in self.handled().enumerate() {
            match spec.inputs.get(n) {
                Some(input) if input.0 == handled.input => {}
                Some(input) => {
                    let found = handled.input;
                    return unclear(format!("input {}: the job has {input}, the run has {found}", n + 1));
                }
                None => return unclear("the run has more inputs than the job"),
            }
        }
        Ok(())
    }

    /// What the run came to: `None` before its last input was handled, if none failed.
    pub fn result(&self, spec: &JobSpec) -> Option<JobResult> {
        let last = self.handled().last()?;
        let (error, output) = match last.came {
            Came::Failure(error) => (Some(error.to_string()), None),
            Came::Output { .. } if self.done() < spec.inputs.len() => return None,
            Came::Output { output, .. } => (None, Some(Id(output))),
        };
        Some(JobResult {
            chain: Id(last.chain),
            entry: Id(last.entry),
            error,
            from: self.went_on_from().map(|fork| Id(fork.entry)),
            fuel: self.handled().fold(0, |sum, handled| sum.saturating_add(handled.fuel)),
            output,
            size: last.seq + 1,
        })
    }

    /// Where the last part went on from another executor's.
    pub fn went_on_from(&self) -> Option<Fork> {
        if self.parts.len() < 2 { None } else { self.parts.last()?.genesis.fork }
    }

    /// Where somebody else may go on: after as many inputs as were handled, and with one left at least.
    pub fn next_fork(&self, spec: &JobSpec) -> Option<(usize, Fork)> {
        let before_last = self.handled().take(spec.inputs.len().saturating_sub(1));
        before_last.enumerate().filter_map(|(n, handled)| Some((n + 1, handled.fork()?))).last()
    }
}
