//! A table `supervision`: what is done about an actor that fails again and again.

use std::time::Duration;

use troupe_chain::{OnFailure, Supervision};

use crate::fault::{Fault, unknown};
use crate::section::Section;

/// The largest number of failures or restarts that can be asked for.
const MAX_COUNT: u64 = 1_000;
/// The longest time that failures are counted over, and the longest wait.
const MAX_WAIT: Duration = Duration::from_hours(24 * 30);
const KEYS: &[&str] = &["backoff", "failures", "max-backoff", "max-restarts", "on-failure", "within"];

/// Reads `supervision`; what is not said stays as it is by default.
///
/// # Errors
/// A [`Fault`] with its place.
pub(crate) fn supervision(section: &Section<'_>) -> Result<Supervision, Fault> {
    let mut supervision = Supervision::default();
    let Some(table) = section.section("supervision", KEYS)? else { return Ok(supervision) };
    let names: Vec<_> = OnFailure::ALL.iter().map(|one| one.as_str()).collect();
    let on_failure = |text: &str| OnFailure::parse(text).ok_or_else(|| unknown("action", text, &names));
    if let Some(at) = table.read("on-failure", on_failure)? {
        supervision.on_failure = at.value;
    }
    let count = |key: &str, min: u64| table.number(key, (min, MAX_COUNT));
    supervision.failures = count("failures", 1)?.unwrap_or(supervision.failures);
    supervision.max_restarts = count("max-restarts", 0)?.unwrap_or(supervision.max_restarts);
    let within = table.read("within", |text| wait(text, 1))?;
    supervision.within = within.map_or(supervision.within, |at| at.value);
    let backoff = table.read("backoff", |text| wait(text, 0))?;
    let max_backoff = table.read("max-backoff", |text| wait(text, 0))?;
    supervision.backoff = backoff.as_ref().map_or(supervision.backoff, |at| at.value);
    supervision.max_backoff = max_backoff.as_ref().map_or(supervision.max_backoff, |at| at.value);
    if supervision.backoff > supervision.max_backoff {
        let time = |ms| humantime::format_duration(Duration::from_millis(ms));
        let what = format_args!(
            "`backoff` of {} is longer than `max-backoff` of {}",
            time(supervision.backoff),
            time(supervision.max_backoff)
        );
        return Err(match max_backoff.or(backoff) {
            Some(at) => table.source.fault(at.span, what),
            None => table.fault(what),
        });
    }
    Ok(supervision)
}

/// A duration in milliseconds.
fn wait(text: &str, min: u64) -> Result<u64, String> {
    let duration = crate::units::duration(text)?;
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms < min || duration > MAX_WAIT {
        let longest = humantime::format_duration(MAX_WAIT);
        return Err(format!("expected a duration from {min}ms to {longest}"));
    }
    Ok(ms)
}
