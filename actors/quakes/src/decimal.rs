//! Decimal numbers as integers: what is written `2.35` is 2350 thousandths, without a float in between.

/// Reads a plain decimal number as a count of `10^-digits`, rounding half away from zero.
///
/// `None` if the text is not an optional minus, digits, and optionally a point and digits; or if it does not fit.
pub(crate) fn parse(text: &str, digits: usize) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut value: i64 = 0;
    let kept = fraction.bytes().chain(std::iter::repeat(b'0')).take(digits);
    for digit in whole.bytes().chain(kept) {
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    if fraction.as_bytes().get(digits).is_some_and(|&digit| digit >= b'5') {
        value = value.checked_add(1)?;
    }
    Some(if negative { -value } else { value })
}

/// Writes thousandths as a plain decimal number, with at least one digit after the point.
pub(crate) fn thousandths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:03}", value.unsigned_abs() / 1000, value.unsigned_abs() % 1000);
    let digits = text.trim_end_matches('0');
    if digits.ends_with('.') { format!("{digits}0") } else { digits.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_decimals_are_read_exactly() {
        for (text, value) in [
            ("0", 0),
            ("-0.8", -800),
            ("2.35", 2350),
            ("5", 5000),
            ("-0", 0),
            ("0.0004", 0),
            ("1.9995", 2000),
            ("-1.9995", -2000),
            ("1.99949", 1999),
        ] {
            assert_eq!(parse(text, 3), Some(value), "{text}");
        }
        assert_eq!(parse("-122.1970001", 6), Some(-122_197_000));
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "-", ".5", "5.", "1e3", "+1", " 1", "1.2.3", "9999999999999999999", "null", "\"1\""]
        {
            assert_eq!(parse(text, 3), None, "{text}");
        }
    }

    #[test]
    fn thousandths_are_written_without_needless_zeros() {
        for (value, text) in [(0, "0.0"), (5300, "5.3"), (-800, "-0.8"), (-50, "-0.05"), (2001, "2.001")] {
            assert_eq!(thousandths(value), text);
        }
    }
}
