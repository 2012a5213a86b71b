//! Laws of mana, reputation and counting, tried with many numbers.

use proptest::prelude::*;
use troupe_commons::WHOLE;
use troupe_commons::governance::{instant_runoff, passes};
use troupe_commons::mana::{Account, DAY, MAX_DISCOUNT, Rates, Segment, price_by_reputation, regenerate};
use troupe_commons::reputation::decayed;

/// How often regeneration is divided in two.
const CASES: u32 = 1_000_000;

/// A generator that is quick enough for a million cases: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }

    /// A number of any size up to so many bits.
    fn bits(&mut self, most: u64) -> u64 {
        let bits = self.below(most) + 1;
        self.below(1 << bits)
    }
}

#[test]
fn regenerating_in_two_steps_is_regenerating_in_one() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for case in 0..CASES {
        let since = random.bits(40);
        let (first, second) = (random.bits(36), random.bits(36));
        let changes = random.below(4);
        let segment =
            |random: &mut Random, from| Segment { from, rate: random.bits(40), cap: random.bits(40) };
        let mut segments = vec![segment(&mut random, since)];
        for _ in 0..changes {
            let from = since + random.below(first + second + 1);
            segments.push(segment(&mut random, from));
        }
        segments.sort_by_key(|segment| segment.from);
        let rates = Rates(segments);
        let account = Account { balance: random.bits(41), rest: random.below(DAY), since: Some(since) };
        let (middle, end) = (since + first, since + first + second);
        let once = regenerate(account, end, &rates);
        let twice = regenerate(regenerate(account, middle, &rates), end, &rates);
        assert_eq!(once, twice, "case {case}: {account:?} at {middle} and {end} with {rates:?}");
        assert!(once.balance >= account.balance && once.rest < DAY, "case {case}");
    }
}

#[test]
fn a_day_gives_the_rate_and_no_more_than_the_cap() {
    let rates = Rates(vec![Segment { from: 0, rate: 7, cap: 20 }]);
    let at = |ms| regenerate(Account { balance: 3, rest: 0, since: Some(0) }, ms, &rates).balance;
    assert_eq!([at(0), at(DAY / 7 - 1), at(DAY / 7 + 1), at(DAY), at(100 * DAY)], [3, 3, 4, 10, 20]);
    let above = regenerate(Account { balance: 30, rest: 5, since: Some(0) }, DAY, &rates);
    assert_eq!((above.balance, above.rest), (30, 5));
    let never = Account { balance: 3, rest: 0, since: None };
    assert_eq!(regenerate(never, DAY, &rates), never);
}

proptest! {
    #[test]
    fn a_reputation_that_fades_over_two_stretches_fades_over_both(score in 0..1u64 << 53, a in 0..200u64, b in 0..200u64) {
        prop_assert_eq!(decayed(decayed(score, a), b), decayed(score, a + b));
        prop_assert!(decayed(score, 1) < score || score == 0);
        prop_assert_eq!(decayed(score, u64::MAX), 0);
    }

    #[test]
    fn a_discount_is_at_most_thirty_percent_and_a_price_at_least_one(
        cost in 0..1u64 << 53, reputation in any::<u64>(), each in 0..=MAX_DISCOUNT,
    ) {
        let price = price_by_reputation(cost, reputation, each);
        prop_assert!(price >= 1 && price <= cost.max(1));
        prop_assert!(u128::from(price) * 10 >= u128::from(cost) * 7);
        prop_assert!(price <= price_by_reputation(cost, reputation / 2, each));
    }

    #[test]
    fn a_proposal_passes_exactly_above_its_threshold_with_its_quorum(
        yes in 0..1000u64, no in 0..1000u64, abstain in 0..1000u64, away in 0..1000u64,
        quorum in 1..=WHOLE, threshold in 500_000..WHOLE,
    ) {
        let counted = [("yes", yes), ("no", no), ("abstain", abstain)];
        let tally = counted.iter().filter(|(_, n)| *n > 0).map(|(choice, n)| ((*choice).to_owned(), *n)).collect();
        let (cast, electorate) = (yes + no + abstain, yes + no + abstain + away);
        let expect = cast > 0 && cast * WHOLE >= quorum * electorate && yes * WHOLE > threshold * (yes + no);
        prop_assert_eq!(passes(&tally, electorate, quorum, threshold), expect);
    }

    #[test]
    fn whoever_is_first_on_more_than_half_of_the_ballots_wins(
        a in 1..50u64, others in prop::collection::vec(0..3usize, 0..40),
    ) {
        let options: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let mut tally = troupe_commons::governance::Tally::new();
        for other in &others {
            *tally.entry(format!("{}>a", ["b", "c", "d"][*other])).or_default() += 1;
        }
        tally.insert("a".into(), a + others.len() as u64);
        let winner = instant_runoff(&options, &tally);
        prop_assert_eq!(winner.as_deref(), Some("a"));
    }
}

#[test]
fn votes_go_on_to_the_next_choice_when_the_first_is_left_out() {
    let options: Vec<String> =
        ["memphis", "nashville", "chattanooga", "knoxville"].map(String::from).to_vec();
    // A well-known example: the capital of Tennessee, by how near it is to each town.
    let tally = [
        ("memphis>nashville>chattanooga>knoxville", 42),
        ("nashville>chattanooga>knoxville>memphis", 26),
        ("chattanooga>knoxville>nashville>memphis", 15),
        ("knoxville>chattanooga>nashville>memphis", 17),
    ];
    let tally = tally.iter().map(|(ranking, count)| ((*ranking).to_owned(), *count)).collect();
    assert_eq!(instant_runoff(&options, &tally).as_deref(), Some("knoxville"));
    assert_eq!(instant_runoff(&options, &Default::default()), None);
}
