//! The window in which a nonce must not come again: as long as its signature is good.

use std::collections::{BTreeMap, BTreeSet};

use super::Verified;

/// Remembers who used which nonce, until it has expired anyway.
#[derive(Debug)]
pub struct NonceWindow {
    /// What was used, by whom.
    seen: BTreeSet<(String, String)>,
    /// The same by expiry, so that the oldest go first.
    by_expiry: BTreeMap<u64, Vec<(String, String)>>,
    limit: usize,
}

/// A nonce is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Replayed {
    /// It was used.
    #[error("the request was sent before: use each nonce once")]
    Seen,
    /// As many are remembered as there is room for. Forgetting one would let it be used again.
    #[error("too many signed requests are in flight")]
    Full,
}

impl NonceWindow {
    /// A window that remembers up to so many nonces.
    pub fn new(limit: usize) -> Self {
        Self { seen: BTreeSet::new(), by_expiry: BTreeMap::new(), limit }
    }

    /// Takes the nonce of a request that was verified at this time, in seconds since 1970.
    ///
    /// # Errors
    /// [`Replayed`].
    pub fn take(&mut self, verified: &Verified, now: u64) -> Result<(), Replayed> {
        // What has expired is refused by `verify` already.
        let good = self.by_expiry.split_off(&now);
        for expired in std::mem::replace(&mut self.by_expiry, good).into_values().flatten() {
            self.seen.remove(&expired);
        }
        let used = (verified.did.to_string(), verified.nonce.clone());
        if self.seen.contains(&used) {
            return Err(Replayed::Seen);
        }
        if self.seen.len() >= self.limit {
            return Err(Replayed::Full);
        }
        self.seen.insert(used.clone());
        self.by_expiry.entry(verified.expires).or_default().push(used);
        Ok(())
    }
}
