//! Reputation: what settled jobs say of an executor, never what anybody says of themselves.
//!
//! A score is lost by a sixty-fourth, rounded up, at the beginning of each day of UTC; so it depends on the days that went by, not
//! on how often somebody looked. Invariant: within a day one submitter's jobs earn one executor no more than a bound.

use serde::{Deserialize, Serialize};

use crate::canonical::Id;
use crate::mana::DAY;
use crate::parameters::{REPUTATION_GAIN, REPUTATION_LOSS, REPUTATION_PAIR_MAX};
use crate::state::{Millis, Record, State};

/// What part of a score each day takes: one in so many, rounded up.
const DECAY: u64 = 64;

#[derive(Default, Serialize, Deserialize)]
struct Score {
    day: u64,
    score: u64,
}

impl Record for Score {
    const SECTION: &'static str = "reputation";
}

/// What a submitter's jobs have earned an executor on a day.
#[derive(Default, Serialize, Deserialize)]
struct Pair {
    day: u64,
    gained: u64,
}

impl Record for Pair {
    const SECTION: &'static str = "pair";
}

/// A score after some days.
pub fn decayed(mut score: u64, days: u64) -> u64 {
    for _ in 0..days {
        if score == 0 {
            break;
        }
        score -= score.div_ceil(DECAY);
    }
    score
}

/// A member's score at a time, in points.
pub fn score(state: &State, member: Id, at: Millis) -> u64 {
    let Score { day, score } = state.get(member).unwrap_or_default();
    decayed(score, (at / DAY).saturating_sub(day))
}

/// Counts a job that was settled in favour of an executor.
pub(crate) fn gain(state: &mut State, submitter: Id, executor: Id, at: Millis) {
    let day = at / DAY;
    let name = format!("{submitter}-{executor}");
    let mut pair: Pair = state.get(&name).unwrap_or_default();
    if pair.day != day {
        pair = Pair { day, gained: 0 };
    }
    let room = REPUTATION_PAIR_MAX.at(state, at).saturating_sub(pair.gained);
    let gained = REPUTATION_GAIN.at(state, at).min(room);
    if gained == 0 {
        return;
    }
    pair.gained += gained;
    state.put(&name, &pair);
    let score = score(state, executor, at).saturating_add(gained).min(troupe_chain::MAX_INTEGER);
    state.put(executor, &Score { day, score });
}

/// Counts a job that an executor was silent about, or had a wrong result for.
pub(crate) fn lose(state: &mut State, executor: Id, at: Millis) {
    let score = score(state, executor, at).saturating_sub(REPUTATION_LOSS.at(state, at));
    state.put(executor, &Score { day: at / DAY, score });
}
