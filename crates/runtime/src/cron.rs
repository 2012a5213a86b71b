//! When a cron expression is due next.
//!
//! Five fields (minute, hour, day of month, month, day of week), or six with seconds in front; times are in UTC.

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};

/// The first time that fits after `after`, both in milliseconds since 1970.
///
/// # Errors
/// What is wrong with the expression, or that no time fits.
pub(crate) fn next(expression: &str, after: u64) -> Result<u64, String> {
    let cron = parse(expression)?;
    let millis = i64::try_from(after).map_err(|_| "the time is too far ahead".to_owned())?;
    let Some(after) = DateTime::<Utc>::from_timestamp_millis(millis) else {
        return Err("the time is too far ahead".to_owned());
    };
    let next = cron.find_next_occurrence(&after, false);
    let next = next.map_err(|error| format!("no time fits `{expression}`: {error}"))?;
    u64::try_from(next.timestamp_millis()).map_err(|_| format!("no time fits `{expression}`"))
}

/// The last time that fits at or before `now`, if it is after `from`, and the first after `now`.
pub(crate) fn last_and_next(expression: &str, due: u64, now: u64) -> Result<(u64, u64), String> {
    let mut last = due;
    let mut following = next(expression, due)?;
    // Steps over what was missed; a day of seconds is quick, more than that is skipped at once.
    let mut steps = 0;
    while following <= now {
        steps += 1;
        last = following;
        following = if steps < 1000 { next(expression, following)? } else { next(expression, now)? };
    }
    Ok((last, following))
}

fn parse(expression: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Optional).build();
    parser.parse(expression).map_err(|error| format!("`{expression}` is not a cron expression: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2001-01-01T00:00:00Z.
    const START: u64 = 978_307_200_000;

    #[test]
    fn five_fields_are_minutes_and_six_begin_with_seconds() {
        assert_eq!(next("*/5 * * * *", START), Ok(START + 300_000));
        assert_eq!(next("*/5 * * * * *", START), Ok(START + 5000));
        assert_eq!(next("0 0 29 2 *", START), Ok(1_078_012_800_000));
    }

    #[test]
    fn what_is_no_expression_or_never_fits_is_an_error() {
        assert!(next("every day", START).unwrap_err().contains("every day"));
        assert!(next("0 0 31 2 *", START).is_err());
        assert!(next("* * * * *", u64::MAX).is_err());
    }

    #[test]
    fn of_what_was_missed_the_last_is_told() {
        let minute = 60_000;
        assert_eq!(
            last_and_next("* * * * *", START, START + 10 * minute + 5),
            Ok((START + 10 * minute, START + 11 * minute))
        );
        assert_eq!(last_and_next("* * * * *", START, START), Ok((START, START + minute)));
    }
}
