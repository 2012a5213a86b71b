//! What an entry came to when it was done again, in words, and messages that are only tried.
//!
//! Invariant: nothing outside is asked.

use troupe_chain::{Abort, CannotCheck, Context, Hash, Machine, NotVerified, Outcome, Outside, Step, Text};

use crate::cli::failure::Failure;
use crate::cli::screen::excerpt_bytes;

/// The most characters of what is asked that are shown.
const MAX_SHOWN: usize = 200;
/// The seed of what is tried, so that it always comes to the same.
const SEED: [u8; 32] = [0; 32];

/// Why an entry could not be done again, and what to do.
pub(super) fn explain(seq: u64, error: NotVerified) -> Failure {
    match error {
        NotVerified::CannotCheck(CannotCheck::Redacted { field, redaction, .. }) => {
            Failure::cannot(format_args!("entry {seq} cannot be done again: its `{field}` was {redaction}"))
                .help("`goto SEQ` goes past it, to an entry whose state is known")
        }
        NotVerified::CannotCheck(CannotCheck::MissingBlob { field, .. }) => {
            Failure::cannot(format_args!("entry {seq} cannot be done again: its `{field}` is not kept"))
                .help("`goto SEQ` goes past it, to an entry whose state is known")
        }
        NotVerified::Diverged(divergence) if divergence.field == "calls" => {
            let asked = divergence.got_bytes.as_deref().map(|input| excerpt_bytes(input, MAX_SHOWN));
            let what = match (divergence.got.split_once(' '), asked) {
                (Some((function, _)), Some(asked)) => {
                    format!("it asks the outside what was not recorded: {function} {asked}")
                }
                _ => format!("a call to the outside was recorded that it does not make: {}", divergence.says),
            };
            Failure::cannot(format_args!("entry {seq}: {what}"))
        }
        error => Failure::cannot(format_args!("entry {seq}: {error}")),
    }
}

/// What a message would come to in a state, if it came over HTTP at the time of the last entry.
pub(super) fn tried(
    machine: &impl Machine,
    context: Context,
    message: &[u8],
    state: &[u8],
) -> Result<Step, Failure> {
    let seed = machine.draws().then(|| Hash::from_bytes(SEED));
    let mut outside = Silent::default();
    let step = machine.apply(&Context { seed, ..context }, &mut outside, message, state);
    step.map_err(|abort| match outside.asked {
        Some(call) => {
            Failure::cannot(format_args!("it asks the outside, which does not answer here: {call}"))
        }
        None => Failure::cannot(abort),
    })
}

/// The outcome of a step in a word or two.
pub(super) fn outcome(step: &Step) -> String {
    match &step.outcome {
        Outcome::Accepted(_) => "accepted".to_owned(),
        Outcome::Rejected(rejection) => format!("rejected: {rejection}"),
        Outcome::Failed(failed) => format!("failed: {failed}"),
    }
}

/// An outside that does not answer.
#[derive(Default)]
struct Silent {
    /// The first call.
    asked: Option<String>,
}

impl Outside for Silent {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        self.asked.get_or_insert_with(|| format!("{function} {}", excerpt_bytes(input, MAX_SHOWN)));
        Err(Abort::Host("nothing outside is asked here".into()))
    }
}
