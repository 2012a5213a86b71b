//! The search, and how its input and output are written.

/// The longest range that is searched; the limits of the job end it sooner.
pub(crate) const MAX_RANGE: u64 = 100_000_000;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) count: u64,
    pub(crate) largest: Option<u64>,
}

/// The primes from `from` up to `to`, both included.
pub(crate) fn search(from: u64, to: u64) -> Found {
    let mut found = Found { count: 0, largest: None };
    for number in from..=to {
        if is_prime(number) {
            found.count += 1;
            found.largest = Some(number);
        }
    }
    found
}

fn is_prime(number: u64) -> bool {
    if number < 4 {
        return number > 1;
    }
    if number % 2 == 0 || number % 3 == 0 {
        return false;
    }
    let mut divisor = 5;
    while divisor <= number / divisor {
        if number % divisor == 0 || number % (divisor + 2) == 0 {
            return false;
        }
        divisor += 6;
    }
    true
}

/// Reads `{"from":N,"to":N}`, in any order and with any white space; `None` for anything else, or too long a range.
pub(crate) fn read(input: &[u8]) -> Option<(u64, u64)> {
    let text = core::str::from_utf8(input).ok()?;
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (mut from, mut to) = (None, None);
    for member in inside.split(',') {
        let (key, value) = member.split_once(':')?;
        let place = match key.trim() {
            "\"from\"" => &mut from,
            "\"to\"" => &mut to,
            _ => return None,
        };
        if place.replace(value.trim().parse::<u64>().ok()?).is_some() {
            return None;
        }
    }
    let (from, to) = (from?, to?);
    (from <= to && to - from <= MAX_RANGE).then_some((from, to))
}

/// Writes what was found as JSON.
pub(crate) fn write(found: &Found) -> String {
    match found.largest {
        Some(largest) => format!("{{\"count\":{},\"largest\":{largest}}}", found.count),
        None => "{\"count\":0}".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_primes_as_are_known() {
        for (to, count, largest) in [(10, 4, 7), (100, 25, 97), (10_000, 1229, 9973), (100_000, 9592, 99_991)]
        {
            assert_eq!(search(0, to), Found { count, largest: Some(largest) });
        }
        assert_eq!(write(&search(24, 28)), "{\"count\":0}");
        assert_eq!(write(&search(2, 2)), "{\"count\":1,\"largest\":2}");
    }

    #[test]
    fn an_input_is_two_numbers_and_nothing_else() {
        assert_eq!(read(b"{\"from\":2,\"to\":10}"), Some((2, 10)));
        assert_eq!(read(b" { \"to\" : 10 , \"from\" : 2 } "), Some((2, 10)));
        let bad: [&[u8]; 9] = [
            b"",
            b"{}",
            b"{\"from\":2}",
            b"{\"from\":2,\"to\":1}",
            b"{\"from\":2,\"from\":3,\"to\":4}",
            b"{\"from\":-2,\"to\":1}",
            b"{\"from\":0,\"to\":200000000}",
            b"{\"from\":0,\"to\":1,\"x\":1}",
            b"\xff",
        ];
        for input in bad {
            assert_eq!(read(input), None);
        }
    }
}
