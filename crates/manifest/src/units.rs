//! Sizes and durations as people write them, on the command line and in files.
//!
//! Deliberately absent: fractions, and numbers that mean a duration without a unit.

use std::time::{Duration, UNIX_EPOCH};

/// Reads a size: bytes, or a number with `KiB`, `MiB`, `GiB`, `kB`, `MB` or `GB`.
///
/// # Errors
/// What was expected instead.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .replace('_', "")
        .parse()
        .map_err(|_| "expected a whole number, or a size with a unit such as 64MiB".to_owned())?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        other => return Err(format!("there is no unit `{other}`; there are KiB, MiB, GiB, kB, MB and GB")),
    };
    number.checked_mul(factor).ok_or_else(|| "that is more than anything can hold".to_owned())
}

/// Reads a duration such as `10s` or `500ms`.
///
/// # Errors
/// What was expected instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a duration such as 10s or 500ms".to_owned())
}

/// Reads how long something may take, such as `10s` or `500ms`; `none` is for ever.
///
/// # Errors
/// What was expected instead.
pub fn deadline(text: &str) -> Result<Option<Duration>, String> {
    if text == "none" {
        return Ok(None);
    }
    let duration = duration(text).map_err(|expected| format!("{expected}, or none"))?;
    if duration.is_zero() {
        return Err("a deadline of zero lets nothing pass; use none for no deadline".into());
    }
    Ok(Some(duration))
}

/// Reads a moment such as `2026-01-01T00:00:00Z`, as milliseconds since 1970.
///
/// # Errors
/// What was expected instead.
pub fn moment(text: &str) -> Result<u64, String> {
    let expected = || "expected a time in UTC such as 2026-01-01T00:00:00Z".to_owned();
    let time = humantime::parse_rfc3339_weak(text).map_err(|_| expected())?;
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| expected())?;
    u64::try_from(since.as_millis()).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_units() {
        assert_eq!(
            ["17", "1KiB", "64MiB", "1 GiB", "2mb"].map(size),
            [17, 1024, 64 << 20, 1 << 30, 2_000_000].map(Ok)
        );
        assert!(size("64 furlongs").unwrap_err().contains("furlongs"));
        assert!(size("").is_err() && size("-1").is_err() && size("99999999999GiB").is_err());
    }

    #[test]
    fn a_deadline_may_be_none_but_not_zero() {
        assert_eq!(deadline("500ms"), Ok(Some(Duration::from_millis(500))));
        assert_eq!(deadline("none"), Ok(None));
        assert!(deadline("0s").is_err() && deadline("soon").is_err());
        assert!(duration("none").is_err() && duration("10").is_err());
    }
}
