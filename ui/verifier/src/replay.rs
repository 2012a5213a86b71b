//! A replay that the page drives: it hands in each entry with the blobs that it names.

use std::collections::BTreeMap;

use troupe_chain::{CannotCheck, Entry, Hash, History, NotVerified, Once, Replayer, Unreadable};

use crate::answer::{Answer, Refusal, text};
use crate::machine::Browser;

/// A replay.
pub(crate) struct Replay {
    replayer: Replayer<'static, Browser>,
    once: Once,
}

/// Blobs by name; whether they are what they are named is for the replayer.
struct Blobs<'a>(BTreeMap<Hash, &'a [u8]>);

impl<'a> Blobs<'a> {
    fn new(pairs: &[&'a [u8]]) -> Self {
        let named = |pair: &[&'a [u8]]| Some((Hash::from_hex(pair.first()?)?, *pair.get(1)?));
        Self(pairs.chunks(2).filter_map(named).collect())
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
        Ok(self.0.get(name).copied())
    }
}

impl Replay {
    /// Begins with genesis, and the blobs that it names.
    pub(crate) fn begin(genesis: &[u8], blobs: &[&[u8]]) -> Result<Self, Refusal> {
        let replayer = Replayer::begin(&Blobs::new(blobs), &Browser, genesis)?;
        let mut replay = Self { replayer, once: Once::default() };
        if let Ok(entry) = Entry::decode(genesis) {
            replay.check_origin(&entry)?;
        }
        Ok(replay)
    }

    /// Runs the next entry again. Answers the name of the state, its length, and how many failures were not run.
    pub(crate) fn step(&mut self, entry: &[u8], blobs: &[&[u8]]) -> Answer {
        let (blobs, seq) = (Blobs::new(blobs), self.replayer.tip().seq + 1);
        let entry = self.replayer.step(entry, |field, name| {
            let missing = CannotCheck::MissingBlob { seq, field, name: *name };
            blobs.0.get(name).copied().ok_or(missing)
        })?;
        self.check_origin(&entry)?;
        let state = self.replayer.state();
        Ok(vec![text(Hash::of(state)), text(state.len()), text(self.replayer.report().on_trust)])
    }

    /// The state that the replay has come to.
    pub(crate) fn state(&self) -> &[u8] {
        self.replayer.state()
    }

    fn check_origin(&mut self, entry: &Entry) -> Result<(), Refusal> {
        let wrong = |what| NotVerified::Origin { seq: entry.seq, what };
        Ok(self.once.check(entry).map_err(wrong)?)
    }
}
