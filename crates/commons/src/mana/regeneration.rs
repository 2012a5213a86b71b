//! How balances grow with time: exactly, so that two steps come to what one comes to.
//!
//! With a balance and its rest as one number x = balance·DAY + rest, and a rate r and a cap c that hold for a stretch of t
//! milliseconds, x becomes max(x, min(c·DAY, x + r·t)). Where the rate or the cap changes, the stretch is divided there.

use super::Account;
use crate::parameters::{MANA_CAP, MANA_RATE};
use crate::state::{Mana, Millis, State};

/// A day in milliseconds: the time that a rate is said for.
pub const DAY: u64 = 86_400_000;

/// What holds from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// From when on.
    pub from: Millis,
    /// Mana a day.
    pub rate: Mana,
    /// Up to where.
    pub cap: Mana,
}

/// Rates and caps over a stretch of time, in order; the first holds from the beginning of the stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates(pub Vec<Segment>);

impl Rates {
    /// The rates between two times, as the parameters have them.
    pub(crate) fn of(state: &State, since: Millis, until: Millis) -> Self {
        let (rates, caps) = (MANA_RATE.history(state), MANA_CAP.history(state));
        let changes = rates.iter().chain(&caps).map(|value| value.from);
        let mut times: Vec<Millis> = changes.filter(|from| (since + 1..until).contains(from)).collect();
        times.push(since);
        times.sort_unstable();
        times.dedup();
        let at = |values: &[crate::parameters::Value], time, default| {
            values.iter().rev().find(|value| value.from <= time).map_or(default, |value| value.value)
        };
        let segment = |from| Segment {
            from,
            rate: at(&rates, from, MANA_RATE.default),
            cap: at(&caps, from, MANA_CAP.default),
        };
        Self(times.into_iter().map(segment).collect())
    }
}

/// The account at a time not before it was last touched.
pub fn regenerate(account: Account, until: Millis, rates: &Rates) -> Account {
    let Some(since) = account.since else { return account };
    let mut now = u128::from(account.balance) * u128::from(DAY) + u128::from(account.rest);
    for (index, segment) in rates.0.iter().enumerate() {
        let from = segment.from.max(since);
        let to = rates.0.get(index + 1).map_or(until, |next| next.from.min(until));
        let grown = now + u128::from(segment.rate) * u128::from(to.saturating_sub(from));
        now = now.max(grown.min(u128::from(segment.cap) * u128::from(DAY)));
    }
    let whole = now / u128::from(DAY);
    Account {
        // Not above the cap or what it was, and both fit.
        balance: u64::try_from(whole).unwrap_or(u64::MAX),
        rest: (now % u128::from(DAY)) as u64,
        since: Some(since.max(until)),
    }
}
