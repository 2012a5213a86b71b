//! Where two JSON values differ, path by path.

use serde_json::Value;

/// The most characters of a value that a change shows.
const MAX_SHOWN: usize = 200;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A JSON pointer; empty for the whole.
    pub path: String,
    /// What was expected; none if nothing was.
    pub expected: Option<String>,
    /// What was found; none if nothing was.
    pub found: Option<String>,
}

/// Whether two values are the same in the sense of JSON: 1 and 1.0 are, and the order of members does not matter.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || same_float(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let member = |(key, one): (&String, &Value)| other.get(key).is_some_and(|other| same(one, other));
            one.len() == other.len() && one.iter().all(member)
        }
        _ => one == other,
    }
}

fn same_float(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
}

/// Every difference, in the order of paths.
pub(crate) fn changes(expected: &Value, found: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    walk(String::new(), Some(expected), Some(found), &mut changes);
    changes
}

fn walk(path: String, expected: Option<&Value>, found: Option<&Value>, out: &mut Vec<Change>) {
    match (expected, found) {
        (Some(expected), Some(found)) if same(expected, found) => {}
        (Some(Value::Object(expected)), Some(Value::Object(found))) => {
            let added = found.keys().filter(|key| !expected.contains_key(*key));
            for key in expected.keys().chain(added) {
                let step = key.replace('~', "~0").replace('/', "~1");
                walk(format!("{path}/{step}"), expected.get(key), found.get(key), out);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(found))) => {
            for index in 0..expected.len().max(found.len()) {
                walk(format!("{path}/{index}"), expected.get(index), found.get(index), out);
            }
        }
        (expected, found) => {
            let (expected, found) = (expected.map(shown), found.map(shown));
            out.push(Change { path, expected, found });
        }
    }
}

/// A value in one line of moderate length.
pub(crate) fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

/// Bytes in one line of moderate length.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => cut(text),
        Err(_) => format!("{} bytes that are not text", bytes.len()),
    }
}

fn cut(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(MAX_SHOWN).map(plain).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told_with_its_path() {
        let expected = json!({"a": 1, "b": {"c/d": [1, 2]}, "gone": null});
        let found = json!({"a": 1.0, "b": {"c/d": [1, 3, 4]}, "new": "x"});
        let change = |path: &str, expected: Option<&str>, found: Option<&str>| Change {
            path: path.into(),
            expected: expected.map(Into::into),
            found: found.map(Into::into),
        };
        assert_eq!(
            changes(&expected, &found),
            [
                change("/b/c~1d/1", Some("2"), Some("3")),
                change("/b/c~1d/2", None, Some("4")),
                change("/gone", Some("null"), None),
                change("/new", None, Some("\"x\"")),
            ]
        );
        assert_eq!(changes(&expected, &expected), []);
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = changes(&json!("x".repeat(1000)), &json!(1));
        assert_eq!(long[0].expected.as_ref().map(|text| text.chars().count()), Some(MAX_SHOWN + 1));
    }
}
