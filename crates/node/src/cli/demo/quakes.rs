//! What the actor `quakes` made of the week, for people.

use serde_json::Value;

use super::tally;
use crate::cli::failure::Done;
use crate::cli::parse::utc;
use crate::cli::screen::{BOLD, DIM, Screen, excerpt};
use crate::cli::send::Summary;

/// How many regions are shown.
const REGIONS: usize = 8;
/// How many of the strongest are shown.
const STRONGEST: usize = 5;

/// Prints what was sent, the regions with the most earthquakes, and the strongest ones.
pub(super) fn print(screen: &Screen, summary: &Summary, state: &Value) -> Done {
    screen.line("")?;
    summary.print(screen)?;
    let alerts = state["alerts"].as_u64().unwrap_or_default();
    screen.field("alerts", format_args!("{alerts:>9}  sent to `alerts` for a magnitude of 5 and more"))?;
    screen.line("")?;
    print_regions(screen, state)?;
    screen.line("")?;
    print_strongest(screen, state)
}

fn print_regions(screen: &Screen, state: &Value) -> Done {
    let mut regions: Vec<(&str, u64, i64)> = state["regions"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, region)| Some((name.as_str(), region[0].as_u64()?, region[2].as_i64()?)))
        .collect();
    regions.sort_by_key(|(name, count, _)| (std::cmp::Reverse(*count), *name));
    let most = regions.first().map_or(1, |(_, count, _)| *count).max(1);
    screen.line(format_args!("  {BOLD}{:<22}  quakes  strongest{BOLD:#}", "region"))?;
    for (name, count, strongest) in regions.iter().take(REGIONS) {
        let bar = "█".repeat(usize::try_from((count * 30).div_ceil(most)).unwrap_or(0));
        let name = excerpt(name, 22);
        let (count, strongest) = (tally(*count), magnitude(*strongest));
        screen.line(format_args!("  {name:<22}  {count}  {strongest:>9}  {DIM}{bar}{DIM:#}"))?;
    }
    if let Some(others) = regions.get(REGIONS..).filter(|others| !others.is_empty()) {
        let count = tally(others.iter().map(|(_, count, _)| count).sum());
        screen.line(format_args!("  {DIM}{:<22}  {count}{DIM:#}", format!("{} others", others.len())))?;
    }
    Ok(())
}

fn print_strongest(screen: &Screen, state: &Value) -> Done {
    screen.line(format_args!("  {BOLD}{:<22}  strongest{BOLD:#}", "time (UTC)"))?;
    for quake in state["strongest"].as_array().into_iter().flatten().take(STRONGEST) {
        let (Some(strength), Some(time), Some(place)) =
            (quake[0].as_i64(), quake[1].as_u64(), quake[3].as_str())
        else {
            continue;
        };
        let time = utc(troupe_chain::Timestamp(time));
        let place = excerpt(place, 44);
        screen.line(format_args!("  {time:<22}  {BOLD}{}{BOLD:#}  {place}", magnitude(strength)))?;
    }
    Ok(())
}

/// The actor counts in thousandths.
fn magnitude(thousandths: i64) -> String {
    let tenths = (thousandths.abs() + 50) / 100;
    let sign = if thousandths < 0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_are_in_tenths() {
        assert_eq!([7900, 5300, 310, -40, -440].map(magnitude), ["7.9", "5.3", "0.3", "0.0", "-0.4"]);
    }
}
