//! What is due when: timers, requests without a reply, rests that end.
//!
//! Invariant: an item is a hint. Whether it is still wanted is in the store's row, which the actor itself looks at; so an
//! item that is here twice, or too many, does no harm.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use troupe_chain::{EffectId, Hash};

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    /// When, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) chain: Hash,
    pub(crate) what: What,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A timer goes off.
    Timer(EffectId),
    /// A request has waited long enough.
    Request(EffectId),
    /// An actor has rested.
    Rest,
}

/// What is due when.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    items: Mutex<Items>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Items {
    due: BTreeSet<Item>,
    stopped: bool,
}

impl Agenda {
    /// Adds an item.
    pub(crate) fn add(&self, item: Item) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let first = items.due.first().is_none_or(|first| item.at < first.at);
        items.due.insert(item);
        drop(items);
        if first {
            self.changed.notify_one();
        }
    }

    /// Takes what is due at `now`, at most `limit` items.
    pub(crate) fn take(&self, now: u64, limit: usize) -> Vec<Item> {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        while due.len() < limit && items.due.first().is_some_and(|first| first.at <= now) {
            due.extend(items.due.pop_first());
        }
        due
    }

    /// When the next item is due.
    pub(crate) fn next(&self) -> Option<u64> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).due.first().map(|item| item.at)
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).due.len()
    }

    /// Waits until the next item is due, or `longest`; `false` once [`Agenda::stop`] was called.
    pub(crate) fn wait(&self, now: u64, longest: Duration) -> bool {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if items.stopped {
            return false;
        }
        let next = items.due.first().map(|item| Duration::from_millis(item.at.saturating_sub(now)));
        let wait = next.map_or(longest, |next| next.min(longest));
        let waited = self.changed.wait_timeout(items, wait);
        !waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    /// Ends [`Agenda::wait`].
    pub(crate) fn stop(&self) {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }
}
