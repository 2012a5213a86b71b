//! One entry done again: what the machine says now, with the answers from outside that were recorded.
//!
//! Invariant: nothing outside is asked.

use bytes::Bytes;
use troupe_chain::{Abort, Body, Call, Context, Entry, Hash, Machine, Outcome, Outside, Sender, Step, Text};

use crate::cli::failure::Failure;

/// The seed of what is tried, so that it always comes to the same.
const SEED: [u8; 32] = [0; 32];

/// What a step needs of an entry.
pub(super) struct Recorded<'a> {
    pub(super) entry: &'a Entry,
    /// The message, where the entry is about one.
    pub(super) message: Option<&'a Bytes>,
    pub(super) config: Option<&'a Bytes>,
    /// The answers of its calls, in order.
    pub(super) answers: Vec<Bytes>,
}

/// Does an entry again from the state before it; `None` if there is nothing to do for its kind.
pub(super) fn again(
    machine: &impl Machine,
    recorded: &Recorded<'_>,
    (chain, state): (Hash, &[u8]),
    init: &Sender,
) -> Result<Option<Step>, Failure> {
    let entry = recorded.entry;
    let from = entry.body.from().unwrap_or(init).clone();
    let context = Context { chain, from, at: entry.at, seq: entry.seq, seed: entry.body.seed() };
    let calls = match &entry.body {
        Body::Init(init) => &init.calls,
        Body::Message(message) => &message.calls,
        Body::Failure(failure) => &failure.calls,
        Body::Upgrade(upgrade) => &upgrade.calls,
        Body::Genesis(_) | Body::Engine(_) | Body::Stop(_) => return Ok(None),
    };
    let mut outside = Player { calls, answers: recorded.answers.iter(), other: None };
    let step = match (&entry.body, recorded.message) {
        (Body::Init(_), _) => machine.init(&context, &mut outside, recorded.config.map(AsRef::as_ref)),
        (Body::Upgrade(_), _) => machine.migrate(&context, &mut outside, state),
        (_, Some(message)) => machine.apply(&context, &mut outside, message, state),
        _ => return Ok(None),
    };
    step.map(Some).map_err(|abort| {
        let what = outside.other.map_or_else(
            || abort.to_string(),
            |call| format!("it asks the outside what was not recorded: {call}"),
        );
        Failure::cannot(format_args!("entry {}: {what}", entry.seq))
    })
}

/// What a message would come to in a state, if it came over HTTP at the time of the last entry.
pub(super) fn tried(
    machine: &impl Machine,
    context: Context,
    message: &[u8],
    state: &[u8],
) -> Result<Step, Failure> {
    let seed = machine.draws().then(|| Hash::from_bytes(SEED));
    let mut outside = Player { calls: &[], answers: [].iter(), other: None };
    let step = machine.apply(&Context { seed, ..context }, &mut outside, message, state);
    step.map_err(|abort| match outside.other {
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

/// The outside as an entry recorded it.
struct Player<'a> {
    calls: &'a [Call],
    answers: std::slice::Iter<'a, Bytes>,
    /// A call that was not recorded.
    other: Option<String>,
}

impl Outside for Player<'_> {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        if let Some((call, rest)) = self.calls.split_first()
            && call.function == *function
            && call.input == Hash::of(input)
            && let Some(answer) = self.answers.next()
        {
            self.calls = rest;
            return Ok(answer.to_vec());
        }
        let shown = crate::cli::screen::excerpt_bytes(input, 200);
        self.other.get_or_insert(format!("{function} {shown}"));
        Err(Abort::Host("no such answer was recorded".into()))
    }
}
