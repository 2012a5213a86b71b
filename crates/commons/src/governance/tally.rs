//! Counting: pure functions of ballots, so that anybody can do it again.

use std::collections::BTreeMap;

use super::vote::Ballot;
use crate::state::{Millionths, WHOLE};

/// How often each choice was made; a ranking is its options joined by `>`.
pub type Tally = BTreeMap<String, u64>;

/// How a choice is written in a tally.
pub(super) fn written(choice: &[String]) -> String {
    choice.join(">")
}

/// Counts ballots.
pub fn recount<'a>(ballots: impl IntoIterator<Item = &'a Ballot>) -> Tally {
    let mut tally = Tally::new();
    for ballot in ballots {
        *tally.entry(written(&ballot.choice)).or_default() += 1;
    }
    tally
}

/// Whether so many of the electorate voted, and more than the threshold of yes and no is yes.
pub fn passes(tally: &Tally, electorate: u64, quorum: Millionths, threshold: Millionths) -> bool {
    let count = |choice: &str| u128::from(tally.get(choice).copied().unwrap_or_default());
    let (yes, no) = (count("yes"), count("no"));
    has_quorum(tally, electorate, quorum) && yes * u128::from(WHOLE) > u128::from(threshold) * (yes + no)
}

/// Whether so many of the electorate voted, and at least one.
pub(super) fn has_quorum(tally: &Tally, electorate: u64, quorum: Millionths) -> bool {
    let cast: u128 = tally.values().map(|count| u128::from(*count)).sum();
    cast > 0 && cast * u128::from(WHOLE) >= u128::from(quorum) * u128::from(electorate)
}

/// The option that more than half of the ballots rank above all others, once those that are ranked first by the fewest were left
/// out one by one; of equal ones the last in order is left out. Ballots that rank none of what is left do not count.
pub fn instant_runoff(options: &[String], tally: &Tally) -> Option<String> {
    let mut left: Vec<&String> = options.iter().collect();
    while !left.is_empty() {
        let mut firsts: BTreeMap<&str, u64> = left.iter().map(|option| (option.as_str(), 0)).collect();
        let mut counted = 0;
        for (ranking, count) in tally {
            let first = ranking.split('>').find(|option| firsts.contains_key(option));
            if let Some(first) = first.and_then(|first| firsts.get_mut(first)) {
                *first += count;
                counted += count;
            }
        }
        let most = firsts.iter().find(|(_, count)| **count * 2 > counted);
        if let Some((winner, _)) = most {
            return Some((*winner).to_owned());
        }
        let fewest = firsts.values().min().copied()?;
        let last = left.iter().rposition(|option| firsts.get(option.as_str()) == Some(&fewest))?;
        left.remove(last);
    }
    None
}
