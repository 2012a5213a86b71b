//! A replay that the page drives: it hands in each entry with the blobs that it names.

use std::collections::BTreeMap;

use troupe_chain::{
    Body, Call, CannotCheck, Entry, Hash, History, Machine as _, NotVerified, Once, Redaction, Replayer,
    Unreadable,
};

use troupe_commons::{State, to_bytes, view};

use crate::answer::{Answer, Refusal, text};
use crate::machine::Browser;
use crate::module;
use crate::receipt::Run;

/// A replay.
pub(crate) struct Replay {
    replayer: Replayer<'static, Browser>,
    once: Once,
    /// What it has of a job's run.
    run: Option<Run>,
}

/// In the place of a name: what follows is a redaction.
const REDACTED: &[u8] = b"redacted";

/// What the page has of the blobs that an entry names. Whether bytes are what they are named is for the replayer.
struct Blobs<'a> {
    bytes: BTreeMap<Hash, &'a [u8]>,
    redacted: BTreeMap<Hash, Redaction>,
}

impl<'a> Blobs<'a> {
    fn read(pairs: &[&'a [u8]]) -> Result<Self, Refusal> {
        let mut blobs = Self { bytes: BTreeMap::new(), redacted: BTreeMap::new() };
        for pair in pairs.chunks(2) {
            let [name, bytes] = pair else { return Err(Refusal::unknown("a blob without bytes")) };
            if *name == REDACTED {
                let (name, redaction) = Redaction::decode(bytes)
                    .map_err(|error| Refusal::unknown(format!("a redaction: {error}")))?;
                blobs.redacted.insert(name, redaction);
            } else if let Some(name) = Hash::from_hex(name) {
                blobs.bytes.insert(name, bytes);
            }
        }
        Ok(blobs)
    }

    fn find(&self, seq: u64, field: &'static str, name: Hash) -> Result<&'a [u8], CannotCheck> {
        match (self.bytes.get(&name), self.redacted.get(&name)) {
            (Some(bytes), _) => Ok(bytes),
            (None, Some(redaction)) => {
                Err(CannotCheck::Redacted { seq, field, name, redaction: redaction.clone() })
            }
            (None, None) => Err(CannotCheck::MissingBlob { seq, field, name }),
        }
    }
}

impl<'a> History for Blobs<'a> {
    type Bytes = &'a [u8];

    fn head(&self) -> Hash {
        Hash::from_bytes([0; 32])
    }

    fn entries(&self) -> impl Iterator<Item = Result<&'a [u8], Unreadable>> {
        std::iter::empty()
    }

    fn blob(&self, name: &Hash) -> Result<Option<&'a [u8]>, Unreadable> {
        Ok(self.bytes.get(name).copied())
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        Ok(self.redacted.get(name).cloned())
    }
}

/// What an entry says that the outside answered, as far as the bytes are at hand.
fn answers(entry: &[u8], blobs: &Blobs<'_>) -> Vec<(Call, Vec<u8>)> {
    let calls = match Entry::decode(entry).map(|entry| entry.body) {
        Ok(Body::Message(message)) => message.calls,
        Ok(Body::Failure(failure)) => failure.calls,
        _ => Vec::new(),
    };
    let answered = calls.into_iter().map_while(|call| {
        let output = blobs.bytes.get(&call.output)?.to_vec();
        Some((call, output))
    });
    answered.collect()
}

impl Replay {
    /// Begins with genesis, and the blobs that it names.
    pub(crate) fn begin(genesis: &[u8], blobs: &[&[u8]]) -> Result<Self, Refusal> {
        let replayer = Replayer::begin(&Blobs::read(blobs)?, &Browser, genesis)?;
        let mut replay = Self { replayer, once: Once::default(), run: None };
        if let Ok(entry) = Entry::decode(genesis) {
            replay.check_origin(&entry)?;
            replay.run = Run::of(entry);
        }
        Ok(replay)
    }

    /// Runs the next entry again, or passes it over if what it needs was redacted. Answers the name of the state and its
    /// length, neither if it is not known; how many failures were not run; and of an entry that was passed over, why.
    pub(crate) fn step(&mut self, entry: &[u8], blobs: &[&[u8]]) -> Answer {
        let (blobs, seq) = (Blobs::read(blobs)?, self.replayer.tip().seq + 1);
        module::expect(answers(entry, &blobs));
        let entry = self.replayer.step(entry, |field, name| blobs.find(seq, field, *name))?;
        self.check_origin(&entry)?;
        let (name, length) = match self.replayer.knows_state() {
            true => (text(Hash::of(self.replayer.state())), text(self.replayer.state().len())),
            false => (Vec::new(), Vec::new()),
        };
        let mut answer = vec![name, length, text(self.replayer.on_trust())];
        if self.replayer.passed_over() {
            let report = self.replayer.report();
            let gap = report.gaps.last().filter(|gap| gap.last == seq);
            answer.push(text(
                gap.map_or("redacted".to_owned(), |gap| format!("`{}` {}", gap.field, gap.redaction)),
            ));
        }
        if let Some(run) = &mut self.run {
            run.push(&entry);
        }
        Ok(answer)
    }

    /// Compares the run of a job with what its receipt says: what was to be run, and the result, both as the commons has them.
    pub(crate) fn run(&self, spec: &[u8], result: &[u8]) -> Answer {
        match &self.run {
            Some(run) => run.check(spec, result, self.replayer.tip()).map(|()| Vec::new()),
            None => Err(Refusal::unknown("the run does not begin with genesis")),
        }
    }

    /// The state that the replay has come to.
    pub(crate) fn state(&self) -> Result<&[u8], Refusal> {
        match self.replayer.knows_state() {
            true => Ok(self.replayer.state()),
            false => Err(Refusal::unknown("the state is not known here: what led to it was taken back")),
        }
    }

    /// What the state of a commons says, as a node that has it answers: a list, the time that balances are told for, how many
    /// records at most, and the id after which they begin.
    pub(crate) fn commons(&self, list: &[u8], at: &[u8], limit: &[u8], after: &[u8]) -> Answer {
        let held = self.replayer.machine().held(self.state()?);
        let state = held.as_ref().and_then(|held| held.downcast_ref::<State>());
        let state = state.ok_or_else(|| Refusal::unknown("this chain is no commons"))?;
        let number = |bytes| std::str::from_utf8(bytes).ok()?.parse::<u64>().ok();
        let (Some(at), Some(limit)) = (number(at), number(limit)) else {
            return Err(Refusal::unknown("a time and a limit are numbers"));
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let after = std::str::from_utf8(after).ok().filter(|after| !after.is_empty());
        Ok(vec![match list {
            b"members" => to_bytes(&view::members(state, after, limit, at)),
            b"jobs" => to_bytes(&view::jobs(state, after, limit)),
            b"proposals" => to_bytes(&view::proposals(state, after, limit)),
            b"parameters" => to_bytes(&view::Page { items: view::ParameterView::all(state, at), next: None }),
            _ => return Err(Refusal::unknown("there is no such list")),
        }])
    }

    fn check_origin(&mut self, entry: &Entry) -> Result<(), Refusal> {
        let wrong = |what| NotVerified::Origin { seq: entry.seq, what };
        Ok(self.once.check(entry).map_err(wrong)?)
    }
}
