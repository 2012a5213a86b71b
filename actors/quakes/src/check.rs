//! The state contract: what holds of every state that this actor may be in.

use std::collections::BTreeSet;

use crate::event::{MAGNITUDES, TIME_LIMIT, is_id, is_place};
use crate::summary::{ALERT, RECENT, REGIONS, Region, STRONGEST, Strong, Summary, is_address};

/// Says what is wrong with a state, if anything is.
pub(crate) fn check(summary: &Summary) -> Result<(), String> {
    ensure(is_address(&summary.alerts_to), "alerts go to no address")?;
    check_regions(summary)?;
    check_strongest(summary)?;
    check_recent(summary)
}

fn check_regions(summary: &Summary) -> Result<(), String> {
    // One more than the limit: the region of everything else.
    ensure(summary.regions.len() <= REGIONS + 1, "too many regions")?;
    let mut count: u64 = 0;
    for (name, region) in &summary.regions {
        ensure(is_place(name), "a region has no proper name")?;
        check_region(region).map_err(|reason| format!("{name}: {reason}"))?;
        count = count.checked_add(region.count).ok_or("too many events")?;
    }
    ensure(count == summary.count, "the regions do not add up to the count")
}

fn check_region(region: &Region) -> Result<(), String> {
    ensure(region.count > 0, "no event")?;
    ensure(MAGNITUDES.contains(&region.strongest), "the highest magnitude is out of bounds")?;
    ensure(region.latest <= TIME_LIMIT, "the latest time is out of bounds")?;
    let others = i128::from(region.count) - 1;
    let strongest = i128::from(region.strongest);
    let least = others * i128::from(*MAGNITUDES.start()) + strongest;
    let most = others * strongest + strongest;
    ensure((least..=most).contains(&i128::from(region.sum)), "the sum does not fit the count and the highest")
}

fn check_strongest(summary: &Summary) -> Result<(), String> {
    let strongest = &summary.strongest;
    ensure(is_full(strongest.len(), STRONGEST, summary.count), "too many or too few strongest events")?;
    ensure(strongest.is_sorted_by(|a, b| a.rank() < b.rank()), "the strongest events are out of order")?;
    ensure(strongest.iter().all(is_strong), "one of the strongest events is out of bounds")?;
    let highest = summary.regions.values().map(|region| region.strongest).max();
    ensure(strongest.first().map(|first| first.magnitude) == highest, "the strongest event is of no region")?;
    let alerts = strongest.iter().filter(|strong| strong.magnitude >= ALERT).count() as u64;
    let fits = if alerts < STRONGEST as u64 {
        summary.alerts == alerts
    } else {
        (alerts..=summary.count).contains(&summary.alerts)
    };
    ensure(fits, "the alerts do not fit the strongest events")
}

fn check_recent(summary: &Summary) -> Result<(), String> {
    let recent = &summary.recent;
    ensure(is_full(recent.len(), RECENT, summary.count), "too many or too few recent events")?;
    ensure(recent.iter().all(|id| is_id(id)), "a recent event has no proper id")?;
    let distinct: BTreeSet<_> = recent.iter().collect();
    ensure(distinct.len() == recent.len(), "a recent event is there twice")
}

fn is_strong(strong: &Strong) -> bool {
    MAGNITUDES.contains(&strong.magnitude)
        && strong.time <= TIME_LIMIT
        && is_id(&strong.id)
        && is_place(&strong.place)
}

/// Whether a list holds as much as it can of `count` events.
fn is_full(len: usize, limit: usize, count: u64) -> bool {
    len as u64 == count.min(limit as u64)
}

fn ensure(holds: bool, reason: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"count":3,"alerts":1,"alerts_to":"alerts","recent":["a","b","c"],
        "strongest":[[5300,1,"a","Fiji"],[2000,2,"b","Fiji"],[-100,3,"c","Hawaii"]],
        "regions":{"Fiji":[2,7300,5300,2],"Hawaii":[1,-100,-100,3]}}"#;

    fn verdict(state: &str) -> Result<(), String> {
        check(&Summary::decode(state.as_bytes())?)
    }

    #[test]
    fn a_state_that_adds_up_is_accepted() {
        assert_eq!(verdict(STATE), Ok(()));
        assert_eq!(Summary::new(None).and_then(|summary| check(&summary)), Ok(()));
    }

    #[test]
    fn each_broken_invariant_is_found() {
        for (from, to, reason) in [
            (r#"_to":"alerts""#, r#"_to":"""#, "alerts go to no address"),
            (r#""count":3"#, r#""count":4"#, "the regions do not add up to the count"),
            ("Hawaii\":[", " \":[", "a region has no proper name"),
            ("[1,-100,-100,3]", "[0,-100,-100,3]", "Hawaii: no event"),
            ("[1,-100,-100,3]", "[1,-100,10001,3]", "Hawaii: the highest magnitude is out of bounds"),
            ("[1,-100,-100,3]", "[1,-100,-100,253402300800000]", "Hawaii: the latest time is out of bounds"),
            ("[1,-100,-100,3]", "[1,-101,-100,3]", "Hawaii: the sum does not fit the count and the highest"),
            ("[2,7300,", "[2,10601,", "Fiji: the sum does not fit the count and the highest"),
            (r#",[-100,3,"c","Hawaii"]"#, "", "too many or too few strongest events"),
            ("[2000,2", "[-2000,2", "the strongest events are out of order"),
            ("[-100,3,\"c\"", "[-100,3,\"\"", "one of the strongest events is out of bounds"),
            ("[[5300", "[[5301", "the strongest event is of no region"),
            (r#""alerts":1"#, r#""alerts":2"#, "the alerts do not fit the strongest events"),
            (r#""a","b","c"]"#, r#""a","b"]"#, "too many or too few recent events"),
            (r#""a","b","c"]"#, r#""a","b",""]"#, "a recent event has no proper id"),
            (r#""a","b","c"]"#, r#""a","b","a"]"#, "a recent event is there twice"),
        ] {
            let state = STATE.replace(from, to);
            assert_ne!(state, STATE, "{from} is not in the state");
            assert_eq!(verdict(&state), Err(reason.to_owned()));
        }
    }

    #[test]
    fn more_regions_than_the_limit_are_found() {
        let regions: Vec<_> = (0..=REGIONS + 1).map(|n| format!("\"r{n}\":[1,0,0,0]")).collect();
        let state = STATE.replace(r#""Fiji":[2,7300,5300,2]"#, &regions.join(","));
        assert_eq!(verdict(&state), Err("too many regions".to_owned()));
    }
}
