//! Where two states differ, member by member.

use serde_json::Value;

use super::screen::excerpt;

/// The most characters of a value that is shown.
const MAX_VALUE: usize = 60;
/// The most differences that are shown.
const MAX_SHOWN: usize = 12;

/// One line for each difference, as `path  before → after`.
pub(in crate::cli) fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(&mut String::new(), Some(before), Some(after), &mut found);
    if found.len() > MAX_SHOWN {
        let more = found.len() - MAX_SHOWN;
        found.truncate(MAX_SHOWN);
        found.push(format!("and {more} more"));
    }
    found
}

fn compare(path: &mut String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<String>) {
    if before == after {
        return;
    }
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (before, after) {
        let added = after.keys().filter(|key| !before.contains_key(*key));
        for key in before.keys().chain(added) {
            let length = path.len();
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(key);
            compare(path, before.get(key), after.get(key), found);
            path.truncate(length);
        }
        return;
    }
    if let (Some(Value::Array(before)), Some(Value::Array(after))) = (before, after) {
        for index in 0..before.len().max(after.len()) {
            let length = path.len();
            path.push_str(&format!("[{index}]"));
            compare(path, before.get(index), after.get(index), found);
            path.truncate(length);
        }
        return;
    }
    let shown = |value: Option<&Value>| value.map(|value| excerpt(&value.to_string(), MAX_VALUE));
    let change = match (shown(before), shown(after)) {
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (None, Some(after)) => format!("+ {after}"),
        (Some(before), None) => format!("- {before}"),
        (None, None) => return,
    };
    found.push(if path.is_empty() { change } else { format!("{path}  {change}") });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_member_that_differs_has_its_line() {
        let before = json!({"a": 1, "b": {"c": [1, 2]}, "gone": null, "same": {}});
        let after = json!({"a": 2, "b": {"c": [1, 3, 4]}, "new": "x", "same": {}});
        let expected = ["a  1 → 2", "b.c[1]  2 → 3", "b.c[2]  + 4", "gone  - null", "new  + \"x\""];
        assert_eq!(differences(&before, &after), expected);
        assert_eq!(differences(&before, &before), [""; 0]);
        assert_eq!(differences(&json!(1), &json!([])), ["1 → []"]);
    }

    #[test]
    fn what_is_long_is_cut() {
        let many: Vec<_> = (0..100).collect();
        let found = differences(&json!(many), &json!([]));
        assert_eq!((found.len(), found[12].as_str()), (13, "and 88 more"));
        assert!(differences(&json!(null), &json!("x".repeat(1000)))[0].chars().count() < 80);
    }
}
