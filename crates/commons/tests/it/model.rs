//! A cooperative as a child would write it down: one list of balances, no laziness, no sharing. What the simulation
//! compares with.

use std::collections::BTreeMap;

use troupe_commons::Id;
use troupe_commons::mana::DAY;

/// What somebody has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Purse {
    /// In parts of which a mana has as many as a day has milliseconds.
    pub(crate) parts: u128,
}

impl Purse {
    pub(crate) fn mana(self) -> u64 {
        (self.parts / u128::from(DAY)) as u64
    }
}

/// Mana that is set aside, whose it was, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) from: Id,
    pub(crate) amount: u64,
    pub(crate) settled: u32,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) purses: BTreeMap<Id, Purse>,
    pub(crate) active: BTreeMap<Id, bool>,
    pub(crate) rate: u64,
    pub(crate) cap: u64,
    pub(crate) fees: u64,
    pub(crate) held: BTreeMap<Id, Held>,
    pub(crate) ballots: BTreeMap<Id, BTreeMap<Id, String>>,
}

impl Model {
    /// Lets time go by for everybody at once.
    pub(crate) fn wait(&mut self, ms: u64) {
        let cap = u128::from(self.cap) * u128::from(DAY);
        for (id, purse) in &mut self.purses {
            if self.active[id] && purse.parts < cap {
                purse.parts = cap.min(purse.parts + u128::from(self.rate) * u128::from(ms));
            }
        }
    }

    /// Takes from somebody; false if they have less.
    pub(crate) fn take(&mut self, from: Id, amount: u64) -> bool {
        let parts = u128::from(amount) * u128::from(DAY);
        let purse = self.purses.entry(from).or_default();
        let enough = purse.parts >= parts;
        if enough {
            purse.parts -= parts;
        }
        enough
    }

    pub(crate) fn give(&mut self, to: Id, amount: u64) {
        self.purses.entry(to).or_default().parts += u128::from(amount) * u128::from(DAY);
    }

    /// Ends a hold: so much to each, the rest back.
    pub(crate) fn settle(&mut self, id: Id, payments: &[(Id, u64)]) {
        let held = self.held.get_mut(&id).unwrap();
        held.settled += 1;
        let (from, mut left) = (held.from, held.amount);
        for (to, amount) in payments {
            left -= amount;
            self.give(*to, *amount);
        }
        self.give(from, left);
    }

    /// What is set aside now.
    pub(crate) fn escrow(&self) -> u64 {
        self.held.values().filter(|held| held.settled == 0).map(|held| held.amount).sum()
    }
}
