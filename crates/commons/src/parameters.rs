//! Parameters: numbers that governance may change, in one table with unit, bounds, default and effect.
//!
//! A value holds from a stated time on, and every value that ever held is kept, so that what depends on time can be
//! computed for any stretch of it. Invariant: no value is outside of its bounds, and no change is dated back.

use serde::{Deserialize, Serialize};

use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Millis, Record, State};

/// The most values that a parameter may have had.
pub const MAX_CHANGES: usize = 1024;

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// What it is called.
    pub name: &'static str,
    /// What its value counts.
    pub unit: &'static str,
    /// The least value.
    pub min: u64,
    /// The greatest value.
    pub max: u64,
    /// The value where the charter says none.
    pub default: u64,
    /// What it does.
    pub effect: &'static str,
}

macro_rules! parameters {
    ($($const:ident = $name:literal, $unit:literal, $min:literal ..= $max:literal, $default:literal, $effect:literal;)+) => {
        $(#[doc = $effect] pub const $const: &Parameter = &Parameter {
            name: $name, unit: $unit, min: $min, max: $max, default: $default, effect: $effect,
        };)+

        /// Every parameter, in the order of their names.
        pub const PARAMETERS: &[&Parameter] = &[$($const),+];
    };
}

parameters! {
    BALLOT_FEE = "ballot-fee", "mana", 0..=1_000_000, 0, "What a ballot costs.";
    BID_WINDOW = "bid-window", "ms", 0..=86_400_000, 10_000, "How long bids are taken before a job may be awarded.";
    BUDGET_MAX = "budget-max", "mana", 0..=1_000_000_000_000, 1_000_000, "The most that one budget may grant.";
    CHALLENGE_WINDOW = "challenge-window", "ms", 0..=2_592_000_000, 60_000, "How long a receipt may be disputed, and how long replicas may be revealed after the deadline.";
    DISPUTE_TIMEOUT = "dispute-timeout", "ms", 1_000..=31_536_000_000, 604_800_000, "How long a dispute waits for a ruling before the submitter is refunded.";
    JOB_FEE = "job-fee", "mana", 0..=1_000_000, 1, "What the submission of a job costs, beside its price.";
    JOB_FUEL_MAX = "job-fuel-max", "fuel", 1..=9_007_199_254_740_991, 1_000_000_000_000, "The most fuel that a job may ask for.";
    JOB_PRICE_MAX = "job-price-max", "mana", 1..=1_000_000_000_000, 1_000_000_000, "The highest price that a job may offer to one executor.";
    JOBS_OPEN_MAX = "jobs-open-max", "jobs", 0..=100_000, 1_000, "How many unfinished jobs a member may have.";
    MANA_CAP = "mana-cap", "mana", 0..=1_000_000_000_000, 1_000, "Up to where balances regenerate.";
    MANA_RATE = "mana-rate", "mana a day", 0..=1_000_000_000_000, 100, "How fast the balances of active members regenerate.";
    PROPOSAL_FEE = "proposal-fee", "mana", 0..=1_000_000, 10, "What a proposal costs.";
    QUORUM_FLOOR = "quorum-floor", "millionths", 1..=1_000_000, 200_000, "The least quorum that a proposal may ask for.";
    REPUTATION_DISCOUNT = "reputation-discount", "millionths a point", 0..=300_000, 1_000, "How much a point of reputation takes off fees, up to 30 %.";
    REPUTATION_GAIN = "reputation-gain", "points", 0..=1_000_000, 10, "What an executor gains by a settled job.";
    REPUTATION_LOSS = "reputation-loss", "points", 0..=1_000_000, 20, "What an executor loses by silence or a wrong result.";
    REPUTATION_PAIR_MAX = "reputation-pair-max", "points a day", 0..=1_000_000, 50, "The most that one submitter's jobs may earn one executor.";
    SPONSORS = "sponsors", "members", 0..=1_000, 0, "How many members beside the proposer must sponsor a proposal before it opens.";
    THRESHOLD_FLOOR = "threshold-floor", "millionths", 500_000..=999_999, 500_000, "The least threshold that a proposal may ask for: more than this part of yes and no must be yes.";
    TIMELOCK = "timelock", "ms", 0..=31_536_000_000, 3_600_000, "How long after its close a proposal that passed may be executed.";
    VETO = "veto", "millionths", 0..=1_000_000, 0, "The part of the electorate that may veto during the timelock; 0 for none.";
    VOTING_MAX = "voting-max", "ms", 1_000..=31_536_000_000, 2_592_000_000, "The longest time for which a proposal may be open.";
    VOTING_MIN = "voting-min", "ms", 1_000..=31_536_000_000, 60_000, "The shortest time for which a proposal may be open.";
}

impl Parameter {
    /// Finds a row.
    pub fn find(name: &str) -> Option<&'static Self> {
        PARAMETERS.iter().find(|parameter| parameter.name == name).copied()
    }

    /// The value at a time.
    pub fn at(&self, state: &State, at: Millis) -> u64 {
        let values = self.history(state);
        values.iter().rev().find(|value| value.from <= at).map_or(self.default, |value| value.value)
    }

    /// Every value that held, holds, or will, in the order of their times.
    pub fn history(&self, state: &State) -> Vec<Value> {
        state.get::<History>(self.name).unwrap_or_default().values
    }

    pub(crate) fn check(&self, value: u64) -> Result<(), Refusal> {
        if (self.min..=self.max).contains(&value) {
            return Ok(());
        }
        let what = format!("`{}` is {} to {} {}, not {value}", self.name, self.min, self.max, self.unit);
        refuse(Code::Bounds, what)
    }

    /// Lets a value hold from a time on; what was to hold later than that is dropped.
    pub(crate) fn set(&self, state: &mut State, from: Millis, value: u64) -> Result<(), Refusal> {
        self.check(value)?;
        let mut history = History { values: self.history(state) };
        history.values.retain(|value| value.from < from);
        require(history.values.len() < MAX_CHANGES, Code::Bounds, "the parameter has changed too often")?;
        history.values.push(Value { from, value });
        state.put(self.name, &history);
        Ok(())
    }
}

/// A value and since when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// From when on.
    pub from: Millis,
    /// The value.
    pub value: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct History {
    values: Vec<Value>,
}

impl Record for History {
    const SECTION: &'static str = "parameter";
}
