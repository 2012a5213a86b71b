//! What there is no code for is an error with its place.

use serde_json::json;
use troupe_schema::contracts::{Language, contracts};

fn why(message: &serde_json::Value, language: Language) -> String {
    match contracts(&json!({ "message": message }).to_string(), language, "") {
        Ok(code) => panic!("{message} has code:\n{code}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_no_language_has_is_told_with_its_place() {
    for (message, told) in [
        (json!({"type": "integer", "multipleOf": 2}), "at /message: there is no code for `multipleOf`"),
        (json!({"type": "string", "pattern": "a"}), "from ^ to $"),
        (json!({"type": "string", "pattern": "^(ab|cd)$"}), "alternatives"),
        (json!({"type": "string", "pattern": "^a*ab$"}), "can end at different places"),
        (json!({"type": "string", "pattern": "^\\w$"}), "ranges"),
        (json!({"type": "array", "items": {"minimum": 1}}), "at /message/items: it wants a `type`"),
        (json!({"type": "array", "uniqueItems": true}), "uniqueItems"),
        (json!({"type": "object", "properties": {"a": true}}), "additionalProperties"),
        (json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}), "its alternatives differ neither"),
        (json!({"enum": [1, 2]}), "1 is neither"),
        (json!({"type": "string", "enum": [null]}), "null is not of its `type`"),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}),
            "within itself",
        ),
        (json!({"allOf": [{"type": "null"}]}), "`allOf`"),
    ] {
        let found = why(&message, Language::Rust);
        assert!(found.contains(told), "{message}: {found}");
    }
}

#[test]
fn what_one_language_cannot_say_is_told() {
    let member = |name: &str| json!({"type": "object", "additionalProperties": false, "properties": {name: {"type": "null"}}, "required": [name]});
    assert!(
        why(&member("from"), Language::Python).contains("`from` cannot be the name of a field in Python")
    );
    assert!(why(&json!({"type": "number", "minimum": 0.5}), Language::C).contains("limits of numbers"));
    let mut twice = member("a-b");
    twice["properties"]["a_b"] = json!({"type": "null"});
    assert!(why(&twice, Language::Rust).contains("two of its names are `a_b`"));
}

#[test]
fn a_description_of_nothing_has_no_code() {
    let error = contracts("{}", Language::Rust, "").unwrap_err();
    assert_eq!(error.to_string(), "it has none of message, state, config and reply");
}
