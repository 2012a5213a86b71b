//! Values as people write them: sizes, durations, limits, JSON from the command line, a file or standard input.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::failure::Failure;

/// Reads a size: bytes, or a number with `KiB`, `MiB`, `GiB`, `kB`, `MB` or `GB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .replace('_', "")
        .parse()
        .map_err(|_| "expected a whole number of bytes, or one with a unit such as 64MiB".to_owned())?;
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

/// Reads `NAME=VALUE`, VALUE as a [`size`].
pub(super) fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as state=8MiB")?;
    Ok((name.trim().to_owned(), size(value)?))
}

/// Reads a duration such as `10s` or `500ms`; `none` is none.
pub(super) fn deadline(text: &str) -> Result<Deadline, String> {
    if text == "none" {
        return Ok(Deadline(None));
    }
    let duration = humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as 10s or 500ms, or none".to_owned())?;
    if duration.is_zero() {
        return Err("a deadline of zero lets nothing pass; use none for no deadline".into());
    }
    Ok(Deadline(Some(duration)))
}

/// A deadline, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(pub(super) Option<Duration>);

/// A time as a person reads it, in UTC.
pub(super) fn utc(at: troupe_chain::Timestamp) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(at.0));
    // Years beyond 9999 have no such form.
    match time.filter(|_| at.0 < 253_402_300_800_000) {
        Some(time) => humantime::format_rfc3339_seconds(time).to_string().replace('T', " ").replace('Z', ""),
        None => format!("{} ms", at.0),
    }
}

/// Reads `JSON`, `@FILE` or `-`; the bytes stay as they are.
pub(super) fn payload(text: &str) -> Result<Vec<u8>, Failure> {
    match text.strip_prefix('@') {
        Some(path) => file(Path::new(path)),
        None if text == "-" => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(|error| Failure::cannot(format_args!("cannot read standard input: {error}")))?;
            Ok(bytes)
        }
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// Reads a file.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::cannot(format_args!("cannot read {}: {error}", path.display())))
}

/// Checks that bytes given on the command line are JSON at all.
pub(super) fn check_json(bytes: &[u8], what: &str) -> Result<(), Failure> {
    match serde_json::from_slice::<&serde_json::value::RawValue>(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::cannot(format_args!("{what} is not JSON: {error}")).help(
            "quote JSON for the shell, as in '{\"add\":1}', or give a file as @FILE, or - for standard input",
        )),
    }
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
    fn limits_have_a_name_and_a_value() {
        assert_eq!(limit("state=8MiB"), Ok(("state".into(), 8 << 20)));
        assert!(limit("state").is_err());
    }

    #[test]
    fn a_deadline_may_be_none_but_not_zero() {
        assert_eq!(deadline("500ms").unwrap().0, Some(Duration::from_millis(500)));
        assert_eq!(deadline("none").unwrap().0, None);
        assert!(deadline("0s").is_err() && deadline("soon").is_err());
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(utc(troupe_chain::Timestamp(1_517_363_399_650)), "2018-01-31 01:49:59");
        assert_eq!(utc(troupe_chain::Timestamp(u64::MAX)), "18446744073709551615 ms");
    }
}
