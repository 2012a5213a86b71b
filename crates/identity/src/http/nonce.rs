//! The window in which a nonce must not come again: as long as its signature is good.
//!
//! Invariant: nothing that is still good is forgotten, so the window has bounds, and what is beyond them is not taken. Members
//! and strangers have bounds of their own, and so has each key: strangers, whose keys cost nothing, cannot lock members
//! out, nor can one key all others.

use std::collections::{BTreeMap, BTreeSet};

use super::Verified;

/// Whom a request is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Somebody who is known where the request is taken.
    Member,
    /// Anybody else.
    Stranger,
}

/// How many nonces are remembered at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowBounds {
    /// Of all members together, and as many of all strangers.
    pub party: usize,
    /// Of one key.
    pub key: usize,
}

/// Remembers who used which nonce, until it has expired anyway.
#[derive(Debug)]
pub struct NonceWindow {
    /// What was used, by whom.
    seen: BTreeSet<Used>,
    /// The same by expiry, so that the oldest go first.
    by_expiry: BTreeMap<u64, Vec<(Party, Used)>>,
    /// How many of them are of each key.
    of_key: BTreeMap<String, usize>,
    /// How many of them are of members, and how many of strangers.
    members: usize,
    strangers: usize,
    bounds: WindowBounds,
}

/// A key, and a nonce that it used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Used {
    key: String,
    nonce: String,
}

/// A nonce is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Replayed {
    /// It was used.
    #[error("the request was sent before: use each nonce once")]
    Seen,
    /// As many of one key are remembered as there is room for.
    #[error("too many requests that this key signed are still good: sign them for a shorter time, or wait")]
    KeyFull,
    /// As many are remembered as there is room for. Forgetting one would let it be used again.
    #[error("too many signed requests are in flight")]
    Full,
}

impl NonceWindow {
    /// A window within these bounds.
    pub fn new(bounds: WindowBounds) -> Self {
        Self {
            seen: BTreeSet::new(),
            by_expiry: BTreeMap::new(),
            of_key: BTreeMap::new(),
            members: 0,
            strangers: 0,
            bounds,
        }
    }

    /// Takes the nonce of a request that was verified at this time, in seconds since 1970.
    ///
    /// # Errors
    /// [`Replayed`].
    pub fn take(&mut self, verified: &Verified, from: Party, now: u64) -> Result<(), Replayed> {
        self.forget_expired(now);
        let used = Used { key: verified.did.to_string(), nonce: verified.nonce.clone() };
        if self.seen.contains(&used) {
            return Err(Replayed::Seen);
        }
        if *self.count(from) >= self.bounds.party {
            return Err(Replayed::Full);
        }
        let of_key = self.of_key.get(&used.key).copied().unwrap_or_default();
        if of_key >= self.bounds.key {
            return Err(Replayed::KeyFull);
        }
        *self.count(from) += 1;
        self.of_key.insert(used.key.clone(), of_key + 1);
        self.seen.insert(used.clone());
        self.by_expiry.entry(verified.expires).or_default().push((from, used));
        Ok(())
    }

    /// What has expired, `verify` refuses already.
    fn forget_expired(&mut self, now: u64) {
        let good = self.by_expiry.split_off(&now);
        for (from, used) in std::mem::replace(&mut self.by_expiry, good).into_values().flatten() {
            *self.count(from) -= 1;
            if let Some(of_key) = self.of_key.get_mut(&used.key) {
                *of_key -= 1;
                if *of_key == 0 {
                    self.of_key.remove(&used.key);
                }
            }
            self.seen.remove(&used);
        }
    }

    fn count(&mut self, from: Party) -> &mut usize {
        match from {
            Party::Member => &mut self.members,
            Party::Stranger => &mut self.strangers,
        }
    }
}
