//! A table of TOML as canonical JSON (RFC 8785), for an actor's `init`.
//!
//! Invariant: the bytes depend on what the table says, not on how it is written: order, quotes, radix, comments.
//! Deliberately absent: dates and numbers that JSON does not have. They are faults.

use std::ops::Range;

use toml::de::{DeFloat, DeInteger, DeTable, DeValue};
use troupe_chain::MAX_INTEGER;

use crate::fault::{Fault, Source};

/// How deep values may nest. The parser bounds brackets and dotted keys, but not both together.
const MAX_DEPTH: usize = 64;

/// The bytes of a table.
///
/// # Errors
/// A [`Fault`] at a value that JSON does not have.
pub fn canonical_json(source: &Source<'_>, table: &DeTable<'_>) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    write_table(source, table, MAX_DEPTH, &mut out)?;
    Ok(out)
}

/// The bytes of any value.
///
/// # Errors
/// A [`Fault`] at a value that JSON does not have.
pub fn canonical_value(
    source: &Source<'_>,
    value: &DeValue<'_>,
    span: Range<usize>,
) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    write(source, value, span, MAX_DEPTH, &mut out)?;
    Ok(out)
}

fn write_table(
    source: &Source<'_>,
    table: &DeTable<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let mut members: Vec<_> = table.iter().collect();
    // RFC 8785 orders by UTF-16 code units.
    members.sort_by(|(one, _), (other, _)| one.get_ref().encode_utf16().cmp(other.get_ref().encode_utf16()));
    out.push(b'{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(key.get_ref(), out);
        out.push(b':');
        write(source, value.get_ref(), value.span(), depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Writes a value that may have `depth` more levels.
fn write(
    source: &Source<'_>,
    value: &DeValue<'_>,
    span: Range<usize>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(source.fault(span, "this nests too deep"));
    };
    match value {
        DeValue::String(text) => write_text(text, out),
        DeValue::Boolean(flag) => out.extend(flag.to_string().bytes()),
        DeValue::Integer(number) => {
            let what = "this is beyond ±(2^53-1), where readers of JSON disagree; write it as a string";
            let number = integer(number).ok_or_else(|| source.fault(span, what))?;
            out.extend(number.to_string().bytes());
        }
        DeValue::Float(number) => {
            let number = float(number).ok_or_else(|| source.fault(span, "JSON has no such number"))?;
            out.extend(number.bytes());
        }
        DeValue::Datetime(_) => {
            return Err(source.fault(span, "JSON has no dates or times; write it as a string"));
        }
        DeValue::Array(list) => {
            out.push(b'[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(source, value.get_ref(), value.span(), depth, out)?;
            }
            out.push(b']');
        }
        DeValue::Table(table) => write_table(source, table, depth, out)?,
    }
    Ok(())
}

/// The escapes of RFC 8785 are those of serde_json: as few as there can be, and in lower case.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend(serde_json::Value::from(text).to_string().bytes());
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
    (number.unsigned_abs() <= MAX_INTEGER).then_some(number)
}

fn float(number: &DeFloat<'_>) -> Option<String> {
    let number: f64 = number.as_str().parse().ok()?;
    number.is_finite().then(|| ecmascript(number))
}

/// A finite number as ECMAScript writes it, which RFC 8785 asks for.
fn ecmascript(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    // The shortest digits that read back as the same number, as d.ddde±x.
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // The value is 0.DIGITS times 10 to the power of `point`.
    let point = exponent + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or_default());
    if (count..=21).contains(&point) {
        format!("{sign}{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = split(point);
        format!("{sign}{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{dot}{rest}e{exponent:+}")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn json(text: &str) -> Result<String, String> {
        let source = Source { file: Path::new("a.toml"), text };
        let table = crate::section::parse(&source).map_err(|fault| fault.to_string())?;
        let bytes = canonical_json(&source, table.get_ref()).map_err(|fault| fault.to_string())?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn the_same_table_has_the_same_bytes_however_it_is_written() {
        let expect = r#"{"a":{"b":[1,true,"x\"\n\u001fü"],"c":255},"z":1.5}"#;
        let one = "z = 1.5\n[a]\nc = 0xff # all\nb = [1, true, \"x\\\"\\n\\u001fü\"]";
        let other = "a.b = [\n  1,\n  true,\n  'x\"' , ]\na.c = 255\nz = 15e-1";
        assert_eq!(json(one).unwrap(), expect);
        assert_eq!(json(other).unwrap(), expect.replace("\\n\\u001fü", ""));
        assert_eq!(json("").unwrap(), "{}");
    }

    #[test]
    fn keys_are_in_the_order_of_their_utf16() {
        // The example of RFC 8785: U+FB33 comes after a character that takes two units.
        let text = "\"\\uFB33\" = 1\n\"\\U0001F600\" = 2\n\"\\u20ac\" = 3\n\"1\" = 4";
        assert_eq!(json(text).unwrap(), "{\"1\":4,\"€\":3,\"😀\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn numbers_are_written_as_ecmascript_does() {
        for (number, expect) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (100.0, "100"),
            (1e21, "1e+21"),
            (123e18, "123000000000000000000"),
            (333_333_333.333_333_3, "333333333.3333333"),
            (0.000_001, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_992.0, "9007199254740992"),
        ] {
            assert_eq!(ecmascript(number), expect);
        }
    }

    #[test]
    fn what_json_does_not_have_is_a_fault_at_its_place() {
        for (text, place, what) in [
            ("a = [1, 2026-11-21]", ":1:9: ", "dates"),
            ("a = 1\nb = inf", ":2:5: ", "no such number"),
            ("a = 9007199254740992", ":1:5: ", "2^53-1"),
            (&format!("{} = {{ {} = 1 }}", "a.".repeat(40) + "a", "a.".repeat(40) + "a"), ":1:", "too deep"),
            ("a = -9007199254740992", ":1:5: ", "2^53-1"),
        ] {
            let fault = json(text).unwrap_err();
            assert!(fault.contains(place) && fault.contains(what), "{fault}");
        }
    }
}
