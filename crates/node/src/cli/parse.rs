//! Values as people write them: sizes, durations, times, limits, JSON from the command line, a file or standard input.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use troupe::units::size;

use super::failure::Failure;

/// Reads `NAME=VALUE`, VALUE as a [`size`].
pub(super) fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as state=8MiB")?;
    Ok((name.trim().to_owned(), size(value)?))
}

/// Reads a duration such as `10s` or `500ms`; `none` is none.
pub(super) fn deadline(text: &str) -> Result<Deadline, String> {
    troupe::units::deadline(text).map(Deadline)
}

/// A deadline, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(pub(super) Option<Duration>);

/// This machine's time, in milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as a person reads it, in UTC.
pub(super) fn utc(at: troupe_chain::Timestamp) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(at.0));
    // Years beyond 9999 have no such form.
    match time.filter(|_| at.0 < 253_402_300_800_000) {
        Some(time) => humantime::format_rfc3339_seconds(time).to_string().replace('T', " ").replace('Z', ""),
        None => format!("{} ms", at.0),
    }
}

/// A word as a shell takes it: in quotes if it has to be.
pub(super) fn shell_word(word: &str) -> std::borrow::Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")).into(),
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
    fn limits_have_a_name_and_a_value() {
        assert_eq!(limit("state=8MiB"), Ok(("state".into(), 8 << 20)));
        assert!(limit("state").is_err());
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(utc(troupe_chain::Timestamp(1_517_363_399_650)), "2018-01-31 01:49:59");
        assert_eq!(utc(troupe_chain::Timestamp(u64::MAX)), "18446744073709551615 ms");
    }
}
