//! Which keys requests from outside came with: the same key gets the same answer for a while, and is then forgotten.
//!
//! Invariant: a key's row is put and removed in turns of its actor only. So what removes an old one sees whether the key was
//! used anew meanwhile.

use std::collections::BTreeMap;

use bytes::Bytes;
use troupe_chain::{Hash, Sender};
use troupe_store::{Row, StoreError};

use crate::SendError;
use crate::batch::{Batch, Completion, Outcome};
use crate::core::Core;
use crate::job::{Job, Letter};
use crate::rows::{KEY, Used, decode, get, read_used_key, used_key};
use crate::sequencer::Loaded;

/// A pass through all keys begins so long after the last, as a part of the time that one counts. So there are rows of about a
/// quarter more than count.
const REST: u64 = 4;
/// How many are looked at in one go.
const PAGE: usize = 2048;
/// How long it is from one go to the next, in milliseconds: whatever is due waits for one.
const BETWEEN_PAGES: u64 = 100;

/// How far the search for old keys has come.
#[derive(Debug, Default)]
pub(crate) struct KeySearch {
    /// When it goes on, in milliseconds since 1970.
    next: u64,
    /// The row that it last saw; none between two passes.
    after: Option<Bytes>,
}

impl KeySearch {
    /// Whether it is time to go on. A clock that was set back does not stop it for longer than a pass takes to be due.
    fn is_due(&self, now: u64, interval: u64) -> bool {
        now >= self.next || now.saturating_add(interval) < self.next
    }
}

impl Core {
    /// Looks the key of a letter up: the same message is answered as before, another one is refused.
    pub(crate) fn check_key(&self, loaded: &Loaded, letter: Letter) -> Result<Letter, Box<Completion>> {
        let Sender::Http { key: Some(key) } = letter.from else { return Ok(letter) };
        let used = match self.used(loaded, &key) {
            Ok(Some(used)) if self.counts(&used, self.options.clock.now().0) => used,
            Ok(_) => return Ok(letter),
            Err(error) => {
                let error = SendError::Host(crate::error::chain_of(&error));
                return Err(Box::new(Completion::said(letter, loaded.tip.seq, Err(error))));
            }
        };
        let same = used.message == *Hash::of(&letter.message).as_bytes();
        let mut completion = Completion::said(letter, used.seq, Err(SendError::KeyReused { seq: used.seq }));
        if same {
            completion.outcome = Outcome::Again(used.seq);
        }
        Err(Box::new(completion))
    }

    fn used(&self, loaded: &Loaded, key: &Hash) -> Result<Option<Used>, StoreError> {
        match loaded.keys.get(key) {
            Some(used) => Ok(Some(*used)),
            None => get(&*self.store, &used_key(&loaded.tip.chain, key)),
        }
    }

    fn counts(&self, used: &Used, now: u64) -> bool {
        used.at.saturating_add(self.options.key_window) > now
    }

    /// Looks through some of all keys, if it is time to, and has their actors forget those that count no more; returns
    /// whether there were any.
    pub(crate) fn search_old_keys(&self, now: u64) -> bool {
        let interval = (self.options.key_window / REST).max(BETWEEN_PAGES);
        let mut search = self.key_search.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !search.is_due(now, interval) {
            return false;
        }
        // A store that cannot be read says so to whoever needs it; then the keys wait for the next pass.
        let page = self.store.rows(&[KEY], search.after.as_deref(), PAGE).unwrap_or_default();
        (search.after, search.next) = match page.last() {
            Some((key, _)) if page.len() == PAGE => (Some(key.clone()), now + BETWEEN_PAGES),
            _ => (None, now + interval),
        };
        drop(search);
        let mut old: BTreeMap<Hash, Vec<Hash>> = BTreeMap::new();
        for (row, value) in &page {
            // A row that cannot be read does not stop the others from being forgotten; whoever uses its key is told.
            if let (Some((chain, key)), Ok(used)) = (read_used_key(row), decode::<Used>(row, value))
                && !self.counts(&used, now)
            {
                old.entry(chain).or_default().push(key);
            }
        }
        let any = !old.is_empty();
        for (chain, keys) in old {
            self.post_internal(&chain, Job::Forget(keys));
        }
        any
    }

    /// Removes the rows of keys that count no more.
    pub(crate) fn forget(&self, loaded: &Loaded, batch: &mut Batch, keys: &[Hash]) {
        let now = self.options.clock.now().0;
        for key in keys {
            // One that was used anew a moment ago is not in the store yet.
            if let Ok(Some(used)) = self.used(loaded, key)
                && !self.counts(&used, now)
            {
                batch.push_rows([Row::remove(used_key(&loaded.tip.chain, key))]);
            }
        }
    }
}
