//! What is a schema, and what is not.

use serde_json::json;
use troupe_schema::{Description, MAX_DEPTH, Schema};

#[test]
fn a_keyword_that_cannot_be_used_is_told_with_its_place() {
    for (schema, expect) in [
        (json!(1), "a schema is an object, true or false"),
        (json!({"type": "int"}), "at /type: it must be one or several of array"),
        (
            json!({"properties": {"a/b": {"minimum": "1"}}}),
            "at /properties/a~1b/minimum: it must be a number",
        ),
        (json!({"oneOf": []}), "at /oneOf: it must be a list of schemas that is not empty"),
        (json!({"pattern": "["}), "at /pattern: `[` is no regular expression"),
        (json!({"$ref": "#/$defs/no"}), "at /$ref: `#/$defs/no` leads to no schema within this one"),
        (json!({"$ref": "https://a.example/b"}), "leads to no schema within this one"),
        (json!({"unevaluatedProperties": false}), "`unevaluatedProperties` is not supported here"),
        (json!({"minItems": -1}), "at /minItems: it must be a whole number"),
        (json!({"required": "a"}), "at /required: it must be a list of names"),
        (json!({"multipleOf": 0}), "at /multipleOf: it must be a number above 0"),
    ] {
        let error = Schema::new(schema.clone()).unwrap_err().to_string();
        assert!(error.contains(expect), "{schema}: {error}");
    }
}

#[test]
fn annotations_say_nothing_and_formats_neither() {
    let schema = json!({"title": "a", "format": "uint64", "x-mine": {"type": 7}, "$comment": "b"});
    assert!(Schema::new(schema).unwrap().accepts(&json!("anything")));
}

#[test]
fn a_schema_that_is_too_deep_or_too_large_is_refused() {
    let deep = (0..=MAX_DEPTH).fold(json!(true), |schema, _| json!({"not": schema}));
    assert!(Schema::new(deep).unwrap_err().to_string().contains("nests deeper"));
    let large = json!({"enum": ["x".repeat(troupe_schema::MAX_SCHEMA)]});
    assert!(Schema::new(large).unwrap_err().to_string().contains("more than"));
}

#[test]
fn a_description_has_four_parts_and_each_may_be_absent() {
    let description = Description::parse(r#"{"message":true,"reply":{}}"#).unwrap();
    assert!(description.message.is_some() && description.reply.is_some());
    assert!(description.state.is_none() && description.config.is_none());
    for (text, expect) in [
        ("[]", "it is not a JSON object"),
        (r#"{"messages":{}}"#, "it has a member `messages`"),
        (r#"{"state":{"type":"x"}}"#, "its `state` is no schema: at /type:"),
    ] {
        let error = Description::parse(text).unwrap_err().to_string();
        assert!(error.contains(expect), "{text}: {error}");
    }
}
